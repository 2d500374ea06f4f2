"""Queries on persisted faces: those of persons and those in lists."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.limits import MAX_FACES_OF_A_PERSON
from faces.server.store import collections
from faces.server.store.schema import Collection, Face, Person
from faces.types import Floats


def add(
    session: Session, collection: Collection, person: Person | None, embedding: Floats, user_data: str | None
) -> str:
    """Add a face and return its id.

    session: writes to the database.
    collection: the group or list.
    person: the owner in a group; None in a list.
    embedding: float32 (D,), unit length.
    user_data: any text of the client's; None for none.

    Raises ApiError if the person or the list is full.
    """
    kind = KINDS[collection.kind]
    if person is None:
        owner, limit = Face.collection_key == collection.key, kind.capacity
    else:
        owner, limit = Face.person_key == person.key, MAX_FACES_OF_A_PERSON
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
    if not kind.needs_training:
        collections.record_change(collection)
    return face.id


def find(session: Session, collection: Collection, person: Person | None, id_: str) -> Face:
    """Return a face of a person or, with None, of a list. Raises ApiError, 404, if there is none with this id."""
    query = select(Face).where(Face.collection_key == collection.key, Face.id == id_.lower())
    face = session.scalar(query.where(Face.person_key == (person.key if person else None)))
    if face is None:
        raise errors.persisted_face_not_found(id_)
    return face


def listed(session: Session, collection: Collection, start: str = "", top: int | None = None) -> Sequence[Face]:
    """Return the first ``top`` faces, or all, with ids after ``start``, by id."""
    query = select(Face).where(Face.collection_key == collection.key, Face.id > start.lower())
    return session.scalars(query.order_by(Face.id).limit(top)).all()


def delete(session: Session, collection: Collection, face: Face) -> None:
    """Erase a face."""
    session.delete(face)
    collections.record_change(collection, face.person_key or face.key)
