"""Remove people and faces, and merge people, so that it can be undone for a day; then the removed are erased.

Until then the removed people are in a collection of their own, which nothing searches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import uuid4

import numpy as np
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.monitoring.audit import Audit
from faces.server.people import people_group
from faces.server.people.people_group import GROUP_ID
from faces.server.people.values import PersonRecord, Removal, Removed, SyncResult
from faces.server.store import collections, persons
from faces.server.store.database import Database
from faces.server.store.schema import REMOVED, Collection, Face, Person, Photograph, Refusal, RemovedPerson
from faces.types import Floats

Condition = ColumnElement[bool]

GRACE = 86_400.0  # s
COLLECTION = f"{LARGE_PERSON_GROUP.route}/{GROUP_ID}"  # as the audit log writes it


class Removals:
    """The removals of a database that can be undone. Thread-safe.

    audit: receives each action, with ids only.
    synchronize: updates what is made of the people, without the embeddings of those who were erased.
    """

    def __init__(
        self, database: Database, audit: Audit, synchronize: Callable[[list[Floats] | None], SyncResult]
    ) -> None:
        self._database, self._audit, self._synchronize = database, audit, synchronize

    def remove_person(self, person_id: str) -> Removal:
        """Remove a person. Raises ApiError 404 if the person does not exist."""
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            name, removed = person.name or "", _bin(session)
            faces = _move(session, Face.person_key == person.key, removed, person.key)
            person.collection_key = removed.key
            session.add(RemovedPerson(person_key=person.key))
            collections.record_change(group, person.key)
        return self._removed(name, faces, person=person_id)

    def remove_face(self, person_id: str, face_id: str) -> Removal:
        """Remove a face; the person stays even without a face. Raises ApiError 404 if the face does not exist."""
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            key = session.scalar(select(Face.key).where(Face.person_key == person.key, Face.id == face_id.lower()))
            if key is None:
                raise errors.persisted_face_not_found(face_id)
            name, removed = person.name or "", _bin(session)
            stand_in = Person(id=str(uuid4()), collection_key=removed.key, name=person.name)
            session.add(stand_in)
            session.flush()
            _move(session, Face.key == key, removed, stand_in.key)
            session.add(RemovedPerson(person_key=stand_in.key, back_to=person.key))
            collections.record_change(group, person.key)
        return self._removed(name, 1, person=person_id, face=face_id)

    def merge(self, person_id: str, into_id: str) -> PersonRecord:
        """Move a person's faces to another person and remove the first. Raises ApiError 400 or 404."""
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            _, target = people_group.find_person(session, into_id)
            if person.key == target.key:
                raise errors.bad_argument("A person cannot be merged with themselves.")
            faces = session.scalars(select(Face.key).where(Face.person_key == person.key)).all()
            for table in (Face, Refusal):
                session.execute(update(table).where(table.person_key == person.key).values(person_key=target.key))
            person.collection_key = _bin(session).key
            session.add(RemovedPerson(person_key=person.key, moved=" ".join(map(str, faces))))
            for changed in (person, target):
                collections.record_change(group, changed.key)
            record = people_group.person_record(session, target)
        self._audit("merge", collection=COLLECTION, person=record.id, merged=person_id)
        self._synchronize(None)
        return record

    def listed(self) -> list[Removed]:
        """Return what can be undone, the most recent first."""
        faces = select(func.count()).where(Face.person_key == Person.key).scalar_subquery()
        query = select(Person.id, Person.name, faces.label("faces"), RemovedPerson.removed, RemovedPerson.moved)
        query = query.join(RemovedPerson, RemovedPerson.person_key == Person.key)
        with self._database.read() as session:
            rows = session.execute(query.order_by(RemovedPerson.removed.desc(), Person.key.desc())).all()
        return [
            Removed(row.id, row.name or "", row.faces or len(row.moved.split()), row.removed + GRACE, bool(row.moved))
            for row in rows
        ]

    def undo(self, id_: str) -> PersonRecord:
        """Bring a removed person or face back, or separate a merged person again.

        If somebody else has the person's name by now, the faces are those of that person.

        Raises ApiError 404 if there is nothing to undo: it was undone, or the grace is over.
        """
        with self._database.write() as session:
            person, removal = _find(session, id_)
            group = people_group.find_or_create_group(session)
            of_person = Face.person_key == person.key
            if removal.moved:
                of_person = Face.key.in_([int(key) for key in removal.moved.split()])
                of_person &= Face.collection_key == group.key
            before = set(session.scalars(select(Face.person_key).where(of_person))) - {None, person.key}
            owner = removal.back_to
            if owner is None or session.get_one(Person, owner).collection_key != group.key:
                owner = people_group.keys_by_name(session, group).get(people_group.fold_name(person.name or ""))
            _move(session, of_person, group, person.key if owner is None else owner)
            if owner is None:
                person.collection_key, owner = group.key, person.key
                session.delete(removal)
            else:
                session.delete(person)
            people_group.make_searchable(session, group)
            for key in {owner, *before}:
                collections.record_change(group, key)
            session.flush()
            record = people_group.record_of(session, owner)
        self._audit("undo", collection=COLLECTION, person=record.id)
        self._synchronize(None)
        return record

    def erase(self, id_: str) -> Removal:
        """Erase at once what was removed. Raises ApiError 404 if there is nothing, or it was erased."""
        with self._database.write() as session:
            person, _ = _find(session, id_)
            name, people = person.name or "", [person, *persons.removed_with(session, person)]
            photographs = _photographs(session, Face.person_key.in_([one.key for one in people]))
            erased = _erase(session, people)
        return self._erased(name, erased, photographs)

    def erase_due(self) -> None:
        """Erase what was removed more than ``GRACE`` ago."""
        due = (
            select(Person)
            .join(RemovedPerson, RemovedPerson.person_key == Person.key)
            .where(RemovedPerson.removed <= time.time() - GRACE)
        )
        with self._database.read() as session:
            if session.scalar(due.limit(1)) is None:
                return
        with self._database.write() as session:
            people = session.scalars(due).all()
            erased = _erase(session, people)
        self._erased("", erased, 0)

    def _removed(self, name: str, faces: int, **ids: str) -> Removal:
        self._audit("remove", collection=COLLECTION, **ids, faces=str(faces))
        result = self._synchronize(None)
        return Removal(name, faces, 0, result.models, result.dataset, result.pending, time.time() + GRACE)

    def _erased(self, name: str, erased: list[Floats], photographs: int) -> Removal:
        self._audit("erase", collection=REMOVED, faces=str(len(erased)))
        result = self._synchronize(erased)
        return Removal(name, len(erased), photographs, result.models, result.dataset, result.pending)


