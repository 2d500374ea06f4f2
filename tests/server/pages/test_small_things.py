"""Refused changes, forms' addresses, pages that do not exist, names of files, verdicts, and every page's language."""

from __future__ import annotations

import re
from html import unescape

import pytest

from faces.image_classifier import Classification
from faces.server.pages import language
from faces.server.pages.picture_classifier import PictureClassifier
from tests.server.pages.conftest import Open, Site
from tests.server.pages.test_flows import send, text
from tests.test_image_classifier import write_classifier

PAGES = ("/recognize", "/train", "/people", "/classify", "/no/such/page")


def test_a_refused_rename_keeps_what_was_typed(visit: Open, site: Site) -> None:
    site.enrol("Ada", "Bob")
    page = visit("/people")
    page.click("text=Bob")
    address = page.url
    page.fill("#name", "ADA")
    send(page, "form[action$=rename]")
    assert "already exists" in text(page, "[role=alert]") and page.input_value("#name") == "ADA"
    page.reload()
    assert page.url == address and page.locator("[role=alert]").count() == 0 and page.input_value("#name") == "Bob"


@pytest.mark.parametrize("address", ["rename", "merge", "recognize/name", "people/import", "logout"])
def test_the_address_of_a_form_leads_to_its_page(visit: Open, site: Site, address: str) -> None:
    site.enrol("Ada")
    person = f"/people/{site.enrolled.list_all()[0].id}"
    path, above = {
        "rename": (f"{person}/rename", person),
        "merge": (f"{person}/merge", person),
        "recognize/name": ("/recognize/name", "/recognize"),
        "people/import": ("/people/import", "/people"),
        "logout": ("/logout", "/recognize"),
    }[address]
    page = visit(path)
    assert page.url == site.url + above and page.locator("[role=alert]").count() == 0


@pytest.mark.parametrize(
    ("code", "words"), [("en", ("Page not found", "does not exist")), ("es", ("Página no encontrada", "no existe"))]
)
def test_a_page_that_does_not_exist(visit: Open, site: Site, code: str, words: tuple[str, str]) -> None:
    page = visit("/no/such/page", code)
    assert text(page, "h1") == words[0] and words[1] in text(page, "[role=alert]")
    page.click("main a")
    assert page.url == f"{site.url}/recognize"


def test_every_page_links_to_the_interface(visit: Open, site: Site) -> None:
    site.enrol("Ada")
    page = visit("/login", logged_in=False)
    for path in ("/login", *PAGES, f"/people/{site.enrolled.list_all()[0].id}"):
        page = page if path == "/login" else visit(path)
        assert page.locator("footer a[href='/docs']").count() == 1, path
    page.click("footer a[href='/docs']")
    assert page.url == f"{site.url}/docs"


@pytest.mark.parametrize(("name", "content"), [("mi galería.pickle", b"no pickle"), ("family.zip", b"PK")])
def test_an_import_error_names_the_uploaded_file(visit: Open, site: Site, name: str, content: bytes) -> None:
    page = visit("/people")
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    send(page, "#import")
    problem = text(page, "[role=alert]")
    assert name in problem and "/tmp" not in problem and not re.search(r"tmp\w+", problem)


@pytest.mark.parametrize(("cats", "label"), [(0.01, "dogs"), (0.99, "cats"), (0.6, None)])
def test_a_verdict_agrees_with_its_probabilities(
    visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch, cats: float, label: str | None
) -> None:
    verdict = Classification(label, {"cats": cats, "dogs": 1 - cats})
    model = write_classifier(site.folder / "classifier.onnx")
    monkeypatch.setattr(PictureClassifier, "decide", lambda *_: verdict)
    try:
        page = visit("/classify")
        page.set_input_files("#picture", site.folder / "Ada.png")
        send(page)
        assert text(page, "#verdict") == (label or "Uncertain")
        assert page.locator(".shares dt").all_text_contents()[0] == ("cats" if cats > 0.5 else "dogs")
        assert not re.search("cats|dogs", text(page, "section .hint"))  # the rule names no class
    finally:
        model.unlink()


def test_no_english_text_on_spanish_pages(visit: Open, site: Site) -> None:
    """Walk all pages; what is marked as English, such as the names of formats in an error's detail, is left out."""
    translated = [
        re.compile(r"(?<!\w)" + r"[\w.,/%]+".join(map(re.escape, re.split(r"{\w+}", message))) + r"(?!\w)")
        for message, spanish in language.CATALOGUES["es"].items()
        if message != spanish and " " in re.sub(r"{\w+}", "", message).strip()
    ]
    site.enrol("Ada", "Bob")
    person = f"/people/{site.enrolled.list_all()[0].id}"
    page = visit("/login", "es", logged_in=False)
    shown = {"/login": page.content()}
    page = visit("/", "es")
    for path in (*PAGES, person, f"{person}/remove", "/people?search=x"):
        page.goto(site.url + path)
        shown[path] = page.content()
    for path, file in (("/recognize", "Ada-Cleo.png"), ("/train", "Ada-Cleo.png"), ("/train", "notes.png")):
        page.goto(site.url + path)
        if path == "/train":
            page.fill("#name", "Mom")
        page.set_input_files("#picture", site.folder / file)
        send(page)
        shown[f"{path} {file}"] = page.content()
    page.goto(f"{site.url}/train")
    page.fill("#name", "Mom")
    page.set_input_files("#picture", site.folder / "Ada.png")
    send(page)
    shown["a question"] = page.content()
    page.goto(f"{site.url}/people")
    page.set_input_files("#file", site.folder / "notes.png")
    send(page, "#import")
    shown["a refused import"] = page.content()
    for path, content in shown.items():
        content = re.sub(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', "", content, flags=re.DOTALL)
        content = unescape(content)
        assert [words.pattern for words in translated if words.search(content)] == [], path
