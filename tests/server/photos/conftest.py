"""A library of drawn faces, and the page that names them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.images import write_image
from faces.photos import contents, groups
from faces.photos.library import Library
from faces.photos.records import Face
from faces.photos.regrouping import regroup
from faces.server.photos.application import create_app
from faces.server.photos.context import Naming
from faces.synthetic.people import CAST
from faces.synthetic.scenes import portrait
from tests.photos.libraries import MODELS, add, person

SECRET = "the secret of the address"
PEOPLE = (5, 4, 3)  # photographs of each person


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of three people, drawn, and their library: five, four and three faces, a group each."""
    folder = tmp_path_factory.mktemp("album")
    with Library(folder / "output" / "photos.sqlite", create=True) as library:
        library.set_models(MODELS, "")
        for number, count in enumerate(PEOPLE):
            drawn = cv2.resize(portrait(CAST[number], np.random.default_rng(number)).image, (200, 200))
            for k, embedding in enumerate(person(number, count)):
                path = folder / f"{number}-{k}.jpg"
                write_image(path, np.asarray(drawn, np.uint8))
                add(library, path, embedding[None])
        regroup(library)
    return folder


@dataclass
class Site:
    """The page, before a client that was let in."""

    path: Path
    app: Any
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        assert self.client.get(f"/enter/{SECRET}").status_code == 302

    def faces(self, **which: Any) -> list[Face]:
        with Library(self.path) as library:
            return list(contents.faces(library, **which))

    def groups(self) -> list[groups.Group]:
        with Library(self.path) as library:
            return list(groups.groups(library))

    def fields(self, page: str = "/") -> dict[str, str]:
        """The hidden fields of a page's forms."""
        text = self.client.get(page).text
        return dict(re.findall(r'name="(csrf_token|state)" value="([^"]+)"', text))

    def answer(self, action: str, page: str, **values: Any) -> str:
        """Send a form as a page shows it; return the text of the page after it."""
        return str(self.client.post(action, data=self.fields(page) | values, follow_redirects=True).text)


@pytest.fixture
def site(album: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(album / "output", tmp_path / "output")
    path = tmp_path / "output" / "photos.sqlite"
    yield Site(path, create_app(Naming(path), SECRET))
