"""Faces that were found in photographs, and are known by an id for a while."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.store.schema import DetectedFace
from faces.types import Floats

DAY = 86_400  # s


def remember(session: Session, embeddings: Floats, seconds: float = DAY) -> list[str]:
    """The ids of N >= 0 faces with embeddings (N, D), by which they are found for so long."""
    ids = [str(uuid4()) for _ in embeddings]
    expires = time.time() + seconds
    rows = [
        {"id": id_, "expires": expires, "embedding": row.tobytes()} for id_, row in zip(ids, embeddings, strict=True)
    ]
    if rows:
        session.execute(insert(DetectedFace), rows)
    return ids


def find(session: Session, ids: Sequence[str]) -> Floats:
    """float32 (N, D), in the order of N >= 1 ids; raises ApiError, 404, when one is unknown or has expired."""
    wanted = select(DetectedFace.id, DetectedFace.embedding).where(
        DetectedFace.id.in_(set(ids)), DetectedFace.expires > time.time()
    )
    known = {id_: np.frombuffer(embedding, np.float32) for id_, embedding in session.execute(wanted)}
    if any(id_ not in known for id_ in ids):
        raise errors.face_not_found()
    return np.stack([known[id_] for id_ in ids])


def purge(session: Session) -> None:
    """Erase those that have expired, but for those that another server is erasing."""
    expired = select(DetectedFace.id).where(DetectedFace.expires <= time.time()).with_for_update(skip_locked=True)
    session.execute(
        delete(DetectedFace).where(DetectedFace.id.in_(expired)).execution_options(synchronize_session=False)
    )
