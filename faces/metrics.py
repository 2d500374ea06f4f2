"""How good, and how sure: thresholds, error rates, accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faces.types import Floats, OperatingPoint


def best_accuracy(distance: Floats, same: NDArray[np.bool_]) -> tuple[float, float]:
    """The share of pairs told right at the best threshold, and that threshold (a pair at it counts as the same).

    distance: (N,). same: (N,). Raises ValueError when there are no pairs.
    """
    if len(distance) == 0:
        raise ValueError("no pairs")
    order = np.argsort(distance, kind="stable")
    # After the k closest are called the same: rights among them, and the different ones left over.
    right = np.concatenate([[0], np.cumsum(same[order])]) + np.concatenate([np.cumsum(~same[order][::-1])[::-1], [0]])
    ranked = distance[order]
    between = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])  # no threshold parts equal distances
    k = int(np.where(between, right, -1).argmax())
    return float(right[k] / len(distance)), float(ranked[k - 1]) if k else 0.0


def operating_points(
    impostor: Floats, genuine: Floats, fars: Sequence[float], pairs: str
) -> tuple[OperatingPoint, ...]:
    """The thresholds that the given shares of ``impostor`` distances are below, and the share of ``genuine`` ones."""
    thresholds = np.quantile(impostor, fars)
    return tuple(
        OperatingPoint(round(float(t), 4), far, round(float((genuine <= t).mean()), 4), pairs)
        for t, far in zip(thresholds, fars, strict=True)
    )


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
