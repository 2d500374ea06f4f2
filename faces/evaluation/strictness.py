"""Which threshold pairs are judged by, where it should be as strict as one that is used at a door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faces.evaluation.results import Verification
from faces.figures import rate_of
from faces.metrics import threshold_at
from faces.types import OperatingPoint

FAR = 1e-3


def strict_threshold(result: Verification, points: Sequence[OperatingPoint] = ()) -> tuple[str, float]:
    """A threshold, after what it is in words, such as ``at FAR 0.1%``.

    points: of the embedder, for that of ``FAR``; without, it is the strictest that the result has enough pairs for, or
    else the one that tells most pairs right.
    """
    if len(points) > 1:
        return f"at FAR {rate_of(FAR)}", threshold_at(points, FAR)
    known = [(one.rate, one.threshold) for one in result.tar if one.threshold is not None]
    if not known:
        return "at the best threshold", float(np.median(result.thresholds))
    far, threshold = min(known)
    return f"at FAR {rate_of(far)}", threshold
