"""Enrol, identify, rename, merge and erase people."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from faces.server.errors import ApiError
from faces.server.housekeeping import Housekeeping
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.people import people_group
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.people_group import GROUP_ID
from faces.server.store import persons, retention, schema
from tests.server.conftest import PHOTOGRAPHS, Api
from tests.server.enrolled import CONFIDENCE, People, colour, photo


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    people = People(tmp_path)
    yield people
    people.database.close()


def refused(call: object, *values: object) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        call(*values)  # type: ignore[operator]
    return caught.value.status, caught.value.message


def test_no_people(people: People) -> None:
    assert people.enrolled.list_all() == []
    assert people.named("Ada") == [None]
    assert people.enrolled.identify(np.zeros((0, 3), np.float32)) == []
    assert people.enrolled.export_embeddings()
    for call in (people.enrolled.person, people.enrolled.remove_person, people.enrolled.cutout):
        assert refused(call, "nobody")[0] == 404


def test_an_enrolled_person_is_identified_at_once(people: People) -> None:
    created, ada = people.enrolled.enrol("  Ada ", colour("Ada"), b"", b"photo")
    assert created and ada.name == "Ada" and not ada.faces[0].picture
    assert people.named("Ada", "Bob") == ["Ada", None]
    created, again = people.enrolled.enrol("aDA", colour("Ada", 1), b"", b"photo 2")
    assert not created and again.id == ada.id and again.name == "Ada" and len(again.faces) == 2
    people.enrol("Bob")
    (match,) = people.enrolled.identify(colour("Bob", 1)[None])
    assert match is not None and match.name == "Bob" and 0.5 <= match.confidence <= 1


def test_of_two_faces_of_a_picture_one_is_the_person(people: People) -> None:
    for name in ("Ada", "Bob"):
        people.enrol(name)
    faces = np.stack([colour("Ada", 1), colour("Ada"), colour("Bob")])

    def named(exclusive: bool) -> list[str | None]:
        return [match.name if match else None for match in people.enrolled.identify(faces, exclusive)]

    assert named(exclusive=False) == ["Ada", "Ada", "Bob"]
    assert named(exclusive=True) == [None, "Ada", "Bob"]  # the nearer one
    assert people.enrolled.identify(faces[:0], exclusive=True) == []
    assert [match and match.name for match in people.enrolled.identify(faces[:1], exclusive=True)] == ["Ada"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 129, "a\0b", "a\nb", "\ud800", "unknown", " Unknown"])
def test_invalid_names(people: People, name: str) -> None:
    assert refused(people.enrolled.enrol, name, colour("Ada"), b"", b"")[0] == 400
    assert people.enrolled.list_all() == []


@pytest.mark.parametrize("name", ["../../etc", "CON", "🙂" * 64, "x" * 128, "Ana María O'Neil-Šimić", "<b>"])
def test_unusual_names(people: People, name: str) -> None:
    people.enrol("Ada", called=name)
    assert people.named("Ada") == [name]


def test_a_name_in_two_unicode_forms(people: People) -> None:
    people.enrol("Ada", called="Jose\u0301")
    assert not people.enrolled.enrol("JOSÉ", colour("Ada", 1), b"", b"")[0]
    assert people.faces() == {"José": 2}


def test_the_order_of_names(people: People) -> None:
    for number, name in enumerate(["ana 10", "Bea", "Ana 2", "10", "9", "Élo"]):
        people.enrol("Ada", number, name)
    assert list(people.faces()) == ["9", "10", "Ana 2", "ana 10", "Bea", "Élo"]


def test_the_limit_of_faces_per_person(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faces.server.people.enrolled_people.MAX_FACES_OF_A_PERSON", 2)
    people.enrol("Ada"), people.enrol("Ada", 1)
    assert refused(people.enrolled.enrol, "Ada", colour("Ada", 2), b"", b"")[0] == 403
    assert people.faces() == {"Ada": 2}


def test_rename_and_merge(people: People) -> None:
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    status, message = refused(people.enrolled.rename, ada, "BOB")
    assert status == 409 and "Merge" in message
    assert people.enrolled.rename(ada, "ADA").name == "ADA"
    assert people.named("Ada") == ["ADA"]
    assert refused(people.enrolled.removals.merge, ada, ada)[0] == 400
    assert refused(people.enrolled.removals.merge, ada, "nobody")[0] == 404
    merged = people.enrolled.removals.merge(ada, bob)
    assert merged.name == "Bob" and len(merged.faces) == 2
    assert people.faces() == {"Bob": 2} and people.named("Ada") == ["Bob"]
    assert [action for action, _ in people.heard if action != "identify"] == ["enrol", "enrol", "rename", "merge"]
    assert all("Ada" not in str(details) and "Bob" not in str(details) for _, details in people.heard)  # ids only


def test_erasing_leaves_no_trace(tmp_path: Path) -> None:
    people = People(tmp_path, keep_photos=True)
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    people.enrol("Ada", 1)
    first, second = people.enrolled.person(ada).faces
    assert first.picture and people.enrolled.cutout(first.id) == b"cut-out"
    removal = people.enrolled.remove_face(ada, first.id)
    assert (removal.name, removal.faces, removal.photographs) == ("Ada", 1, 1)
    assert refused(people.enrolled.cutout, first.id)[0] == refused(people.enrolled.remove_face, ada, first.id)[0] == 404
    assert refused(people.enrolled.remove_face, bob, second.id)[0] == 404
    removal = people.enrolled.remove_person(ada)
    assert (removal.faces, removal.photographs, removal.models, removal.pending) == (1, 1, (), "")
    assert people.faces() == {"Bob": 1} and people.named("Ada", "Bob") == [None, "Bob"]
    with people.database.write() as session:
        session.execute(update(schema.Property).values(name=schema.Property.name))
    people.database.close()
    data = (tmp_path / "faces.db").read_bytes()
    for number in range(2):
        assert photo("Ada", number) not in data and colour("Ada", number).tobytes() not in data
    assert b"Ada" not in data and photo("Bob") in data


def test_a_person_without_a_face_keeps_the_name(people: People) -> None:
    ada = people.enrol("Ada")
    (face,) = people.enrolled.person(ada).faces
    people.enrolled.remove_face(ada, face.id)
    assert people.faces() == {"Ada": 0} and people.named("Ada") == [None]
    assert people.enrol("Ada") == ada and people.named("Ada") == ["Ada"]


def test_photographs_are_not_stored_by_default(people: People, tmp_path: Path) -> None:
    people.enrol("Ada")
    with sqlite3.connect(tmp_path / "faces.db") as database:
        assert database.execute("SELECT count(*) FROM photographs").fetchall() == [(0,)]
    database.close()


def test_concurrent_enrolments_of_one_name(tmp_path: Path) -> None:
    people = People(tmp_path, gallery=True)
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda number: people.enrol("Ada", number), range(12)))
    assert len(ids) == 1 and people.faces() == {"Ada": 12}
    assert people.gallery().names == ("Ada",) * 12 and len(set(people.gallery().hashes)) == 12


def test_retention(people: People) -> None:
    people.enrol("Ada"), people.enrol("Bob"), people.enrol("Bob", 1)
    with people.database.write() as session:
        group = people_group.find_or_create_group(session)
        persons.create(session, group, "nobody's face yet", None)
        old = select(schema.Face.key).order_by(schema.Face.key).limit(2)
        session.execute(
            update(schema.Face).where(schema.Face.key.in_(old.scalar_subquery())).values(added=time.time() - 86_500)
        )
    with people.database.write() as session:
        assert retention.erase_expired(session, 2) == 0
    assert people.named("Ada") == ["Ada"]
    Housekeeping(people.database, partial(people.enrolled.erase_older, 1)).stop()
    assert people.heard[-1] == ("erase", {"faces": "2", "days": "1"})
    assert people.faces() == {"Bob": 1, "nobody's face yet": 0}
    assert people.named("Ada", "Bob") == [None, "Bob"]


def test_the_group_in_the_face_api(api: Api) -> None:
    people = EnrolledPeople(api.database, api.indexes, CONFIDENCE, False)
    path = f"{LARGE_PERSON_GROUP.route}/{GROUP_ID}"
    api.ok("PUT", path, json={"name": "People"})
    bob = api.ok("POST", f"{path}/persons", json={"name": "Bob"})["personId"]
    api.ok("POST", f"{path}/persons/{bob}/persistedfaces", data=PHOTOGRAPHS["Bob"])
    assert people.identify(colour("Bob")[None]) == [None]  # not trained
    _, ada = people.enrol("Ada", colour("Ada"), b"", b"")
    assert [person.name for person in people.list_all()] == ["Ada", "Bob"]
    ids = api.detect("Ada", "Bob")
    results = api.ok("POST", "identify", json={"faceIds": ids, "largePersonGroupId": GROUP_ID})
    candidates = [[person["personId"] for person in face["candidates"]] for face in results]
    assert candidates == [[ada.id], [bob]]
    assert api.ok("GET", f"{path}/training")["status"] == "succeeded"
    assert api.train(path) == "succeeded"
    api.ok("DELETE", path)
    assert people.list_all() == [] and people.identify(colour("Bob")[None]) == [None]
    assert people.enrol("Ada", colour("Ada"), b"", b"")[0]
