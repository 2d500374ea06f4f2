"""Thresholds: the distance beyond which a face is unknown, and what it was measured to mean.

Two faces are compared with an embedder's ``OperatingPoint``s: ``threshold_at`` derives the distance for any false
accept rate from them. A face is compared with a gallery by ``faces.recognition.crowd``, whose scaled distances have one
threshold for everybody: ``stranger_threshold``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faces.errors import FacesError
from faces.models.spec import OperatingPoint
from faces.models.zoo import operating_points
from faces.recognition.crowd import Crowd
from faces.recognition.distances import People
from faces.recognition.impostors import Embedder, impostors_among, impostors_of, name_of
from faces.types import Floats

__all__ = [
    "STRICT_FAR",
    "OperatingPoint",
    "Threshold",
    "crowd_of",
    "distance_at",
    "far_per_person",
    "measure_operating_points",
    "stranger_threshold",
    "threshold_at",
]

STRICT_FAR = 1e-3  # the false accept rate at which two faces count as one person's


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


def crowd_of(people: People, embedder: Embedder) -> Crowd | None:
    """Return how similar the people of a gallery are; None for too few people and an embedder without measurements.

    embedder: "" if unknown.
    """
    impostors = impostors_of(embedder) or impostors_among(people)
    return None if impostors is None else Crowd.of(people, impostors)


def stranger_threshold(crowd: Crowd | None, embedder: Embedder, fpir: float, people: int) -> Threshold:
    """Return the distance up to which a face is given a name.

    crowd: as ``crowd_of`` returns it.
    embedder: "" if unknown.
    fpir: share of strangers that may be given a name, in (0, 1).
    people: number of people enrolled.
    Raises FacesError for too few people and an embedder without operating points.
    """
    name = name_of(embedder).partition(",")[0]
    if crowd is not None:
        far = far_per_person(fpir, people)
        low, high = (1 - (1 - rate) ** people for rate in crowd.expected_rate(far))
        origin = f"{fpir:.1%} of strangers named; expected {low:.1%} to {high:.1%}"
        source = "" if impostors_of(embedder) else ", estimated from these people alone"
        return Threshold(crowd.threshold(far), origin + source)
    if points := operating_points(name_of(embedder)):
        return Threshold(points[0].threshold, f"as published for {name}, whatever --fpir")
    raise FacesError(
        f"too few people ({people}) to derive a threshold from, and none was measured for"
        f" {name or 'these embeddings'}; give one: --threshold"
    )
