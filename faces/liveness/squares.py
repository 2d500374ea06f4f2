"""The parts of a picture around faces that liveness is judged by, and which faces have enough around them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Floats, Image

SMALLEST = 40  # px, the shorter side of the box; measured constants, all three: python -m benchmarks.liveness limits
LEAST_ENLARGED = 1.3  # times; a face that fills the picture shows nothing around it that could give a photograph away
MOST_OUTSIDE = 0.1  # of the box's area

Boxes = NDArray[np.float64]


def enlargement(xyxy: Floats, height: int, width: int) -> Boxes:
    """Return how many times each box can be enlarged within the picture: float64 (N,); NaN for a box without an area.

    xyxy: float32 (N, 4), px.
    height, width: of the picture, px.
    """
    sides = xyxy[:, 2:].astype(np.float64) - xyxy[:, :2]
    sides[~(np.isfinite(sides) & (sides > 0)).all(axis=1)] = np.nan
    return np.asarray(((np.array([width, height]) - 1) / sides).min(axis=1))


def has_enough_around(xyxy: Floats, height: int, width: int) -> NDArray[np.bool_]:
    """Return which faces are large enough, in the picture and not too large for it: bool (N,).

    xyxy, height, width: as for ``enlargement``.
    """
    boxes = np.where(np.isfinite(xyxy), xyxy, 0).astype(np.float64)
    inside = np.clip(boxes, 0, [width, height, width, height])
    area, shown = (np.prod(np.maximum(each[:, 2:] - each[:, :2], 0), axis=1) for each in (boxes, inside))
    large = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= SMALLEST
    return np.asarray(
        large & (shown >= (1 - MOST_OUTSIDE) * area) & (enlargement(xyxy, height, width) >= LEAST_ENLARGED)
    )


def around(image: Image, box: Floats, scale: float, side: int) -> Image:
    """Return the part of a picture around a box, shrunk or enlarged to a square: uint8 (side, side, 3), BGR.

    It is the box, enlarged about its middle, but not beyond the picture's size, then moved into the picture; width and
    height are scaled differently. It is exactly what Silent-Face's networks were trained with (CropImage in its
    src/generate_patches.py).
    image: uint8 (H, W, 3), BGR.
    box: float32 (4,), xyxy, px; of a face for which ``has_enough_around`` holds.
    scale: times that the box is enlarged, at most.
    side: px.
    """
    height, width = image.shape[:2]
    last = np.array([width - 1, height - 1], np.float64)
    low, high = box[:2].astype(np.float64), box[2:].astype(np.float64)
    half = (high - low) * min(scale, float(enlargement(box[None], height, width)[0])) / 2
    first = np.clip((low + high) / 2 - half, 0, np.maximum(last - 2 * half, 0))
    left, top = first.astype(int)
    right, bottom = np.minimum(first + 2 * half, last).astype(int)
    part = image[top : bottom + 1, left : right + 1]
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
