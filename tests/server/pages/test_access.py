"""Access control, security headers and errors of the pages, without a browser."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests
from flask.testing import FlaskClient

from faces.errors import FingerprintError, PickleError, UsageError
from faces.server import errors
from faces.server.api.context import NAME as SERVICES
from faces.server.errors import ApiError
from faces.server.keys import KEY_HEADER
from faces.server.pages import people
from faces.server.pages.context import EXTENSION
from faces.server.people import removal_preview
from faces.server.people.values import PersonRecord, Removal, RemovalPreview
from tests.conftest import ROOT
from tests.crowd import stage
from tests.server.conftest import PHOTOGRAPHS, SECRET
from tests.server.pages.conftest import Site, serving

PROGRAMS = ("/face/", "/api/v1/", "/v1/", "/metrics")  # check the key in the request
OPEN = (*PROGRAMS, "/static/", "/language/", "/login", "/healthz", "/openapi.json", "/docs")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("access")) as site:
        yield site


@pytest.fixture
def client(app: Site) -> FlaskClient:
    return app.app.test_client()


def token(client: FlaskClient, path: str = "/login") -> str:
    match = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert match
    return match[1]


@pytest.fixture
def inside(client: FlaskClient) -> FlaskClient:
    answer = client.post("/login", data={"key": SECRET, "csrf_token": token(client)})
    assert answer.status_code == 302 and answer.location == "/"
    return client


def test_every_page_requires_a_login(client: FlaskClient, app: Site) -> None:
    for rule in app.app.url_map.iter_rules():
        if rule.rule.startswith(OPEN):
            continue
        path = re.sub("<[^>]+>", "x", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(path, method=method)
            assert answer.status_code == 302 and answer.location.startswith("/login"), rule
    assert client.get("/no/such/page").status_code == 302


def test_the_face_api_needs_its_key_and_no_token(inside: FlaskClient) -> None:
    assert inside.get("/face/v1.0/persongroups").status_code == 401  # a login does not replace the key
    for path, status in (("/face/v1.0/persongroups", 200), ("/face/v1.0/nothing", 404)):
        answer = inside.get(path, headers={KEY_HEADER: SECRET})
        assert (answer.status_code, answer.mimetype) == (status, "application/json")
    answer = inside.post("/face/v1.0/detect", headers={KEY_HEADER: SECRET}, data=PHOTOGRAPHS["Ada"])
    assert answer.status_code == 200  # without a token


@pytest.mark.parametrize("path", ["/api/face/v1.0/persongroups", "/FACE/v2.0/detect", "/people"])
def test_api_requests_to_a_wrong_path_get_json(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={KEY_HEADER: SECRET})
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert answer.get_json()["error"]["code"] == "404"


@pytest.mark.parametrize("path", ["/login", "/logout", "/train", "/recognize", "/people/import", "/people/x/remove"])
def test_a_form_without_a_valid_token_is_refused(inside: FlaskClient, path: str) -> None:
    for data in ({}, {"csrf_token": "made up"}):
        answer = inside.post(path, data=data)
        assert answer.status_code == 400 and "sent from another site" in answer.text


def test_a_wrong_key(client: FlaskClient) -> None:
    for key in ("", "wrong", "ä", SECRET + "x"):
        answer = client.post("/login", data={"key": key, "csrf_token": token(client)})
        assert answer.status_code == 401 and "Wrong key." in answer.text
    assert client.get("/people").status_code == 302


def test_no_open_redirects(client: FlaskClient) -> None:
    for wanted, led in (
        ("/people?page=2", "/people?page=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ):
        answer = client.post("/login", data={"key": SECRET, "csrf_token": token(client), "next": wanted})
        assert answer.location == led
        client.post("/logout", data={"csrf_token": token(client, "/train")})
    assert client.get("/language/es?next=//evil.example").location == "/"


def test_a_login_survives_a_restart_but_not_a_new_key(inside: FlaskClient, tmp_path: Path) -> None:
    cookie = inside.get_cookie("faces_session")
    assert cookie is not None
    with serving(tmp_path) as restarted:
        again = restarted.app.test_client()
        again.set_cookie("faces_session", cookie.value)
        assert again.get("/people").status_code == 200
        restarted.app.secret_key = b"of another key"
        assert again.get("/people").status_code == 302


def test_a_login_lasts_twelve_hours(inside: FlaskClient) -> None:
    for hours, status in ((11.9, 200), (0.2, 302)):
        with inside.session_transaction() as session:
            session["inside"] -= hours * 3600
        assert inside.get("/people").status_code == status
    assert 'action="/logout"' not in inside.get("/login").text


def test_security_headers(inside: FlaskClient) -> None:
    for path in ("/people", "/face/v1.0/persongroups", "/nothing", "/static/pages.css"):
        headers = inside.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'" and policy["form-action"] == "'self'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Permissions-Policy"].startswith("camera=(self)")
        assert (headers["Cache-Control"] == "no-store") is (path != "/static/pages.css")


def test_the_cookie_is_secure_over_https(app: Site) -> None:
    for scheme in ("http", "https"):
        answer = app.app.test_client().get("/login", base_url=f"{scheme}://localhost")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and ("Secure" in cookie) is (scheme == "https")


@pytest.mark.parametrize("host", ["faces.example", "faces.example:8443", "[2001:db8::1]:8443"])
def test_behind_the_documented_proxy(tmp_path: Path, host: str) -> None:
    (block,) = re.findall("```nginx\n(.*?)```", (ROOT / "docs" / "serving.md").read_text(), re.DOTALL)
    nginx = {"$http_host": host, "$host": host.removesuffix(":8443"), "$remote_addr": "192.0.2.7", "$scheme": "https"}
    headers = {header: nginx[value] for header, value in re.findall(r"proxy_set_header (\S+) (\S+);", block)}
    with serving(tmp_path, proxy="127.0.0.1") as site:
        address = f"{site.url}/login"
        page = requests.get(address, headers=headers, timeout=30)
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        (sent,) = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)
        answers = [
            requests.post(
                address,
                {"key": SECRET, "csrf_token": sent},
                timeout=30,
                allow_redirects=False,
                headers={**headers, "Cookie": cookie, "Referer": f"https://{other}/login"},
            )
            for other in (host, "faces.example:1")
        ]
    assert [answer.status_code for answer in answers] == [302, 400]
    assert "Secure" in answers[0].headers["Set-Cookie"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_errors_are_pages(inside: FlaskClient, language: str, app: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.set_cookie("language", language)
    form = {"csrf_token": token(inside, "/train")}
    for error, status, words in (
        (ApiError(429, "429", "too many"), 429, ("Too many requests", "Demasiadas solicitudes")),
        (RuntimeError("a secret"), 500, ("An internal error occurred", "error interno")),
        (ApiError(507, "InsufficientStorage", "full"), 507, ("disk", "disco")),
    ):

        def fail(error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(app.enrolled, "list_all", fail)
        answer = inside.get("/people")
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert words[language == "es"] in answer.text and "secret" not in answer.text
    monkeypatch.undo()
    for answer, status, words in (
        (inside.get("/people/nobody"), 404, ("This page does not exist", "Esta página no existe")),
        (inside.post("/people", data=form), 405, ("does not accept", "no admite")),
        (inside.post("/train", data=b"x" * (17 << 20), content_type="multipart/form-data"), 413, ("16 MB", "16 MB")),
        (inside.post("/people/nobody/rename", data=form), 404, ("was removed", "se ha eliminado")),
    ):
        assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
        assert words[language == "es"] in answer.text and f'lang="{language}"' in answer.text


@pytest.mark.parametrize(("language", "words"), [("en", "The limit is reached"), ("es", "Se ha alcanzado el límite")])
def test_the_limit_is_reached(
    inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    def full(*_: object) -> None:
        raise errors.quota_exceeded("Person")

    monkeypatch.setattr(app.enrolled, "enrol", full)
    inside.set_cookie("language", language)
    face = cv2.imencode(".png", stage({"Ada": (80, 90)}))[1].tobytes()
    form = {"csrf_token": token(inside, "/train"), "name": "Ada", "picture": (io.BytesIO(face), "ada.png")}
    answer = inside.post("/train", data=form)
    assert answer.status_code == 403 and words in answer.text


@pytest.mark.parametrize(("language", "more"), [("en", "and 380 more."), ("es", "y 380 más.")])
def test_a_long_removal_report_fits_into_a_cookie(
    inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch, language: str, more: str
) -> None:
    letters = "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x9FFF, 40_000)))  # incompressible
    models = tuple(f"versions/{number}/recognizer.pickle" for number in range(400))
    inside.set_cookie("language", language)
    for name, rest, lists in (("Ada", "", 2), (letters[:128], letters, 1)):
        left = tuple(f"{name}/{rest[k * 100 : k * 100 + 100]}{k}.jpg" for k in range(400))
        person, removal = PersonRecord("x", name, ()), Removal(name, 400, 400, models, left)
        monkeypatch.setattr(app.enrolled, "person", lambda _, person=person: person)
        monkeypatch.setattr(app.enrolled, "remove_person", lambda _, removal=removal: removal)
        answer = inside.post("/people/x/remove", data={"csrf_token": token(inside, "/train"), people.ERASE: "1"})
        assert answer.status_code == 302 and len(answer.headers["Set-Cookie"]) < 4093  # the browsers' limit
        text = inside.get("/people").text
        assert left[0] in text and left[-1] not in text and models[0] in text and models[-1] not in text
        assert text.count(more) == lists


def test_a_person_without_a_name(inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.enrolled, "person", lambda id_: PersonRecord(id_, "", ()))
    monkeypatch.setattr(app.enrolled.corrections, "refused", lambda id_: ())
    monkeypatch.setattr(removal_preview, "preview", lambda *_: RemovalPreview((), (), ()))
    assert "Remove Unnamed" in inside.get("/people/x").text
    assert "Remove Unnamed?" in inside.get("/people/x/remove").text


@pytest.mark.parametrize(
    ("cause", "words"),
    [(UsageError, "este conjunto de datos"), (PickleError, "estos vectores"), (FingerprintError, "modelos distintos")],
)
def test_a_failed_import_in_spanish(
    inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch, cause: type[Exception], words: str
) -> None:
    def fail(_: Path) -> None:
        raise ApiError(400, "InvalidFile", "what is wrong") from cause()

    monkeypatch.setattr(app.enrolled, "import_embeddings", fail)
    inside.set_cookie("language", "es")
    form = {"csrf_token": token(inside, "/train"), "file": (io.BytesIO(b"x"), "embeddings.pickle")}
    answer = inside.post("/people/import", data=form)
    assert answer.status_code == 400 and words in answer.text
    assert '<span lang="en">what is wrong</span>' in answer.text


@pytest.mark.parametrize("before", ["[1]", "none", "[1e999, 0, 0, 0, []]", "[" * 100_000])
def test_an_invalid_total(inside: FlaskClient, before: str) -> None:
    form = {"csrf_token": token(inside, "/train"), "before": before, "part": "1"}
    answer = inside.post("/people/import", data=form)
    assert answer.status_code == 400 and "<html" not in answer.text


def test_a_folder_of_many_files_at_once(inside: FlaskClient) -> None:
    """A browser without JavaScript sends the folder in one request."""
    files = [(io.BytesIO(b"x"), f"dataset/Ada/{number}.jpg") for number in range(1200)]
    answer = inside.post("/people/import", data={"csrf_token": token(inside, "/train"), "folder": files})
    assert answer.status_code == 200 and "1200 files were left out" in answer.text


def test_a_damaged_classifier_in_spanish(inside: FlaskClient, app: Site) -> None:
    app.services.classifier.model.write_text("broken")
    inside.set_cookie("language", "es")
    text = inside.get("/classify").text
    app.services.classifier.model.unlink()
    assert "No se puede usar" in text and '<span lang="en">' in text


def test_javascript_gets_a_part_of_a_page(inside: FlaskClient) -> None:
    answer = inside.post("/recognize", headers={"X-Part": "1"})
    assert answer.status_code == 400 and "sent from another site" in answer.text and "<html" not in answer.text


@pytest.mark.parametrize(("size", "shown"), [(4.0, True), (7.5, False)])
def test_a_large_picture_is_shown_with_its_faces(inside: FlaskClient, size: float, shown: bool) -> None:
    face = cv2.imencode(".png", stage({"Ada": (80, 90), "Cleo": (220, 90)}))[1].tobytes()
    file = io.BytesIO(face.ljust(int(size * 2**20), b"\0")), "large.png"
    answer = inside.post("/train", data={"csrf_token": token(inside, "/train"), "name": "Ada", "picture": file})
    assert answer.status_code == 400 and f"is {size} MB. Use one smaller than 3 MB" in answer.text
    assert answer.text.count("<rect") == (2 if shown else 0) and "The picture is too" not in answer.text


@pytest.mark.parametrize(
    "form", [("/recognize", "part", ""), ("/recognize", "part", "live"), ("/train", "name", "Ada")], ids=str
)
def test_a_picture_on_a_page_is_in_work_until_its_image_is_released(
    inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch, form: tuple[str, str, str]
) -> None:
    vision, (path, field, value) = app.app.extensions[SERVICES].vision, form
    find, in_work = vision.find, list[int]()

    def watched(image: Any) -> Any:
        in_work.append(vision._pixels.in_work)
        return find(image)

    monkeypatch.setattr(vision, "find", watched)
    picture = io.BytesIO(cv2.imencode(".png", stage({"Ada": (80, 90)}, (320, 180)))[1].tobytes()), "one.png"
    assert (
        inside.post(path, data={"csrf_token": token(inside, path), "picture": picture, field: value}).status_code == 200
    )
    assert in_work == [320 * 180] and vision._pixels.in_work == 0
    for person in app.enrolled.list_all():
        app.enrolled.remove_person(person.id)


@pytest.mark.parametrize("exclusive", [True, False])
def test_no_two_faces_of_a_picture_have_the_same_name(
    inside: FlaskClient, app: Site, monkeypatch: pytest.MonkeyPatch, exclusive: bool
) -> None:
    """Ada is enrolled with two colours, so that both faces are like her; False: ``serve.py --no-exclusive``."""
    monkeypatch.setitem(app.app.extensions, EXTENSION, replace(app.services, exclusive=exclusive))
    for colour in (0, 2):
        _, ada = app.enrolled.enrol("Ada", np.eye(3, dtype=np.float32)[colour], b"", b"")
    picture = cv2.imencode(".png", stage({"Ada": (80, 90), "Cleo": (220, 90)}))[1].tobytes()
    form = {"csrf_token": token(inside, "/recognize"), "picture": (io.BytesIO(picture), "two.png"), "part": "result"}
    marks = re.findall(r"<text[^>]*>\s*([^<]+?)\s*</text>", inside.post("/recognize", data=form).text)
    named = [mark.split()[0] for mark in marks if mark.startswith("Ada")]
    assert len(named) == (1 if exclusive else 2), marks
    assert sum("unknown" in mark for mark in marks) == (1 if exclusive else 0)
    app.enrolled.remove_person(ada.id)


@pytest.mark.parametrize("face", ["", "made up", "eyJhIjoxfQ.aGk.c2ln"])
def test_a_face_without_a_valid_signature_cannot_be_enrolled(inside: FlaskClient, app: Site, face: str) -> None:
    form = {"csrf_token": token(inside, "/train"), "name": "Ada", "face": face, "cut_out": ""}
    answer = inside.post("/recognize/name", data=form)
    assert answer.status_code == 400 and "has expired" in answer.text
    assert app.enrolled.list_all() == []
