"""Faces that stay: of persons, and in lists."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.kinds import FACES_OF_A_PERSON, KINDS
from faces.server.store import collections
from faces.server.store.schema import Collection, Face, Person
from faces.types import Floats


def add(
    session: Session, collection: Collection, person: Person | None, embedding: Floats, user_data: str | None
) -> str:
    """The id of a new face, with its embedding (D,), of a person or, with None, in a list.

    Raises ApiError when there are as many as may be.
    """
    kind = KINDS[collection.kind]
    if person is None:
        owner, limit = Face.collection_key == collection.key, kind.capacity
    else:
        owner, limit = Face.person_key == person.key, FACES_OF_A_PERSON
    if (session.scalar(select(func.count()).where(owner)) or 0) >= limit:
        raise errors.quota_exceeded("Persisted face")
    face = Face(
        id=str(uuid4()),
        collection_key=collection.key,
        person_key=person.key if person else None,
        user_data=user_data,
        embedding=embedding.tobytes(),
    )
    session.add(face)
    if not kind.trains:
        collections.changed(collection)
    return face.id


def find(session: Session, collection: Collection, person: Person | None, id_: str) -> Face:
    """A person's or, with None, a list's. Raises ApiError, 404, where there is none."""
    mine = select(Face).where(Face.collection_key == collection.key, Face.id == id_.lower())
    face = session.scalar(mine.where(Face.person_key == (person.key if person else None)))
    if face is None:
        raise errors.persisted_face_not_found(id_)
    return face


def listed(session: Session, collection: Collection, start: str = "", top: int | None = None) -> Sequence[Face]:
    """By id, the ``top`` first after ``start``."""
    after = select(Face).where(Face.collection_key == collection.key, Face.id > start.lower())
    return session.scalars(after.order_by(Face.id).limit(top)).all()


def delete(session: Session, collection: Collection, face: Face) -> None:
    session.delete(face)
    collections.changed(collection, face.person_key or face.key)
