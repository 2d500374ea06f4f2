"""The origins of faces: they show which faces in a file or data set are known already, or were erased."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection as AnyCollection

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from faces.server.store.schema import REMOVED, Collection, Face, Origin, Person
from faces.types import Floats


def digest(data: bytes) -> str:
    """Return the SHA-256 of a photograph's file."""
    return hashlib.sha256(data).hexdigest()


def embedding_digest(embedding: Floats) -> str:
    """Return the digest that stands for an unknown photograph. embedding: float32 (D,)."""
    return digest(np.asarray(embedding, np.float32).tobytes())


class Origins:
    """The origins of a group's faces at construction (see ``record_missing``). Each face is matched once.

    session: reads the database.
    group: the group.
    max_distance: two faces in the same photograph are the same face up to this distance.
    only: digests of the photographs to load; None for all.
    """

    def __init__(
        self, session: Session, group: Collection, max_distance: float, only: AnyCollection[str] | None = None
    ) -> None:
        self._max_distance = max_distance
        self._alive: dict[str, list[tuple[int, str, Floats]]] = defaultdict(list)
        query = select(Origin.sha256, Face.key, Person.name, Face.embedding).join(Face, Face.key == Origin.face_key)
        query = query.join(Person, Person.key == Face.person_key).where(Face.collection_key == group.key)
        if only is not None:
            query = query.where(Origin.sha256.in_(only))
        for sha256, key, name, embedding in session.execute(query.order_by(Face.key)):
            self._alive[sha256].append((key, name or "", np.frombuffer(embedding, np.float32)))
        self._erased = erased_photographs(session)

    def match(self, sha256: str, name: str, embedding: Floats, same_name: bool = False) -> int | None:
        """Return the key of the face that came from a photograph; None if there is none.

        sha256: of the photograph.
        name: of the person; among several faces one of a person with this name is preferred.
        embedding: float32 (D,), unit length.
        same_name: leave out the faces of people with another name.
        """
        candidates = [
            (other != name, float(np.linalg.norm(known - embedding)), number)
            for number, (_, other, known) in enumerate(self._alive.get(sha256, ()))
            if other == name or not same_name
        ]
        close = [candidate for candidate in candidates if candidate[1] <= self._max_distance]
        return self._alive[sha256].pop(min(close)[2])[0] if close else None

    def erased(self, sha256: str) -> bool:
        """Return whether a face from this photograph was erased."""
        return sha256 in self._erased


def erased_photographs(session: Session) -> frozenset[str]:
    """Return the digests of the photographs of erased faces, and of removed ones, which may return."""
    query = select(Origin.sha256).outerjoin(Face, Face.key == Origin.face_key)
    query = query.outerjoin(Collection, Collection.key == Face.collection_key)
    return frozenset(session.scalars(query.where(Origin.face_key.is_(None) | (Collection.kind == REMOVED))))


def record_missing(session: Session, group: Collection) -> None:
    """Record an origin for each face that was enrolled through the Face API."""
    recorded = select(Origin.face_key).where(Origin.face_key.is_not(None))
    missing = select(Face.key, Face.embedding).where(Face.collection_key == group.key, Face.key.not_in(recorded))
    rows = [{"sha256": digest(embedding), "face_key": key} for key, embedding in session.execute(missing)]
    if rows:
        session.execute(insert(Origin), rows)
