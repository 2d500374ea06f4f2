"""Correct what was recognized or enrolled by mistake, in a browser."""

from __future__ import annotations

import numpy as np
import pytest

from tests.server.pages.conftest import Open, Site
from tests.server.pages.test_accessibility import check
from tests.server.pages.test_flows import send, text


@pytest.mark.parametrize("scripts", [True, False])
def test_not_this_person(visit: Open, site: Site, scripts: bool) -> None:
    site.enrol("Bob")
    site.enrolled.enrol("Ada", np.array([0.99, 0.141, 0], np.float32), b"", b"")  # similar to the one in the picture
    person = next(person.id for person in site.enrolled.list_all() if person.name == "Ada")
    page = visit("/recognize", java_script_enabled=scripts, bypass_csp=True, reduced_motion="reduce")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    assert page.locator(".faces strong").all_text_contents() == ["Ada", "Unknown"]
    page.click("text=This is not Ada")
    page.wait_for_selector("text=This face is never again taken for Ada.")
    if scripts:  # on the same page, which shows the face as unknown
        assert page.locator(".faces strong").all_text_contents() == ["Unknown", "Unknown"]
        assert (
            page.locator(".overlay g.unknown").count() == 2 and page.locator(".overlay text").first.inner_html() == "1"
        )
        check(page)
    page.fill(".naming [name=name] >> nth=0", "Anna")
    page.locator(".naming button").first.click()
    page.wait_for_selector("text=Created Anna")
    assert site.enrolled.corrections.refused(person) == 1
    page.goto(f"{site.url}/recognize")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    assert page.locator(".faces strong").all_text_contents() == ["Anna", "Unknown"]
    page.goto(f"{site.url}/people/{person}")
    assert "1 face is known not to be Ada" in text(page)
    if scripts:
        check(page)
    send(page, "form[action$=forget]")
    assert "1 face was forgotten." in text(page) and site.enrolled.corrections.refused(person) == 0


def test_choose_a_face_of_a_group_picture(visit: Open, site: Site) -> None:
    site.enrol("Bob")
    page = visit("/train", bypass_csp=True, reduced_motion="reduce")
    page.fill("#name", "Cleo")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page, "#train")
    assert "There are 2 faces in this picture. Choose the one of this person." in text(page, "[role=alert]")
    check(page)
    page.fill("#chosen-name", "Bob")
    page.locator("#choices button").nth(1).click()
    page.wait_for_selector("text=This does not look like the other faces of Bob.")
    page.goto(f"{site.url}/train")
    page.fill("#name", "Cleo")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page, "#train")
    page.locator("#choices button").nth(1).click()
    page.wait_for_selector(".named >> text=Created Cleo")
    matches = site.enrolled.identify(np.eye(3, dtype=np.float32))
    assert [match and match.name for match in matches] == [None, "Bob", "Cleo"]


def test_undo(visit: Open, site: Site) -> None:
    site.enrol("Ada", "Bob")
    page = visit(f"/people/{site.enrolled.list_all()[0].id}/remove", "es", bypass_csp=True, reduced_motion="reduce")
    check(page)
    send(page)
    assert "Se ha eliminado a Ada. Puede deshacerlo en la página Personas hasta" in text(page)
    check(page)
    page.locator("form[action$=undo] button").click()
    page.wait_for_selector("text=Ada ha vuelto.")
    assert [person.name for person in site.enrolled.list_all()] == ["Ada", "Bob"]


def test_split_a_person(visit: Open, site: Site) -> None:
    site.enrol("Ada", "Ada")
    page = visit(f"/people/{site.enrolled.list_all()[0].id}", "es")
    page.check("input[name=face] >> nth=1")
    page.fill("#other", "Anna")
    send(page, "#move")
    assert "1 cara es ahora de Anna." in text(page) and text(page, "h1") == "Anna"
    assert [len(person.faces) for person in site.enrolled.list_all()] == [1, 1]
