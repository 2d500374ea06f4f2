"""Everyone enrolled, photographs side by side by person, and how far a face is from somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.types import Floats

# An impostor comes closer to the centre, and to the nearest, of several photographs than to one: by how much the same
# false accept rate's threshold shrinks with 1, 2, 3 and 5 photographs a person, measured between different people of
# LFW (benchmarks/measure_models.py closer). Distances are divided by it, so that one threshold serves all.
PHOTOGRAPHS, CLOSER = (1, 2, 3, 5), (1.0, 0.963, 0.956, 0.944)

BLOCK_ROWS = 2**16  # photographs that are compared with probes: bounds memory

Indices = NDArray[np.intp]


def closer(counts: Indices) -> Floats:
    """float32 (N,): how much closer strangers come to people of so many photographs (N,) than to those of one."""
    return np.interp(counts, PHOTOGRAPHS, CLOSER).astype(np.float32)


def by_person(names: Sequence[str]) -> tuple[list[str], Indices, Indices]:
    """The P people, sorted as ``LabelEncoder`` sorts; the order (M,) of M rows by person; the first (P,) of each."""
    people = sorted(set(names))
    number = {name: k for k, name in enumerate(people)}
    owner = np.fromiter(map(number.__getitem__, names), np.intp, len(names))
    order = np.argsort(owner, kind="stable")
    return people, order, np.searchsorted(owner, np.arange(len(people)), sorter=order)


@dataclass(frozen=True, slots=True)
class People:
    """P people and their M photographs.

    embeddings: float32 (M, D), unit length, person after person. starts and counts: (P,), each person's first
    row and number of rows. centres: float32 (P, D), the means of those. closer: float32 (P,), see ``CLOSER``.
    """

    embeddings: Floats
    starts: Indices
    counts: Indices
    centres: Floats
    closer: Floats

    @classmethod
    def of(cls, embeddings: Floats, starts: Indices) -> People:
        """From photographs that are in order."""
        counts = np.diff(starts, append=len(embeddings))
        centres = np.add.reduceat(embeddings, starts) / counts[:, None]
        # A probe's product with columns side by side takes half the time: measured at 100,000 people, one probe.
        return cls(embeddings, starts, counts, np.asfortranarray(centres, np.float32), closer(counts))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def owner(self) -> Indices:
        """(M,): whose each photograph is."""
        return np.repeat(np.arange(len(self)), self.counts)

    def photographs(self, people: Indices) -> tuple[Indices, Indices]:
        """The rows of the photographs of each of ``people`` (N,), one after the other, and where each one's begin."""
        counts = self.counts[people]
        first = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(self.starts[people] - first, counts), first

    def distance(self, probes: Floats, people: Indices) -> Floats:
        """float32 (N,): from each of the probes (N, D) to one of ``people`` (N,).

        The mean of the distances to their centre and to their nearest photograph, as it would be for someone with one
        photograph (see ``CLOSER``); Euclidean between unit-length embeddings.
        """
        distance = np.empty(len(probes), np.float32)
        step = max(1, BLOCK_ROWS // int(self.counts[people].max(initial=1)))
        for some in (slice(start, start + step) for start in range(0, len(probes), step)):
            whom = people[some]
            rows, first = self.photographs(whom)
            gap = self.embeddings[rows] - np.repeat(probes[some], self.counts[whom], axis=0)
            to_centre = np.linalg.norm(self.centres[whom] - probes[some], axis=1)
            nearest = np.minimum.reduceat(np.linalg.norm(gap, axis=1), first)
            distance[some] = (to_centre + nearest) / 2 / self.closer[whom]
        return distance

    def distances(self, probes: Floats) -> Floats:
        """float32 (N, P): from the probes (N, D) to everyone, as ``distance``."""
        if len(probes) == 0:
            return np.zeros((0, len(self)), np.float32)
        nearest = np.minimum.reduceat(euclidean(probes, self.embeddings), self.starts, axis=1)
        return np.asarray((euclidean(probes, self.centres) + nearest) / 2 / self.closer, np.float32)

    def closest(self, similarity: Floats, probes: Floats, number: int) -> tuple[Indices, Floats]:
        """For N probes, the ``number`` people of most similarity (N, P), or all when they are fewer: who (N, K), in no
        order, and the distances (N, K) to them."""
        number = min(number, len(self))
        people = np.argpartition(similarity, -number, axis=1)[:, -number:]
        distance = self.distance(np.repeat(probes, number, axis=0), people.ravel())
        return people, distance.reshape(people.shape)


def euclidean(a: Floats, b: Floats) -> Floats:
    """float32 (N, M): the distances between the rows of (N, D) and (M, D)."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)), np.float32)
