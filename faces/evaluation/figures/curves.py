"""From distances to error rates: of pairs, or of a search's strangers and those enrolled.

``others``: distances (N,) of those who are somebody else; -inf is let in by any threshold.
``genuine``: distances (M,) of those who are not; inf is let in by none. Neither may be empty, unless said so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faces.evaluation.figures.results import AtRate, Curve, Estimate, Indices, Numbers, Share
from faces.metrics.intervals import wilson
from faces.types import Floats

ROUNDS = 1000  # of the bootstrap
BINS = 1000  # of distances, which is fine enough to tell how much a figure varies


def curve(others: Floats, genuine: Floats) -> Curve:
    """False and true accept rates by threshold. Either may be empty, and has a rate of 0 then."""
    found = np.concatenate([others, genuine])
    threshold = np.concatenate([[-np.inf], np.unique(found[np.isfinite(found)])])
    rates = (np.searchsorted(np.sort(some), threshold, side="right") / max(len(some), 1) for some in (others, genuine))
    return Curve(threshold.astype(np.float64), *rates)


def at_rate(others: Floats, genuine: Floats, rate: float) -> AtRate:
    """The loosest threshold that lets in no more than ``rate`` of the others. rate: in (0, 1). Both may be empty."""
    allowed = int(rate * len(others) + 1e-9)
    if allowed < 1:
        return AtRate(rate, len(others), None, None)
    threshold = np.nextafter(np.partition(others, allowed)[allowed], np.float32(-np.inf))
    return AtRate(rate, len(others), float(threshold), Share.of(int((genuine <= threshold).sum()), len(genuine)))


def auc_and_eer(others: Floats, genuine: Floats, seed: int = 0) -> tuple[Estimate, Estimate]:
    """The area under the ROC curve, and the rate at which false accepts are as frequent as false rejects.

    Their intervals are of a bootstrap over others and genuine, as if they were independent of each other. Where a
    threshold parts them wholly there is no error to draw from: it is then Wilson's, of as many as there are of either.
    """
    if others.min() > genuine.max():
        least, most = wilson(1.0, min(len(others), len(genuine)))
        return Estimate(1.0, least, most), Estimate(0.0, 1 - most, 1 - least)
    values, place = np.unique(np.concatenate([others, genuine]), return_inverse=True)
    exact = _counts(place, len(others), len(values))
    binned = _counts(place * min(BINS, len(values)) // len(values), len(others), min(BINS, len(values)))
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(some.sum(), some[0] / some.sum(), ROUNDS) for some in binned]
    auc, eer = (
        Estimate(float(figure(*exact)[0]), *np.quantile(figure(*drawn), [0.025, 0.975]).tolist())
        for figure in (_auc, _eer)
    )
    return auc, eer


def _counts(place: Indices, others: int, size: int) -> tuple[Indices, Indices]:
    """(1, size) each: how many others, and how many genuine, are at each place."""
    first, second = (np.bincount(some, minlength=size)[None] for some in (place[:others], place[others:]))
    return first, second


def _auc(others: Indices, genuine: Indices) -> Numbers:
    """(R,) of (R, K) counts by ascending distance: how often a genuine one is closer; equal ones are half so."""
    farther = others.sum(axis=1, keepdims=True) - others.cumsum(axis=1)
    closer = (genuine * (farther + others / 2)).sum(axis=1)
    return np.asarray(closer / others.sum(axis=1) / genuine.sum(axis=1), np.float64)


def _eer(others: Indices, genuine: Indices) -> Numbers:
    """(R,) of (R, K) counts by ascending distance; between two thresholds it is where straight lines cross."""
    accepts, rejects = _cumulated(others), 1 - _cumulated(genuine)
    rows, gap = np.arange(len(accepts)), accepts - rejects
    after = (gap >= 0).argmax(axis=1)
    before = after - 1  # there is one: at first nobody is let in
    part = -gap[rows, before] / (gap[rows, after] - gap[rows, before])
    return np.asarray(accepts[rows, before] + part * (accepts[rows, after] - accepts[rows, before]), np.float64)


def _cumulated(counts: Indices) -> Numbers:
    """(R, K + 1): shares up to each place, from 0 to 1."""
    total = counts.sum(axis=1, keepdims=True)
    return np.concatenate([np.zeros((len(counts), 1)), counts.cumsum(axis=1) / total], axis=1)


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
