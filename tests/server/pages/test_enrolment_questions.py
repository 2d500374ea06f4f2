"""A face that looks like somebody else, or unlike the person as whom it is to be enrolled, is questioned first."""

from __future__ import annotations

import numpy as np
import pytest

from tests.server.pages.conftest import Open, Site
from tests.server.pages.test_flows import press, send, text


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize(
    ("name", "file", "code", "question"),
    [
        ("Mom", "Ada.png", "en", "This looks like Ada, 99%. Save it as Mom all the same?"),
        ("Bob", "Ada.png", "en", "This looks like Ada, 99%. Save it as Bob all the same?"),
        ("bob", "Cleo.png", "en", "This does not look like the other faces of bob. Save it all the same?"),
        ("Mom", "Ada.png", "es", "Se parece a Ada, 99\N{NO-BREAK SPACE}%. ¿Guardarla como Mom de todos modos?"),
    ],
)
def test_train_asks_first(
    visit: Open, site: Site, name: str, file: str, code: str, question: str, scripts: bool
) -> None:
    site.enrol("Ada", "Bob")
    before = {person.name: len(person.faces) for person in site.enrolled.list_all()}
    page = visit("/train", code, java_script_enabled=scripts)
    page.fill("#name", name)
    page.set_input_files("#picture", site.folder / file)
    send(page, "#train")
    assert question in text(page, "[role=alert]")
    assert {person.name: len(person.faces) for person in site.enrolled.list_all()} == before
    send(page, ".asking")
    assert page.locator(".named").count() == 1 and page.locator("[role=alert]").count() == 0
    after = {person.name: len(person.faces) for person in site.enrolled.list_all()}
    assert sum(after.values()) == 3 and after.get(name.title()) == before.get(name.title(), 0) + 1


def test_a_face_that_fits_is_not_questioned(visit: Open, site: Site) -> None:
    site.enrol("Ada", "Bob")
    page = visit("/train")
    for name, file in ((" ada", "Ada.png"), ("Cleo", "Cleo.png")):
        page.fill("#name", name)
        page.set_input_files("#picture", site.folder / file)
        send(page, "#train")
        assert page.locator(".named").count() == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_recognize_asks_first(visit: Open, site: Site, scripts: bool) -> None:
    site.enrol("Bob")
    page = visit("/recognize", java_script_enabled=scripts)
    page.set_input_files("#picture", site.folder / "Cleo.png")
    send(page)
    page.fill(".naming [name=name]", "Bob")
    press(page, ".naming")
    page.wait_for_selector("[role=alert] >> text=This does not look like the other faces of Bob.")
    assert [len(person.faces) for person in site.enrolled.list_all()] == [1]
    page.click("button[name=anyway]")
    page.wait_for_selector(".named >> text=Updated Bob")
    assert [len(person.faces) for person in site.enrolled.list_all()] == [2]


def test_an_answer_holds_for_the_name_it_was_given_for(visit: Open, site: Site) -> None:
    site.enrolled.enrol("Ada", np.eye(3, dtype=np.float32)[0], b"", b"")
    site.enrolled.enrol("Bob", np.eye(3, dtype=np.float32)[1], b"", b"")
    page = visit("/recognize")
    page.set_input_files("#picture", site.folder / "Cleo.png")
    send(page)
    page.fill(".naming [name=name]", "Bob")
    press(page, ".naming")
    page.wait_for_selector("[role=alert] >> text=of Bob.")
    page.fill(".naming [name=name]", "Ada")
    page.click("button[name=anyway]")
    page.wait_for_selector("[role=alert] >> text=of Ada.")
