"""A running server with coloured squares for faces, and the requests of clients to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.conftest import PHOTOGRAPHS, photograph
from tests.server.pages.conftest import Site, serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("compatible")
    for name, data in PHOTOGRAPHS.items():
        (folder / f"{name}.png").write_bytes(data)
    (folder / "Ada-Cleo.png").write_bytes(photograph("Ada", "Cleo"))
    (folder / "nobody.png").write_bytes(photograph())
    with serving(folder) as site:
        yield site


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    """The server, without people before and after."""
    yield shared
    for person in shared.enrolled.list_all():
        shared.enrolled.remove_person(person.id)
