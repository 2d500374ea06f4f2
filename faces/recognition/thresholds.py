"""Thresholds: the distance beyond which a face is unknown, and what it was measured to mean.

An embedder's ``OperatingPoint``s say how close photographs of different people come. ``threshold_at`` derives the
distance for any false accept rate from them, ``Crowd`` the distance for the people of one gallery, and
``stranger_threshold`` returns the stricter of the two: the ``Threshold`` of a recognizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.models.spec import OperatingPoint
from faces.models.zoo import operating_points
from faces.recognition.distances import People, euclidean
from faces.types import Floats

__all__ = [
    "ENOUGH_PAIRS",
    "ENOUGH_PEOPLE",
    "STRICT_FAR",
    "Crowd",
    "OperatingPoint",
    "Threshold",
    "distance_at",
    "far_per_person",
    "measure_operating_points",
    "stranger_threshold",
    "threshold_at",
]

STRICT_FAR = 1e-3  # the false accept rate at which two faces count as one person's
CROWD_PHOTOGRAPHS = 2000  # a crowd is measured on at most so many: time and memory grow with the square
TRIMMED = 3.0  # standard deviations from the median: one person under two names, and twins, are left out
TRIMMED_STD = 0.9866  # standard deviation of a standard normal distribution that is cut at -3 and 3
MEAN_PRIOR, SPREAD_PRIOR = 2, 10  # pairs of people: the general mean and spread count as much as those of so many
STANDARD_ERRORS = 2.0  # by which the estimate is stricter than its best guess: 95 % sure
ENOUGH_PAIRS = 20  # of photographs of two people: with fewer, a crowd gives no threshold without operating points
ENOUGH_PEOPLE = 7  # with fewer, the estimate is uncertain


@dataclass(frozen=True, slots=True)
class Threshold:
    """The distance up to which a face is a match, and where it comes from, as text."""

    distance: float
    origin: str


def threshold_at(points: Sequence[OperatingPoint], far: float) -> float:
    """Return the threshold for a false accept rate: linear in log(far) between the operating points.

    Beyond the first and the last point, the slope to their neighbour continues.

    points: two or more, by ascending ``far``.
    far: in (0, 1).
    Raises ValueError with fewer points or another ``far``.

    >>> points = [OperatingPoint(0.3, 1e-3, None, ""), OperatingPoint(0.4, 1e-2, None, "")]
    >>> round(threshold_at(points, 1e-4), 3)
    0.2
    """
    if not 0 < far < 1 or len(points) < 2:
        raise ValueError(f"no threshold for a false accept rate of {far} from {len(points)} points")
    x = np.log([point.far for point in points])
    y = np.array([point.threshold for point in points])
    at = int(np.clip(np.searchsorted(x, np.log(far)), 1, len(x) - 1))
    slope = (y[at] - y[at - 1]) / (x[at] - x[at - 1])
    return float(max(y[at - 1] + slope * (np.log(far) - x[at - 1]), 0.0))


def distance_at(points: Sequence[OperatingPoint], far: float, otherwise: float) -> float:
    """Return ``threshold_at``, or the distance ``otherwise`` for an embedder without measured operating points."""
    return threshold_at(points, far) if len(points) > 1 else otherwise


def measure_operating_points(
    impostor: Floats, genuine: Floats, fars: Sequence[float], pairs: str
) -> tuple[OperatingPoint, ...]:
    """Measure the thresholds for some false accept rates.

    impostor: float32 (N,), distances between photographs of different people.
    genuine: float32 (M,), distances between photographs of one person.
    fars: ascending.
    pairs: a description of the pairs.
    """
    thresholds = np.quantile(impostor, fars)
    return tuple(
        OperatingPoint(round(float(threshold), 4), far, round(float((genuine <= threshold).mean()), 4), pairs)
        for threshold, far in zip(thresholds, fars, strict=True)
    )


def far_per_person(fpir: float, people: int) -> float:
    """Return the false accept rate of each person at which a stranger is given any name with probability ``fpir``.

    1 - (1 - far)^people = fpir holds for independent people. People are a little alike, so the true rate is lower.

    >>> round(far_per_person(0.01, 100), 6)
    0.0001
    """
    return float(-np.expm1(np.log1p(-fpir) / people))


def stranger_threshold(people: People, embedder: str, fpir: float) -> Threshold:
    """Return the distance up to which a face is given a name: the stricter of the embedder's and the gallery's own.

    embedder: as a fingerprint names it, such as "dlib-resnet, mirrored"; "" if unknown.
    fpir: share of strangers that may be given a name, in (0, 1).
    Raises FacesError for too few people and an embedder without operating points.
    """
    far, origin = far_per_person(fpir, len(people)), f"{fpir:.1%} of strangers named"
    points, name = operating_points(embedder), embedder.partition(",")[0]
    crowd = Crowd.of(people)
    if len(points) > 1:
        general = threshold_at(points, far)
        own = crowd.threshold(far, points) if crowd else general
        if own < general:
            return Threshold(own, f"{origin}; these people look more alike than most, so it is stricter")
        return Threshold(general, f"{origin}; these people look no more alike than most" if crowd else origin)
    if crowd and crowd.pairs >= ENOUGH_PAIRS:
        return Threshold(crowd.threshold(far), f"{origin}, estimated from how far apart these people are")
    if points:
        return Threshold(points[0].threshold, f"as published for {name}, whatever --fpir")
    raise FacesError(
        f"too few people ({len(people)}) to derive a threshold from, and none was measured for"
        f" {name or 'these embeddings'}; give one: --threshold"
    )


@dataclass(frozen=True, slots=True)
class Crowd:
    """How far apart the people of a gallery are: a normal distribution of distances between different people.

    people: number of people.
    pairs: number of pairs of photographs of different people.
    mean, spread: the mean of the distances of these pairs and their standard deviation. Both are robust: a person
    enrolled under two names hardly changes them.
    """

    people: int
    pairs: int
    mean: float
    spread: float

    @classmethod
    def of(cls, people: People, most: int = CROWD_PHOTOGRAPHS) -> Crowd | None:
        """Measure a gallery on at most ``most`` of its photographs; None for fewer than two people."""
        if len(people) < 2:
            return None
        rows = _evenly_spaced(people, most)
        embeddings, owner = people.embeddings[rows], people.owner[rows]
        distances = euclidean(embeddings, embeddings)[np.triu(owner[:, None] != owner, 1)]
        middle = np.median(distances)
        spread = 1.4826 * np.median(np.abs(distances - middle))  # of a normal distribution, from its median deviation
        kept = distances[np.abs(distances - middle) <= TRIMMED * spread]
        return cls(len(people), len(distances), float(kept.mean()), float(kept.std()) / TRIMMED_STD)

    def threshold(self, far: float, points: Sequence[OperatingPoint] = ()) -> float:
        """Return the distance that a share ``far`` of different people are closer than; at least 0.

        The estimate is made stricter by a margin: two standard errors of the mean, but at most the difference by which
        it is stricter than the general threshold. People who look no more alike than most keep the general threshold.

        points: measured on people in general. With two or more, the mean and the spread of a small crowd are drawn
        towards theirs.
        """
        mean, spread, general = self.mean, self.spread, float("inf")
        if len(points) > 1:
            general = threshold_at(points, far)
            general_mean, general_spread = _normal_through(points)
            pairs_of_people = self.people * (self.people - 1) / 2
            weight = pairs_of_people / (pairs_of_people + MEAN_PRIOR)
            mean = weight * mean + (1 - weight) * general_mean
            weight = pairs_of_people / (pairs_of_people + SPREAD_PRIOR)
            spread = math.sqrt(weight * spread**2 + (1 - weight) * general_spread**2)
        estimate = float(mean + NormalDist().inv_cdf(far) * spread)
        margin = min(STANDARD_ERRORS * spread / math.sqrt(self.people), max(general - estimate, 0.0))
        return max(estimate - margin, 0.0)


def _evenly_spaced(people: People, most: int) -> NDArray[np.intp]:
    """Return the rows of at most ``most`` photographs, evenly spaced, and of each person at most the median number.

    So a person with hundreds of photographs does not stand for everybody.
    """
    place = np.arange(len(people.embeddings)) - np.repeat(people.starts, people.counts)
    step = np.repeat(-(-people.counts // int(np.median(people.counts))), people.counts)
    rows = np.flatnonzero(place % step == 0)
    return rows[:: -(-len(rows) // most)]


def _normal_through(points: Sequence[OperatingPoint]) -> tuple[float, float]:
    """Return the mean and the standard deviation of the normal distribution through the first and last point."""
    first, last = points[0], points[-1]
    low, high = (NormalDist().inv_cdf(point.far) for point in (first, last))
    spread = (last.threshold - first.threshold) / (high - low)
    return last.threshold - high * spread, spread
