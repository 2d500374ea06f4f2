"""A map of embeddings: who is near whom, in two dimensions."""

from __future__ import annotations

from typing import cast

import numpy as np

from faces.evaluation.figures.results import Indices
from faces.types import Floats

MOST = 1000  # embeddings: t-SNE of them takes seconds
COMPONENTS = 50
PERPLEXITY = 30.0


def sample(count: int, seed: int = 0) -> Indices:
    """intp: which of so many are on the map: all, or at random ``MOST`` of them."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:MOST])


def flat(embeddings: Floats, seed: int = 0) -> Floats:
    """float32 (N, 2) from (N, D): first by PCA, then by t-SNE, which keeps neighbours together; of few by PCA alone.

    Distances between groups mean nothing. Source: van der Maaten and Hinton, JMLR 2008.
    """
    count = len(embeddings)
    if count < 3:
        return np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    few = count < 8
    components = 2 if few else min(COMPONENTS, *embeddings.shape)
    found = PCA(components, random_state=seed).fit_transform(embeddings)
    if not few:
        perplexity = min(PERPLEXITY, (count - 1) / 3)
        with threadpool_limits(1):  # of so few, threads on a busy machine only wait for each other
            found = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(found)
    return cast(Floats, np.asarray(found, np.float32))
