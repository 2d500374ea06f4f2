"""Queries on person groups and face lists.

A writer locks each collection that it finds until its transaction ends, so that servers that share a database count
and number its faces one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, object_session

from faces.server import errors
from faces.server.kinds import Kind
from faces.server.store.database import WRITES
from faces.server.store.schema import MODELS_PROPERTY, Change, Collection, Property

KEPT_CHANGES = 1_000  # of each collection, the most recent


def create(session: Session, kind: Kind, id_: str, name: str, user_data: str | None, recognition_model: str) -> None:
    """Create a collection.

    session: writes to the database.
    kind: the kind of collection.
    id_: its id, unique among those of its kind.
    name: its name.
    user_data: any text of the client's; None for none.
    recognition_model: a label, see ``inputs.model``.

    Raises ApiError if the id is taken, or if there are too many collections.
    """
    session.execute(
        select(Property).where(Property.name == MODELS_PROPERTY).with_for_update()
    )  # a lock: one creation at a time
    if _find(session, kind, id_) is not None:
        raise errors.collection_exists(kind)
    number = session.scalar(select(func.count()).where(Collection.kind == kind.route)) or 0
    if number >= kind.max_collections:
        raise errors.quota_exceeded(kind.title)
    session.add(
        Collection(kind=kind.route, id=id_, name=name, user_data=user_data, recognition_model=recognition_model)
    )


def find(session: Session, kind: Kind, id_: str) -> Collection:
    """Return a collection. Raises ApiError, 404, if there is none with this id."""
    if (collection := _find(session, kind, id_)) is None:
        raise errors.collection_not_found(kind)
    return collection


def listed(session: Session, kind: Kind, start: str, top: int) -> Sequence[Collection]:
    """Return the first ``top`` collections with ids after ``start``, by id."""
    query = select(Collection).where(Collection.kind == kind.route, Collection.id > start)
    return session.scalars(query.order_by(Collection.id).limit(top)).all()


def record_change(collection: Collection, owner: int | None = None) -> None:
    """Record that faces were erased or moved to another person, so that every index updates before its next use.

    Faces that a training adds need no record: indexes find them by their keys.

    collection: the group or list.
    owner: the key of the person, or of the face in a list, whose faces changed; None to load indexes anew.
    """
    session = object_session(collection)
    assert session is not None
    collection.generation += 1
    if owner is not None:
        session.add(Change(collection_key=collection.key, generation=collection.generation, owner_key=owner))
    outdated = Change.generation <= collection.generation - KEPT_CHANGES
    session.execute(delete(Change).where(Change.collection_key == collection.key, outdated))


def changed_owners(session: Session, collection: Collection, generation: int) -> set[int] | None:
    """Return the owners whose faces have changed since a generation; None if not all changes are recorded."""
    query = select(Change.generation, Change.owner_key).where(Change.collection_key == collection.key)
    rows = session.execute(query.where(Change.generation > generation)).all()
    is_complete = len({row.generation for row in rows}) == collection.generation - generation
    return {row.owner_key for row in rows} if is_complete else None


def _find(session: Session, kind: Kind, id_: str) -> Collection | None:
    query = select(Collection).where(Collection.kind == kind.route, Collection.id == id_)
    if session.info.get(WRITES):
        query = query.with_for_update()  # SQLite ignores it: it has one writer at a time
    return session.scalar(query)
