"""Facial landmarks inside a face box: Kazemi and Sullivan's regression trees, as dlib trained them.

"One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR 2014;
dlib/image_processing/shape_predictor.h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from faces.models import dlib, zoo
from faces.types import Faces, Floats, Image, ModelId

SAMPLES = 800  # brightness samples of a cascade
SCHEME_ORDER = [2, 3, 1, 0, 4]  # dlib's file begins with the outer corner of the subject's left eye


def _paths_to_leaves() -> NDArray[np.uint8]:
    """uint8 (32768,): the leaf, 0..15, that a tree of depth 4 ends at, for every outcome of its 15 splits.

    Bit i, counted from the highest, is set where split i goes left (to 2i + 1, else to 2i + 2), so that a tree is
    walked by packing its outcomes into a number and looking that up.
    """
    outcomes = np.arange(1 << 15)
    node = np.zeros(1 << 15, np.int64)
    for _ in range(4):
        left = (outcomes >> (14 - node)) & 1
        node = 2 * node + 2 - left
    return (node - 15).astype(np.uint8)


@dataclass(frozen=True)
class _Cascade:
    """One of the 15 regression steps.

    positions: float64 (10, 1600): from a shape's coordinates to those of its 800 sampling points, all x before all y; a
    point hangs on one of the shape's points and is turned and scaled with the shape, and both are linear in them.
    a, b: intp (500 * 16,): the points whose brightness each split compares; every 16th is padding.
    threshold: int16 (500 * 16,), rounded down, which changes no comparison of whole numbers.
    leaves: float32 (500 * 16, 10).
    """

    positions: NDArray[np.float64]
    a: NDArray[np.intp]
    b: NDArray[np.intp]
    threshold: NDArray[np.int16]
    leaves: Floats


class ShapePredictor:
    """Five points (``eye-corners``) in each face box.

    weights: the arrays that ``dlib.convert_shape_predictor`` writes.
    """

    def __init__(self, weights: dict[str, NDArray[np.generic]], model: ModelId) -> None:
        self.model = model
        self._mean = cast(Floats, weights["mean_shape"])
        self._leaf = _paths_to_leaves()
        splits = {name: _pad_to_16(weights[name]) for name in ("a", "b", "threshold")}
        self._cascades = [
            _Cascade(
                positions=_sampling(self._mean, weights["anchor"][step], weights["delta"][step]),
                a=splits["a"][step].astype(np.intp),
                b=splits["b"][step].astype(np.intp),
                threshold=np.floor(splits["threshold"][step].astype(np.float32)).astype(np.int16),
                leaves=np.ascontiguousarray(weights["leaves"][step].reshape(-1, 10)),
            )
            for step in range(len(weights["anchor"]))
        ]
        self._first_leaf = 16 * np.arange(len(weights["leaves"][0]), dtype=np.intp)

    @classmethod
    def load(cls) -> ShapePredictor:
        """The built-in predictor; raises ModelError as ``dlib.converted`` does."""
        spec = zoo.MODELS["dlib-5-points"]
        with np.load(dlib.converted(spec)) as arrays:
            return cls(dict(arrays), zoo.model_id(spec))

    def predict(self, image: Image, faces: Faces, boxes: Floats | None = None) -> Faces:
        """The same faces with landmarks (``eye-corners``), px, rounded to whole ones as dlib does.

        boxes: float32 (N, 4), the faces' boxes framed as dlib frames a face, where ``faces.xyxy`` are not.
        """
        if len(faces) == 0:
            return faces
        shapes = np.stack([self.fit(image, box) for box in (faces.xyxy if boxes is None else boxes)])
        shapes = np.floor(shapes + 0.5)
        return replace(faces, landmarks=shapes[:, SCHEME_ORDER], scheme="eye-corners")

    def fit(self, image: Image, box: Floats) -> Floats:
        """float32 (5, 2): the points in one box, px, in the file's order, not rounded."""
        extent = np.maximum(box[2:] - box[:2] - 1, 1)  # dlib's rectangles include their last row and column
        grey, offset = _grey_around(image, box)
        width = grey.shape[1]
        to_pixels = extent.repeat(SAMPLES)
        first = (box[:2] - offset + 0.5).repeat(SAMPLES)  # the half rounds, as pixel numbers are cut off
        last = np.array([width - 1.0, grey.shape[0] - 1.0]).repeat(SAMPLES)
        shape, flat = self._mean, grey.ravel()
        for cascade in self._cascades:
            points = shape @ cascade.positions
            points *= to_pixels
            points += first
            np.maximum(points, 0, out=points)
            np.minimum(points, last, out=points)
            pixels = points.astype(np.intp)
            sampled = flat.take(pixels[SAMPLES:] * width + pixels[:SAMPLES], mode="clip")
            difference = sampled.take(cascade.a, mode="clip") - sampled.take(cascade.b, mode="clip")
            outcomes = np.packbits(difference > cascade.threshold).view(">u2") >> 1
            leaves = cascade.leaves.take(self._first_leaf + self._leaf.take(outcomes), axis=0, mode="clip")
            # One after the other in float32, as dlib adds (another order can end a pixel away); einsum is the fastest.
            shape = np.einsum("ij->j", np.concatenate([shape[None], leaves]))
        return np.asarray(shape.reshape(5, 2) * extent + box[:2], np.float32)


