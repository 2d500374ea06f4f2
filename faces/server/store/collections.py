"""Groups and lists: made, found, listed, erased.

Whoever writes holds the collection that was found until the transaction ends: servers that share a database count and
number its faces one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, object_session

from faces.server import errors
from faces.server.kinds import Kind
from faces.server.store.database import WRITES
from faces.server.store.schema import MODELS, Change, Collection, Property

CHANGES = 1_000  # of a collection, the last, that are remembered


def create(session: Session, kind: Kind, id_: str, name: str, user_data: str | None, recognition_model: str) -> None:
    """Raises ApiError where there is one of this id, or too many."""
    session.execute(select(Property).where(Property.name == MODELS).with_for_update())  # one after the other
    if _find(session, kind, id_) is not None:
        raise errors.collection_exists(kind)
    number = session.scalar(select(func.count()).where(Collection.kind == kind.route)) or 0
    if number >= kind.number:
        raise errors.quota_exceeded(kind.words)
    session.add(
        Collection(kind=kind.route, id=id_, name=name, user_data=user_data, recognition_model=recognition_model)
    )


def find(session: Session, kind: Kind, id_: str) -> Collection:
    """Raises ApiError, 404, where there is none."""
    if (collection := _find(session, kind, id_)) is None:
        raise errors.collection_not_found(kind)
    return collection


def listed(session: Session, kind: Kind, start: str, top: int) -> Sequence[Collection]:
    """By id, the ``top`` first after ``start``."""
    after = select(Collection).where(Collection.kind == kind.route, Collection.id > start)
    return session.scalars(after.order_by(Collection.id).limit(top)).all()


def changed(collection: Collection, owner: int | None = None) -> None:
    """Let every index know, before it is used again, that faces were erased or are somebody else's now.

    owner: key of the person, or of the face in a list, whose faces alone these were; with None indexes are loaded
    anew. Faces that a training adds need no word: indexes see them by their keys.
    """
    session = object_session(collection)
    assert session is not None
    collection.generation += 1
    if owner is not None:
        session.add(Change(collection_key=collection.key, generation=collection.generation, owner_key=owner))
    forgotten = Change.generation <= collection.generation - CHANGES
    session.execute(delete(Change).where(Change.collection_key == collection.key, forgotten))


def changes(session: Session, collection: Collection, generation: int) -> set[int] | None:
    """The owners of faces that have changed since a generation; None when it is not known of all changes."""
    since = select(Change.generation, Change.owner_key).where(Change.collection_key == collection.key)
    rows = session.execute(since.where(Change.generation > generation)).all()
    known = len({row.generation for row in rows}) == collection.generation - generation
    return {row.owner_key for row in rows} if known else None


def _find(session: Session, kind: Kind, id_: str) -> Collection | None:
    wanted = select(Collection).where(Collection.kind == kind.route, Collection.id == id_)
    if session.info.get(WRITES):
        wanted = wanted.with_for_update()  # which SQLite, where one at a time writes, does without
    return session.scalar(wanted)
