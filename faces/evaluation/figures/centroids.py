"""Centroids of many people's faces, by which it is told how crowded the neighbourhood of a face is."""

from __future__ import annotations

import numpy as np

from faces.types import Floats

MOST_CENTROIDS, LEAST_FACES = 200, 8  # and the least number of faces of each


def centroids_of(faces: Floats) -> Floats:
    """Return the centres of the clusters of many people's faces: float32 (K, D), unit length.

    A centre stands for at least ``LEAST_FACES`` of them, so that it is nobody's template.

    faces: float32 (N, D), unit length, best one of each person.
    """
    from sklearn.cluster import KMeans

    most = min(MOST_CENTROIDS, len(faces) // (2 * LEAST_FACES))
    if most == 0:
        return np.zeros((0, faces.shape[1]), np.float32)
    clusters = KMeans(most, n_init=1, random_state=0, max_iter=50).fit(faces)
    centres = clusters.cluster_centers_[np.bincount(clusters.labels_, minlength=most) >= LEAST_FACES]
    centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    return np.asarray(centres.astype(np.float16), np.float32)  # as they are kept
