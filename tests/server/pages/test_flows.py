"""Use the pages in a browser."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from faces.liveness.challenge import Challenge
from faces.server.pages.context import EXTENSION
from faces.server.vision.open_challenges import OpenChallenges
from tests.crowd import stage
from tests.liveness.test_challenge import NEUTRAL, doing
from tests.server.conftest import SECRET, serving
from tests.server.pages.conftest import TIMEOUT, Open, SeeingVision, Site
from tests.server.vision.test_open_challenges import ORDER, Clock, values
from tests.test_image_classifier import write_classifier

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route


def press(page: Page, form: str) -> None:
    """Submit a form that JavaScript sends, without leaving the page."""
    page.click(f"{form} button:not([type=button])")


def send(page: Page, form: str = "main form") -> None:
    """Submit a form and wait for the next page; not every version of Playwright waits after a click."""
    with page.expect_navigation():
        press(page, form)


def text(page: Page, selector: str = "main") -> str:
    return page.inner_text(selector)


def test_login_requires_the_key(visit: Open, site: Site) -> None:
    page = visit("/people", logged_in=False)
    assert "/login?next=" in page.url
    page.fill("#key", "not the key at all")
    send(page)
    assert text(page, "[role=alert]") == "Wrong key."
    page.fill("#key", SECRET)
    send(page)
    assert page.url == f"{site.url}/people"
    (cookie,) = (cookie for cookie in page.context.cookies() if cookie["name"] == "faces_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and SECRET not in cookie["value"]
    page.click("footer button")
    page.goto(f"{site.url}/people")
    assert "/login" in page.url


def test_train_creates_and_updates_a_person(visit: Open, site: Site) -> None:
    page = visit("/train")
    for words, name in (("Created Ada", "Ada"), ("Updated Ada", " ada ")):
        page.fill("#name", name)
        page.set_input_files("#picture", site.folder / "Ada.png")
        page.wait_for_selector("#preview", state="visible")
        send(page)
        assert words in text(page, ".named")
        assert page.eval_on_selector(".named img", "image => image.naturalWidth") > 40
    assert [len(person.faces) for person in site.enrolled.list_all()] == [2]


@pytest.mark.parametrize(
    ("file", "words", "boxes"),
    [
        ("Ada-Cleo.png", "There are 2 faces in this picture.", 2),
        ("nobody.png", "No face was found in this picture.", 0),
        ("large.png", "There are 3 faces in this picture.", 3),  # false detections in noise, which was made smaller
    ],
)
def test_train_explains_an_unsuitable_picture(visit: Open, site: Site, file: str, words: str, boxes: int) -> None:
    page = visit("/train")
    page.fill("#name", "Ada")
    page.set_input_files("#picture", site.folder / file)
    send(page)
    assert words in text(page, "[role=alert]")
    assert page.locator(".stage img").count() == 1 and page.locator(".stage rect").count() == boxes
    assert page.input_value("#name") == "Ada"
    assert site.enrolled.list_all() == []


def test_train_without_scripts(visit: Open, site: Site) -> None:
    page = visit("/train", java_script_enabled=False)
    assert not page.is_visible("#open")
    page.fill("#name", "Ada")
    page.set_input_files("#picture", site.folder / "notes.png")
    send(page)
    assert "cannot be read as a picture" in text(page, "[role=alert]")
    page.set_input_files("#picture", site.folder / "Ada.png")
    send(page)
    assert "Created Ada" in text(page)
    page.goto(f"{site.url}/recognize")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    page.fill(".naming [name=name]", "Cleo")
    press(page, ".naming")
    page.wait_for_selector("text=Created Cleo")


def test_train_with_the_camera(visit: Open, site: Site) -> None:
    page = visit("/train")
    page.fill("#name", "Ada")
    page.click("#open")
    page.click("#take")
    page.wait_for_selector("#preview:visible")
    assert not page.is_visible("#video")
    send(page)
    assert "There are 2 faces" in text(page)  # in front of the camera


def test_recognize_and_name_an_unknown_person(visit: Open, site: Site) -> None:
    site.enrol("Ada")
    page = visit("/recognize")
    page.set_input_files("#picture", site.folder / "Ada-Cleo.png")
    send(page)
    assert text(page, "#faces") == "2 faces"
    shown = text(page, "#result .faces")
    assert "Ada 99%" in " ".join(shown.split()) and "Unknown" in shown
    assert "female, about 34, no glasses" in shown and "happy" not in shown  # a probability of 0.4
    labels = page.locator("svg.overlay text:not(.line)").all_text_contents()
    assert sorted(labels) == ["2 unknown", "Ada 99%"]
    page.fill(".naming [name=name]", "Cleo")
    press(page, ".naming")
    page.wait_for_selector(".named")
    assert "Created Cleo" in text(page, ".named") and page.url.endswith("/recognize")
    page.set_input_files("#picture", site.folder / "Cleo.png")
    send(page)
    assert "Cleo" in text(page, "#result .faces")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ("live 93%", "not live 99%", "cannot tell whether live")),
        ("es", ("rostro vivo 93\N{NO-BREAK SPACE}%", "rostro no vivo 99\N{NO-BREAK SPACE}%", "no se sabe si")),
    ],
)
def test_whether_a_face_is_live(
    visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch, code: str, words: tuple[str, ...]
) -> None:
    """It is said where the server is asked for it, of a picture and before the camera."""
    picture = site.folder / "three.png"
    cv2.imwrite(str(picture), stage({"Ada": (80, 90), "Bob": (220, 90), "Cleo": (360, 90)}, (480, 180), 72))
    page = visit("/recognize", code)
    page.set_input_files("#picture", picture)
    send(page)
    assert words[2] not in text(page, "#result .faces") and words[0] not in text(page, "#result .faces")
    live = replace(site.services, attributes=("age", "live"))
    monkeypatch.setitem(site.app.extensions, EXTENSION, live)
    page.set_input_files("#picture", picture)
    send(page)
    shown = page.locator("#result .faces > li .quiet").all_text_contents()
    assert [word in line for line, word in zip(shown, words, strict=True)] == [True] * 3
    assert "female" not in shown[0] and words[1] in page.locator("svg.overlay .line").all_text_contents()
    page.click("#open")
    page.wait_for_selector(f"#live-results .faces li:nth-child(2) >> text={words[1]}")


def test_a_challenge(visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do; who does it passes, a still picture does not, and without the mesh one line says so."""
    shown = "#challenge-state"
    page = visit("/recognize", "es")
    assert not page.is_visible("#challenge")
    page.click("#open")
    page.click("#challenge")
    page.wait_for_selector(f"{shown} [role=alert] >> text=faces download-models mesh")
    order = ORDER[:1]  # each reading is a request of the page: as few as will do
    challenges, poses = OpenChallenges(lambda: Challenge(order, limit=3), Clock()), [*doing(order), *[NEUTRAL] * 200]
    monkeypatch.setitem(site.app.extensions, EXTENSION, replace(site.services, challenges=challenges))
    monkeypatch.setattr(SeeingVision, "has_mesh", True)
    monkeypatch.setattr(SeeingVision, "meshes", lambda self, image, faces: faces)
    monkeypatch.setattr("faces.server.pages.challenge.measured", lambda faces: values(poses.pop(0), len(faces)))
    page.click("#challenge")
    for words in ("Gire la cabeza", "Superada"):
        page.wait_for_selector(f"{shown} >> text={words}")
    page.wait_for_selector("#live-results .faces li")  # recognition goes on
    page.click("#challenge")  # only the still picture is left
    page.wait_for_selector(f"{shown} .bad >> text=No superada")
    assert shown and not page.locator(f"{shown} [data-challenge]").get_attribute("data-challenge")


