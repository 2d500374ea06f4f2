"""Search in collections, through indexes in memory or through pgvector; distances to a person; grouping."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from faces.recognition.assignment import assign
from faces.recognition.distances import People, euclidean
from faces.recognition.impostors import Embedder
from faces.server import errors
from faces.server.kinds import KINDS
from faces.server.search.chance import Array, Chance
from faces.server.search.index import Found, Index, Layers, decode_embeddings
from faces.server.search.pgvector import PgvectorSearch
from faces.server.search.refusals import Refusals, WithoutRefused
from faces.server.search.searchable import Searchable
from faces.server.store import collections
from faces.server.store.schema import HAS_VECTORS, Collection, Face, Person
from faces.types import Floats

MAX_MEMORY = 2 << 30  # bytes, of all indexes; beyond it the least recently used ones are dropped


@dataclass(frozen=True, slots=True)
class CachedIndex:
    """The index of a collection as of a generation and a training (see ``schema.Collection``).

    generation: that of the collection.
    trained_to: the key of the last face in it; None for all faces.
    layers: the index; None if there were no faces.
    """

    generation: int
    trained_to: int | None
    layers: Layers | None

    def is_current(self, generation: int, trained_to: int | None) -> bool:
        """Return whether it is as new as this state, or newer than a reader's session, which does no harm."""
        return self.generation >= generation and (self.trained_to or 0) >= (trained_to or 0)


class Indexes:
    """The indexes of the collections that were searched. Each follows the database, whichever server changes it.

    memory: bytes that all indexes may take.
    embedder: None if nothing is to be known of how similar strangers are.
    """

    def __init__(self, memory: int = MAX_MEMORY, embedder: Embedder | None = None) -> None:
        # Requests already run in threads. A matrix product with threads of its own is faster on an idle machine, and
        # several times slower on a busy one.
        threadpool_limits(1, "blas")
        self._memory, self._embedder = memory, embedder
        self._cached: OrderedDict[int, CachedIndex] = OrderedDict()  # by collection key; the most recently used last
        self._chances: dict[int, tuple[tuple[int, int | None], Chance | None]] = {}  # by collection key, with its state
        self._locks: dict[int, Lock] = {}
        self._lock = Lock()

    def of(self, session: Session, collection: Collection) -> Searchable | None:
        """Return the searchable faces of a collection, which find no refused match.

        None for a trained group whose last face was erased.

        Raises ApiError: 404 if it was never trained, 409 if its first training is unfinished, 400 for an empty list.
        """
        kind = KINDS[collection.kind]
        if kind.needs_training and collection.trained_to is None:
            unfinished = collection.training_status in ("nonstarted", "running")
            raise errors.training_not_finished(kind) if unfinished else errors.not_trained(kind)
        searchable: Searchable | None
        if searches_in_database(session):
            search = PgvectorSearch(session, collection)
            searchable = None if search.is_empty() else replace(search, chance=self._chance(search))
        else:
            with self._locks.setdefault(collection.key, Lock()):
                index = self.refreshed(session, collection, collection.trained_to)
                self.keep(collection.key, index)
            searchable = index.layers
        if searchable is None and not kind.has_persons:
            raise errors.list_is_empty()
        if searchable is not None and kind.has_persons and (refusals := Refusals.load(session, collection)).of:
            return WithoutRefused(searchable, refusals)
        return searchable

    def refreshed(self, session: Session, collection: Collection, trained_to: int | None) -> CachedIndex:
        """Return the index of a collection as it is now, updated from the cached one if all changes are known.

        session: reads the database.
        collection: the group or list.
        trained_to: the key of the last face to include; None for all.
        """
        cached = self._cached.get(collection.key)
        if cached is not None and cached.is_current(collection.generation, trained_to):
            return cached
        if cached is not None and cached.layers is not None:
            owners = collections.changed_owners(session, collection, cached.generation)
            if owners is not None:
                trained_to = max(trained_to or 0, cached.trained_to or 0) or None
                owners |= _owners_of_new_faces(session, collection, cached.trained_to, trained_to)
                current = Index.load(session, collection, trained_to, owners) if owners else None
                return CachedIndex(collection.generation, trained_to, cached.layers.changed(owners, current))
        index = Index.load(session, collection, trained_to)
        return CachedIndex(
            collection.generation, trained_to, None if index is None else self._layers(index, collection)
        )

    def _layers(self, index: Index, collection: Collection) -> Layers:
        return Layers.of(index, self._embedder, KINDS[collection.kind].has_persons)

    def _chance(self, search: PgvectorSearch) -> Chance | None:
        """Return how similar strangers are to a collection in the database; it is measured again after a change."""
        if self._embedder is None:
            return None
        collection = search.collection
        state = collection.generation, collection.trained_to
        cached = self._chances.get(collection.key)
        if cached is None or cached[0] != state:
            self._chances[collection.key] = cached = state, search.measure(self._embedder)
        return cached[1]

    def keep(self, collection_key: int, index: CachedIndex) -> None:
        """Cache an index; drop the least recently used ones if they take too much memory."""
        with self._lock:
            self._cached[collection_key] = index
            self._cached.move_to_end(collection_key)
            used = sum(cached.layers.size for cached in self._cached.values() if cached.layers is not None)
            while used > self._memory and len(self._cached) > 1:
                _, oldest = self._cached.popitem(last=False)
                used -= oldest.layers.size if oldest.layers is not None else 0

    def forget(self, collection_key: int) -> None:
        """Drop the index of an erased collection."""
        with self._lock:
            self._cached.pop(collection_key, None)
            self._chances.pop(collection_key, None)
            self._locks.pop(collection_key, None)


