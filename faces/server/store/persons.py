"""Queries on the persons of a group."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.store import collections
from faces.server.store.schema import Collection, Face, Person, RemovedPerson


def create(session: Session, collection: Collection, name: str | None, user_data: str | None) -> str:
    """Add a person and return the id. Raises ApiError if the group is full."""
    number = session.scalar(select(func.count()).where(Person.collection_key == collection.key)) or 0
    if number >= KINDS[collection.kind].capacity:
        raise errors.quota_exceeded("Person")
    person = Person(id=str(uuid4()), collection_key=collection.key, name=name, user_data=user_data)
    session.add(person)
    return person.id


def find(session: Session, collection: Collection, id_: str) -> Person:
    """Return a person. Raises ApiError, 404, if there is none with this id."""
    query = select(Person).where(Person.collection_key == collection.key, Person.id == id_.lower())
    if (person := session.scalar(query)) is None:
        raise errors.person_not_found(id_)
    return person


def listed(session: Session, collection: Collection, start: str, top: int) -> Sequence[Person]:
    """Return the first ``top`` persons with ids after ``start``, by id, with their faces."""
    query = select(Person).where(Person.collection_key == collection.key, Person.id > start.lower())
    return session.scalars(query.order_by(Person.id).limit(top).options(selectinload(Person.faces))).all()


def delete(session: Session, collection: Collection, person: Person) -> None:
    """Erase a person with all faces, also those that were removed and could return."""
    for erased in (*removed_with(session, person), person):
        session.delete(erased)
    collections.record_change(collection, person.key)


def removed_with(session: Session, person: Person) -> list[Person]:
    """Return who, of those that could return, has to be erased with a person.

    They stand for faces that were removed from the person, or were merged into the person and have no other face.
    """
    removed = select(RemovedPerson.person_key).where(RemovedPerson.back_to == person.key)
    is_own = (Face.person_key == person.key) | Face.person_key.in_(removed)
    own = set(session.scalars(select(Face.key).where(is_own)))
    query = select(Person, RemovedPerson).join(RemovedPerson, RemovedPerson.person_key == Person.key)
    rows = session.execute(query.where((RemovedPerson.back_to == person.key) | (RemovedPerson.moved != ""))).all()
    return [
        row.Person
        for row in rows
        if row.RemovedPerson.back_to == person.key or {int(key) for key in row.RemovedPerson.moved.split()} <= own
    ]
