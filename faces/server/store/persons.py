"""Queries on the persons of a group."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.store import collections
from faces.server.store.schema import Collection, Person


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
    """Erase a person with all faces."""
    session.delete(person)
    collections.record_change(collection, person.key)
