"""An in-memory index of the faces of a collection: a search is one matrix product."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from faces.recognition.distances import People
from faces.recognition.impostors import Embedder
from faces.server.kinds import KINDS
from faces.server.search.chance import Array, Chance
from faces.server.store.schema import Collection, Face, Person
from faces.types import Floats

MIN_CANDIDATES = 16  # owners, found by their centres, whose single faces are compared, at least
LIKELY = 4  # of these, nearest ones that are compared with strangers, at least
BATCH_OWNERS = 500  # in one query
MAX_RECENT_OWNERS = 1_000  # in ``Layers.recent``, at least
SAMPLE_OWNERS = 250  # at most, of each part of a group, for measuring how similar different persons are
LEAST_SAMPLE_OWNERS, SAMPLE_FACES = 50, 2_500  # persons with many faces: fewer of them

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Found:
    """The K owners whom each of N probes may be, the most likely first.

    ids: str (N, K).
    distance: float32 (N, K), as in ``People.distance``.
    expected: float64 (N, K), see ``Chance.expected``; None if it is unknown: the nearest is then the most likely.
    """

    ids: NDArray[np.str_]
    distance: Floats
    expected: Array | None

    def ordered(self, number: int) -> Found:
        """Return at most ``number`` owners, the most likely first; of equally likely ones, the nearest."""
        if self.expected is None:
            order = np.argsort(self.distance, axis=1, kind="stable")
        else:
            order = np.lexsort((self.distance, np.where(self.distance < np.inf, self.expected, np.inf)), axis=1)
        order = order[:, :number]
        expected = None if self.expected is None else np.take_along_axis(self.expected, order, axis=1)
        return Found(
            np.take_along_axis(self.ids, order, axis=1), np.take_along_axis(self.distance, order, axis=1), expected
        )

    def joined(self, other: Found) -> Found:
        """Return the owners of both, found with the same ``Chance``."""
        ids = np.concatenate([self.ids, other.ids], axis=1)
        distance = np.concatenate([self.distance, other.distance], axis=1)
        if self.expected is None or other.expected is None:
            return Found(ids, distance, None)
        return Found(ids, distance, np.concatenate([self.expected, other.expected], axis=1))


@dataclass(frozen=True, slots=True)
class Index:
    """The owners of faces: the persons of a group, or the faces of a list, which own themselves.

    keys: int64 (P,), the database keys of the owners, ascending.
    ids: str (P,), their ids.
    people: their faces.
    """

    keys: Keys
    ids: NDArray[np.str_]
    people: People

    @classmethod
    def load(
        cls, session: Session, collection: Collection, trained_to: int | None, owners: AnyCollection[int] | None = None
    ) -> Index | None:
        """Load an index from the database; None if it has no faces.

        session: reads the database.
        collection: the group or list.
        trained_to: the key of the last face to load; None for all.
        owners: keys of the owners to load; None for all.
        """
        if KINDS[collection.kind].has_persons:
            owner = Person.key
            query = select(Person.key, Person.id, Face.embedding).join(Face, Face.person_key == Person.key)
        else:
            owner = Face.key
            query = select(Face.key, Face.id, Face.embedding)
        query = query.where(Face.collection_key == collection.key).order_by(owner, Face.key)
        if trained_to is not None:
            query = query.where(Face.key <= trained_to)
        if owners is None:
            rows = list(session.execute(query.execution_options(yield_per=10_000)))
        else:
            ordered = sorted(owners)
            batches = [ordered[start : start + BATCH_OWNERS] for start in range(0, len(ordered), BATCH_OWNERS)]
            rows = [row for batch in batches for row in session.execute(query.where(owner.in_(batch)))]
        if not rows:
            return None
        keys, ids, blobs = zip(*rows, strict=True)
        owner_of_row = np.array(keys, np.int64)
        starts = np.flatnonzero(np.concatenate([[True], owner_of_row[1:] != owner_of_row[:-1]]))
        people = People.of(decode_embeddings(blobs), starts)
        return cls(owner_of_row[starts], np.array([ids[row] for row in starts]), people)

    @property
    def size(self) -> int:
        """The memory that the index takes, in bytes."""
        return self.people.embeddings.nbytes + self.people.centres.nbytes + self.ids.nbytes

    def mask_without(self, removed: Keys) -> Mask:
        """Return bool (P,): which owners are not among the removed ones."""
        return ~np.isin(self.keys, removed)

    def search(self, probes: Floats, number: int, kept: Mask | None = None, chance: Chance | None = None) -> Found:
        """Find the owners whom each probe may be: of the nearest, the most likely.

        probes: float32 (N, D), unit length.
        number: how many owners to find for each probe; K is less if there are fewer.
        kept: bool (P,), the owners to search; None for all.
        chance: how similar strangers are; None if it is unknown.
        """
        similarity = probes @ self.people.centres.T
        if kept is not None:
            similarity[:, ~kept] = -np.inf
        number = min(number, len(self.ids) if kept is None else int(kept.sum()))
        rows, distance = self.people.closest(similarity, probes, max(2 * number, MIN_CANDIDATES))
        if kept is not None:
            distance[~kept[rows]] = np.inf
        if chance is not None and rows.shape[1] > (most := max(2 * number, LIKELY)):
            nearest = np.argpartition(distance, most - 1, axis=1)[:, :most]
            rows, distance = np.take_along_axis(rows, nearest, axis=1), np.take_along_axis(distance, nearest, axis=1)
        expected = None if chance is None else chance.expected(distance, probes, self.people, rows)
        return Found(self.ids[rows], distance, expected).ordered(number)

    def nearest(self, probes: Floats, number: int, kept: Mask | None = None) -> tuple[NDArray[np.str_], Floats]:
        """Find the owners nearest to each probe, as ``search`` without ``chance``.

        Returns their ids, str (N, K), nearest first, and the distances, float32 (N, K).
        """
        found = self.search(probes, number, kept)
        return found.ids, found.distance


@dataclass(frozen=True, slots=True)
class Layers:
    """An index that takes small changes at little cost: a large base, and an index of the owners that changed since.

    base: the owners at the last full load.
    kept: bool (P,), the owners of the base that have not changed or gone since.
    recent: the owners that have changed; None if none has.
    embedder: None if nothing is to be known of how similar strangers are.
    has_persons: whether the owners are persons.
    chance: how similar strangers are; None if it is unknown.
    """

    base: Index
    kept: Mask
    recent: Index | None = None
    embedder: Embedder | None = None
    has_persons: bool = True
    chance: Chance | None = None

    @classmethod
    def of(cls, index: Index, embedder: Embedder | None = None, has_persons: bool = True) -> Layers:
        """Start from an index, without changes."""
        everyone = np.ones(len(index.keys), bool)
        return cls(index, everyone, None, embedder, has_persons)._measured()

    def changed(self, owners: AnyCollection[int], current: Index | None) -> Layers | None:
        """Return the layers after changes; None if no owner remains.

        owners: keys of the owners that were added, changed or erased.
        current: the faces that these owners have now; None if they have none.
        """
        changed = np.fromiter(owners, np.int64, len(owners))
        kept = self.kept & self.base.mask_without(changed)
        parts = [] if self.recent is None else [(self.recent, self.recent.mask_without(changed))]
        recent = _joined([*parts, *([] if current is None else [(current, np.ones(len(current.keys), bool))])])
        if kept.any() and (recent is None or len(recent.keys) <= max(MAX_RECENT_OWNERS, len(kept) // 16)):
            return replace(self, kept=kept, recent=recent)._measured()
        whole = _joined(replace(self, kept=kept, recent=recent)._parts())
        return None if whole is None else Layers.of(whole, self.embedder, self.has_persons)

    @property
    def size(self) -> int:
        """The memory that the layers take, in bytes."""
        return self.base.size + (0 if self.recent is None else self.recent.size)

    def search(self, probes: Floats, number: int) -> Found:
        """Find the owners whom each probe may be, as ``Index.search`` does."""
        found = self.base.search(probes, number, None if self.kept.all() else self.kept, self.chance)
        if self.recent is None:
            return found
        return found.joined(self.recent.search(probes, number, None, self.chance)).ordered(number)

    def _parts(self) -> list[tuple[Index, Mask]]:
        recent = [] if self.recent is None else [(self.recent, np.ones(len(self.recent.keys), bool))]
        return [(self.base, self.kept), *recent]

    def _measured(self) -> Layers:
        """Return the same layers with ``chance``."""
        if self.embedder is None:
            return self
        parts = self._parts()
        owners = sum(int(kept.sum()) for _, kept in parts)
        if not self.has_persons:
            return replace(self, chance=Chance.without_gallery(owners, self.embedder))
        sample = _joined([(index, _sampled(index, kept)) for index, kept in parts])
        return replace(self, chance=None if sample is None else Chance.among(sample.people, owners, self.embedder))


def decode_embeddings(blobs: Sequence[bytes]) -> Floats:
    """Return N >= 1 embeddings from the database as float32 (N, D)."""
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def _sampled(index: Index, kept: Mask) -> Mask:
    """Return bool (P,): some of the owners that are kept, evenly spaced."""
    rows = np.flatnonzero(kept)
    faces = max(int(index.people.counts[rows].mean()) if len(rows) else 1, 1)
    number = min(SAMPLE_OWNERS, max(LEAST_SAMPLE_OWNERS, SAMPLE_FACES // faces))
    chosen = np.zeros(len(kept), np.bool_)
    chosen[rows[:: -(-len(rows) // number) or 1]] = True
    return chosen


def _joined(parts: Sequence[tuple[Index, Mask]]) -> Index | None:
    """Return one index of the chosen owners of several; None if there are none."""
    keys, ids, embeddings, counts = [], [], [], []
    for index, kept in parts:
        owners = np.flatnonzero(kept)
        rows, _ = index.people.photographs(owners)
        keys.append(index.keys[owners])
        ids.append(index.ids[owners])
        embeddings.append(index.people.embeddings[rows])
        counts.append(index.people.counts[owners])
    if sum(map(len, keys)) == 0:
        return None
    faces_of_owner = np.concatenate(counts)
    people = People.of(np.concatenate(embeddings), np.cumsum(faces_of_owner) - faces_of_owner)
    return Index(np.concatenate(keys), np.concatenate(ids), people)
