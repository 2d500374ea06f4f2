"""Head pose from the mesh: the rotation that carries a mean head closest to its points (orthogonal Procrustes problem).

Only points that expressions hardly move are used. The mean head is that of the meshes of LFW's faces that look into the
camera, and symmetric (python -m benchmarks.mesh head); so 0 degrees is how such people hold their heads on average.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from faces.landmarks.mesh import Meshes
from faces.types import Floats

HEAD: dict[int, tuple[float, float, float]] = {  # vertex of the mesh: mm; x to the picture's right, y down, z away
    # eyes: the outer and the inner corner of the right one, the inner and the outer corner of the left one
    33: (-45.0, -7.6, 6.7),
    133: (-17.2, -6.2, 1.4),
    362: (17.2, -6.2, 1.4),
    263: (45.0, -7.6, 6.7),
    # bridge of the nose, down to its tip
    168: (0, -11.6, -15.7),
    6: (0, -4.0, -19.9),
    197: (0, 3.1, -24.7),
    195: (0, 9.8, -29.9),
    5: (0, 16.8, -35.4),
    4: (0, 25.4, -37.5),
    # temples, and in front of the ears
    127: (-70.1, -4.3, 56.1),
    356: (70.1, -4.3, 56.1),
    234: (-69.2, 9.8, 61.2),
    454: (69.2, 9.8, 61.2),
    # forehead, down to between the brows
    10: (0, -59.4, -12.7),
    151: (0, -43.6, -15.7),
    9: (0, -27.0, -17.8),
    # sides and base of the nose
    98: (-17.8, 34.8, -11.2),
    327: (17.8, 34.8, -11.2),
    2: (0, 37.6, -19.2),
}
_POINTS, _MODEL = list(HEAD), np.array(list(HEAD.values()))


def head_pose(meshes: Meshes) -> Floats:
    """Return roll, yaw and pitch of N >= 0 faces: float32 (N, 3), degrees; NaN if unknown.

    Roll is clockwise in the picture, yaw is to the picture's right, pitch is upwards; all are 0 for a face that looks
    into the camera. The head is turned by pitch first, then by yaw, then by roll.
    """
    result = np.full((len(meshes), 3), np.nan, np.float32)
    for index, turn in _turns(meshes):
        result[index] = angles(turn)
    return result


def seen_from_the_front(meshes: Meshes) -> NDArray[np.float64]:
    """Return the points of N >= 0 faces that are turned to the camera: float64 (N, 468, 3), px; NaN if unknown.

    Each face stays where the centre of its points is; x is to the picture's right, y down, z away from the camera.
    """
    result = np.full(meshes.points.shape, np.nan)
    for index, turn in _turns(meshes):
        points = meshes.points[index].astype(np.float64)
        centre = points.mean(axis=0)
        result[index] = (points - centre) @ turn + centre
    return result


def _turns(meshes: Meshes) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the index of each known face, and its rotation (3, 3)."""
    for index, points in enumerate(meshes.points.astype(np.float64)):
        if np.isfinite(points).all():
            yield index, rotation(_MODEL, points[_POINTS])


def rotation(head: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation (3, 3) that, with a scale and a shift, carries a head closest to points, both (P, 3).

    Kabsch, Acta Crystallographica A32, 1976.
    """
    left, _, right = np.linalg.svd((points - points.mean(axis=0)).T @ (head - head.mean(axis=0)))
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    return np.asarray(left * signs @ right)


def angles(turn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return roll, yaw and pitch of a rotation (3, 3) about x (right), then y (down), then z (away), in degrees."""
    roll, pitch = np.arctan2(turn[1, 0], turn[0, 0]), -np.arctan2(turn[2, 1], turn[2, 2])
    yaw = np.arcsin(np.clip(turn[2, 0], -1, 1))
    return float(np.degrees(roll)), float(np.degrees(yaw)), float(np.degrees(pitch))
