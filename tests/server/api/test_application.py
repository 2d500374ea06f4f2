"""Successful requests, with URLs and bodies as clients write them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import time
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest
from PIL import Image as PillowImage

from faces.server.api.fetch import Fetcher
from faces.server.keys import KEY_HEADER
from faces.server.search.index import Index
from faces.server.store import detected_faces
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api, photograph

GROUPS = ("persongroups", "largepersongroups")


def test_blanks_around_a_pictures_address(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {"https://example.org/a.jpg": PHOTOGRAPHS["Ada"]}
    monkeypatch.setattr(Fetcher, "fetch", lambda _, url: pictures[url])
    assert len(api.ok("POST", "detect", json={"url": " https://example.org/a.jpg \n"})) == 1


def test_lenient_urls(api: Api) -> None:
    api.ok("PUT", "persongroups/one", json={"name": "n"})
    for path in (
        "//face/v1.0/persongroups/one",
        "/face//v1.0///persongroups//one/",
        "/Face/V1.0/PersonGroups/one",
        "/face/v1.2-preview.1/persongroups/one",
        "/face/v1.3/persongroups/one",
    ):
        answer = api.ok("GET", "/", environ_overrides={"PATH_INFO": path})
        assert answer["name"] == "n"
    assert api.error("GET", "persongroups/ONE")[:2] == (404, "PersonGroupNotFound")  # ids are case-sensitive


def test_empty_answers_have_no_body_and_no_content_type(api: Api) -> None:
    person = api.group("Ada")["Ada"]
    for method, path, body in (
        ("PUT", "persongroups/two", {"name": "n"}),
        ("PATCH", "persongroups/two", {"name": "m"}),
        ("PATCH", f"persongroups/crowd/persons/{person}", {"name": "m"}),
        ("DELETE", "persongroups/two", None),
        ("DELETE", f"persongroups/crowd/persons/{person}", None),
    ):
        answer = api(method, path, json=body)
        assert (answer.status_code, answer.data, answer.headers.get("Content-Type")) == (200, b"", None)


def test_a_json_body_with_any_content_type(api: Api) -> None:
    for number, kind in enumerate(("application/json", "text/plain", "application/octet-stream", None)):
        api.ok("PUT", f"persongroups/{number}", data=b'{"name": "n", "userData": null}', content_type=kind)
    person = api.group("Ada")["Ada"]
    api.ok("POST", "persongroups/crowd/train", content_type="application/json")
    body = {
        "faceIds": api.detect("Ada"),
        "personGroupId": "crowd",
        "largePersonGroupId": None,
        "confidenceThreshold": None,
    }
    assert api.ok("POST", "identify", json=body)[0]["candidates"][0]["personId"] == person


def test_detect(api: Api) -> None:
    assert api.ok("POST", "detect", data=photograph()) == []
    (face,) = api.ok("POST", "detect?returnRecognitionModel=TRUE&returnFaceAttributes=", data=PHOTOGRAPHS["Ada"])
    assert list(face) == ["faceId", "recognitionModel", "faceRectangle"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", face["faceId"])
    assert face["recognitionModel"] == "recognition_01"
    assert all(isinstance(value, int) for value in face["faceRectangle"].values())
    assert face["faceRectangle"] == pytest.approx({"left": 36, "top": 66, "width": 48, "height": 48}, abs=2)
    (face,) = api.ok("POST", "detect?returnFaceId=false", data=PHOTOGRAPHS["Ada"])
    assert list(face) == ["faceRectangle"]


def test_an_upload_shorter_than_its_content_length(api: Api) -> None:
    import io

    answer = api.client.post(
        "/face/v1.0/detect",
        headers={KEY_HEADER: SECRET},
        environ_overrides={"wsgi.input": io.BytesIO(PHOTOGRAPHS["Ada"][:3000]), "CONTENT_LENGTH": "9000"},
    )
    assert answer.status_code == 400 and answer.get_json()["error"]["code"]


@pytest.mark.parametrize("route", GROUPS)
def test_identify(api: Api, route: str) -> None:
    people = api.group("Ada", "Bob", route=route)
    key = "largePersonGroupId" if route.startswith("large") else "personGroupId"
    ids = api.detect("Bob", "Cleo", "Ada")
    first, second, third = api.ok("POST", "identify", json={"faceIds": ids, key: "crowd"})
    assert [first["faceId"], second["faceId"], third["faceId"]] == ids
    assert [match["personId"] for match in first["candidates"]] == [people["Bob"]]
    assert second["candidates"] == []
    assert [match["personId"] for match in third["candidates"]] == [people["Ada"]]
    body = {"faceIds": ids[:1], key: "crowd", "maxNumOfCandidatesReturned": 5, "confidenceThreshold": 0}
    (every,) = api.ok("POST", "identify", json=body)
    assert [match["personId"] for match in every["candidates"]] == [people["Bob"], people["Ada"]]
    assert every["candidates"][0]["confidence"] > 0.99 > 0.5 > every["candidates"][1]["confidence"]


def test_identify_the_faces_of_one_picture(api: Api) -> None:
    """Option ``exclusive``: each person is a candidate of one face."""
    people = api.group("Ada", "Bob")
    ids = [*api.detect("Ada"), *api.detect("Ada", "Bob")]
    body: dict[str, object] = {"faceIds": ids, "personGroupId": "crowd"}

    def candidates(query: str = "", **more: object) -> list[list[str]]:
        answers = api.ok("POST", f"identify{query}", json=body | more)
        assert [answer["faceId"] for answer in answers] == ids
        return [[match["personId"] for match in answer["candidates"]] for answer in answers]

    ada, bob = people["Ada"], people["Bob"]
    assert candidates() == candidates("?exclusive=false") == [[ada], [ada], [bob]]
    once = candidates("?exclusive=true")
    assert sorted(once[:2]) == [[], [ada]] and once[2] == [bob]
    every = candidates("?exclusive=true", confidenceThreshold=0, maxNumOfCandidatesReturned=5)
    assert sorted(every[:2]) == [[], [ada]] and every[2] == [bob]
    assert candidates(confidenceThreshold=0, maxNumOfCandidatesReturned=5) == [[ada, bob], [ada, bob], [bob, ada]]
    assert api.error("POST", "identify?exclusive=perhaps", json=body)[:2] == (400, "BadArgument")


def test_new_faces_need_training_and_erased_ones_vanish_at_once(api: Api) -> None:
    people = api.group("Ada")
    bob = api.ok("POST", "persongroups/crowd/persons", json={"name": "Bob"})["personId"]
    face = api.ok("POST", f"persongroups/crowd/persons/{bob}/persistedfaces", data=PHOTOGRAPHS["Bob"])
    probe = {"faceIds": api.detect("Bob"), "personGroupId": "crowd"}
    who = lambda: [match["personId"] for match in api.ok("POST", "identify", json=probe)[0]["candidates"]]  # noqa: E731
    assert who() == []
    assert api.train("persongroups/crowd") == "succeeded"
    assert who() == [bob]
    api.ok("DELETE", f"persongroups/crowd/persons/{bob}/persistedfaces/{face['persistedFaceId']}")
    assert who() == []
    api.ok("DELETE", f"persongroups/crowd/persons/{people['Ada']}")
    assert who() == []  # nobody has a face any more
    assert api.ok("POST", "identify?exclusive=true", json=probe) == [{"faceId": probe["faceIds"][0], "candidates": []}]
    body = {"faceId": probe["faceIds"][0], "personId": bob, "personGroupId": "crowd"}
    assert api.error("POST", "verify", json=body)[:2] == (404, "PersistedFaceNotFound")
    api.ok("DELETE", "persongroups/crowd")
    assert api.group("Bob")["Bob"] != bob  # a new group with the same id
    assert who() != []


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "AVIF", "TIFF", "HEIC"])
def test_every_format_that_the_scripts_read(api: Api, tmp_path: Path, name: str) -> None:
    picture = PillowImage.open(io.BytesIO(PHOTOGRAPHS["Ada"])).convert("RGB").resize((400, 400))
    path = tmp_path / f"picture.{name.lower()}"
    if name != "HEIC":
        picture.save(path)
    elif program := shutil.which("heif-enc"):
        picture.save(tmp_path / "picture.png")
        subprocess.run([program, "-q", "95", tmp_path / "picture.png", "-o", path], check=True)
    else:
        pytest.skip("heif-enc is not installed")
    assert len(api.ok("POST", "detect", data=path.read_bytes(), content_type="application/octet-stream")) == 1


def test_verify_needs_no_training(api: Api) -> None:
    person = api.group("Ada", train=False)["Ada"]
    for name, same in {"Ada": True, "Bob": False}.items():
        body = {"faceId": api.detect(name)[0], "personId": person, "personGroupId": "crowd"}
        assert api.ok("POST", "verify", json=body)["isIdentical"] is same


def test_similar_faces(api: Api) -> None:
    ada, bob = api.detect("Ada", "Bob")
    (again,) = api.detect("Ada")
    body: dict[str, object] = {"faceId": ada, "faceIds": [bob, again], "mode": "MATCHPERSON"}
    assert [match["faceId"] for match in api.ok("POST", "findsimilars", json=body)] == [again]
    body |= {"mode": "matchFace", "maxNumOfCandidatesReturned": 1}
    assert [match["faceId"] for match in api.ok("POST", "findsimilars", json=body)] == [again]
    body |= {"maxNumOfCandidatesReturned": 1000}
    assert [match["faceId"] for match in api.ok("POST", "findsimilars", json=body)] == [again, bob]


def test_group_returns_the_largest_group_first(api: Api) -> None:
    a, b, c = api.detect("Ada", "Bob", "Cleo")
    (b2,), (a2,), (a3,) = api.detect("Bob"), api.detect("Ada"), api.detect("Ada")
    result = api.ok("POST", "group", json={"faceIds": [b, a, c, b2, a2, a3, a]})
    assert result == {"groups": [[a, a2, a3], [b, b2]], "messyGroup": [c]}


def test_face_lists_need_no_training(api: Api) -> None:
    api.ok("PUT", "facelists/one", json={"name": "n"})
    probe = {"faceId": api.detect("Ada")[0], "faceListId": "one"}
    for name in ("Bob", "Ada"):
        face = api.ok("POST", "facelists/one/persistedfaces?userData=u", data=PHOTOGRAPHS[name])["persistedFaceId"]
        matches = api.ok("POST", "findsimilars", json=probe)
    assert [match["persistedFaceId"] for match in matches] == [face]
    api.ok("DELETE", f"facelists/one/persistedfaces/{face}")
    assert api.ok("POST", "findsimilars", json=probe) == []
    assert len(api.ok("GET", "facelists/one")["persistedFaces"]) == 1


def test_faces_expire(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = api.detect("Ada", "Bob")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_399)
    assert not api.ok("POST", "verify", json={"faceId1": ada, "faceId2": bob})["isIdentical"]
    short = api.ok("POST", "detect?faceIdTimeToLive=60", data=PHOTOGRAPHS["Ada"])[0]["faceId"]
    monkeypatch.setattr(time, "time", lambda: now + 86_401)
    assert api.error("POST", "verify", json={"faceId1": ada, "faceId2": short})[:2] == (404, "FaceNotFound")
    with api.database.write() as session:
        detected_faces.erase_expired(session)
        assert len(detected_faces.find(session, [short])) == 1
    monkeypatch.setattr(time, "time", lambda: now)
    assert api.error("POST", "verify", json={"faceId1": ada, "faceId2": bob})[:2] == (404, "FaceNotFound")


@pytest.mark.parametrize("route", [*GROUPS, "largefacelists"])
def test_training_is_a_background_job(api: Api, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if route == "largefacelists":
        api.ok("PUT", f"{route}/crowd", json={"name": "n"})
        api.ok("POST", f"{route}/crowd/persistedfaces", data=PHOTOGRAPHS["Ada"])
    else:
        api.group("Ada", route=route, train=False)
    begun, go_on, load = Future[None](), Event(), Index.load

    def slow(*args: object) -> object:
        begun.set_result(None)
        assert go_on.wait(10)
        return load(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Index, "load", slow)
    answer = api("POST", f"/face/v1.2-preview.1/{route}/crowd/train")
    assert (answer.status_code, answer.data) == (202, b"")
    where = f"http://localhost/face/v1.2-preview.1/{route}/crowd/training"
    assert (answer.headers["operation-Location"], answer.headers["Retry-After"]) == (where, "1")
    begun.result(10)
    status = api.ok("GET", f"{route}/crowd/training")
    assert status["status"] == "running" and status["lastSuccessfulTrainingDateTime"] is None
    code = {"persongroups": "PersonGroup", "largepersongroups": "LargePersonGroup", "largefacelists": "LargeFaceList"}
    assert api.error("POST", f"{route}/crowd/train")[:2] == (409, f"{code[route]}TrainingNotFinished")
    assert api.ok("GET", f"{route}/crowd")["name"] in ("n", "a crowd")
    (ada,) = api.detect("Ada")
    key = f"{code[route][0].lower()}{code[route][1:]}Id"
    ask = {"faceId": ada} if route == "largefacelists" else {"faceIds": [ada]}
    path = "findsimilars" if route == "largefacelists" else "identify"
    assert api.error("POST", path, json={**ask, key: "crowd"})[:2] == (409, f"{code[route]}TrainingNotFinished")
    go_on.set()
    api.trainer._worker.submit(lambda: None).result(10)
    status = api.ok("GET", f"{route}/crowd/training")
    assert status["status"] == "succeeded"
    for name in ("createdDateTime", "lastActionDateTime", "lastSuccessfulTrainingDateTime"):
        assert status[name].endswith("Z") and datetime.fromisoformat(status[name].removesuffix("Z"))
    assert api.ok("POST", path, json={**ask, key: "crowd"})


def test_delete_a_collection_during_its_training(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.group("Ada", train=False)
    go_on, load = Event(), Index.load
    monkeypatch.setattr(Index, "load", lambda *args: go_on.wait(10) and load(*args))
    api.ok("POST", "persongroups/crowd/train")
    api.ok("DELETE", "persongroups/crowd")
    go_on.set()
    api.trainer._worker.submit(lambda: None).result(10)
    assert api.error("GET", "persongroups/crowd/training")[:2] == (404, "PersonGroupNotFound")


def test_a_failed_training_can_be_repeated(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.group("Ada", train=False)

    def fail(*_: object) -> None:
        raise OSError("a secret")

    with monkeypatch.context() as patch:
        patch.setattr(Index, "load", fail)
        assert api.train("persongroups/crowd") == "failed"
    assert "secret" not in api.ok("GET", "persongroups/crowd/training")["message"]
    assert api.train("persongroups/crowd") == "succeeded"