def _bin(session: Session) -> Collection:
    """Return the collection of removed people; create it if it does not exist."""
    if (found := session.scalar(select(Collection).where(Collection.kind == REMOVED))) is None:
        group = people_group.find_or_create_group(session)
        found = Collection(kind=REMOVED, id=GROUP_ID, name=REMOVED, recognition_model=group.recognition_model)
        session.add(found)
        session.flush()
    return found


def _find(session: Session, id_: str) -> tuple[Person, RemovedPerson]:
    query = select(Person, RemovedPerson).join(RemovedPerson, RemovedPerson.person_key == Person.key)
    if (row := session.execute(query.where(Person.id == id_.lower())).one_or_none()) is None:
        raise errors.person_not_found(id_)
    return row.Person, row.RemovedPerson


def _move(session: Session, condition: Condition, collection: Collection, person_key: int) -> int:
    """Move faces to a person and collection, and return their number."""
    number = session.scalar(select(func.count()).select_from(Face).where(condition)) or 0
    values = {"collection_key": collection.key, "person_key": person_key}
    session.execute(update(Face).where(condition).values(values).execution_options(synchronize_session=False))
    return number


def _photographs(session: Session, condition: Condition) -> int:
    return session.scalar(select(func.count()).select_from(Photograph).join(Face).where(condition)) or 0


def _erase(session: Session, people: Sequence[Person]) -> list[Floats]:
    """Erase removed people, and return the embeddings of their faces."""
    of_people = Face.person_key.in_([person.key for person in people])
    blobs = session.scalars(select(Face.embedding).where(of_people)).all()
    session.execute(delete(Refusal).where(Refusal.embedding.in_(blobs)))
    session.execute(delete(Face).where(of_people).execution_options(synchronize_session=False))
    for person in people:
        session.delete(person)
    return [np.frombuffer(blob, np.float32) for blob in blobs]
