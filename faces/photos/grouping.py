"""Group faces by person: average-linkage clustering on a graph of similar faces, within what is known about them.

Two groups are merged while their faces are more alike, on average, than those of two people would be. The similarity is
the normalized one of ``faces.recognition.impostors``: in standard deviations above that of different people. Of two
single faces it must reach the quantile that a share ``false_merge / N`` of pairs of different people exceed, where each
of N faces is compared with all others. The mean over many pairs of faces of two people scatters less than one pair's:
only the effect of the two people stays, whose share is ``SHARED``.

docs/photos.md and ``python -m benchmarks.photos grouping`` compare it with Chinese whispers and HDBSCAN.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faces.recognition.impostors import Impostors
from faces.types import Floats

FALSE_MERGE = 0.001  # share of faces that may be put beside another person's
SHARED = 0.6  # share of the variance that two people's faces have in common (benchmarks/photos/grouping.py)
NEIGHBOURS = 64  # that a face is compared with: people with thousands of faces need no more
BLOCK_SCORES = 2**24  # similarities that are computed together: bounds memory

Labels = NDArray[np.intp]


@dataclass(slots=True)
class Known:
    """What is known about a face, or a group of faces.

    together: faces with an equal value are one person, whatever their embeddings.
    has, refuses: nothing that has a value is merged with what refuses it.
    person: who it is; "" for one to be ignored; None if nothing was said. Two different persons are not merged.
    enrolled: whether the recognizer says who it is, and no answer.
    """

    together: list[Hashable] = field(default_factory=list)
    has: set[Hashable] = field(default_factory=set)
    refuses: set[Hashable] = field(default_factory=set)
    person: str | None = None
    enrolled: bool = False

    def conflicts(self, other: Known) -> bool:
        """Return whether two groups cannot be one person."""
        if self.person is not None and other.person is not None and self.person != other.person:
            return True
        return not self.has.isdisjoint(other.refuses) or not other.has.isdisjoint(self.refuses)

    def take(self, other: Known) -> None:
        """Add what is known about another group that is merged with this one."""
        self.has |= other.has
        self.refuses |= other.refuses
        self.person = other.person if self.person is None else self.person


@dataclass(frozen=True, slots=True)
class Scores:
    """The normalized similarity of faces to each other.

    embeddings: float32 (N, D), unit length. crowding: float32 (N,), of ``Impostors.crowding``.
    """

    impostors: Impostors
    embeddings: Floats
    crowding: Floats

    @classmethod
    def of(cls, impostors: Impostors, embeddings: Floats) -> Scores:
        """Compute the crowding of faces, float32 (N, D)."""
        return cls(impostors, embeddings, impostors.crowding(embeddings))

    def normalized(self, similarity: Floats) -> Floats:
        """Return similarities, less the crowding, in standard deviations above that of different people."""
        return np.asarray(
            (similarity - np.float32(self.impostors.mean)) / np.float32(self.impostors.spread), np.float32
        )

    def limit(self, false_merge: float) -> float:
        """Return the normalized similarity from which two single faces of these N are merged."""
        return self.impostors.quantile(false_merge / max(len(self.embeddings), 1))

    def near(self, least: float) -> Iterator[tuple[Labels, Labels, Floats]]:
        """Yield pairs of faces, and their normalized similarity, of at least ``least``: each once or twice.

        At most ``NEIGHBOURS`` for each face, the most similar ones.
        """
        half, one = -self.crowding[:, None] / 2, np.ones((len(self.crowding), 1), np.float32)
        left, right = np.hstack([self.embeddings, half, one]), np.hstack([self.embeddings, one, half]).T
        lowest = np.float32(self.impostors.mean + least * self.impostors.spread)
        step = max(1, BLOCK_SCORES // max(len(left), 1))
        for start in range(0, len(left), step):
            block = left[start : start + step] @ right
            rows = np.arange(len(block))
            block[rows, rows + start] = -np.inf
            for row in np.flatnonzero((block >= lowest).sum(axis=1) > NEIGHBOURS):
                block[row, np.argpartition(block[row], -NEIGHBOURS)[:-NEIGHBOURS]] = -np.inf
            first, second = np.nonzero(block >= lowest)
            yield first + start, second, self.normalized(block[first, second])


def group(scores: Scores, known: Sequence[Known], false_merge: float = FALSE_MERGE, shared: float = SHARED) -> Labels:
    """Return the group of each of N faces: intp (N,), numbers from 0; a face that is like no other has its own.

    known: N, what is known about each face; the pictures that they are in belong to it.
    false_merge: share of faces that may be put beside another person's, in (0, 1).
    """
    limit = scores.limit(false_merge)
    groups = _Groups(scores, known, limit, shared)
    groups.join_known()
    for first, second, _ in scores.near(limit * shared**0.5):
        groups.add_edges(first, second)
    groups.merge()
    return groups.labels()


class _Groups:
    """Groups while they are merged; a group has the number of one of its faces.

    The mean similarity of two groups is the product of the sums of their embeddings, so no pair is computed again.
    """

    def __init__(self, scores: Scores, known: Sequence[Known], limit: float, shared: float) -> None:
        number = len(scores.embeddings)
        self._impostors = scores.impostors
        self._limit, self._shared = limit, shared
        self._sum = scores.embeddings.astype(np.float64)
        self._crowding = scores.crowding.astype(np.float64)
        self._count = [1] * number
        self._version = [0] * number
        self._known = [Known([*one.together], {*one.has}, {*one.refuses}, one.person) for one in known]
        self._near: list[set[int]] = [set() for _ in range(number)]
        self._parent = list(range(number))
        self._queue: list[tuple[float, int, int, int, int]] = []

    def join_known(self) -> None:
        """Merge the faces that are one person whatever they look like."""
        first: dict[Hashable, int] = {}
        for face, known in enumerate(self._known):
            for value in known.together:
                one, other = self._root(first.setdefault(value, face)), self._root(face)
                if one != other:
                    self._join(one, other)

    def add_edges(self, first: Labels, second: Labels) -> None:
        """Add pairs of faces that may be one person's."""
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            one, other = self._root(one), self._root(other)
            if one != other and other not in self._near[one]:
                self._near[one].add(other)
                self._near[other].add(one)
                self._queue_pair(one, other)

    def merge(self) -> None:
        """Merge the two groups that are the farthest above their limit, until none is."""
        while self._queue:
            _, one, other, *versions = heapq.heappop(self._queue)
            if [self._version[one], self._version[other]] != versions:
                continue
            if len(self._near[one]) < len(self._near[other]):
                one, other = other, one
            self._join(one, other)
            for near in self._near[one]:
                self._queue_pair(one, near)

    def labels(self) -> Labels:
        """Return the group of each face."""
        roots = np.array([self._root(face) for face in range(len(self._parent))], np.intp)
        return np.unique(roots, return_inverse=True)[1].astype(np.intp)

    def _queue_pair(self, one: int, other: int) -> None:
        sizes = self._count[one] * self._count[other]
        least = self._limit * (self._shared + (1 - self._shared) / sizes) ** 0.5
        similarity = float(self._sum[one] @ self._sum[other]) / sizes
        crowding = self._crowding[one] / self._count[one] + self._crowding[other] / self._count[other]
        above = (similarity - self._impostors.mean - crowding / 2) / self._impostors.spread - least
        if above > 0 and not self._known[one].conflicts(self._known[other]):
            heapq.heappush(self._queue, (-above, one, other, self._version[one], self._version[other]))

    def _join(self, one: int, other: int) -> None:
        self._parent[other] = one
        self._sum[one] += self._sum[other]
        self._crowding[one] += self._crowding[other]
        self._count[one] += self._count[other]
        self._version[one] += 1
        self._version[other] = -1  # of no pair in the queue
        self._known[one].take(self._known[other])
        for near in self._near[other]:
            self._near[near].discard(other)
            if near != one:
                self._near[near].add(one)
                self._near[one].add(near)
        self._near[one].discard(other)
        self._near[other] = set()

    def _root(self, face: int) -> int:
        while self._parent[face] != face:
            self._parent[face] = self._parent[self._parent[face]]
            face = self._parent[face]
        return face


def likeness(scores: Scores, labels: Labels) -> Floats:
    """Return the mean normalized similarity of each face to the others of its group: float32 (N,), NaN if alone."""
    counts = np.bincount(labels, minlength=1)
    sums = np.zeros((len(counts), scores.embeddings.shape[1]), np.float32)
    np.add.at(sums, labels, scores.embeddings)
    crowding = np.bincount(labels, scores.crowding, len(counts))
    others = (counts[labels] - 1).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        similarity = (np.einsum("nd,nd->n", scores.embeddings, sums[labels]) - 1) / others
        of_others = (crowding[labels] - scores.crowding) / others
        mean = scores.normalized(similarity - (scores.crowding + of_others) / 2)
    return np.asarray(np.where(others > 0, mean, np.nan), np.float32)
