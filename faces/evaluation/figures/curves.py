"""Error rates from distances of impostors and of genuine cases.

In verification an impostor case is a pair of different people, a genuine case a pair of the same person. In
identification they are strangers, and probes whose person is enrolled.

impostor: float32 (N,); -inf is within any threshold.
genuine: float32 (M,); inf is within none. Neither may be empty unless the function allows it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from faces.evaluation.figures.shares import AtRate, Curve, Estimate, Indices, Numbers, Share
from faces.metrics.intervals import wilson
from faces.types import Floats

BOOTSTRAP_SAMPLES = 1000
BINS = 1000  # of distances in bootstrap samples: fine enough for an interval


def curve(impostor: Floats, genuine: Floats) -> Curve:
    """Return both accept rates at every threshold. Either input may be empty; its rate is then 0."""
    distances = np.concatenate([impostor, genuine])
    threshold = np.concatenate([[-np.inf], np.unique(distances[np.isfinite(distances)])])
    rates = (
        np.searchsorted(np.sort(values), threshold, side="right") / max(len(values), 1)
        for values in (impostor, genuine)
    )
    return Curve(threshold.astype(np.float64), *rates)


def at_rate(impostor: Floats, genuine: Floats, rate: float, persons: Sequence[Hashable] | None = None) -> AtRate:
    """Return the loosest threshold that accepts at most ``rate`` of the impostors.

    rate: in (0, 1). Both inputs may be empty.
    persons: M, of whom each genuine case is, for the interval; None: each of somebody else.
    """
    allowed = int(rate * len(impostor) + 1e-9)
    if allowed < 1:
        return AtRate(rate, len(impostor), None, None)
    threshold = np.nextafter(np.partition(impostor, allowed)[allowed], np.float32(-np.inf))
    accepted = Share.by_person(genuine <= threshold, range(len(genuine)) if persons is None else persons)
    return AtRate(rate, len(impostor), float(threshold), accepted)


def auc_and_eer(impostor: Floats, genuine: Floats, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Return the area under the ROC curve, and the equal error rate.

    Intervals come from a bootstrap that treats impostor and genuine cases as independent. If a threshold separates the
    two perfectly, there are no errors to resample: the interval is then Wilson's, for the smaller number of cases.
    """
    if impostor.min() > genuine.max():
        low, high = wilson(1.0, min(len(impostor), len(genuine)))
        return Estimate(1.0, low, high), Estimate(0.0, 1 - high, 1 - low)
    values, place = np.unique(np.concatenate([impostor, genuine]), return_inverse=True)
    exact = _counts(place, len(impostor), len(values))
    binned = _counts(place * min(BINS, len(values)) // len(values), len(impostor), min(BINS, len(values)))
    rng = np.random.default_rng(seed)
    resampled = [rng.multinomial(counts.sum(), counts[0] / counts.sum(), BOOTSTRAP_SAMPLES) for counts in binned]
    auc, eer = (
        Estimate(float(figure(*exact)[0]), *np.quantile(figure(*resampled), [0.025, 0.975]).tolist())
        for figure in (_auc, _eer)
    )
    return auc, eer


def _counts(place: Indices, impostors: int, size: int) -> tuple[Indices, Indices]:
    """Return the number of impostor and of genuine cases at each place, intp (1, size) each."""
    first, second = (np.bincount(places, minlength=size)[None] for places in (place[:impostors], place[impostors:]))
    return first, second


def _auc(impostor: Indices, genuine: Indices) -> Numbers:
    """Return (R,) areas from (R, K) counts by ascending distance. Ties count half."""
    farther = impostor.sum(axis=1, keepdims=True) - impostor.cumsum(axis=1)
    closer = (genuine * (farther + impostor / 2)).sum(axis=1)
    return np.asarray(closer / impostor.sum(axis=1) / genuine.sum(axis=1), np.float64)


def _eer(impostor: Indices, genuine: Indices) -> Numbers:
    """Return (R,) equal error rates from (R, K) counts by ascending distance, interpolated between two thresholds."""
    accepts, rejects = _cumulated(impostor), 1 - _cumulated(genuine)
    rows, gap = np.arange(len(accepts)), accepts - rejects
    after = (gap >= 0).argmax(axis=1)
    before = after - 1  # exists: the first threshold accepts nobody
    part = -gap[rows, before] / (gap[rows, after] - gap[rows, before])
    return np.asarray(accepts[rows, before] + part * (accepts[rows, after] - accepts[rows, before]), np.float64)


def _cumulated(counts: Indices) -> Numbers:
    """Return the cumulated shares, float64 (R, K + 1), from 0 to 1."""
    total = counts.sum(axis=1, keepdims=True)
    return np.concatenate([np.zeros((len(counts), 1)), counts.cumsum(axis=1) / total], axis=1)


def best_accuracy(distance: Floats, same: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the accuracy at the best threshold, and that threshold.

    distance: float32 (N,). A pair at the threshold counts as the same person.
    same: bool (N,), the truth.

    Raises ValueError if there are no pairs.
    """
    if len(distance) == 0:
        raise ValueError("no pairs")
    order = np.argsort(distance, kind="stable")
    # Number of correct answers if the k closest pairs are called the same, and the others different.
    right = np.concatenate([[0], np.cumsum(same[order])]) + np.concatenate([np.cumsum(~same[order][::-1])[::-1], [0]])
    ranked = distance[order]
    separable = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])  # no threshold separates equal distances
    k = int(np.where(separable, right, -1).argmax())
    return float(right[k] / len(distance)), float(ranked[k - 1]) if k else 0.0
