"""The API's confidence, computed from the distance between embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, log

import numpy as np

from faces.errors import UsageError
from faces.models.spec import ModelSpec
from faces.recognition.thresholds import STRICT_FAR, Crowd, OperatingPoint, threshold_at
from faces.types import Floats

SAME_PERSON = 0.5  # the confidence from which two faces count as one person's: its false accept rate is STRICT_FAR
STEEPNESS = 65.2  # of the built-in embedder's curve, fitted by ``python -m benchmarks.confidence``
MEASURED_MIDDLE = 0.3793  # the middle of that curve: a distance
MIN_MIDDLE = 0.01  # a distance; at 0 the curve would be infinitely steep


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic curve from distance to confidence.

    middle: the distance with a confidence of 0.5.
    steepness: of the curve, per unit of distance.
    points: the operating points that give the middle; empty if the middle was chosen.
    """

    middle: float
    steepness: float
    points: tuple[OperatingPoint, ...] = ()

    def among(self, crowd: Crowd | None) -> Confidence:
        """Return the curve for a collection: stricter if its people look more alike than usual."""
        if crowd is None or not self.points:
            return self
        middle = max(min(self.middle, crowd.threshold(STRICT_FAR, self.points)), MIN_MIDDLE)
        return Confidence(middle, self.steepness * self.middle / middle, self.points)

    def of(self, distances: Floats) -> Floats:
        """Return the confidence for distances of any shape: float32 of the same shape, in (0, 1)."""
        exponent = np.minimum(self.steepness * (distances - self.middle), 80)  # exp of more overflows float32
        return np.asarray(1 / (1 + np.exp(exponent)), np.float32)

    def distance(self, confidence: float) -> float:
        """Return the distance with a confidence; infinite for 0."""
        if not 0 < confidence < 1:
            return inf if confidence <= 0 else -inf
        return self.middle - log(confidence / (1 - confidence)) / self.steepness


def curve(spec: ModelSpec, threshold: float | None = None) -> Confidence:
    """Return the curve of an embedder. Its middle is the distance with a false match rate of 1 in 1000.

    spec: the embedder.
    threshold: another distance for the middle; None for the measured one.

    Raises UsageError if no threshold is given and none was measured.
    """
    points = [point for point in spec.operating_points if isfinite(point.far)]
    is_measured = threshold is None and len(points) > 1
    middle = threshold_at(points, STRICT_FAR) if is_measured else threshold
    if middle is None and spec.operating_points:
        middle = spec.operating_points[0].threshold
    if middle is None:
        raise UsageError(f"no threshold was measured for {spec.name}: give one with --threshold")
    return Confidence(middle, STEEPNESS * MEASURED_MIDDLE / middle, tuple(points) if is_measured else ())
