"""Removals and merges that can be undone for a day, and what is erased after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from faces.server.errors import ApiError
from faces.server.people import people_group
from faces.server.people.removals import GRACE
from faces.server.store import persons
from faces.server.store.schema import Face, Person, RemovedPerson
from tests.server.enrolled import People, colour, gallery, photo
from tests.server.page_client import page_client
from tests.server.pages.conftest import SeeingVision


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    people = People(tmp_path, keep_photos=True)
    yield people
    people.database.close()


def rows(people: People) -> tuple[int, int]:
    with people.database.read() as session:
        faces, persons = (session.scalar(select(func.count()).select_from(table)) or 0 for table in (Face, Person))
    return faces, persons


def let_a_day_pass(people: People) -> None:
    with people.database.write() as session:
        session.execute(update(RemovedPerson).values(removed=RemovedPerson.removed - GRACE))


def test_a_removed_person_returns_within_a_day(people: People) -> None:
    ada, _ = people.enrol("Ada"), people.enrol("Bob")
    before = people.enrolled.person(ada)
    removal = people.enrolled.removals.remove_person(ada)
    assert (removal.name, removal.faces) == ("Ada", 1) and removal.until > 0
    assert people.faces() == {"Bob": 1} and people.named("Ada", "Bob") == [None, "Bob"]
    with pytest.raises(ApiError):
        people.enrolled.cutout(before.faces[0].id)
    (removed,) = people.enrolled.removals.listed()
    assert (removed.id, removed.name, removed.faces, removed.is_merged) == (ada, "Ada", 1, False)
    people.enrolled.removals.erase_due()  # too early
    assert people.enrolled.removals.undo(ada) == before
    assert people.named("Ada") == ["Ada"] and people.enrolled.cutout(before.faces[0].id) == b"cut-out"
    assert people.enrolled.removals.listed() == []
    with pytest.raises(ApiError):
        people.enrolled.removals.undo(ada)


@pytest.mark.parametrize("how", ["due", "now"])
def test_what_was_removed_is_really_erased(people: People, tmp_path: Path, how: str) -> None:
    ada = people.enrol("Ada")
    people.enrol("Ada", 1), people.enrol("Bob")
    people.enrolled.removals.remove_face(ada, people.enrolled.person(ada).faces[0].id)
    people.enrolled.removals.remove_person(ada)
    assert rows(people) == (3, 3)
    if how == "due":
        let_a_day_pass(people)
        people.enrolled.removals.erase_due()
    else:
        removal = people.enrolled.removals.erase(ada)  # with the face that was removed before
        assert (removal.faces, removal.photographs) == (2, 2)
    assert rows(people) == (1, 1) and people.enrolled.removals.listed() == []
    people.database.close()
    data = (tmp_path / "faces.db").read_bytes()
    for number in range(2):
        assert photo("Ada", number) not in data and colour("Ada", number).tobytes() not in data
    assert b"Ada" not in data and photo("Bob") in data


def test_a_removed_face_returns_to_its_person(people: People) -> None:
    ada = people.enrol("Ada")
    people.enrol("Ada", 1)
    before = people.enrolled.person(ada)
    people.enrolled.removals.remove_face(ada, before.faces[0].id)
    assert [face.id for face in people.enrolled.person(ada).faces] == [before.faces[1].id]
    (removed,) = people.enrolled.removals.listed()
    assert people.enrolled.removals.undo(removed.id) == before and rows(people) == (2, 1)
    for face in before.faces:
        people.enrolled.removals.remove_face(ada, face.id)
    people.enrolled.removals.remove_person(ada)  # the faces return as a person
    ids = [removed.id for removed in people.enrolled.removals.listed() if removed.id != ada]
    assert [len(people.enrolled.removals.undo(id_).faces) for id_ in ids] == [1, 2]
    assert people.faces() == {"Ada": 2} and people.named("Ada") == ["Ada"]


def test_a_name_that_was_taken_meanwhile(people: People) -> None:
    ada = people.enrol("Ada")
    people.enrolled.removals.remove_person(ada)
    again = people.enrol("Ada", 1)
    assert people.enrolled.removals.undo(ada).id == again and people.faces() == {"Ada": 2}
    assert rows(people) == (2, 1)


def test_a_merge_is_undone(people: People) -> None:
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    people.enrol("Cleo", called="Ada")
    people.enrolled.removals.merge(ada, bob)
    assert people.named("Ada", "Bob") == ["Bob", "Bob"]
    people.enrol("Bob", 1)
    (removed,) = people.enrolled.removals.listed()
    assert removed.is_merged and (removed.name, removed.faces) == ("Ada", 2)
    assert people.enrolled.removals.undo(ada).id == ada
    assert people.faces() == {"Ada": 2, "Bob": 2} and people.named("Ada", "Bob", "Cleo") == ["Ada", "Bob", "Ada"]
    people.enrolled.removals.merge(ada, bob)
    let_a_day_pass(people)
    people.enrolled.removals.erase_due()  # the name goes, the faces stay
    assert people.faces() == {"Bob": 4} and rows(people) == (4, 1)
    actions = [action for action, _ in people.heard if action not in ("enrol", "identify")]
    assert actions == ["merge", "undo", "merge", "erase"]


@pytest.mark.parametrize("how", ["at once", "after it was removed", "Face API"])
def test_who_is_erased_does_not_return_with_what_was_removed_before(people: People, how: str) -> None:
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    people.enrol("Ada", 1)
    people.enrolled.removals.merge(bob, ada)
    people.enrolled.removals.remove_face(ada, people.enrolled.person(ada).faces[1].id)
    people.enrol("Cleo")
    if how == "Face API":
        with people.database.write() as session:
            group, person = people_group.find_person(session, ada)
            persons.delete(session, group, person)
    elif how == "at once":
        people.enrolled.remove_person(ada)
    else:
        people.enrolled.removals.remove_person(ada)
        people.enrolled.removals.erase(ada)
    assert people.enrolled.removals.listed() == []
    assert people.faces() == {"Cleo": 1} and rows(people) == (1, 1)


def test_the_shared_gallery_follows(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    gallery(("Ada", 0), ("Bob", 0)).save(tmp_path / "output" / "embeddings.pickle")
    people = People(tmp_path, gallery=True)
    people.enrol("Cleo")
    ids = {person.name: person.id for person in people.enrolled.list_all()}
    for name in ("Ada", "Cleo"):
        people.enrolled.removals.remove_person(ids[name])
        people.enrolled.synchronize()
        assert name not in people.gallery().names and name not in people.faces()
        assert people.enrolled.removals.undo(ids[name]).name == name
        assert sorted(people.gallery().names) == ["Ada", "Bob", "Cleo"]
    people.enrolled.removals.remove_person(ids["Ada"])
    people.database.close()
    people = People(tmp_path, gallery=True)  # another start
    assert people.faces() == {"Bob": 1, "Cleo": 1} and sorted(people.gallery().names) == ["Bob", "Cleo"]
    let_a_day_pass(people)
    people.enrolled.removals.erase_due()
    assert people.faces() == {"Bob": 1, "Cleo": 1} and rows(people) == (2, 2)
    people.database.close()


@pytest.fixture
def client(people: People, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    return page_client(people, SeeingVision(), monkeypatch)


def test_the_pages(people: People, client: FlaskClient) -> None:
    post: Callable[..., str] = lambda path, **data: client.post(path, data=data, follow_redirects=True).text  # noqa: E731
    ada, bob = people.enrol("Ada"), people.enrol("Bob")
    asked = client.get(f"/people/{ada}/remove").text
    assert "for a day you can undo this" in asked and "Erase now" in asked and "this cannot be undone" in asked
    page = post(f"/people/{ada}/remove")
    assert re.search(r"Ada was removed. You can undo this on the page People until \d{4}-\d\d-\d\d \d\d:\d\d UTC", page)
    assert f"/people/removed/{ada}/undo" in page and f"/people/removed/{ada}/erase" in page
    assert "Set-Cookie" not in client.get("/people").headers  # or a late answer takes away what another one stored
    assert "Ada is back." in post(f"/people/removed/{ada}/undo") and people.faces() == {"Ada": 1, "Bob": 1}
    post(f"/people/{ada}/remove")
    assert "Erased: 1 face, 1 embedding, 1 photograph." in post(f"/people/removed/{ada}/erase")
    assert rows(people) == (1, 1)
    assert "Erased: 1 face, 1 embedding, 1 photograph." in post(f"/people/{bob}/remove", erase="1")
    assert rows(people) == (0, 0) and "removed/" not in client.get("/people").text