def searches_in_database(session: Session) -> bool:
    """Return whether the database has pgvector and searches itself."""
    return bool(getattr(session.get_bind().dialect, HAS_VECTORS, False))


def _owners_of_new_faces(session: Session, collection: Collection, after: int | None, up_to: int | None) -> set[int]:
    """Return the owners of the faces with keys greater than ``after``, up to ``up_to``."""
    if up_to is None:
        return set()
    owner = Face.person_key if KINDS[collection.kind].has_persons else Face.key
    query = select(owner).where(Face.collection_key == collection.key, Face.key > (after or 0), Face.key <= up_to)
    return {key for key in session.scalars(query) if key is not None}


def faces_of(session: Session, person: Person) -> People:
    """Return a person's faces as the only one of ``People``. Raises ApiError if there are none."""
    blobs = list(session.scalars(select(Face.embedding).where(Face.person_key == person.key).order_by(Face.key)))
    if not blobs:
        raise errors.person_without_face()
    return People.of(decode_embeddings(blobs), np.zeros(1, np.intp))


def nobody(probes: int) -> Found:
    """Return no owner for each of N probes (K = 0)."""
    return Found(np.empty((probes, 0), np.str_), np.empty((probes, 0), np.float32), None)


def one_each(persons: NDArray[np.str_], confidence: Array, least: float) -> NDArray[np.intp]:
    """Give each probe the person that it matches, and no person to two probes: the most probable matches in all.

    persons: (N, K), the candidates of each probe, see ``Found``.
    confidence: float64 (N, K).
    least: the confidence that a match needs.

    Returns intp (N,), the column of each probe's person; -1 for none.
    """
    against = _log_odds_against(confidence)
    limit = float(min(_log_odds_against(np.array(least)), against.max(initial=-np.inf)))
    cost = np.where(confidence >= least, np.minimum(against, limit), np.inf)
    return assign(persons, cost, np.full(len(persons), limit))


def _log_odds_against(confidence: Array) -> Array:
    bounded = np.clip(confidence, 1e-300, 1 - 1e-15)
    return np.asarray(np.log1p(-bounded) - np.log(bounded))


def group_faces(embeddings: Floats, limits: float | Floats) -> list[list[int]]:
    """Group faces by person with average linkage; a face similar to no other is a group of its own.

    embeddings: float32 (N, D), unit length, N >= 0.
    limits: distance, or (N, N) distances, up to which two faces are one person's. Two groups merge while the distances
        between their faces, as shares of these, are on average at most 1.

    Returns the rows of each group, the largest group first.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(embeddings) < 2:
        return [[row] for row in range(len(embeddings))]
    shares = euclidean(embeddings, embeddings) / limits
    np.fill_diagonal(shares, 0)
    labels = fcluster(linkage(squareform(shares, checks=False), "average"), 1, "distance")
    groups = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return sorted(groups, key=lambda rows: (-len(rows), rows[0]))
