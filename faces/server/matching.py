"""Who is near whom: one matrix product over what a collection holds, which is kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from faces.people import People, euclidean
from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.schema import Collection, Face, Person
from faces.types import Floats

LOOKED_AT = 16  # persons whose single faces are compared, at least: the centres alone say who these are


@dataclass(frozen=True, slots=True)
class Index:
    """The faces of a collection that are searched, side by side; of a group, person after person.

    ids: of the persons (P,), or of a list's faces (M,). people: with one face each where it is a list.
    """

    ids: NDArray[np.str_]
    people: People

    @classmethod
    def load(cls, session: Session, collection: Collection, trained_to: int | None) -> Index | None:
        """Of the faces up to a key, or of all with None; None where there are none."""
        kind = KINDS[collection.kind]
        if kind.has_persons:
            wanted = select(Person.id, Face.embedding).join(Face, Face.person_key == Person.key)
            wanted = wanted.order_by(Person.key, Face.key)
        else:
            wanted = select(Face.id, Face.embedding).order_by(Face.key)
        wanted = wanted.where(Face.collection_key == collection.key)
        if trained_to is not None:
            wanted = wanted.where(Face.key <= trained_to)
        owners, blobs = [], []
        for owner, blob in session.execute(wanted.execution_options(yield_per=10_000)):
            owners.append(owner)
            blobs.append(blob)
        if not owners:
            return None
        rows = np.array(owners)
        starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
        return cls(rows[starts], People.of(embeddings(blobs), starts))

    def nearest(self, probes: Floats, number: int) -> tuple[NDArray[np.str_], Floats]:
        """For N probes (N, D) the ids (N, K) of the ``number`` nearest, or all when they are fewer, nearest first,
        and the distances (N, K) to them, as ``People.distance``."""
        number = min(number, len(self.ids))
        who, distance = self.people.closest(probes @ self.people.centres.T, probes, max(2 * number, LOOKED_AT))
        order = np.argsort(distance, axis=1, kind="stable")[:, :number]
        return self.ids[np.take_along_axis(who, order, axis=1)], np.take_along_axis(distance, order, axis=1)


class Indexes:
    """The indexes of all collections that were searched; each is loaded anew when the database has changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Index | None]] = {}  # generation and index, by the collection's key
        self._locks: dict[int, Lock] = {}

    def of(self, session: Session, collection: Collection) -> Index:
        """What is searched in a collection.

        Raises ApiError: 404 when it has to be trained first, 409 when its first training is under way, and 400 when a
        list is empty.
        """
        kind = KINDS[collection.kind]
        if kind.trains and collection.trained_to is None:
            training = collection.training_status in ("nonstarted", "running")
            raise errors.training_not_finished(kind) if training else errors.not_trained(kind)
        with self._locks.setdefault(collection.key, Lock()):
            known = self._known.get(collection.key)
            if known is None or known[0] != collection.generation:
                known = collection.generation, Index.load(session, collection, collection.trained_to)
                self._known[collection.key] = known
        if known[1] is None:
            raise errors.not_trained(kind) if kind.has_persons else errors.list_is_empty()
        return known[1]

    def keep(self, collection_key: int, generation: int, index: Index) -> None:
        """What was loaded elsewhere."""
        self._known[collection_key] = generation, index

    def forget(self, collection_key: int) -> None:
        """A collection that is gone."""
        self._known.pop(collection_key, None)
        self._locks.pop(collection_key, None)


def embeddings(blobs: list[bytes]) -> Floats:
    """float32 (N, D), of N >= 1 rows of the database."""
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def distance_to_person(session: Session, person: Person, probe: Floats) -> float:
    """From a probe (D,) to somebody, by all faces there are of them. Raises ApiError where there are none."""
    blobs = list(session.scalars(select(Face.embedding).where(Face.person_key == person.key).order_by(Face.key)))
    if not blobs:
        raise errors.person_without_face()
    somebody = People.of(embeddings(blobs), np.zeros(1, np.intp))
    return float(somebody.distance(probe[None], np.zeros(1, np.intp))[0])


def groups(vectors: Floats, farthest: float) -> list[list[int]]:
    """Rows of (N, D) that are alike, largest group first; whoever is like nobody is a group of one.

    Average linkage: two groups become one while their faces are, on the average, at most ``farthest`` apart.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    apart = euclidean(vectors, vectors)
    np.fill_diagonal(apart, 0)
    labels = fcluster(linkage(squareform(apart, checks=False), "average"), farthest, "distance")
    found = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return sorted(found, key=lambda rows: (-len(rows), rows[0]))
