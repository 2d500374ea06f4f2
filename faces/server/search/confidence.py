"""From a distance between embeddings to the API's confidence, by which clients decide."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from faces.errors import UsageError
from faces.models.spec import ModelSpec, OperatingPoint
from faces.recognition.thresholds import Crowd, threshold_at
from faces.types import Floats

SAME = 0.5  # confidence, from which on two faces are the same person's
FAR = 1e-3  # of pairs of different people, those that have a confidence of ``SAME`` and more
STEEPNESS = 65.2  # of the built-in embedder, by ``python -m benchmarks.confidence``
MEASURED = 0.3793  # the distance in whose middle that is
CLOSEST = 0.01  # a middle of 0 would make the curve infinitely steep


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic curve.

    middle: the distance with a confidence of 0.5. steepness: per unit of distance. points: the operating points that
    the middle follows from; none where somebody chose it.
    """

    middle: float
    steepness: float
    points: tuple[OperatingPoint, ...] = ()

    def among(self, crowd: Crowd | None) -> Confidence:
        """The curve for the people of a collection: stricter where they look more alike than most."""
        if crowd is None or not self.points:
            return self
        middle = max(min(self.middle, crowd.threshold(FAR, self.points)), CLOSEST)
        return Confidence(middle, self.steepness * self.middle / middle, self.points)

    def of(self, distances: Floats) -> Floats:
        """float32, in (0, 1), of the same shape."""
        exponent = np.minimum(self.steepness * (distances - self.middle), 80)  # more is too much for float32
        return np.asarray(1 / (1 + np.exp(exponent)), np.float32)


def curve(spec: ModelSpec, threshold: float | None = None) -> Confidence:
    """An embedder's, about the distance that one in a thousand pairs of different people comes closer than.

    threshold: another distance. Raises UsageError when none is given, and none was ever measured.
    """
    points = [point for point in spec.operating_points if isfinite(point.far)]
    follows = threshold is None and len(points) > 1
    middle = threshold_at(points, FAR) if follows else threshold
    if middle is None and spec.operating_points:
        middle = spec.operating_points[0].threshold
    if middle is None:
        raise UsageError(f"no threshold was ever measured for {spec.name}: give one with --threshold")
    return Confidence(middle, STEEPNESS * MEASURED / middle, tuple(points) if follows else ())
