"""The persons of a group."""

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
    """The id of a new person. Raises ApiError when the group is full."""
    number = session.scalar(select(func.count()).where(Person.collection_key == collection.key)) or 0
    if number >= KINDS[collection.kind].capacity:
        raise errors.quota_exceeded("Person")
    person = Person(id=str(uuid4()), collection_key=collection.key, name=name, user_data=user_data)
    session.add(person)
    return person.id


def find(session: Session, collection: Collection, id_: str) -> Person:
    """Raises ApiError, 404, where there is none."""
    mine = select(Person).where(Person.collection_key == collection.key, Person.id == id_.lower())
    if (person := session.scalar(mine)) is None:
        raise errors.person_not_found(id_)
    return person


def listed(session: Session, collection: Collection, start: str, top: int) -> Sequence[Person]:
    """By id, the ``top`` first after ``start``, with their faces' ids."""
    after = select(Person).where(Person.collection_key == collection.key, Person.id > start.lower())
    return session.scalars(after.order_by(Person.id).limit(top).options(selectinload(Person.faces))).all()


def delete(session: Session, collection: Collection, person: Person) -> None:
    """With all faces."""
    session.delete(person)
    collections.changed(collection, person.key)
