"""Thresholds: the distance beyond which a face is unknown, from measured operating points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faces.models.spec import OperatingPoint
from faces.recognition.distances import People, euclidean


@dataclass(frozen=True, slots=True)
class Threshold:
    """A distance, and where it comes from, for people to read."""

    distance: float
    origin: str


PHOTOGRAPHS = 2000  # a crowd is measured on at most so many: time and memory grow with the square
TRIMMED = 3.0  # standard deviations from the median: one person under two names, and twins, are left out
KEPT = 0.9866  # standard deviation of what is left of a normal distribution, in standard deviations of the whole
PRIOR_PAIRS = 10  # the general spread counts as much as that of so many pairs of people
STANDARD_ERRORS = 2.0  # by which the estimate is stricter than its best guess: 95 % sure
ENOUGH_PAIRS = 20  # of photographs of two people; from fewer, an estimate without operating points is none
ENOUGH_PEOPLE = 7  # of fewer, the estimate is uncertain


def threshold_at(points: Sequence[OperatingPoint], far: float) -> float:
    """The threshold for a false accept rate, between the measured points linear in log(far).

    Beyond the first and the last one the slope to their neighbour goes on. Raises ValueError with fewer than two
    points, or a ``far`` outside (0, 1).
    """
    if not 0 < far < 1 or len(points) < 2:
        raise ValueError(f"no threshold for a false accept rate of {far} from {len(points)} points")
    x = np.log([point.far for point in points])
    y = np.array([point.threshold for point in points])
    at = int(np.clip(np.searchsorted(x, np.log(far)), 1, len(x) - 1))
    slope = (y[at] - y[at - 1]) / (x[at] - x[at - 1])
    return float(max(y[at - 1] + slope * (np.log(far) - x[at - 1]), 0.0))


def distance_at(points: Sequence[OperatingPoint], far: float, otherwise: float) -> float:
    """``threshold_at``, or another distance for an embedder whose operating points were never measured."""
    return threshold_at(points, far) if len(points) > 1 else otherwise


def far_per_person(fpir: float, people: int) -> float:
    """The false accept rate that each person may have, so that a stranger is given any name with chance ``fpir``.

    1 - (1 - far)^people = fpir, as if the people were independent; they are a little alike, so the true rate is lower.
    """
    return float(-np.expm1(np.log1p(-fpir) / people))


@dataclass(frozen=True, slots=True)
class Crowd:
    """How far apart the people of a gallery are: a normal distribution of distances between different people.

    people, pairs: how many people, and how many pairs of photographs of two of them. mean, spread: of the distances
    of these pairs, and their standard deviation. Both are robust: a person enrolled under two names hardly moves them.
    """

    people: int
    pairs: int
    mean: float
    spread: float

    @classmethod
    def of(cls, people: People, most: int = PHOTOGRAPHS) -> Crowd | None:
        """Measure a gallery, on at most ``most`` of its photographs; None for fewer than two people."""
        if len(people) < 2:
            return None
        rows = _spread_out(people, most)
        embeddings, owner = people.embeddings[rows], people.owner[rows]
        distances = euclidean(embeddings, embeddings)[np.triu(owner[:, None] != owner, 1)]
        middle = np.median(distances)
        spread = 1.4826 * np.median(np.abs(distances - middle))  # of a normal distribution, from its median deviation
        kept = distances[np.abs(distances - middle) <= TRIMMED * spread]
        return cls(len(people), len(distances), float(kept.mean()), float(kept.std()) / KEPT)

    def threshold(self, far: float, points: Sequence[OperatingPoint] = ()) -> float:
        """The distance that a share ``far`` of different people are closer than; at least 0.

        points: measured on people in general. Where there are two or more, the spread of few people is drawn towards
        theirs. The estimate is made stricter by two standard errors of the mean, but not by more than it is already
        stricter than the general threshold: people who are like most keep that one.
        """
        spread, general = self.spread, float("inf")
        if len(points) > 1:
            general = threshold_at(points, far)
            weight = (pairs := self.people * (self.people - 1) / 2) / (pairs + PRIOR_PAIRS)
            spread = math.sqrt(weight * spread**2 + (1 - weight) * _spread(points) ** 2)
        estimate = float(self.mean + NormalDist().inv_cdf(far) * spread)
        margin = min(STANDARD_ERRORS * spread / math.sqrt(self.people), max(general - estimate, 0.0))
        return max(estimate - margin, 0.0)


def _spread_out(people: People, most: int) -> NDArray[np.intp]:
    """The rows of at most ``most`` photographs, evenly spaced, of nobody more than the median person has.

    So somebody with hundreds of photographs does not stand for everybody.
    """
    place = np.arange(len(people.embeddings)) - np.repeat(people.starts, people.counts)
    step = np.repeat(-(-people.counts // int(np.median(people.counts))), people.counts)
    rows = np.flatnonzero(place % step == 0)
    return rows[:: -(-len(rows) // most)]


def _spread(points: Sequence[OperatingPoint]) -> float:
    """The standard deviation of the normal distribution through the first and the last operating point."""
    first, last = points[0], points[-1]
    quantiles = NormalDist().inv_cdf(last.far) - NormalDist().inv_cdf(first.far)
    return (last.threshold - first.threshold) / quantiles
