"""The parts of a picture around faces that liveness is judged by, and which faces have enough around them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Faces, Floats, Image

# Measured: python -m benchmarks.liveness limits (docs/liveness.md, "What is not judged").
SMALLEST = 60  # px, the shorter side of the box
LEAST_ENLARGED = 1.5  # times; a face that fills the picture shows nothing around it that could give a photograph away
LEAST_BESIDE = 0.3  # of the box's width, to the picture's left and right edge
MOST_OUTSIDE = 0.1  # of the box's area
BATCH_FACES = 32  # in one call: more take memory and are no faster

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
    """Return which faces are large enough, away from the picture's edges and not too large for it: bool (N,).

    xyxy, height, width: as for ``enlargement``.
    """
    boxes = np.where(np.isfinite(xyxy), xyxy, 0).astype(np.float64)
    inside = np.clip(boxes, 0, [width, height, width, height])
    area, shown = (np.prod(np.maximum(each[:, 2:] - each[:, :2], 0), axis=1) for each in (boxes, inside))
    large = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= SMALLEST
    beside = np.minimum(boxes[:, 0], width - boxes[:, 2]) >= LEAST_BESIDE * (boxes[:, 2] - boxes[:, 0])
    room = enlargement(xyxy, height, width) >= LEAST_ENLARGED
    return np.asarray(large & beside & room & (shown >= (1 - MOST_OUTSIDE) * area))


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
    size = np.array(image.shape[1::-1])
    low, sides = box[:2].astype(np.float64), box[2:].astype(np.float64) - box[:2]
    enlarged = sides * min(scale, float(enlargement(box[None], *image.shape[:2])[0]))
    first, last = sides / 2 + low - enlarged / 2, sides / 2 + low + enlarged / 2
    first, last = np.maximum(first, 0), np.where(first < 0, last - first, last)
    first, last = np.where(last > size - 1, first - (last - size + 1), first), np.minimum(last, size - 1)
    (left, top), (right, bottom) = first.astype(int), last.astype(int)
    part = image[top : bottom + 1, left : right + 1]
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def blob(image: Image, boxes: Floats, scale: float, side: int) -> Floats:
    """Return the parts around N >= 1 boxes as networks take them: float32 (N, 3, side, side), BGR from 0 to 255.

    image, scale, side: as for ``around``.
    boxes: float32 (N, 4), xyxy, px.
    """
    squares = np.stack([around(image, box, scale, side) for box in boxes])
    return np.ascontiguousarray(squares.transpose(0, 3, 1, 2), np.float32)


def judged(image: Image, faces: Faces, probability: Callable[[Floats], Floats]) -> Floats:
    """Return how probably each of N >= 0 faces is alive: float32 (N,); NaN for those without enough around them.

    image: uint8 (H, W, 3), BGR.
    probability: takes the boxes of at most ``BATCH_FACES`` faces, float32 (M, 4), and returns float32 (M,).
    """
    live = np.full(len(faces), np.nan, np.float32)
    known = np.flatnonzero(has_enough_around(faces.xyxy, *image.shape[:2]))
    for start in range(0, len(known), BATCH_FACES):
        batch = known[start : start + BATCH_FACES]
        live[batch] = probability(faces.xyxy[batch])
    return live
