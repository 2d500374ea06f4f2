"""Check every page with axe-core, in both languages, on a phone and on a large screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from faces.server.pages import language
from tests.server.pages.conftest import Open, RecordingCatalogue, Site
from tests.server.pages.test_flows import send
from tests.test_image_classifier import write_classifier

if TYPE_CHECKING:
    from playwright.sync_api import Page

VIEWPORTS: tuple[tuple[int, Literal["dark", "light"], dict[str, list[str]]], ...] = (
    (360, "dark", {}),
    (1280, "light", {"runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]}),
)


def check(page: Page) -> None:
    """Check all rules on a phone in the dark scheme, and the visual rules on a large screen in the light scheme.

    No page may scroll horizontally.
    """
    axe = pytest.importorskip("axe_playwright_python.base", reason="needs axe-playwright-python")
    page.evaluate(axe.AXE_SCRIPT)
    for width, scheme, rules in VIEWPORTS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        results = axe.AxeResults(page.evaluate("rules => axe.run(rules)", {"resultTypes": ["violations"], **rules}))
        assert results.response["passes"] and results.violations_count == 0, results.generate_report()


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param("en", marks=pytest.mark.exhaustive), "es"])
def test_pages(visit: Open, site: Site, code: str) -> None:
    page = visit("/login", code, logged_in=False, bypass_csp=True, reduced_motion="reduce")
    check(page)
    page = visit("/people", code, bypass_csp=True, reduced_motion="reduce")
    check(page)
    page.goto(f"{site.url}/train")
    page.fill("#name", "Ada")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    check(page)
    page.set_input_files("#picture", site.folder / "Ada.png")
    send(page)
    check(page)
    page.goto(f"{site.url}/recognize")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    check(page)
    site.enrol("Bob")
    for path in ("/people", f"/people/{site.enrolled.list_all()[0].id}", "/nothing", "/classify", "/keys"):
        page.goto(site.url + path)
        check(page)
    page.goto(f"{site.url}/people/{site.enrolled.list_all()[0].id}/remove")
    check(page)
    model = write_classifier(site.folder / "classifier.onnx")
    page.goto(f"{site.url}/classify")
    page.set_input_files("#picture", site.folder / "Ada.png")
    send(page)
    check(page)
    model.unlink()


def test_by_keyboard(visit: Open, site: Site) -> None:
    page = visit("/people", width=360)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.href ?? ''").endswith("/train"):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/train")


def test_everything_is_translated_into_spanish(visit: Open, site: Site, spoken: RecordingCatalogue) -> None:
    """Every message that the tests of this module showed has a translation."""
    visit("/recognize", "es")
    assert spoken.missing == set()
    assert set(language.CATALOGUES["en"]) <= set(spoken)
