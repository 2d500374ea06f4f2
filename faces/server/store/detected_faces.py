"""Queries on detected faces, which are kept for a limited time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from faces.server import errors, limits
from faces.server.store.schema import DetectedFace
from faces.types import Floats


def remember(session: Session, embeddings: Floats, seconds: float = limits.DETECTED_FACE_SECONDS.high) -> list[str]:
    """Store N >= 0 faces for some seconds and return their ids. embeddings: float32 (N, D), unit length."""
    ids = [str(uuid4()) for _ in embeddings]
    expires = time.time() + seconds
    rows = [
        {"id": id_, "expires": expires, "embedding": row.tobytes()} for id_, row in zip(ids, embeddings, strict=True)
    ]
    if rows:
        session.execute(insert(DetectedFace), rows)
    return ids


def find(session: Session, ids: Sequence[str]) -> Floats:
    """Return the embeddings of N >= 1 ids in their order: float32 (N, D).

    Raises ApiError, 404, if an id is unknown or has expired.
    """
    query = select(DetectedFace.id, DetectedFace.embedding).where(
        DetectedFace.id.in_(set(ids)), DetectedFace.expires > time.time()
    )
    known = {id_: np.frombuffer(embedding, np.float32) for id_, embedding in session.execute(query)}
    if any(id_ not in known for id_ in ids):
        raise errors.face_not_found()
    return np.stack([known[id_] for id_ in ids])


def erase_expired(session: Session) -> None:
    """Erase the expired faces, except those that another server is erasing."""
    expired = select(DetectedFace.id).where(DetectedFace.expires <= time.time()).with_for_update(skip_locked=True)
    session.execute(
        delete(DetectedFace).where(DetectedFace.id.in_(expired)).execution_options(synchronize_session=False)
    )
