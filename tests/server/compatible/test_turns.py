"""A picture is in work (see ``PixelLimit``) until nothing uses it any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from faces.server.api.context import services
from faces.server.compatible import subjects
from faces.server.vision.vision import Vision
from tests.server.compatible.test_compreface import ok as compreface
from tests.server.compatible.test_compreface import send
from tests.server.compatible.test_deepstack import ok as deepstack
from tests.server.pages.conftest import SeeingVision, Site


@pytest.fixture
def in_work(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Pixels in work whenever something uses a picture, by what uses it."""
    pixels: dict[str, list[int]] = {}

    def watch(owner: Any, name: str) -> None:
        work: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            pixels.setdefault(name, []).append(services().vision._pixels.in_work)
            return work(*arguments)

        monkeypatch.setattr(owner, name, watched)

    watch(SeeingVision, "attributes")
    watch(Vision, "meshes")
    watch(subjects, "cut_out")
    return pixels


def test_compreface(site: Site, in_work: dict[str, list[int]]) -> None:
    compreface(site, "POST", "faces", "Ada.png", params={"subject": "Ada"}, status=201)
    compreface(site, "POST", "recognize", "Ada-Cleo.png", params={"face_plugins": "gender"})
    send(site, "POST", "recognize", "Ada-Cleo.png", params={"face_plugins": "landmarks"})  # squares have none: 500
    assert set(in_work) == {"attributes", "meshes", "cut_out"} and min(min(pixels) for pixels in in_work.values()) > 0


def test_deepstack(site: Site, in_work: dict[str, list[int]]) -> None:
    deepstack(site, "/register", "Ada.png", "Ada.png", userid="Ada")
    assert len(in_work["cut_out"]) == 2 and min(in_work["cut_out"]) > 0
