"""Which threshold pairs are judged by, where it should be as strict as one that is used at a door."""

from __future__ import annotations

from collections.abc import Sequence

from faces.evaluation.results import Verification
from faces.metrics import threshold_at
from faces.types import OperatingPoint

FAR = 1e-3


def strict_threshold(result: Verification, points: Sequence[OperatingPoint] = ()) -> tuple[float, float]:
    """A false accept rate and its threshold.

    points: of the embedder, for that of ``FAR``; without, it is the strictest that the result has enough pairs for.
    """
    if len(points) > 1:
        return FAR, threshold_at(points, FAR)
    known = [(one.rate, one.threshold) for one in result.tar if one.threshold is not None]
    return min(known, default=(1.0, float("inf")))
