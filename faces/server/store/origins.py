"""Where the faces of the people came from: by that one that is known, or was erased, is told in files and data sets."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection as Collected

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from faces.server.store.schema import Collection, Face, Origin, Person
from faces.types import Floats


def digest(data: bytes) -> str:
    """SHA-256 of a photograph's file."""
    return hashlib.sha256(data).hexdigest()


def of_embedding(embedding: Floats) -> str:
    """What stands for the photograph where that is not known."""
    return digest(np.asarray(embedding, np.float32).tobytes())


class Origins:
    """Those of a group, as they are when this is made (see ``complete``). Each face is matched once.

    farthest: the distance up to which two faces in the same photograph are one. only: of these photographs.
    """

    def __init__(
        self, session: Session, group: Collection, farthest: float, only: Collected[str] | None = None
    ) -> None:
        self._farthest = farthest
        self._alive: dict[str, list[tuple[int, str, Floats]]] = defaultdict(list)
        alive = select(Origin.sha256, Face.key, Person.name, Face.embedding).join(Face, Face.key == Origin.face_key)
        alive = alive.join(Person, Person.key == Face.person_key).where(Face.collection_key == group.key)
        if only is not None:
            alive = alive.where(Origin.sha256.in_(only))
        for sha256, key, name, embedding in session.execute(alive.order_by(Face.key)):
            self._alive[sha256].append((key, name or "", np.frombuffer(embedding, np.float32)))
        self._erased = erased(session)

    def match(self, sha256: str, name: str, embedding: Floats) -> int | None:
        """The key of the face that was made from this; of several, one of this name. None where there is none."""
        apart = [
            (called != name, float(np.linalg.norm(known - embedding)), number)
            for number, (_, called, known) in enumerate(self._alive.get(sha256, ()))
        ]
        near = [one for one in apart if one[1] <= self._farthest]
        return self._alive[sha256].pop(min(near)[2])[0] if near else None

    def erased(self, sha256: str) -> bool:
        """Whether a face of this photograph was erased."""
        return sha256 in self._erased


def erased(session: Session) -> frozenset[str]:
    """The photographs of faces that were erased."""
    return frozenset(session.scalars(select(Origin.sha256).where(Origin.face_key.is_(None))))


def complete(session: Session, group: Collection) -> None:
    """Note the origin of faces that came by the Face API."""
    noted = select(Origin.face_key).where(Origin.face_key.is_not(None))
    missing = select(Face.key, Face.embedding).where(Face.collection_key == group.key, Face.key.not_in(noted))
    rows = [{"sha256": digest(embedding), "face_key": key} for key, embedding in session.execute(missing)]
    if rows:
        session.execute(insert(Origin), rows)
