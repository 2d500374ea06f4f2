"""The faces of a collection side by side: who is near whom is one matrix product."""

from __future__ import annotations

from collections.abc import Collection as Some
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

LOOKED_AT = 16  # persons whose single faces are compared, at least: the centres alone say who these are
AT_ONCE = 500  # persons that are asked for
LATEST = 1_000  # owners who may be beside the others, at least
CROWD = 250  # owners whose faces say how much those of a collection look alike
CROWD_FACES = 500  # of them: takes 3 ms

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Index:
    """Owners of faces: the persons of a group with theirs, or the faces of a list with themselves.

    keys and ids: (P,), of the owners. people: their faces.
    """

    keys: Keys
    ids: NDArray[np.str_]
    people: People

    @classmethod
    def load(
        cls, session: Session, collection: Collection, trained_to: int | None, owners: Some[int] | None = None
    ) -> Index | None:
        """Of the faces up to a key, or of all with None; of all owners or of some; None where there are none."""
        if KINDS[collection.kind].has_persons:
            owner = Person.key
            wanted = select(Person.key, Person.id, Face.embedding).join(Face, Face.person_key == Person.key)
        else:
            owner = Face.key
            wanted = select(Face.key, Face.id, Face.embedding)
        wanted = wanted.where(Face.collection_key == collection.key).order_by(owner, Face.key)
        if trained_to is not None:
            wanted = wanted.where(Face.key <= trained_to)
        if owners is None:
            rows = list(session.execute(wanted.execution_options(yield_per=10_000)))
        else:
            asked = sorted(owners)
            parts = [asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE)]
            rows = [row for part in parts for row in session.execute(wanted.where(owner.in_(part)))]
        if not rows:
            return None
        keys, ids, blobs = zip(*rows, strict=True)
        of_each = np.array(keys, np.int64)
        starts = np.flatnonzero(np.concatenate([[True], of_each[1:] != of_each[:-1]]))
        return cls(of_each[starts], np.array([ids[row] for row in starts]), People.of(embeddings(blobs), starts))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.people.embeddings.nbytes + self.people.centres.nbytes + self.ids.nbytes

    def without(self, gone: Keys) -> NDArray[np.bool_]:
        """(P,): who is left."""
        return ~np.isin(self.keys, gone)

    def nearest(
        self, probes: Floats, number: int, left: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.str_], Floats]:
        """For N probes (N, D) the ids (N, K) of the ``number`` nearest, or all when they are fewer, nearest first,
        and the distances (N, K) to them, as ``People.distance``; only of those who are left (P,)."""
        similarity = probes @ self.people.centres.T
        if left is not None:
            similarity[:, ~left] = -np.inf
        number = min(number, len(self.ids) if left is None else int(left.sum()))
        who, distance = self.people.closest(similarity, probes, max(2 * number, LOOKED_AT))
        if left is not None:
            distance[~left[who]] = np.inf
        order = np.argsort(distance, axis=1, kind="stable")[:, :number]
        return self.ids[np.take_along_axis(who, order, axis=1)], np.take_along_axis(distance, order, axis=1)


@dataclass(frozen=True, slots=True)
class Layers:
    """An index that changes little by little: most owners, of whom some are left, and the latest state of the others.

    So whoever adds one face to many waits for one. left: (P,), of most. crowd: of all owners; None for fewer than two.
    """

    most: Index
    left: NDArray[np.bool_]
    latest: Index | None = None
    crowd: Crowd | None = None

    @classmethod
    def of(cls, index: Index) -> Layers:
        everybody = np.ones(len(index.keys), bool)
        return cls(index, everybody, crowd=crowd([(index, everybody)]))

    def changed(self, owners: Some[int], now: Index | None) -> Layers | None:
        """With the faces that some owners have now; None when nobody is left."""
        gone = np.fromiter(owners, np.int64, len(owners))
        left = self.left & self.most.without(gone)
        parts = [] if self.latest is None else [(self.latest, self.latest.without(gone))]
        latest = _joined([*parts, *([] if now is None else [(now, np.ones(len(now.keys), bool))])])
        layers = [(self.most, left), *([] if latest is None else [(latest, np.ones(len(latest.keys), bool))])]
        if left.any() and (latest is None or len(latest.keys) <= max(LATEST, len(left) // 16)):
            return Layers(self.most, left, latest, crowd(layers))
        whole = _joined(layers)
        return None if whole is None else Layers.of(whole)

    @property
    def size(self) -> int:
        return self.most.size + (0 if self.latest is None else self.latest.size)

    def nearest(self, probes: Floats, number: int) -> tuple[NDArray[np.str_], Floats]:
        """As ``Index.nearest``."""
        ids, distance = self.most.nearest(probes, number, None if self.left.all() else self.left)
        if self.latest is None:
            return ids, distance
        others, their_distance = self.latest.nearest(probes, number)
        ids, distance = np.concatenate([ids, others], axis=1), np.concatenate([distance, their_distance], axis=1)
        order = np.argsort(distance, axis=1, kind="stable")[:, :number]
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(distance, order, axis=1)


def embeddings(blobs: Sequence[bytes]) -> Floats:
    """float32 (N, D), of N >= 1 rows of the database."""
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), -1)


def crowd(parts: Sequence[tuple[Index, NDArray[np.bool_]]]) -> Crowd | None:
    """How far apart the owners that are left of several indexes are, measured on some; None for fewer than two."""
    some = []
    for index, left in parts:
        rows = np.flatnonzero(left)
        chosen = np.zeros(len(left), np.bool_)
        chosen[rows[:: -(-len(rows) // CROWD) or 1]] = True
        some.append((index, chosen))
    whole = _joined(some)
    return None if whole is None else Crowd.of(whole.people, CROWD_FACES)


def _joined(parts: Sequence[tuple[Index, NDArray[np.bool_]]]) -> Index | None:
    """One index of the owners that are left of several; None where there are none."""
    keys, ids, vectors, counts = [], [], [], []
    for index, left in parts:
        some = np.flatnonzero(left)
        rows, _ = index.people.photographs(some)
        keys.append(index.keys[some])
        ids.append(index.ids[some])
        vectors.append(index.people.embeddings[rows])
        counts.append(index.people.counts[some])
    if sum(map(len, keys)) == 0:
        return None
    of_each = np.concatenate(counts)
    people = People.of(np.concatenate(vectors), np.cumsum(of_each) - of_each)
    return Index(np.concatenate(keys), np.concatenate(ids), people)
