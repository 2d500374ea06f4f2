"""The API's confidence: the probability that a match is true, or for embedders that were not measured a curve."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from faces.errors import UsageError
from faces.models.spec import ModelSpec
from faces.recognition.distances import People
from faces.recognition.impostors import Embedder
from faces.recognition.match_probability import match_probability
from faces.recognition.thresholds import STRICT_FAR, threshold_at
from faces.server.search.chance import Chance
from faces.types import Floats

Array = NDArray[np.float64]

SAME_PERSON = 0.5  # the confidence from which two faces count as one person's
STEEPNESS = 65.2  # of the curve of dlib's embedder, fitted by ``python -m benchmarks.confidence``
MEASURED_MIDDLE = 0.3793  # the middle of that curve: a distance
MIN_MIDDLE = 0.01  # a distance; at 0 the curve would be infinitely steep


@dataclass(frozen=True, slots=True)
class Confidence:
    """The probability that a match is true if half of those who come are enrolled; without measurements, a curve.

    middle: the distance with a confidence of 0.5 on the curve, which is logistic.
    steepness: of the curve, per unit of distance.
    embedder: whose measurements replace the curve; None for the curve alone.
    """

    middle: float
    steepness: float
    embedder: Embedder | None = None

    def of(self, distances: Floats, expected: Array | None = None) -> Array:
        """Return the confidence: float64 of the same shape, in [0, 1].

        distances: of any shape.
        expected: the numbers of ``Chance.expected``, from which it follows; None if they are unknown.
        """
        if expected is not None:
            return match_probability(expected)
        exponent = np.minimum(self.steepness * (distances.astype(np.float64) - self.middle), 80)
        return np.asarray(1 / (1 + np.exp(exponent)))

    def verified(self, probe: Floats, person: People, chance: Chance | None = None) -> float:
        """Return the confidence that a probe is a person.

        probe: float32 (1, D), unit length.
        person: the only one of these people.
        chance: of the person's group; None if it is not known.
        """
        chance = Chance.without_gallery(1, self.embedder) if chance is None else chance.of_one()
        distance, only = person.distances(probe), np.zeros((1, 1), np.intp)
        return self.of(distance, None if chance is None else chance.expected(distance, probe, person, only)).item()

    def limits(self, embeddings: Floats) -> Floats:
        """Return the distances between N faces up to which they are one person's: (N, N), or (1, 1) for one for all."""
        chance = Chance.without_gallery(max(len(embeddings) - 1, 1), self.embedder)
        return np.full((1, 1), self.middle, np.float32) if chance is None else chance.limits(embeddings)


def curve(spec: ModelSpec, threshold: float | None = None, embedder: Embedder | None = None) -> Confidence:
    """Return the confidence for an embedder. The middle is the distance with a false match rate of 1 in 1000.

    spec: the embedder.
    threshold: another distance for the middle: the curve then holds, whatever was measured.
    embedder: whose measurements replace the curve.

    Raises UsageError if no threshold is given and none was measured.
    """
    points = [point for point in spec.operating_points if isfinite(point.far)]
    is_measured = threshold is None and len(points) > 1
    middle = threshold_at(points, STRICT_FAR) if is_measured else threshold
    if middle is None and spec.operating_points:
        middle = spec.operating_points[0].threshold
    if middle is None:
        raise UsageError(f"no threshold was measured for {spec.name}: give one with --threshold")
    middle = max(middle, MIN_MIDDLE)
    return Confidence(middle, STEEPNESS * MEASURED_MIDDLE / middle, embedder if threshold is None else None)
