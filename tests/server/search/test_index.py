"""Indexes in memory follow additions and erasures without a full reload, within a memory limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.server.errors import ApiError
from faces.server.kinds import KINDS
from faces.server.search import index, matching
from faces.server.search.matching import Indexes
from faces.server.store import collections, persisted_faces, persons
from faces.server.store.database import Database
from faces.server.store.schema import Collection, Face, Person
from tests.server.colours import FINGERPRINT
from tests.server.search.test_matching import around


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    instance = Database(f"sqlite:///{tmp_path / 'faces.db'}", FINGERPRINT)
    yield instance
    instance.close()


def train(session: Session, collection: Collection) -> None:
    session.flush()
    in_collection = Face.collection_key == collection.key
    collection.trained_to = session.scalar(select(func.max(Face.key)).where(in_collection)) or collection.trained_to


@pytest.mark.parametrize("route", ["largepersongroups", "largefacelists"])
def test_indexes_follow_every_change(database: Database, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, rng, vectors = KINDS[route], np.random.default_rng(0), iter(around(0, 400, 1))
    monkeypatch.setattr(index, "MAX_RECENT_OWNERS", 4)
    probes, kept, loaded = around(1, 3, 1), Indexes(embedder="sface-int8"), []
    load = index.Index.load

    def counted(session: Session, collection: Collection, trained_to: int | None, owners: object = None) -> object:
        loaded.append(owners is None)
        return load(session, collection, trained_to, owners)  # type: ignore[arg-type]

    def add(session: Session, collection: Collection, number: int) -> None:
        for _ in range(number):
            person = None
            if kind.has_persons:
                everyone = session.scalars(select(Person)).all()
                if not everyone or rng.random() < 0.5:
                    persons.create(session, collection, "n", None)
                    session.flush()
                    everyone = session.scalars(select(Person)).all()
                person = everyone[int(rng.integers(len(everyone)))]
            persisted_faces.add(session, collection, person, next(vectors), None)

    with database.write() as session:
        collections.create(session, kind, "some", "n", None, "recognition_04")
        row = collections.find(session, kind, "some")
        add(session, row, 20)
        train(session, row)
    monkeypatch.setattr(index.Index, "load", counted)
    anew = 0
    for step in range(40):
        with database.write() as session:
            row = collections.find(session, kind, "some")
            action = rng.integers(4)
            faces = session.scalars(select(Face)).all()
            if action < 2 or len(faces) < 5:
                add(session, row, int(rng.integers(1, 4)))
            elif action == 2 or not kind.has_persons:
                persisted_faces.delete(session, row, faces[int(rng.integers(len(faces)))])
            else:
                everyone = session.scalars(select(Person)).all()
                persons.delete(session, row, everyone[int(rng.integers(len(everyone)))])
            if rng.random() < 0.6:
                train(session, row)
        with database.read() as session:
            row = collections.find(session, kind, "some")
            loaded.clear()
            updated = kept.of(session, row)
            assert updated is not None
            found = updated.search(probes, 50)
            anew += sum(loaded)
            new_index = Indexes(embedder="sface-int8").of(session, row)
            assert new_index is not None
            expected = new_index.search(probes, 50)
        chance, expected_chance = found.expected, expected.expected
        assert chance is not None
        assert expected_chance is not None
        if not kind.has_persons:  # of a group, a sample of its persons is measured: not always the same one
            np.testing.assert_array_equal(found.ids, expected.ids, err_msg=str(step))
            np.testing.assert_allclose(chance, expected_chance, rtol=1e-3)
        for ids, distances, ids_anew, distances_anew in zip(
            found.ids, found.distance, expected.ids, expected.distance, strict=True
        ):
            assert dict(zip(ids, distances.round(5), strict=True)) == dict(
                zip(ids_anew, distances_anew.round(5), strict=True)
            )
    assert anew == 1  # only the first search loads the whole index


def test_an_index_without_recorded_changes_and_the_last_face(database: Database) -> None:
    kind, indexes = KINDS["facelists"], Indexes()
    probe = around(0, 1, 1)
    with database.write() as session:
        collections.create(session, kind, "few", "n", None, "recognition_04")

    def add(vector: int) -> str:
        with database.write() as session:
            few = collections.find(session, kind, "few")
            return persisted_faces.add(session, few, None, around(vector, 1, 1)[0], None)

    def nearest() -> list[str]:
        with database.read() as session:
            searchable = indexes.of(session, collections.find(session, kind, "few"))
            assert searchable is not None
            found: list[str] = searchable.search(probe, 9).ids[0].tolist()
            return found

    ids = [add(0), add(1)]
    assert nearest() == ids
    for left in ([ids[1]], []):
        with database.write() as session:
            few = collections.find(session, kind, "few")
            persisted_faces.delete(session, few, persisted_faces.find(session, few, None, ids.pop(0)))
        if left:
            assert nearest() == left
    with pytest.raises(ApiError, match="empty"):
        nearest()
    again = add(0)
    assert nearest() == [again]


def test_only_recent_changes_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "KEPT_CHANGES", 3)
    kind = KINDS["facelists"]
    with database.write() as session:
        collections.create(session, kind, "few", "n", None, "recognition_04")
    for number in range(5):
        with database.write() as session:
            collections.record_change(collections.find(session, kind, "few"), number)
    with database.read() as session:
        few = collections.find(session, kind, "few")
        assert collections.changed_owners(session, few, 3) == {3, 4}
        assert collections.changed_owners(session, few, 5) == set()
        assert collections.changed_owners(session, few, 1) is None


def test_the_least_recently_used_indexes_are_dropped(database: Database) -> None:
    kind = KINDS["facelists"]
    room = 3 * 10 * 128 * 4 * 2
    indexes = Indexes(memory=room)
    with database.write() as session:
        for name in "abcd":
            collections.create(session, kind, name, "n", None, "recognition_04")
            for vector in around(ord(name), 10, 1):
                persisted_faces.add(session, collections.find(session, kind, name), None, vector, None)
    for name in "abcacad":
        with database.read() as session:
            indexes.of(session, collections.find(session, kind, name))
    assert len(indexes._cached) == 2 and list(indexes._cached)[-1] == 4
    assert sum(known.layers.size for known in indexes._cached.values() if known.layers) <= room
    assert 10 * room < matching.MAX_MEMORY
