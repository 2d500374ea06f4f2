"""Pictures on pages: labels beside faces, a picture that stands still, and large pictures, which are shrunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from faces.server.pages.pictures import Mark, View
from faces.types import Faces, Floats, Image
from tests.server.pages.conftest import Open, SeeingVision, Site
from tests.server.pages.test_flows import press, send, text

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

OVERLAPS = """() => {
    const areas = [...document.querySelectorAll(".overlay text")].map((text) => text.getBoundingClientRect());
    return areas.filter((one, k) => areas.slice(k + 1).some((other) =>
        one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom)).length;
}"""


def neighbours(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch, *lefts: float) -> None:
    """Show faces of 40 px beside each other in a picture 320 px wide."""
    boxes = np.array([(left, 80, left + 40, 120) for left in lefts], np.float32)
    embeddings: Floats = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)[: len(boxes)]

    def find(_: SeeingVision, image: Image) -> tuple[Faces, Floats]:
        return Faces(boxes, np.ones(len(boxes), np.float32)), embeddings

    monkeypatch.setattr(SeeingVision, "find", find)
    page.set_input_files("#picture", site.folder / "Ada.png")
    send(page)


@pytest.mark.parametrize("width", [360, 1280])
def test_labels_of_neighbours_do_not_cover_each_other(
    visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    for name, axis in (("WILHELMINA WWWWW", 0), ("Maximiliano María", 1)):
        site.enrolled.enrol(name, np.eye(3, dtype=np.float32)[axis], b"", b"")
    page = visit("/recognize", width=width)
    neighbours(page, site, monkeypatch, 140, 150, 160)
    labels = page.locator(".overlay text:not(.line)").all_text_contents()
    assert [label.split()[0] for label in labels] == ["WILHELMINA", "Maximiliano", "3"]
    assert page.evaluate(OVERLAPS) == 0


def test_a_label_that_has_no_place_is_left_out_and_a_long_one_is_cut() -> None:
    marks = tuple(
        Mark(0, 0, 40, 40, label="a name that is much wider than the picture", lines=("x",)) for _ in range(30)
    )
    texts = View(40, 40, marks).texts()
    labels = [label for label, _ in texts if label]
    assert 1 <= len(labels) < 30 and all(label.words.endswith("…") for label in labels)
    assert len({(label.x, label.y) for label in labels}) == len(labels)
    assert View(40, 40).texts() == []


def test_a_face_that_was_named_is_no_longer_unknown(visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit("/recognize")
    neighbours(page, site, monkeypatch, 140, 240)
    for k, (name, shown) in enumerate((("Ada", "Ada"), ("Cleopatra Wilhelmina of Alexandria", "2"))):
        page.fill(f"#name-{k + 1}", name)
        press(page, f".faces > li:nth-child({k + 1}) .naming")
        page.wait_for_selector(f".faces > li:nth-child({k + 1}) .named")
        assert text(page, f".faces > li:nth-child({k + 1}) strong >> nth=0") == name
        assert page.locator(".overlay text:not(.line)").all_text_contents()[k] == shown
    assert "nknown" not in text(page, "#result") and page.locator(".overlay .unknown").count() == 0
    assert page.evaluate(OVERLAPS) == 0


def wait_for(page: Page, requests: list[Route], count: int) -> None:
    for _ in range(1200):  # a minute
        if len(requests) >= count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(requests)} requests, not {count}")


def test_hold_freezes_the_picture_before_the_answer(visit: Open) -> None:
    page = visit("/recognize")
    page.click("#open")
    page.wait_for_selector("#live-results .faces li")
    waiting: list[Route] = []
    page.route("**/recognize", lambda route: waiting.append(route))
    wait_for(page, waiting, 1)  # a picture of the live view
    page.click("#pause")
    wait_for(page, waiting, 2)  # and the held one
    assert page.is_visible("#video") and page.evaluate("document.getElementById('video').paused")
    assert page.locator("#live *").count() == 0 and not page.is_visible("#pause")
    waiting[-1].continue_()
    page.wait_for_selector("#result .faces li")
    assert not page.is_visible("#video") and page.is_visible("#open")


def test_a_large_photograph_is_shrunk_in_the_browser(visit: Open, site: Site) -> None:
    noise = np.random.default_rng(1).integers(0, 40, (1500, 1500, 3), np.uint8)
    noise[300:900, 300:900] = (255, 0, 0)  # Ada
    cv2.imwrite(str(site.folder / "phone.png"), noise)
    assert (site.folder / "phone.png").stat().st_size > 3 << 20
    page = visit("/train")
    assert "MB" not in text(page)
    page.fill("#name", "Ada")
    page.set_input_files("#picture", site.folder / "phone.png")
    send(page)  # waits for the smaller picture
    assert "Created Ada" in text(page, ".named")
    (site.folder / "unreadable.heic").write_bytes(b"x" * (4 << 20))
    page.set_input_files("#picture", site.folder / "unreadable.heic")
    page.wait_for_function("() => document.getElementById('picture').validationMessage")
    words = page.eval_on_selector("#picture", "field => field.validationMessage")
    assert "3 MB or more, and this browser cannot make it smaller" in words
    page.set_input_files("#picture", site.folder / "Ada.png")
    page.wait_for_function("() => !document.getElementById('picture').validationMessage")
    page = visit("/train", java_script_enabled=False)
    assert "Under 3 MB." in text(page)