def test_the_camera_live(visit: Open, site: Site) -> None:
    site.enrol("Ada")
    page = visit("/recognize")
    sent, under_way, most = [], set(), 0

    def begun(request: Request) -> None:
        nonlocal most
        if request.method == "POST":
            sent.append(request)
            under_way.add(request)
            most = max(most, len(under_way))

    page.on("request", begun)
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.click("#open")
    page.wait_for_selector("#live-results .faces li:nth-child(2)")
    assert page.locator("#live svg .known").count() == 1 and page.locator("#live svg .unknown").count() == 1
    for _ in range(3):
        with page.expect_request_finished():
            pass
    times = [request.timing["startTime"] for request in sent if request not in under_way]
    assert len(times) >= 3 and most == 1
    assert (times[-1] - times[0]) / (len(times) - 1) > 100  # ms: about four pictures a second
    page.click("#pause")
    page.fill(".naming [name=name]", "Cleo")
    press(page, ".naming")
    page.wait_for_selector(".named")
    page.click("#open")
    page.wait_for_selector("#live svg .known >> nth=1")
    assert "Cleo" in text(page, "#live-results")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    assert "page was hidden" in text(page, "#camera-message")
    page.wait_for_timeout(300)
    before = len(sent)
    page.wait_for_timeout(700)
    assert len(sent) == before and page.evaluate("document.getElementById('video').srcObject") is None


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_failed_request_is_reported(visit: Open, site: Site, how: str) -> None:
    site.enrol("Ada")
    page = visit("/recognize")
    words = {"refused": "Too many requests", "silent": "The server does not answer."}[how]

    def fail(route: Route) -> None:
        assert route.request.headers["x-part"]
        problem = f"<p class='note bad' role='alert'>{words}</p>"
        route.abort() if how == "silent" else route.fulfill(status=429, body=problem)

    page.click("#open")
    page.wait_for_selector("#live-results .faces li")
    page.route("**/recognize", fail)
    page.wait_for_selector(f"#live-results [role=alert] >> text={words}")
    assert page.locator("#live *").count() == page.locator("#live-results .faces").count() == 0
    assert not text(page, "#announcement")
    page.click("#pause")
    page.wait_for_selector(f"#result [role=alert] >> text={words}")
    page.unroute("**/recognize")
    page.route("**/import", fail)
    page.goto(f"{site.url}/people")
    (site.folder / how / "Ada").mkdir(parents=True)
    shutil.copy(site.folder / "Ada.png", site.folder / how / "Ada")
    page.set_input_files("#folder", site.folder / how)
    press(page, "#import")
    page.wait_for_selector(f"#imported [role=alert] >> text={words}")
    assert page.is_enabled("#import button")


