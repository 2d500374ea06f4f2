"""Who is near whom: in indexes that are kept in memory, or in a database that searches itself."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from faces.recognition.distances import People, euclidean
from faces.recognition.thresholds import Crowd
from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.search.index import Index, Layers, embeddings
from faces.server.search.vectors import Stored
from faces.server.store import collections
from faces.server.store.schema import HAS_VECTORS, Collection, Face, Person
from faces.types import Floats

MEMORY = 2 << 30  # bytes of indexes; the least recently used make room for others


class Searched(Protocol):
    """What a collection's searches see; to be used while the session lasts."""

    @property
    def crowd(self) -> Crowd | None:
        """How far apart the persons are; None for fewer than two."""
        ...

    def nearest(self, probes: Floats, number: int) -> tuple[NDArray[np.str_], Floats]:
        """See ``Index.nearest``."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """What a collection held at a generation and with a training; layers: None when that was nothing."""

    generation: int
    trained_to: int | None
    layers: Layers | None

    def holds(self, generation: int, trained_to: int | None) -> bool:
        """It may be newer than what a reader's session sees, which does no harm."""
        return self.generation >= generation and (self.trained_to or 0) >= (trained_to or 0)


class Indexes:
    """The indexes of all collections that were searched; each follows the database, whichever server changes it."""

    def __init__(self, memory: int = MEMORY) -> None:
        # Requests are threads already. A product that waits for threads of its own takes less time on an idle machine,
        # and several times as much on a busy one.
        threadpool_limits(1, "blas")
        self._memory = memory
        self._known: OrderedDict[int, Known] = OrderedDict()  # by the collection's key, the latest used last
        self._crowds: dict[int, tuple[tuple[int, int | None], Crowd | None]] = {}  # by key: as of a state, and what
        self._locks: dict[int, Lock] = {}
        self._lock = Lock()

    def of(self, session: Session, collection: Collection) -> Searched:
        """What is searched in a collection.

        Raises ApiError: 404 when it has to be trained first, 409 when its first training is under way, and 400 when a
        list is empty.
        """
        kind = KINDS[collection.kind]
        if kind.trains and collection.trained_to is None:
            training = collection.training_status in ("nonstarted", "running")
            raise errors.training_not_finished(kind) if training else errors.not_trained(kind)
        found: Searched | None
        if in_database(session):
            stored = Stored(session, collection)
            found = None if stored.is_empty() else replace(stored, crowd=self._crowd(stored))
        else:
            with self._locks.setdefault(collection.key, Lock()):
                known = self.following(session, collection, collection.trained_to)
                self.keep(collection.key, known)
            found = known.layers
        if found is None:
            raise errors.not_trained(kind) if kind.has_persons else errors.list_is_empty()
        return found

    def following(self, session: Session, collection: Collection, trained_to: int | None) -> Known:
        """A collection as it is now with a training, made from what was known of it where that takes less time."""
        known = self._known.get(collection.key)
        if known is not None and known.holds(collection.generation, trained_to):
            return known
        if known is not None and known.layers is not None:
            owners = collections.changes(session, collection, known.generation)
            if owners is not None:
                trained_to = max(trained_to or 0, known.trained_to or 0) or None
                owners |= _owners_between(session, collection, known.trained_to, trained_to)
                now = Index.load(session, collection, trained_to, owners) if owners else None
                return Known(collection.generation, trained_to, known.layers.changed(owners, now))
        index = Index.load(session, collection, trained_to)
        return Known(collection.generation, trained_to, None if index is None else Layers.of(index))

    def _crowd(self, stored: Stored) -> Crowd | None:
        """That of a collection in the database, measured again when the collection changes."""
        collection = stored.collection
        state = collection.generation, collection.trained_to
        known = self._crowds.get(collection.key)
        if known is None or known[0] != state:
            self._crowds[collection.key] = known = state, stored.measured_crowd()
        return known[1]

    def keep(self, collection_key: int, known: Known) -> None:
        with self._lock:
            self._known[collection_key] = known
            self._known.move_to_end(collection_key)
            used = sum(one.layers.size for one in self._known.values() if one.layers is not None)
            while used > self._memory and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                used -= oldest.layers.size if oldest.layers is not None else 0

    def forget(self, collection_key: int) -> None:
        """A collection that is gone."""
        with self._lock:
            self._known.pop(collection_key, None)
            self._crowds.pop(collection_key, None)
            self._locks.pop(collection_key, None)


def in_database(session: Session) -> bool:
    """Whether the database searches itself."""
    return bool(getattr(session.get_bind().dialect, HAS_VECTORS, False))


def _owners_between(session: Session, collection: Collection, after: int | None, upto: int | None) -> set[int]:
    """Whose faces have keys above one and up to another."""
    if upto is None:
        return set()
    owner = Face.person_key if KINDS[collection.kind].has_persons else Face.key
    new = select(owner).where(Face.collection_key == collection.key, Face.key > (after or 0), Face.key <= upto)
    return {key for key in session.scalars(new) if key is not None}


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
