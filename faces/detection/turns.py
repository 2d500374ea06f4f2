"""Photographs that lie on their side: the turn in which a detector is surest of a face is the upright one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faces.types import Faces, Floats, Image

MARGIN = 0.02  # of the score: a turn that is not so much better does not count


def best_turn(detect: Callable[[Image], Faces], image: Image, upright_score: float | None) -> Faces:
    """Detect faces in an image, and in its turns by 90, 180 and 270 degrees where no face is convincing as it is.

    Returns the faces of the turn with the highest score, in px of the image as it is; their landmarks show the turn.

    detect: returns the faces in an image, best first.
    image: uint8 (H, W, 3), BGR.
    upright_score: score from which a face is convincing; None: the image is never turned.
    """
    faces = detect(image)
    if upright_score is None or _score(faces) >= upright_score:
        return faces
    best, highest = faces, max(_score(faces) + MARGIN, upright_score)
    for quarters in (1, 3, 2):
        turned = detect(np.ascontiguousarray(np.rot90(image, quarters)))
        if _score(turned) > highest:
            best, highest = _turned_back(turned, quarters, *image.shape[:2]), _score(turned)
    return best


def _score(faces: Faces) -> float:
    return float(faces.score.max(initial=0))


def _turned_back(faces: Faces, quarters: int, height: int, width: int) -> Faces:
    """Return faces of an image that was turned to the left by so many quarters, in px of the image (height, width)."""
    corners = _points_back(faces.xyxy.reshape(-1, 2, 2), quarters, height, width)
    xyxy = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    points = None if faces.landmarks is None else _points_back(faces.landmarks, quarters, height, width)
    return Faces(xyxy, faces.score, points, faces.scheme)


def _points_back(points: Floats, quarters: int, height: int, width: int) -> Floats:
    """Return points (..., 2) as ``_turned_back``."""
    x, y = points[..., 0], points[..., 1]
    back = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters]
    return np.asarray(np.stack(back, axis=-1), np.float32)
