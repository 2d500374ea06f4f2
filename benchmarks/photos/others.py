"""Other ways to group faces, to compare with: Chinese whispers and HDBSCAN."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from benchmarks.photos.labelled import Labels
from faces.photos.grouping import Scores

ROUNDS = 20


def whispers(scores: Scores, pictures: Sequence[Hashable], false_merge: float) -> Labels:
    """Chinese whispers (Biemann, 2006): each face takes the label with the largest sum of similarities around it.

    Its graph has the pairs that ``grouping.group`` would merge if they were alone; never two faces of one picture.
    """
    near: list[dict[int, float]] = [{} for _ in pictures]
    for first, second, values in scores.near(scores.limit(false_merge)):
        for one, other, value in zip(first.tolist(), second.tolist(), values.tolist(), strict=True):
            if pictures[one] != pictures[other]:
                near[one][other] = near[other][one] = value
    labels, rng = np.arange(len(pictures)), np.random.default_rng(0)
    for _ in range(ROUNDS):
        changed = False
        for face in rng.permutation(len(pictures)):
            sums: dict[int, float] = defaultdict(float)
            for other, value in near[face].items():
                sums[int(labels[other])] += value
            if sums and (best := max(sums, key=sums.__getitem__)) != labels[face]:
                labels[face], changed = best, True
        if not changed:
            break
    return labels


def hdbscan(scores: Scores, least: int) -> Labels:
    """HDBSCAN (Campello et al., 2013) on the embeddings; least: faces of a group."""
    from sklearn.cluster import HDBSCAN

    labels: Labels = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(scores.embeddings).astype(np.intp)
    alone = labels < 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    return labels
