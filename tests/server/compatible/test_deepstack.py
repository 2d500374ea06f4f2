"""DeepStack's face recognition, which CodeProject.AI has too: what clients send and read, and the errors."""

from __future__ import annotations

from typing import Any

import requests

from tests.conftest import patience
from tests.server.conftest import SECRET
from tests.server.pages.conftest import Site


def send(site: Site, path: str, *pictures: str, key: str | None = SECRET, **fields: object) -> requests.Response:
    names = ["image", *(f"image{number}" for number in range(2, len(pictures) + 1))]
    files: Any = {name: (site.folder / picture).read_bytes() for name, picture in zip(names, pictures, strict=False)}
    data = {**fields, **({} if key is None else {"api_key": key})}
    return requests.post(f"{site.url}/v1/vision/face{path}", files=files, data=data, timeout=patience(30))


def ok(site: Site, path: str, *pictures: str, **fields: Any) -> Any:
    answer = send(site, path, *pictures, **fields)
    assert answer.status_code == 200 and answer.json()["success"] is True, answer.text
    return answer.json()


def error(site: Site, path: str, *pictures: str, **fields: Any) -> tuple[int, str]:
    answer = send(site, path, *pictures, **fields)
    assert answer.json()["success"] is False
    return answer.status_code, answer.json()["error"]


def test_register_recognize_list_and_delete(site: Site) -> None:
    assert ok(site, "/list")["faces"] == []
    (stranger,) = ok(site, "/recognize", "Ada.png")["predictions"]
    assert (stranger["userid"], stranger["confidence"]) == ("unknown", 0)  # nobody is enrolled
    assert ok(site, "/register", "Ada.png", userid="Ada")["message"] == "face added"
    assert ok(site, "/register", "nobody.png", "Ada.png", userid="ada")["message"] == "face updated"
    assert ok(site, "/list")["faces"] == ["Ada"] == [person.name for person in site.enrolled.list_all()]
    assert [len(person.faces) for person in site.enrolled.list_all()] == [2]

    found = ok(site, "/recognize", "Ada-Cleo.png", min_confidence=0.7)["predictions"]
    ada, cleo = sorted(found, key=lambda face: face["x_min"])
    assert ada["userid"] == "Ada" and ada["confidence"] > 0.99
    assert (cleo["userid"], cleo["confidence"]) == ("unknown", 0)
    assert [ada[side] for side in ("x_min", "y_min", "x_max", "y_max")] == [36, 66, 84, 114]
    assert ok(site, "/recognize", "nobody.png")["predictions"] == []
    detected = ok(site, "", "Ada-Cleo.png")["predictions"]
    assert len(detected) == 2 and "userid" not in detected[0]
    assert ok(site, "", "Ada.png", min_confidence=0.95)["predictions"] == []

    ok(site, "/delete", userid="ADA")
    ok(site, "/delete", userid="Ada")  # as DeepStack answers for nobody
    assert ok(site, "/list")["faces"] == []


def test_an_unknown_face_is_never_named_however_low_the_minimum(site: Site) -> None:
    ok(site, "/register", "Ada.png", userid="Ada")
    (stranger,) = ok(site, "/recognize", "Cleo.png", min_confidence=0)["predictions"]
    assert (stranger["userid"], stranger["confidence"]) == ("unknown", 0)


def test_errors(site: Site) -> None:
    for key in (None, "", "wrong"):
        assert error(site, "/list", key=key) == (401, "Incorrect api key")
    assert error(site, "/recognize") == (400, "No valid image file found")
    assert error(site, "/register", "Ada.png") == (400, "userid not specified")
    assert error(site, "/register", "nobody.png", userid="Ada") == (400, "no face detected")
    status, message = error(site, "/register", "Ada.png", "Ada-Cleo.png", userid="Ada")
    assert status == 400 and "more than one face" in message
    for value in ("much", "-1", "nan"):
        assert error(site, "/recognize", "Ada.png", min_confidence=value)[0] == 400
    assert error(site, "/recognize", "Ada.png", min_confidence=2) == (400, "min_confidence cannot be greater than 1")
    assert error(site, "/register", "Ada.png", userid="unknown")[0] == 400
    assert site.enrolled.list_all() == []
