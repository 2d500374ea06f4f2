"""The page Keys in a browser, and the pages for whoever logs in with a key."""

from __future__ import annotations

import re

import pytest

from tests.server.pages.conftest import Open, RecordingCatalogue, Site
from tests.server.pages.test_accessibility import check
from tests.server.pages.test_flows import text


@pytest.mark.parametrize("code", ["en", "es"])
def test_make_use_and_revoke_a_key(visit: Open, site: Site, spoken: RecordingCatalogue, code: str) -> None:
    page = visit("/keys", code, bypass_csp=True, reduced_motion="reduce")
    page.fill("#name", f"door {code}")
    page.check("input[value=identify]")
    page.click("main form[action='/keys'] button")
    key = text(page, "#new-key")
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{64}", key)
    check(page)
    visitor = visit("/people", code, logged_in=False, bypass_csp=True, reduced_motion="reduce")
    visitor.fill("#key", key)
    visitor.click("main button")
    visitor.wait_for_url("**/people")
    links = visitor.locator("header nav a").all_text_contents()
    assert links == {"en": ["Recognize", "People", "Classify"], "es": ["Reconocer", "Personas", "Clasificar"]}[code]
    assert visitor.locator("#import").count() == 0 and visitor.locator("footer a[href='/keys']").count() == 0
    check(visitor)
    visitor.goto(f"{site.url}/train")
    refused = {"en": "Your key does not allow this", "es": "Su clave no permite esto"}[code]
    assert refused in text(visitor, "[role=alert]")
    page.fill("#name", f"DOOR {code}")
    page.click("main form[action='/keys'] button")
    assert page.locator("#problem").count() == 1 and page.input_value("#name") == f"DOOR {code}"
    check(page)
    page.click(f"button[aria-label$='door {code}']")
    assert f"door {code}" in text(page, "[role=status]")
    visitor.goto(f"{site.url}/people")
    assert visitor.url.startswith(f"{site.url}/login")
    if code == "es":
        assert spoken.missing == set()
