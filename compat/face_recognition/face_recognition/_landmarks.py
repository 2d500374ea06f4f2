"""Landmarks: dlib's five points, and the mesh's 68, in the order of dlib's files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faces import Faces, Floats, Image

from . import _finding, _models

if TYPE_CHECKING:
    from .api import Point

# The file's order of the subject's left eye, outer corner first, right eye, outer corner first, base of the nose: of
# the places of ``eye-corners``, and of the 68.
FIVE_OF_CORNERS, FIVE_OF_68 = [3, 2, 0, 1, 4], [45, 42, 36, 39, 33]
# Where dlib's points of the chin lie along the contour of the mesh's 68, in points of it; symmetric, from an ear down.
# And how much farther below the line between the ears dlib's chin is: python -m benchmarks.compat chin
HALF_A_CHIN = (0.0, 1.2, 2.3, 3.0, 4.1, 5.1, 6.3, 7.2)
LOWER = 1.072
YUNET_FRAME = 1 / 0.917  # the mesh is made for larger boxes: those of the built-in detector
PARTS: dict[str, dict[str, list[int]]] = {  # left and right are the picture's, as in the original
    "small": {"nose_tip": [4], "left_eye": [2, 3], "right_eye": [0, 1]},
    "large": {
        "chin": [*range(17)],
        "left_eyebrow": [*range(17, 22)],
        "right_eyebrow": [*range(22, 27)],
        "nose_bridge": [*range(27, 31)],
        "nose_tip": [*range(31, 36)],
        "left_eye": [*range(36, 42)],
        "right_eye": [*range(42, 48)],
        "top_lip": [*range(48, 55), 64, 63, 62, 61, 60],
        "bottom_lip": [*range(54, 60), 48, 60, 67, 66, 65, 64],
    },
}


def of(image: Image, known: Iterable[Sequence[int]] | None, model: str) -> list[NDArray[np.int64]]:
    """Return the landmarks of each face: int (5 or 68, 2), px.

    image: uint8 (H, W, 3), BGR. known: locations; None: find them. model: of ``PARTS``.
    """
    faces = _finding.as_faces(_finding.locations(image, 1, "hog") if known is None else known)
    if len(faces) == 0:
        return []
    if image.size == 0:
        image = np.zeros((1, 1, 3), np.uint8)
    corners = _models.predictor().predict(image, faces)
    assert corners.landmarks is not None
    if model == "small":
        points = corners.landmarks[:, FIVE_OF_CORNERS]
    else:
        points = mesh_points(image, corners)
        points = np.concatenate([chin(points[:, :17]), points[:, 17:]], axis=1)
    return list(np.floor(points + 0.5).astype(np.int64))


def by_part(points: NDArray[np.int64], model: str) -> dict[str, list[Point]]:
    """Return landmarks by the names of their parts."""
    return {part: [(x, y) for x, y in points[places].tolist()] for part, places in PARTS[model].items()}


def five_of(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the five points that align a face, of five or 68."""
    return points if len(points) == 5 else points[FIVE_OF_68]


def mesh_points(image: Image, faces: Faces) -> Floats:
    """Return the mesh's 68 points of faces, float32 (N, 68, 2), also where it is not sure that there is a face.

    image: uint8 (H, W, 3), BGR. faces: N faces in boxes of dlib's shape.
    """
    from faces.geometry import square
    from faces.landmarks import mesh, schemes

    network = _models.mesh()
    framed = Faces(square(faces.xyxy, scale=YUNET_FRAME), faces.score, faces.landmarks, faces.scheme)
    points, _ = network.look(image, mesh.around_boxes(framed))
    points, presence = network.look(image, mesh.around_points(points))
    return schemes.ibug68(mesh.Meshes(points, presence))


def chin(contour: Floats, half: Sequence[float] = HALF_A_CHIN, lower: float = LOWER) -> Floats:
    """Return dlib's 17 points of the chin of N faces, float32 (N, 17, 2), px, about.

    contour: float32 (N, 17, 2), that of the mesh's 68. half, lower: as the constants.
    """
    points = along(contour, np.array([*half, 8.0, *(16 - place for place in half[::-1])]))
    return np.asarray(points + (lower - 1) * below_ears(contour, points), np.float32)


def along(contour: Floats, places: NDArray[np.float64]) -> Floats:
    """Return what lies at places along contours, float32 (N, M, 2).

    contour: float32 (N, 17, 2). places: (M,), from 0 to 16.
    """
    low = np.minimum(places.astype(int), 15)
    share = (places - low).astype(np.float32)[:, None]
    return np.asarray(contour[:, low] * (1 - share) + contour[:, low + 1] * share)


def below_ears(contour: Floats, points: Floats) -> Floats:
    """Return how far points (N, M, 2) are from the line between the ends of contours, as vectors (N, M, 2)."""
    ends = contour[:, 16:] - contour[:, :1]
    line = ends / np.maximum(np.linalg.norm(ends, axis=-1, keepdims=True), 1e-6)
    from_end = points - contour[:, :1]
    return np.asarray(from_end - (from_end * line).sum(axis=-1, keepdims=True) * line)
