"""CompreFace's recognition service: what its clients send and read, and its errors."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from tests.conftest import patience
from tests.server.conftest import SECRET
from tests.server.pages.conftest import Site

FAR = 0.01  # the similarity of different colours is less


def send(site: Site, method: str, path: str, picture: str = "", key: str | None = SECRET, **more: Any) -> Any:
    if picture:
        more["files"] = {"file": (picture, (site.folder / picture).read_bytes())}
    headers = {} if key is None else {"x-api-key": key}
    return requests.request(
        method, f"{site.url}/api/v1/recognition/{path}", headers=headers, timeout=patience(30), **more
    )


def ok(site: Site, method: str, path: str, picture: str = "", status: int = 200, **more: Any) -> Any:
    answer = send(site, method, path, picture, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


def error(site: Site, method: str, path: str, picture: str = "", **more: Any) -> tuple[int, int]:
    answer = send(site, method, path, picture, **more)
    assert set(answer.json()) == {"message", "code"}, answer.text
    return answer.status_code, answer.json()["code"]


def test_subjects_and_faces(site: Site) -> None:
    assert ok(site, "POST", "subjects", json={"subject": "Ada"}, status=201) == {"subject": "Ada"}
    assert error(site, "POST", "subjects", json={"subject": "ada"}) == (400, 43)
    added = ok(site, "POST", "faces", "Ada.png", params={"subject": "Ada"}, status=201)
    assert added["subject"] == "Ada"
    for picture in ("Bob.png", "Bob.png"):
        ok(site, "POST", "faces", picture, params={"subject": "Bob"}, status=201)
    assert ok(site, "GET", "subjects/") == {"subjects": ["Ada", "Bob"]}
    assert [person.name for person in site.enrolled.list_all()] == ["Ada", "Bob"]  # the people of the pages

    page = ok(site, "GET", "faces", params={"page": 0, "size": 2})
    assert page["faces"][0] == added and len(page["faces"]) == 2
    numbers = {name: page[name] for name in ("page_number", "page_size", "total_pages", "total_elements")}
    assert numbers == {"page_number": 0, "page_size": 2, "total_pages": 2, "total_elements": 3}
    assert len(ok(site, "GET", "faces", params={"subject": "Bob"})["faces"]) == 2
    assert send(site, "GET", f"faces/{added['image_id']}/img").content.startswith(b"\xff\xd8")

    assert ok(site, "PUT", "subjects/Ada", json={"subject": "Ada L."}) == {"updated": True}
    assert ok(site, "PUT", "subjects/Ada L.", json={"subject": "Bob"}) == {"updated": True}  # merged
    assert ok(site, "GET", "faces")["total_elements"] == 3 and ok(site, "GET", "subjects") == {"subjects": ["Bob"]}
    assert ok(site, "DELETE", f"faces/{added['image_id']}") == {"image_id": added["image_id"], "subject": "Bob"}
    left = [face["image_id"] for face in ok(site, "GET", "faces")["faces"]]
    assert ok(site, "POST", "faces/delete", json=[*left[:1], added["image_id"]]) == [
        {"image_id": left[0], "subject": "Bob"}
    ]
    assert ok(site, "DELETE", "faces", params={"subject": "Bob"}) == {"deleted": 1}
    assert ok(site, "DELETE", "faces", params={"subject": "Bob"}) == {"deleted": 0}
    assert ok(site, "DELETE", "subjects/Bob") == {"subject": "Bob"}
    ok(site, "POST", "faces", "Ada.png", params={"subject": "Ada"}, status=201)
    assert ok(site, "DELETE", "faces") == {"deleted": 1} and ok(site, "DELETE", "subjects") == {"deleted": 1}
    assert site.enrolled.list_all() == []


def test_recognize(site: Site) -> None:
    (stranger,) = ok(site, "POST", "recognize", "Ada.png")["result"]
    assert stranger["subjects"] == []  # nobody is enrolled
    for name in ("Ada", "Bob"):
        ok(site, "POST", "faces", f"{name}.png", params={"subject": name}, status=201)
    (face,) = ok(site, "POST", "recognize", "Ada.png", params={"prediction_count": 2})["result"]
    assert [subject["subject"] for subject in face["subjects"]] == ["Ada", "Bob"]
    assert face["subjects"][0]["similarity"] > 0.99 and face["subjects"][1]["similarity"] < FAR
    box = face["box"]
    assert (box["x_min"], box["y_min"], box["x_max"], box["y_max"]) == (36, 66, 84, 114)
    assert box["probability"] == pytest.approx(0.9)
    assert set(face) == {"box", "subjects"}

    found = ok(site, "POST", "recognize", "Ada-Cleo.png")["result"]
    assert sorted(face["subjects"][0]["similarity"] > 0.5 for face in found) == [False, True]  # Cleo is a stranger
    assert len(ok(site, "POST", "recognize", "Ada-Cleo.png", params={"limit": 1})["result"]) == 1
    options = {"face_plugins": "gender,calculator,age,undefined", "status": "true", "prediction_count": 1}
    answer = ok(site, "POST", "recognize", "Ada.png", params=options)
    (face,) = answer["result"]
    assert face["gender"] == {"value": "female", "probability": pytest.approx(0.9)} and len(face["embedding"]) == 3
    assert answer["plugins_versions"] == {"detector": "detector", "calculator": "embedder"} and "age" not in face
    data = {"file": base64.b64encode((site.folder / "Ada.png").read_bytes()).decode()}
    (face,) = ok(site, "POST", "recognize", json=data)["result"]  # as the JavaScript client sends one
    assert face["subjects"][0]["subject"] == "Ada"


def test_verify_a_picture_with_a_face(site: Site) -> None:
    id_ = ok(site, "POST", "faces", "Ada.png", params={"subject": "Ada"}, status=201)["image_id"]
    values = [face["similarity"] for face in ok(site, "POST", f"faces/{id_}/verify", "Ada-Cleo.png")["result"]]
    assert min(values) < FAR and max(values) > 0.99


def test_errors(site: Site) -> None:
    missing = "00000000-0000-0000-0000-000000000002"
    assert error(site, "GET", "subjects", key=None) == (400, 20)
    assert error(site, "GET", "subjects", key="wrong") == (404, 10)
    assert error(site, "POST", "recognize", "nobody.png") == (400, 28)  # double-take reads this code
    assert error(site, "POST", "recognize", "Ada.png", params={"det_prob_threshold": 0.95}) == (400, 28)
    assert error(site, "POST", "faces", "Ada-Cleo.png", params={"subject": "Ada"}) == (400, 31)
    assert error(site, "POST", "faces", "nobody.png", params={"subject": "Ada"}) == (400, 28)
    assert error(site, "POST", "faces", "Ada.png") == (400, 33)
    assert error(site, "POST", "faces", "Ada.png", params={"subject": "unknown"}) == (400, 36)
    assert error(site, "POST", "recognize") == (400, 34)
    assert error(site, "POST", "recognize", json={"file": "no Base64"}) == (400, 21)
    assert error(site, "POST", "recognize", files={"file": ("a.png", b"no picture" * 200)}) == (400, 21)
    for name, value in (("prediction_count", "0"), ("limit", "-1"), ("det_prob_threshold", "2")):
        assert error(site, "POST", "recognize", "Ada.png", params={name: value}) == (400, 36)
    assert error(site, "DELETE", "subjects/Nobody") == error(site, "PUT", "subjects/No", json={"subject": "A"})
    assert error(site, "DELETE", "subjects/Nobody") == (404, 42)
    assert error(site, "DELETE", f"faces/{missing}") == error(site, "POST", f"faces/{missing}/verify", "Ada.png")
    assert error(site, "DELETE", f"faces/{missing}") == (404, 44)
    assert error(site, "DELETE", "faces/1") == error(site, "POST", "faces/delete", json={}) == (400, 36)
    assert send(site, "GET", f"faces/{missing}/img").content == b""
    assert send(site, "GET", "nothing").status_code == 404
    assert site.enrolled.list_all() == []
