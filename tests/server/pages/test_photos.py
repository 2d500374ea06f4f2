"""Name the people of photographs in a browser, in both languages; every page is looked over by axe."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from faces.server.listening import Listener
from faces.server.photos.application import create_app
from faces.server.photos.context import Naming
from tests.server.pages.conftest import TIMEOUT, RecordingCatalogue
from tests.server.pages.test_accessibility import check
from tests.server.photos.conftest import SECRET, album

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["album"]

WORDS = {
    "en": ("3 questions left", "5 faces are Ada.", "1 face is taken out.", "one person.", "taken back."),
    "es": ("Quedan 3 preguntas", "5 caras son de Ada.", "Se ha sacado 1 cara.", "son una persona.", "se ha deshecho."),
}


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    shutil.copytree(request.getfixturevalue("album") / "output", tmp_path / "output")
    listener = Listener(create_app(Naming(tmp_path / "output" / "photos.sqlite"), SECRET), "127.0.0.1", 0, 4)
    thread = Thread(target=listener.run)
    thread.start()
    yield f"{listener.url}/enter/{SECRET}"
    listener.stop()
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param("en", marks=pytest.mark.exhaustive), "es"])
def test_name_split_merge_and_undo(address: str, browser: Browser, spoken: RecordingCatalogue, code: str) -> None:
    left, named, out, one, back = WORDS[code]
    with browser.new_context(locale=code, bypass_csp=True, reduced_motion="reduce") as context:
        context.set_default_timeout(TIMEOUT)
        page = context.new_page()

        def press(selector: str, says: str) -> None:
            with page.expect_navigation():
                page.click(selector)
            assert says in page.inner_text("main")

        page.goto(address)
        assert left in page.inner_text("main")
        assert page.evaluate("[...document.images].every(one => one.naturalWidth == 192)")
        check(page)
        page.fill("#name", "Ada")
        press("form:has(#name) button", named)
        check(page)
        page.check("[name=face] >> nth=0")
        press("button[formaction$=split]", out)
        press("a[href$=merge]", "Ada")
        check(page)
        press("button[name=other] >> nth=-1", one)
        press("nav a[href$=answers]", "Ada")
        check(page)
        press("main li button >> nth=0", back)
        for path in ("groups", "people"):
            page.click(f"nav a[href$={path}]")
            page.wait_for_url(f"**/{path}")
            check(page)
        page.click("main .people a >> nth=0")
        page.wait_for_url("**/groups/*")
        page.check("[name=face] >> nth=0")
        press("button[formaction$=person]", "Ada")
        check(page)
    assert not spoken.missing
