"""Corrections: a face that is not the person as whom it was recognized; faces that belong to somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from sqlalchemy import delete, func, select, update

from faces.server import errors
from faces.server.limits import MAX_FACES_OF_A_PERSON
from faces.server.people import people_group
from faces.server.people.values import PersonRecord
from faces.server.store import collections
from faces.server.store.database import Database
from faces.server.store.schema import Face, Refusal
from faces.types import Floats

MAX_REFUSALS = 100  # of a person, the most recent


class Changed(Protocol):
    """A function that is called after each change."""

    def __call__(self, action: str, **details: str) -> None:
        """Record the action, and update what is made of the people."""
        ...


class Corrections:
    """Corrections of the enrolled people in a database. Thread-safe.

    changed: called after each.
    """

    def __init__(self, database: Database, changed: Changed) -> None:
        self._database, self._changed = database, changed

    def refuse(self, person_id: str, embedding: Floats) -> PersonRecord:
        """Remember that a face is not a person: it is never again a match of this person.

        embedding: float32 (D,), unit length.

        Raises ApiError 404 if the person does not exist.
        """
        with self._database.write() as session:
            _, person = people_group.find_person(session, person_id)
            blob = np.asarray(embedding, np.float32).tobytes()
            of_person = Refusal.person_key == person.key
            if session.scalar(select(Refusal.key).where(of_person, Refusal.embedding == blob)) is None:
                session.add(Refusal(person_key=person.key, embedding=blob))
                session.flush()
            keys = session.scalars(select(Refusal.key).where(of_person).order_by(Refusal.key.desc())).all()
            session.execute(delete(Refusal).where(Refusal.key.in_(keys[MAX_REFUSALS:])))
            record = people_group.person_record(session, person)
        self._changed("refuse_match", person=record.id)
        return record

    def refused(self, person_id: str) -> int:
        """Return how many faces are known not to be a person. Raises ApiError 404 if the person does not exist."""
        with self._database.read() as session:
            _, person = people_group.find_person(session, person_id)
            return session.scalar(select(func.count()).where(Refusal.person_key == person.key)) or 0

    def forget_refused(self, person_id: str) -> int:
        """Erase the faces that are known not to be a person, and return their number. Raises ApiError 404."""
        with self._database.write() as session:
            _, person = people_group.find_person(session, person_id)
            of_person = Refusal.person_key == person.key
            number = session.scalar(select(func.count()).where(of_person)) or 0
            session.execute(delete(Refusal).where(of_person))
        self._changed("forget_refused", person=person_id, faces=str(number))
        return number

    def move(self, person_id: str, face_ids: Sequence[str], name: str) -> tuple[bool, PersonRecord]:
        """Move faces of a person to the person with a name (case-insensitive), or to a new one: to split a person.

        Returns whether the other person is new, and the other person. Raises ApiError 400 for no face, an invalid name
        or that of the person, 403 if the other person has too many faces, and 404 for a face or person that is not
        there.
        """
        name = people_group.validate_name(name)
        if not face_ids:
            raise errors.bad_argument("Choose at least one face.")
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            wanted = {face_id.lower() for face_id in face_ids}
            query = select(Face.key, Face.id).where(Face.person_key == person.key, Face.id.in_(wanted))
            faces = {row.id: row.key for row in session.execute(query)}
            if missing := sorted(wanted - set(faces)):
                raise errors.persisted_face_not_found(missing[0])
            (key,), created = people_group.find_or_create_people(session, group, [name])
            if key == person.key:
                raise errors.bad_argument("These faces belong to this person already.")
            others = session.scalar(select(func.count()).where(Face.person_key == key)) or 0
            if others + len(faces) > MAX_FACES_OF_A_PERSON:
                raise errors.quota_exceeded("Persisted face")
            session.execute(update(Face).where(Face.key.in_(faces.values())).values(person_key=key))
            for changed in (person.key, key):
                collections.record_change(group, changed)
            record = people_group.record_of(session, key)
        self._changed("move", person=record.id, moved=person_id, faces=str(len(faces)))
        return created == 1, record