def test_a_blocked_camera_is_explained(visit: Open) -> None:
    page = visit("/recognize")
    refuse = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    page.evaluate(f"() => {{ {refuse} }}")
    page.click("#open")
    page.wait_for_selector("#camera-message >> text=The camera is blocked")


def test_people_are_renamed_merged_and_erased(visit: Open, site: Site) -> None:
    site.enrol("Ada", "Bob")
    page = visit("/people")
    page.click("text=Bob")
    page.fill("#name", "ADA")
    send(page, "form[action$=rename]")
    assert "A person with this name already exists." in text(page, "[role=alert]")
    page.fill("#name", "Robert <b>")
    send(page, "form[action$=rename]")
    assert "Bob is now called Robert <b>." in text(page, "[role=status]")
    page.select_option("#into", label="Ada (1)")
    send(page, "form[action$=merge]")
    assert "Robert <b> and Ada are now one person." in text(page, "[role=status]")
    assert page.locator(".gallery img").count() == 2
    page.wait_for_function("() => document.querySelector('.gallery img').naturalWidth > 0")
    page.click(".gallery li:first-child a")
    with page.expect_navigation():
        page.click("button[name=erase]")
    assert "Erased: 1 face, 1 embedding, 1 photograph." in text(page, "[role=status]")
    page.click("a.danger")
    assert "with 1 face" in text(page)
    page.click("text=Cancel")
    page.click("a.danger")
    send(page)
    assert "Ada was removed. You can undo this" in text(page, "[role=status]")
    assert site.enrolled.list_all() == [] and "Nobody is enrolled yet." in text(page)
    with page.expect_navigation():
        page.locator("form[action$=undo] button").first.click()
    assert "Ada is back." in text(page, "[role=status]") and text(page, "h1") == "Ada"


