"""Groups and lists: made, found, listed, erased."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.kinds import Kind
from faces.server.schema import Collection


def create(session: Session, kind: Kind, id_: str, name: str, user_data: str | None, recognition_model: str) -> None:
    """Raises ApiError where there is one of this id, or too many."""
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


def changed(collection: Collection) -> None:
    """Let no index of this collection that was made before be used any more."""
    collection.generation = Collection.generation + 1  # counted by the database


def _find(session: Session, kind: Kind, id_: str) -> Collection | None:
    return session.scalar(select(Collection).where(Collection.kind == kind.route, Collection.id == id_))
