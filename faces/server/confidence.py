"""From a distance between embeddings to the API's confidence, by which clients decide."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from faces.errors import UsageError
from faces.metrics import threshold_at
from faces.types import Floats, ModelSpec

SAME = 0.5  # confidence, from which on two faces are the same person's
FAR = 1e-3  # of pairs of different people, those that have a confidence of ``SAME`` and more
STEEPNESS = 65.2  # of the built-in embedder, by ``python -m benchmarks.confidence``
MEASURED = 0.3793  # the distance in whose middle that is


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic curve. middle: the distance with a confidence of 0.5. steepness: per unit of distance."""

    middle: float
    steepness: float

    def of(self, distances: Floats) -> Floats:
        """float32, in (0, 1), of the same shape."""
        exponent = np.minimum(self.steepness * (distances - self.middle), 80)  # more is too much for float32
        return np.asarray(1 / (1 + np.exp(exponent)), np.float32)


def curve(spec: ModelSpec, threshold: float | None = None) -> Confidence:
    """An embedder's, about the distance that one in a thousand pairs of different people comes closer than.

    threshold: another distance. Raises UsageError when none is given, and none was ever measured.
    """
    points = [point for point in spec.operating_points if isfinite(point.far)]
    middle = threshold or (threshold_at(points, FAR) if len(points) > 1 else None)
    if middle is None and spec.operating_points:
        middle = spec.operating_points[0].threshold
    if middle is None:
        raise UsageError(f"no threshold was ever measured for {spec.name}: give one with --threshold")
    return Confidence(middle, STEEPNESS * MEASURED / middle)