def test_search_by_name(visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faces.server.pages.people.PEOPLE_PER_PAGE", 2)
    site.enrol("Ada", "Bob", "Cleo")
    page = visit("/people")
    assert page.locator(".people li").count() == 2
    page.click("[rel=next]")
    assert page.locator(".people strong").all_text_contents() == ["Cleo"]
    page.fill("#search", "B")
    page.press("#search", "Enter")
    page.wait_for_url("**search=B")
    assert page.locator(".people strong").all_text_contents() == ["Bob"]


def test_classify(visit: Open, site: Site) -> None:
    page = visit("/classify")
    assert "no image classifier yet" in text(page) and "train-classifier" in text(page)
    model = write_classifier(site.folder / "classifier.onnx")
    try:
        page.reload()
        for file, verdict in (("nobody.png", "dark"), ("large.png", "Uncertain")):
            page.set_input_files("#picture", site.folder / file)
            send(page)
            if file == "large.png":
                assert text(page, "#verdict") == verdict
            assert page.locator("meter").count() == 2 and "A class is named if its probability is above 85%" in text(
                page
            )
        about = {"side": 16, "cut": "whole", "heads": {"class": {"classes": ["night", "dawn", "day"]}}}
        write_classifier(model, about, 3)
        page.goto(f"{site.url}/classify")
        assert "night, dawn, day" in text(page)
        model.write_text("broken")
        page.reload()
        assert "classifier.onnx" in text(page, "[role=alert]")
    finally:
        model.unlink()


def test_import_and_export(visit: Open, site: Site) -> None:
    folder = site.folder / "dataset"
    for name in ("Ada", "Cleo"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            shutil.copy(site.folder / f"{name}.png", folder / name / f"{number}.png")
    shutil.copy(site.folder / "nobody.png", folder / "Ada")
    page = visit("/people")
    page.set_input_files("#folder", folder)
    press(page, "#import")
    page.wait_for_selector("#imported >> text=2 people are new.")
    assert "1 file was left out" in text(page, "#imported")
    page.reload()
    assert page.locator(".people strong").all_text_contents() == ["Ada", "Cleo"]
    with page.expect_download() as download:
        page.click("a:text('dataset.zip')")
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
    assert {Path(name).parent.as_posix() for name in names} == {"dataset/Ada", "dataset/Cleo"}
    with page.expect_download() as exported:
        page.click("a:text('embeddings.pickle')")
    for person in site.enrolled.list_all():
        site.enrolled.remove_person(person.id)
    for file, words in ((exported, "2 people are new."), (download, "0 faces were added."), (None, "Choose a file")):
        page.goto(f"{site.url}/people")
        if file:
            page.set_input_files("#file", file.value.path())
        send(page, "#import")
        assert words in text(page)
    page.goto(f"{site.url}/people")
    page.set_input_files("#file", site.folder / "notes.png")
    send(page, "#import")
    assert page.locator("[role=alert]").count() == 1


def test_a_folder_is_sent_in_parts(visit: Open, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site.folder / "many" / "Ada"
    folder.mkdir(parents=True)
    for number in range(60):
        shutil.copy(site.folder / "nobody.png", folder / f"{number}.png")
    page = visit("/people")
    page.set_input_files("#folder", folder.parent)
    with page.expect_response("**/import"):
        press(page, "#import")
    page.wait_for_selector("#imported >> text=60 files were left out")


def test_a_part_with_photographs_outside_of_folders_only(visit: Open, site: Site) -> None:
    """Photographs beside the people's folders do not become a person named like the data set."""
    folder = site.folder / "loose"
    (folder / "Cleo").mkdir(parents=True)
    for number in range(60):
        shutil.copy(site.folder / "Ada.png", folder / f"{number}.png")
    shutil.copy(site.folder / "Cleo.png", folder / "Cleo")
    page = visit("/people")
    page.set_input_files("#folder", folder)
    press(page, "#import")
    page.wait_for_selector("#imported >> text=60 files were left out")
    assert [person.name for person in site.enrolled.list_all()] == ["Cleo"]


def test_the_folder_of_one_person_alone(visit: Open, site: Site) -> None:
    folder = site.folder / "Cleo"
    (folder / ".thumbnails").mkdir(parents=True)
    for place in (folder, folder / ".thumbnails"):
        shutil.copy(site.folder / "Cleo.png", place / "1.png")
    page = visit("/people")
    page.set_input_files("#folder", folder)
    press(page, "#import")
    page.wait_for_selector("#imported >> text=1 person is new.")
    assert [(person.name, len(person.faces)) for person in site.enrolled.list_all()] == [("Cleo", 1)]


def test_change_the_language(visit: Open, site: Site) -> None:
    page = visit("/train", lang="es-MX")
    assert page.get_attribute("html", "lang") == "es" and text(page, "h1") == "Entrenar"
    page.click("text=English")
    assert page.url == f"{site.url}/train" and text(page, "h1") == "Train"
    page.reload()
    assert text(page, "h1") == "Train"


@pytest.mark.slow
def test_drawn_people_with_the_real_models(browser: Browser, sample: Path, tmp_path: Path) -> None:
    """Enrol a person with ``serve.py`` from one photograph; recognize them alone and in a group."""
    name = "Amina"
    first, second, *_ = sorted((sample / "dataset" / name).glob("*.jpg"))
    with serving(tmp_path, "--min-face", "80") as service, browser.new_context() as context:
        page = context.new_page()
        context.set_default_timeout(TIMEOUT)
        page.goto(f"{service.url}/train")
        page.fill("#key", service.key)
        send(page)
        page.fill("#name", name)
        page.set_input_files("#picture", first)
        send(page)
        assert f"Created {name}" in text(page, ".named")
        for picture, faces in ((second, 1), (sample / "sample" / "group_1.jpg", 4)):
            page.goto(f"{service.url}/recognize")
            page.set_input_files("#picture", picture)
            send(page)
            assert page.locator("#result .faces > li").count() == faces
            assert page.locator("#result .faces strong").all_text_contents().count(name) == 1
        page.goto(f"{service.url}/people")
        assert page.locator(".people img").count() == 0  # without --keep-photos
        assert service.call("GET", "largepersongroups/people/persons").json()[0]["name"] == name
