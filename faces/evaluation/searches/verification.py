"""Verification: do two photographs show the same person? LFW's protocol (Huang et al., UMass 07-49, 2007)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import compress
from math import sqrt
from pathlib import Path

import numpy as np

from faces.errors import FacesError
from faces.evaluation.figures.curves import at_rate, auc_and_eer, best_accuracy
from faces.evaluation.figures.results import FARS, Mistake, Verification
from faces.evaluation.figures.shares import Flags, Indices, Share
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.types import Floats

BATCH_PAIRS = 2**16  # bounds memory
MAX_MISTAKES = 24


def verify(
    name: str, pairs: Pairs, photographs: Photographs, skip_missing: bool = False, seconds: float | None = None
) -> Verification:
    """Evaluate pairs of photographs.

    skip_missing: leave out pairs in which a face was not found; otherwise each is an error, whatever the truth.
    seconds: per photograph, for the result.

    Raises FacesError if no pair has two faces, or if ``skip_missing`` leaves a fold without pairs of one kind.
    """
    distance = pair_distances(pairs, photographs)
    both_faces = np.isfinite(distance)
    if not both_faces.any():
        raise FacesError(f"{name}: no face found in both photographs of any of the {len(pairs):,} pairs")
    no_face = photographs.without_face((*pairs.first, *pairs.second))
    missing = int((~both_faces).sum())
    if skip_missing:
        pairs, distance, both_faces = pairs[both_faces], distance[both_faces], both_faces[both_faces]
        pairs.require_both_kinds("without the pairs whose faces were not found")
    thresholds, threshold = _thresholds(distance, pairs.same, pairs.fold)
    right = both_faces & ((distance <= threshold) == pairs.same)
    persons = _persons(pairs.first)  # of two people, the first
    accuracy, standard_error = _accuracy(right, pairs.fold, persons)
    # A missing face is an error at any threshold.
    counted = np.where(both_faces | pairs.same, distance, np.float32(-np.inf))
    impostor, genuine = counted[~pairs.same], counted[pairs.same]
    auc, eer = auc_and_eer(impostor, genuine)
    return Verification(
        name=name,
        first=pairs.first,
        second=pairs.second,
        distance=distance,
        same=pairs.same,
        fold=pairs.fold,
        right=right,
        accuracy=accuracy,
        standard_error=standard_error,
        thresholds=thresholds,
        auc=auc,
        eer=eer,
        tar=tuple(at_rate(impostor, genuine, far, list(compress(persons, pairs.same))) for far in FARS),
        no_face=no_face,
        missing=missing,
        skipped=skip_missing,
        mistakes=_mistakes(pairs, distance, threshold, right),
        fingerprint=photographs.fingerprint,
        seconds=seconds,
    )


def pair_distances(pairs: Pairs, photographs: Photographs) -> Floats:
    """Return the distance of each pair, float32 (N,); inf if a face was not found."""
    first, second = photographs.rows(pairs.first), photographs.rows(pairs.second)
    distance = np.empty(len(pairs), np.float32)
    for batch in (slice(start, start + BATCH_PAIRS) for start in range(0, len(pairs), BATCH_PAIRS)):
        difference = photographs.embeddings[first[batch]] - photographs.embeddings[second[batch]]
        distance[batch] = np.linalg.norm(difference, axis=1)
    return np.where(np.isnan(distance), np.float32(np.inf), distance)


def _thresholds(distance: Floats, same: Flags, fold: Indices | None) -> tuple[tuple[float, ...], Floats]:
    """Return the best threshold (for each fold, that of the other folds), and the threshold of each pair, (N,)."""
    both_faces = np.isfinite(distance)
    if fold is None:
        best = best_accuracy(distance[both_faces], same[both_faces])[1]
        return (best,), np.full(len(distance), best, np.float32)
    other_folds = [both_faces & (fold != k) for k in range(int(fold.max()) + 1)]
    thresholds = [best_accuracy(distance[rows], same[rows])[1] if rows.any() else 0.0 for rows in other_folds]
    return tuple(thresholds), np.array(thresholds, np.float32)[fold]


def _persons(paths: Sequence[Path]) -> list[Path]:
    """Return the person of each photograph: its folder; if all are in one folder, each shows another person."""
    folders = [path.parent for path in paths]
    return folders if len(set(folders)) > 1 else list(paths)


def _accuracy(right: Flags, fold: Indices | None, persons: Sequence[Hashable]) -> tuple[Share, float | None]:
    """Return the mean over folds, and its standard error."""
    share = Share.by_person(right, persons)
    if fold is None:
        return share, None
    each = [float(right[fold == k].mean()) for k in range(int(fold.max()) + 1)]
    mean = float(np.mean(each))
    return Share.estimated(mean, len(right), share.independent), float(np.std(each, ddof=1)) / sqrt(len(each))


def _mistakes(pairs: Pairs, distance: Floats, threshold: Floats, right: Flags) -> tuple[Mistake, ...]:
    """Return the errors farthest from the threshold. Pairs with a missing face come last: they have no distance."""
    beyond = np.where(np.isfinite(distance), np.abs(distance - threshold), -1)
    wrong = np.flatnonzero(~right)
    mistakes = []
    for k in wrong[np.argsort(-beyond[wrong], kind="stable")][:MAX_MISTAKES]:
        description = "same person, judged different" if pairs.same[k] else "different people, judged the same"
        if not np.isfinite(distance[k]):
            description = "no face found"
        mistakes.append(Mistake(description, pairs.first[k], pairs.second[k], float(distance[k])))
    return tuple(mistakes)