def _grey_around(image: Image, box: Floats) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
    """The brightness around a box, half its size on every side, and the place (x, y) of its first pixel in the image.

    int16: the mean of the channels, rounded down. A border of 0 stands where the image ends, since dlib reads 0 there.
    """
    margin = (box[2:] - box[:2]) / 2 + 2
    low = np.maximum(box[:2] - margin, 0).astype(np.intp)
    high = np.maximum(box[2:] + margin, low + 1).astype(np.intp)
    crop = image[low[1] : high[1], low[0] : high[0]]
    total = np.add(crop[..., 0], crop[..., 1], dtype=np.int16)
    total += crop[..., 2]
    grey = np.zeros((total.shape[0] + 2, total.shape[1] + 2), np.int16)
    np.floor_divide(total, 3, out=grey[1:-1, 1:-1])
    return grey, low - 1


def _pad_to_16(splits: NDArray[np.generic]) -> NDArray[np.generic]:
    """(15, 500, 15) -> (15, 500 * 16): a column of zeros makes a tree's outcomes two whole bytes."""
    return np.pad(splits, ((0, 0), (0, 0), (0, 1))).reshape(len(splits), -1)


def _sampling(mean: Floats, anchor: NDArray[np.generic], delta: NDArray[np.generic]) -> NDArray[np.float64]:
    """float64 (10, 1600): see ``_Cascade.positions``.

    The similarity that carries the mean shape onto a shape s is, in complex numbers, s = a m + t with
    a = <m - mean(m), s> / |m - mean(m)|^2 (least squares): linear in s. Its a turns and scales the delta.
    """
    centred = mean.reshape(5, 2).astype(np.float64) - mean.reshape(5, 2).mean(axis=0)
    x, y = centred[:, 0], centred[:, 1]
    norm = (centred**2).sum()
    real, imaginary = np.stack([x, y], 1).ravel() / norm, np.stack([-y, x], 1).ravel() / norm  # a's parts, of s
    dx, dy = np.asarray(delta, np.float64).T
    hanging = np.zeros((10, 2, SAMPLES))
    points = np.arange(SAMPLES)
    hanging[2 * anchor.astype(np.intp), 0, points] = 1
    hanging[2 * anchor.astype(np.intp) + 1, 1, points] = 1
    hanging[:, 0] += np.outer(real, dx) - np.outer(imaginary, dy)
    hanging[:, 1] += np.outer(imaginary, dx) + np.outer(real, dy)
    return hanging.reshape(10, 2 * SAMPLES)
