"""An in-memory index of the faces of a collection: a search is one matrix product."""

from __future__ import annotations

from collections.abc import Collection as AnyCollection
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from faces.recognition.distances import People
from faces.recognition.thresholds import Crowd
from faces.server.kinds import KINDS
from faces.server.store.schema import Collection, Face, Person
from faces.types import Floats

MIN_CANDIDATES = 16  # owners, found by their centres, whose single faces are compared, at least
BATCH_OWNERS = 500  # in one query
MAX_RECENT_OWNERS = 1_000  # in ``Layers.recent``, at least
CROWD_SAMPLE_OWNERS = 250  # for measuring how much the owners of a collection look alike
CROWD_SAMPLE_FACES = 500  # of these owners: takes 3 ms

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]


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

    def nearest(self, probes: Floats, number: int, kept: Mask | None = None) -> tuple[NDArray[np.str_], Floats]:
        """Find the owners nearest to each probe.

        probes: float32 (N, D), unit length.
        number: how many owners to find for each probe; K is less if there are fewer.
        kept: bool (P,), the owners to search; None for all.

        Returns their ids, str (N, K), nearest first, and the distances, float32 (N, K), as in ``People.distance``.
        """
        similarity = probes @ self.people.centres.T
        if kept is not None:
            similarity[:, ~kept] = -np.inf
        number = min(number, len(self.ids) if kept is None else int(kept.sum()))
        rows, distance = self.people.closest(similarity, probes, max(2 * number, MIN_CANDIDATES))
        if kept is not None:
            distance[~kept[rows]] = np.inf
        order = np.argsort(distance, axis=1, kind="stable")[:, :number]
        return self.ids[np.take_along_axis(rows, order, axis=1)], np.take_along_axis(distance, order, axis=1)


@dataclass(frozen=True, slots=True)
class Layers:
    """An index that takes small changes: a large base, and a small index of the owners that changed since.

    Adding a face to a large collection therefore costs little.

    base: the owners at the last full load.
    kept: bool (P,), the owners of the base that have not changed or gone since.
    recent: the owners that have changed; None if none has.
    crowd: how far apart all owners are; None for fewer than two.
    """

    base: Index
    kept: Mask
    recent: Index | None = None
    crowd: Crowd | None = None

    @classmethod
    def of(cls, index: Index) -> Layers:
        """Start from an index, without changes."""
        everyone = np.ones(len(index.keys), bool)
        return cls(index, everyone, crowd=measure_crowd([(index, everyone)]))

    def changed(self, owners: AnyCollection[int], current: Index | None) -> Layers | None:
        """Return the layers after changes; None if no owner remains.

        owners: keys of the owners that were added, changed or erased.
        current: the faces that these owners have now; None if they have none.
        """
        changed = np.fromiter(owners, np.int64, len(owners))
        kept = self.kept & self.base.mask_without(changed)
        parts = [] if self.recent is None else [(self.recent, self.recent.mask_without(changed))]
        recent = _joined([*parts, *([] if current is None else [(current, np.ones(len(current.keys), bool))])])
        layers = [(self.base, kept), *([] if recent is None else [(recent, np.ones(len(recent.keys), bool))])]
        if kept.any() and (recent is None or len(recent.keys) <= max(MAX_RECENT_OWNERS, len(kept) // 16)):
            return Layers(self.base, kept, recent, measure_crowd(layers))
        whole = _joined(layers)
        return None if whole is None else Layers.of(whole)

    @property
    def size(self) -> int:
        """The memory that the layers take, in bytes."""
        return self.base.size + (0 if self.recent is None else self.recent.size)

    def nearest(self, probes: Floats, number: int) -> tuple[NDArray[np.str_], Floats]:
        """Find the owners nearest to each probe, as ``Index.nearest`` does."""
        ids, distance = self.base.nearest(probes, number, None if self.kept.all() else self.kept)
        if self.recent is None:
            return ids, distance
        recent_ids, recent_distance = self.recent.nearest(probes, number)
        ids, distance = np.concatenate([ids, recent_ids], axis=1), np.concatenate([distance, recent_distance], axis=1)
        order = np.argsort(distance, axis=1, kind="stable")[:, :number]
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(distance, order, axis=1)


def decode_embeddings(blobs: Sequence[bytes]) -> Floats:
    """Return N >= 1 embeddings from the database as float32 (N, D)."""
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def measure_crowd(parts: Sequence[tuple[Index, Mask]]) -> Crowd | None:
    """Measure on a sample how far apart owners are; None for fewer than two. parts: indexes, and which owners count."""
    sample = []
    for index, kept in parts:
        rows = np.flatnonzero(kept)
        chosen = np.zeros(len(kept), np.bool_)
        chosen[rows[:: -(-len(rows) // CROWD_SAMPLE_OWNERS) or 1]] = True
        sample.append((index, chosen))
    whole = _joined(sample)
    return None if whole is None else Crowd.of(whole.people, CROWD_SAMPLE_FACES)


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
