"""Boxes and similarity transforms: plain arithmetic on arrays, nothing of models or images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faces.types import Floats


def square(xyxy: Floats, *, scale: float = 1.0, down: float = 0.0) -> Floats:
    """float32 (N, 4): squares of each box's area, times ``scale`` in side, moved down by ``down`` of that side."""
    wh = xyxy[:, 2:] - xyxy[:, :2]
    side = np.sqrt(np.maximum(wh, 0).prod(axis=1, keepdims=True)) * scale
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + side * np.array([0, down])
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)


def iou(box: Floats, others: Floats) -> Floats:
    """float32 (N,): intersection over union of one box (4,) with others (N, 4), all xyxy; 0 for empty boxes."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    area, areas = (box[2:] - box[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(axis=1)
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9), np.float32)


def non_maximum_suppression(xyxy: Floats, score: Floats, threshold: float) -> NDArray[np.intp]:
    """Indices of the boxes to keep, best first: those that overlap no better one by more than ``threshold`` (IoU)."""
    order = np.argsort(-score, kind="stable")
    kept: list[np.intp] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[iou(xyxy[best], xyxy[order]) <= threshold]
    return np.array(kept, np.intp)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (2, 3) turn, scale and shift that carries ``source`` (P, 2) closest to ``target`` (P, 2), by least squares.

    Without reflection, in the plane, Umeyama's problem (PAMI 13(4), 1991) is linear: target = a * source + t in complex
    numbers. Raises ValueError when all source points coincide.
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
    """Points (..., 2) through an affine (2, 3) matrix."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float64)
