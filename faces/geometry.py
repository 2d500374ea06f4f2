"""Boxes and similarity transforms: arithmetic on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faces.types import Floats


def square(xyxy: Floats, *, scale: float = 1.0, down: float = 0.0) -> Floats:
    """Return squares with the areas of boxes, scaled and moved: float32 (N, 4).

    xyxy: float32 (N, 4), px.
    scale: factor on each square's side.
    down: shift downwards, as a share of the side.
    """
    wh = xyxy[:, 2:] - xyxy[:, :2]
    side = np.sqrt(np.maximum(wh, 0).prod(axis=1, keepdims=True)) * scale
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + side * np.array([0, down])
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)


def pixels_around(
    box: Floats, margin: float | NDArray[np.floating], width: int, height: int
) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom of a box with a margin, in whole pixels inside an image.

    Right and bottom are exclusive; the result has at least one pixel.
    box: float32 (4,), px; may stick out of the image.
    margin: px on every side, or (2,): left and right, above and below.
    width, height: of the image, px.

    >>> pixels_around(np.array([1, 2, 5, 8], np.float32), 2, 640, 480)
    (0, 0, 7, 10)
    """
    limits = np.array([width, height])
    low = np.clip(np.round(box[:2] - margin), 0, limits - 1).astype(int)
    high = np.clip(np.round(box[2:] + margin), low + 1, limits).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def iou(box: Floats, others: Floats) -> Floats:
    """Return the intersection over union of one box with others: float32 (N,), 0 for empty boxes.

    box: float32 (4,), xyxy.
    others: float32 (N, 4), xyxy.
    """
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    area, areas = (box[2:] - box[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(axis=1)
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9), np.float32)


def non_maximum_suppression(xyxy: Floats, score: Floats, threshold: float) -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, best first.

    A box is dropped if it overlaps a better one by more than the threshold.
    xyxy: float32 (N, 4).
    score: float32 (N,).
    threshold: intersection over union, in [0, 1].
    """
    order = np.argsort(-score, kind="stable")
    kept: list[np.intp] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[iou(xyxy[best], xyxy[order]) <= threshold]
    return np.array(kept, np.intp)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the (2, 3) rotation, scale and shift that carries source points closest to target points.

    Least squares, without reflection. In the plane, Umeyama's problem (PAMI 13(4), 1991) is linear: target =
    a * source + t in complex numbers.
    source, target: (P, 2).
    Raises ValueError if all source points coincide.
    """
    s = source[:, 0] + 1j * source[:, 1]
    t = target[:, 0] + 1j * target[:, 1]
    centred = s - s.mean()
    norm = float((np.abs(centred) ** 2).sum())
    if norm == 0:
        raise ValueError("the points coincide: no similarity is defined")
    a = (centred.conj() * t).sum() / norm
    shift = t.mean() - a * s.mean()
    return np.array([[a.real, -a.imag, shift.real], [a.imag, a.real, shift.imag]])


def transform(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return points (..., 2) carried through an affine (2, 3) matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float64)
