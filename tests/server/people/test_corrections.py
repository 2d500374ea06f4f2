"""Faces that are not the person as whom they were recognized, in every interface; faces that move to somebody else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from faces.server.errors import ApiError
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.people_group import GROUP_ID
from faces.server.store import detected_faces
from faces.server.store.schema import Refusal
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api
from tests.server.enrolled import CONFIDENCE, People, colour
from tests.server.page_client import page_client
from tests.server.pages.conftest import SeeingVision


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    people = People(tmp_path)
    yield people
    people.database.close()


def names(people: People, *faces: tuple[str, int]) -> list[str | None]:
    found = people.enrolled.identify(np.stack([colour(name, number) for name, number in faces]))
    return [match.name if match else None for match in found]


def refusals(people: People) -> int:
    with people.database.read() as session:
        return len(session.scalars(select(Refusal.key)).all())


def test_a_refused_face_is_never_again_the_person(people: People) -> None:
    ada, _ = people.enrol("Ada"), people.enrol("Bob")
    assert names(people, ("Ada", 3), ("Ada", 0), ("Bob", 1)) == ["Ada", "Ada", "Bob"]
    for _ in range(2):  # once is enough
        people.enrolled.corrections.refuse(ada, colour("Ada", 3))
    assert refusals(people) == people.enrolled.corrections.refused(ada) == 1
    assert names(people, ("Ada", 3), ("Ada", 0), ("Ada", 1), ("Bob", 1)) == [None, "Ada", "Ada", "Bob"]
    exclusive = people.enrolled.identify(np.stack([colour("Ada", 3), colour("Ada")]), exclusive=True)
    assert [match and match.name for match in exclusive] == [None, "Ada"]
    people.enrol("Ada", 4, called="Ann")  # who may be the next best
    assert names(people, ("Ada", 3)) == ["Ann"]
    assert people.enrolled.corrections.forget_refused(ada) == 1 and refusals(people) == 0
    actions = [action for action, _ in people.heard if action not in ("enrol", "identify")]
    assert actions == ["refuse_match", "refuse_match", "forget_refused"]


def test_a_refused_face_that_is_enrolled_after_all_is_the_person(people: People) -> None:
    ada = people.enrol("Ada")
    people.enrolled.corrections.refuse(ada, colour("Ada", 3))
    people.enrol("Ada", 3)
    assert names(people, ("Ada", 3)) == ["Ada"]


def test_refused_faces_go_with_the_person_the_face_or_the_retention(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    for number in range(2):
        people.enrolled.corrections.refuse(ada, colour("Cleo", number))
    cleo = people.enrol("Cleo")
    people.enrolled.remove_person(cleo)  # whose face it was
    assert refusals(people) == 1
    people.enrolled.removals.merge(ada, bob)
    assert people.enrolled.corrections.refused(bob) == 1
    people.enrolled.erase_older(1)
    assert refusals(people) == 1
    with people.database.write() as session:
        session.execute(update(Refusal).values(added=Refusal.added - 2 * 86_400))
    people.enrolled.erase_older(1)
    assert refusals(people) == 0
    monkeypatch.setattr("faces.server.people.corrections.MAX_REFUSALS", 2)
    for number in range(4):
        people.enrolled.corrections.refuse(bob, colour("Cleo", number))
    assert refusals(people) == 2
    people.enrolled.remove_person(bob)
    assert refusals(people) == 0
    data = b"".join(path.read_bytes() for path in tmp_path.glob("faces.db*"))
    assert colour("Cleo", 3).tobytes() not in data


def test_the_face_api_does_not_match_a_refused_face(api: Api) -> None:
    people = EnrolledPeople(api.database, api.indexes, CONFIDENCE, False)
    ids = {name: people.enrol(name, colour(name, 2), b"", b"")[1].id for name in ("Ada", "Bob")}
    face, other = api.detect("Ada", "Bob")
    body = {"faceIds": [face, other], "largePersonGroupId": GROUP_ID}
    pair = {"faceId": face, "personId": ids["Ada"], "largePersonGroupId": GROUP_ID}
    assert api.ok("POST", "verify", json=pair)["isIdentical"]
    with api.database.read() as session:
        (embedding,) = detected_faces.find(session, [face])
    people.corrections.refuse(ids["Ada"], embedding)
    for query, threshold in (("", 0), ("", 0.5), ("?exclusive=true", 0.5)):
        first, second = api.ok("POST", f"identify{query}", json={**body, "confidenceThreshold": threshold})
        assert ids["Ada"] not in str(first["candidates"]) and "''" not in str(first["candidates"])
        assert second["candidates"][0]["personId"] == ids["Bob"]
    assert api.ok("POST", "verify", json=pair) == {"isIdentical": False, "confidence": 0.0}
    again = {**pair, "personId": ids["Bob"], "faceId": other}
    assert api.ok("POST", "verify", json=again)["isIdentical"]


@pytest.fixture
def client(people: People, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    return page_client(people, SeeingVision(), monkeypatch)


def recognized(client: FlaskClient) -> str:
    picture = {"picture": (io.BytesIO(PHOTOGRAPHS["Ada"]), "a.png")}
    return client.post("/recognize", data={"part": "result", **picture}).text


def test_every_interface_on_the_page_and_for_programs(people: People, client: FlaskClient) -> None:
    people.enrol("Ada", 2)
    shown = recognized(client)
    assert "This is not Ada" in shown
    form = dict(re.findall(r'name="(face|cut_out|person|number)" value="([^"]*)"', shown))
    answer = client.post("/recognize/not", data={**form, "part": "1"})
    assert answer.status_code == 200 and "never again taken for Ada" in answer.text
    assert f'value="{form["face"]}"' in answer.text and "Who is face 1?" in answer.text
    assert "This is not Ada" not in recognized(client) and "Unknown" in recognized(client)
    assert "1 face is known not to be Ada" in client.get(f"/people/{form['person']}").text

    def named(path: str, **more: Any) -> str:
        return client.post(path, data={"image": (io.BytesIO(PHOTOGRAPHS["Ada"]), "a.png"), **more}).text

    assert "Ada" not in named("/v1/vision/face/recognize", api_key=SECRET)
    picture = {"file": (io.BytesIO(PHOTOGRAPHS["Ada"]), "a.png")}
    headers = {"x-api-key": SECRET}
    assert "Ada" not in client.post("/api/v1/recognition/recognize", data=picture, headers=headers).text
    (record,) = people.enrolled.list_all()
    picture = {"file": (io.BytesIO(PHOTOGRAPHS["Ada"]), "a.png")}
    path = f"/api/v1/recognition/faces/{record.faces[0].id}/verify"
    assert client.post(path, data=picture, headers=headers).get_json()["result"][0]["similarity"] == 0
    client.post(f"/people/{record.id}/refused/forget")
    assert "This is not Ada" in recognized(client)
    for wrong in ({"face": "forged"}, {"person": "nobody"}):
        assert client.post("/recognize/not", data={**form, **wrong}).status_code in (400, 404)


def test_the_page_of_a_person_moves_faces(people: People, client: FlaskClient) -> None:
    ada = people.enrol("Ada")
    people.enrol("Cleo", called="Ada")
    first, second = people.enrolled.person(ada).faces
    path = f"/people/{ada}/move"
    assert re.findall(r'type="checkbox" name="face" value="([^"]+)"', client.get(f"/people/{ada}").text) == [
        first.id,
        second.id,
    ]
    refused = client.post(path, data={"name": "Cleo"}, follow_redirects=True).text
    assert "Choose at least one face." in refused and people.faces() == {"Ada": 2}
    answer = client.post(path, data={"name": "Cleo", "face": [second.id]}, follow_redirects=True).text
    assert "1 face is now one of Cleo." in answer and people.faces() == {"Ada": 1, "Cleo": 1}


def test_faces_move_to_somebody_else_or_to_a_new_person(people: People) -> None:
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    people.enrol("Bob", 2, called="Ada")
    people.enrol("Cleo", called="Ada")
    corrections = people.enrolled.corrections
    own, of_bob, of_cleo = (face.id for face in people.enrolled.person(ada).faces)
    created, other = corrections.move(ada, [of_bob], " bob")
    assert not created and other.id == bob and people.faces() == {"Ada": 2, "Bob": 2}
    created, other = corrections.move(ada, [of_cleo.upper(), of_cleo], "Cleo")
    assert created and other.name == "Cleo" and [face.id for face in other.faces] == [of_cleo]
    assert names(people, ("Ada", 0), ("Bob", 0), ("Cleo", 0)) == ["Ada", "Bob", "Cleo"]
    for status, faces, name in ((400, [], "Bob"), (400, [own], "ADA"), (400, [own], " "), (404, [of_bob], "Dora")):
        with pytest.raises(ApiError) as caught:
            corrections.move(ada, faces, name)
        assert caught.value.status == status
    assert people.faces() == {"Ada": 1, "Bob": 2, "Cleo": 1}  # and no Dora


def test_moved_faces_stay_in_the_gallery_file(tmp_path: Path) -> None:
    people = People(tmp_path, gallery=True)
    ada = people.enrol("Ada")
    people.enrol("Cleo", called="Ada")
    people.enrolled.corrections.move(ada, [people.enrolled.person(ada).faces[1].id], "Cleo")
    assert sorted(people.gallery().names) == ["Ada", "Cleo"]
    people.database.close()


def test_the_limit_of_faces_holds(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faces.server.people.corrections.MAX_FACES_OF_A_PERSON", 1)
    ada, _ = people.enrol("Ada"), people.enrol("Bob")
    with pytest.raises(ApiError) as caught:
        people.enrolled.corrections.move(ada, [people.enrolled.person(ada).faces[0].id], "Bob")
    assert caught.value.status == 403 and people.faces() == {"Ada": 1, "Bob": 1}
