"""Are two photographs of one person? By the standard protocol of LFW (Huang et al., UMass 07-49, 2007)."""

from __future__ import annotations

from math import sqrt

import numpy as np

from faces.errors import FacesError
from faces.evaluation.figures.curves import at_rate, auc_and_eer, best_accuracy
from faces.evaluation.figures.results import FARS, Flags, Indices, Mistake, Share, Verification
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.metrics.intervals import wilson
from faces.types import Floats

AT_ONCE = 2**16  # pairs: bounds memory
SHOWN = 24  # mistakes


def verify(
    name: str, pairs: Pairs, photographs: Photographs, skip_missing: bool = False, seconds: float | None = None
) -> Verification:
    """How well pairs are told apart.

    skip_missing: leave out pairs with a face that was not found; otherwise each is an error, whatever the truth.
    Raises FacesError when there is no face in any pair, or when leaving out leaves a fold without pairs of a kind.
    """
    distance = distances(pairs, photographs)
    found = np.isfinite(distance)
    if not found.any():
        raise FacesError(f"{name}: no face found in both photographs of any of the {len(pairs):,} pairs")
    no_face = photographs.without_face((*pairs.first, *pairs.second))
    missing = int((~found).sum())
    if skip_missing:
        pairs, distance, found = pairs[found], distance[found], found[found]
        pairs.require_both("without the pairs whose faces were not found")
    thresholds, threshold = _thresholds(distance, pairs.same, pairs.fold)
    right = found & ((distance <= threshold) == pairs.same)
    accuracy, error = _accuracy(right, pairs.fold)
    counted = np.where(found | pairs.same, distance, np.float32(-np.inf))  # a missing face is an error at any threshold
    others, genuine = counted[~pairs.same], counted[pairs.same]
    auc, eer = auc_and_eer(others, genuine)
    return Verification(
        name,
        pairs.first,
        pairs.second,
        distance,
        pairs.same,
        pairs.fold,
        right,
        accuracy,
        error,
        thresholds,
        auc,
        eer,
        tuple(at_rate(others, genuine, far) for far in FARS),
        no_face,
        missing,
        skip_missing,
        _mistakes(pairs, distance, threshold, right),
        photographs.fingerprint,
        seconds,
    )


def distances(pairs: Pairs, photographs: Photographs) -> Floats:
    """float32 (N,); inf where a face was not found."""
    first, second = photographs.rows(pairs.first), photographs.rows(pairs.second)
    found = np.empty(len(pairs), np.float32)
    for some in (slice(start, start + AT_ONCE) for start in range(0, len(pairs), AT_ONCE)):
        gap = photographs.embeddings[first[some]] - photographs.embeddings[second[some]]
        found[some] = np.linalg.norm(gap, axis=1)
    return np.where(np.isnan(found), np.float32(np.inf), found)


def _thresholds(distance: Floats, same: Flags, fold: Indices | None) -> tuple[tuple[float, ...], Floats]:
    """The best one of all pairs, or for each fold the best of the others; and the one (N,) that judges each pair."""
    found = np.isfinite(distance)
    if fold is None:
        best = best_accuracy(distance[found], same[found])[1]
        return (best,), np.full(len(distance), best, np.float32)
    learnt = [found & (fold != k) for k in range(int(fold.max()) + 1)]
    best_of = [best_accuracy(distance[some], same[some])[1] if some.any() else 0.0 for some in learnt]
    return tuple(best_of), np.array(best_of, np.float32)[fold]


def _accuracy(right: Flags, fold: Indices | None) -> tuple[Share, float | None]:
    """The mean over folds, and its standard error."""
    if fold is None:
        return Share.of(int(right.sum()), len(right)), None
    each = [float(right[fold == k].mean()) for k in range(int(fold.max()) + 1)]
    mean = float(np.mean(each))
    return Share(mean, len(right), *wilson(mean, len(right))), float(np.std(each, ddof=1)) / sqrt(len(each))


def _mistakes(pairs: Pairs, distance: Floats, threshold: Floats, right: Flags) -> tuple[Mistake, ...]:
    """The errors that are farthest from the threshold; faces not found come last, since distance says nothing there."""
    beyond = np.where(np.isfinite(distance), np.abs(distance - threshold), -1)
    wrong = np.flatnonzero(~right)
    found = []
    for k in wrong[np.argsort(-beyond[wrong], kind="stable")][:SHOWN]:
        what = "one person, taken for two" if pairs.same[k] else "two people, taken for one"
        if not np.isfinite(distance[k]):
            what = "no face found"
        found.append(Mistake(what, pairs.first[k], pairs.second[k], float(distance[k])))
    return tuple(found)
