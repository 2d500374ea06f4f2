"""Locations: faces as (top, right, bottom, left), the last row and column inside, from the detectors of ``faces``."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from faces import Faces, Floats, Image

from . import _models

if TYPE_CHECKING:
    from .api import Location

WINDOW = 80  # px: dlib's detectors find faces of this size, and smaller ones in an enlarged image
LEAST = 0.7  # of the window: smaller faces are not what dlib would have found
# From the built-in detector's boxes to dlib's: factor of the side, and shift downwards as a share of it, medians
# (python -m benchmarks.compat boxes).
HOG_SCALE, HOG_DOWN = 0.985, 0.049


def locations(image: Image, upsampled: int, model: str) -> list[Location]:
    """Return the faces of an image, uint8 (H, W, 3), BGR, as ``api.face_locations``."""
    try:
        times = operator.index(upsampled)
    except TypeError:
        times = -1
    if times < 0:
        raise TypeError(f"number_of_times_to_upsample is {upsampled!r}, but must be a whole number from 0 on")
    if image.size == 0:
        return []
    least = WINDOW / 2**times
    if model == "cnn":
        boxes = _models.detector("dlib", max(round(least), 1)).detect(image).xyxy
    else:
        boxes = hog_boxes(_models.detector("built-in", max(round(least), 1)).detect(image), least)
    height, width = image.shape[:2]
    return [
        (max(top, 0), min(right, width), min(bottom, height), max(left, 0))
        for left, top, right, bottom in (boxes.round().astype(int) - (0, 0, 1, 1)).tolist()
    ]


def hog_boxes(faces: Faces, window: float) -> Floats:
    """Return boxes of the shape of dlib's for the built-in detector's faces: float32 (N, 4).

    window: px: faces that are much smaller are left out.
    """
    from faces.geometry import square

    boxes = square(faces.xyxy, scale=HOG_SCALE, down=HOG_DOWN)
    return boxes[boxes[:, 2] - boxes[:, 0] >= LEAST * window]


def as_faces(known: Iterable[Sequence[int]]) -> Faces:
    """Return given locations as faces. Raises TypeError for other numbers than ints, IndexError for too few."""
    sides = [[operator.index(location[k]) for k in (3, 0, 1, 2)] for location in known]
    xyxy = np.array(sides, np.float32).reshape(-1, 4) + np.array([0, 0, 1, 1], np.float32)
    return Faces(xyxy, np.ones(len(xyxy), np.float32))
