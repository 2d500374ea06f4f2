"""Distances: the enrolled photographs ordered by person, and how far a face is from a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faces.errors import FingerprintError
from faces.types import Floats

# An impostor comes closer to the centre and to the nearest of several photographs than to one photograph. CLOSER is the
# factor by which the threshold for one false accept rate shrinks with so many PHOTOGRAPHS per person, measured between
# people of LFW (benchmarks/measure_models.py closer). Distances are divided by it, so that one threshold serves all.
PHOTOGRAPHS, CLOSER = (1, 2, 3, 5), (1.0, 0.963, 0.956, 0.944)

ENOUGH = 3  # photographs of a person: of two that are unlike each other, neither is known to be the wrong one
BLOCK_ROWS = 2**16  # photographs that are compared with probes together: bounds memory

Indices = NDArray[np.intp]


def closer(counts: Indices) -> Floats:
    """Return the factor float32 (N,) by which strangers come closer to people with ``counts`` (N,) photographs."""
    return np.interp(counts, PHOTOGRAPHS, CLOSER).astype(np.float32)


def by_person(names: Sequence[str]) -> tuple[list[str], Indices, Indices]:
    """Order M rows by person.

    Returns the P people, sorted as ``LabelEncoder`` sorts; the order (M,) of the rows; and the first place (P,) of each
    person in that order.
    """
    people = sorted(set(names))
    number = {name: k for k, name in enumerate(people)}
    owner = np.fromiter(map(number.__getitem__, names), np.intp, len(names))
    order = np.argsort(owner, kind="stable")
    return people, order, np.searchsorted(owner, np.arange(len(people)), sorter=order)


@dataclass(frozen=True, slots=True)
class People:
    """P people and their M photographs.

    embeddings: float32 (M, D), unit length, person after person.
    starts, counts: (P,), the first row of each person and the number of rows.
    centres: float32 (P, D), the mean of each person's rows.
    closer: float32 (P,), see ``CLOSER``.
    """

    embeddings: Floats
    starts: Indices
    counts: Indices
    centres: Floats
    closer: Floats

    @classmethod
    def of(cls, embeddings: Floats, starts: Indices) -> People:
        """Return the people of embeddings that are ordered by person; starts: (P,), the first row of each."""
        counts = np.diff(starts, append=len(embeddings))
        centres = np.add.reduceat(embeddings, starts) / counts[:, None]
        # Column order halves the time of a probe's product with the centres: measured with 100,000 people, one probe.
        return cls(embeddings, starts, counts, np.asfortranarray(centres, np.float32), closer(counts))

    def centred_without(self, rows: Indices) -> People:
        """Return the same people, with centres that the photographs in ``rows`` (N,) do not count for."""
        counted = np.ones(len(self.embeddings), np.float32)
        counted[rows] = 0
        total = np.add.reduceat(self.embeddings * counted[:, None], self.starts)
        centres = total / np.add.reduceat(counted, self.starts)[:, None]
        return replace(self, centres=np.asfortranarray(centres, np.float32))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def owner(self) -> Indices:
        """The person (M,) of each photograph."""
        return np.repeat(np.arange(len(self)), self.counts)

    def photographs(self, people: Indices) -> tuple[Indices, Indices]:
        """Return the rows of the photographs of ``people`` (N,), and the place (N,) where each person's begin."""
        counts = self.counts[people]
        first = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(self.starts[people] - first, counts), first

    def distance(self, probes: Floats, people: Indices) -> Floats:
        """Return the distance float32 (N,) of each probe to one person.

        It is the mean of the Euclidean distances to the person's centre and nearest photograph, divided by ``closer``:
        what it would be for a person with one photograph.

        probes: float32 (N, D), unit length.
        people: (N,), one person for each probe.
        """
        distance = np.empty(len(probes), np.float32)
        step = max(1, BLOCK_ROWS // int(self.counts[people].max(initial=1)))
        for block in (slice(start, start + step) for start in range(0, len(probes), step)):
            person = people[block]
            rows, first = self.photographs(person)
            gap = self.embeddings[rows] - np.repeat(probes[block], self.counts[person], axis=0)
            to_centre = np.linalg.norm(self.centres[person] - probes[block], axis=1)
            nearest = np.minimum.reduceat(np.linalg.norm(gap, axis=1), first)
            distance[block] = (to_centre + nearest) / 2 / self.closer[person]
        return distance

    def distances(self, probes: Floats) -> Floats:
        """Return the distance float32 (N, P) of probes (N, D) to each person, as ``distance``."""
        if len(probes) == 0:
            return np.zeros((0, len(self)), np.float32)
        nearest = np.minimum.reduceat(euclidean(probes, self.embeddings), self.starts, axis=1)
        return np.asarray((euclidean(probes, self.centres) + nearest) / 2 / self.closer, np.float32)

    def closest(self, similarity: Floats, probes: Floats, number: int) -> tuple[Indices, Floats]:
        """Return the K people that N probes are most similar to, in no order, and the distances to them: both (N, K).

        similarity: float32 (N, P).
        probes: float32 (N, D), unit length.
        number: K; with fewer people, all.
        """
        number = min(number, len(self))
        people = np.argpartition(similarity, -number, axis=1)[:, -number:]
        distance = self.distance(np.repeat(probes, number, axis=0), people.ravel())
        return people, distance.reshape(people.shape)


def euclidean(a: Floats, b: Floats) -> Floats:
    """Return the Euclidean distances float32 (N, M) between the rows of (N, D) and (M, D)."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)), np.float32)


def outliers(people: People, limit: float) -> Indices:
    """Return the photographs, rows (N,), that are farther than ``limit`` from every other one of their person.

    Only of people with at least three photographs, and never half or more of a person's.
    """
    rows = np.flatnonzero(people.counts[people.owner] >= ENOUGH)
    far = rows[nearest_other(people, rows) > limit] if len(rows) else rows
    number = np.bincount(people.owner[far], minlength=len(people))
    return far[2 * number[people.owner[far]] < people.counts[people.owner[far]]]


def nearest_other(people: People, rows: Indices) -> Floats:
    """Return the distance of photographs to the nearest other one of their person: float32 (N,), infinite without any.

    rows: (N,).
    """
    if len(rows) > (step := max(1, BLOCK_ROWS // int(people.counts.max()))):
        blocks = (rows[start : start + step] for start in range(0, len(rows), step))
        return np.concatenate([nearest_other(people, block) for block in blocks])
    person = people.owner[rows]
    counts = people.counts[person]
    person_rows, first = people.photographs(person)
    gap = people.embeddings[person_rows] - np.repeat(people.embeddings[rows], counts, axis=0)
    to_each = np.where(person_rows == np.repeat(rows, counts), np.inf, np.linalg.norm(gap, axis=1))
    return np.asarray(np.minimum.reduceat(to_each, first), np.float32)


def require_dimension(embeddings: Floats, dimension: int) -> None:
    """Raise FingerprintError unless embeddings (N, D) have the recognizer's D: the recipe's names no models."""
    if embeddings.shape[1] != dimension:
        raise FingerprintError(
            f"the recognizer was trained on embeddings of {dimension} numbers, but this run's models make"
            f" {embeddings.shape[1]}; run extract_embeddings.py and train_model.py again, or name the same models"
        )
