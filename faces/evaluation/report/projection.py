"""A map of embeddings in two dimensions."""

from __future__ import annotations

from typing import cast

import numpy as np

from faces.evaluation.figures.shares import Indices
from faces.types import Floats

MAX_EMBEDDINGS = 1000  # t-SNE of so many takes seconds
COMPONENTS = 50
PERPLEXITY = 30.0
MIN_FOR_TSNE = 8


def sample(count: int, seed: int = 0) -> Indices:
    """Return the rows to show, sorted: all of them, or ``MAX_EMBEDDINGS`` at random."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:MAX_EMBEDDINGS])


def flat(embeddings: Floats, seed: int = 0) -> Floats:
    """Project (N, D) embeddings to (N, 2) by PCA, then by t-SNE, which keeps neighbours together.

    Fewer than ``MIN_FOR_TSNE`` are projected by PCA alone. Distances between groups mean nothing. Source: van der
    Maaten and Hinton, JMLR 2008.
    """
    count = len(embeddings)
    if count < 3:
        return np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    few = count < MIN_FOR_TSNE
    components = 2 if few else min(COMPONENTS, *embeddings.shape)
    projected = PCA(components, random_state=seed).fit_transform(embeddings)
    if not few:
        perplexity = min(PERPLEXITY, (count - 1) / 3)
        with threadpool_limits(1):  # with so few points, threads on a busy machine only wait for each other
            projected = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(projected)
    return cast(Floats, np.asarray(projected, np.float32))
