"""Landmarks in a face box: Kazemi and Sullivan's regression trees, as trained by dlib.

"One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR 2014;
dlib/image_processing/shape_predictor.h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from faces.models import conversion, zoo
from faces.types import Faces, Floats, Image, ModelId

SAMPLES = 800  # brightness samples of a cascade
SCHEME_ORDER = [2, 3, 1, 0, 4]  # dlib's file begins with the outer corner of the subject's left eye


def _paths_to_leaves() -> NDArray[np.uint8]:
    """Return the leaf, 0..15, of a tree of depth 4, for every outcome of its 15 splits: uint8 (32768,).

    Bit i, counted from the highest, is set if split i goes left (to 2i + 1, else to 2i + 2). So a tree is evaluated by
    packing the outcomes of its splits into a number and looking it up.
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

    anchor: intp (2, 800), x and y, in the flat shape, of the point that each sampling point is attached to.
    delta: float32 (2, 800), its place from there in the mean shape; it is rotated and scaled with the shape.
    turned: float32 (2, 800), the same, rotated by 90 degrees.
    a, b: intp (500 * 16,), the sampling points whose brightness each split compares; every 16th is padding.
    threshold: int16 (500 * 16,), rounded down, which changes no comparison of integers.
    leaves: float32 (500 * 16, 10), what each leaf adds to the shape.
    """

    anchor: NDArray[np.intp]
    delta: Floats
    turned: Floats
    a: NDArray[np.intp]
    b: NDArray[np.intp]
    threshold: NDArray[np.int16]
    leaves: Floats


class ShapePredictor:
    """Predicts five landmarks (``eye-corners``) in each face box.

    weights: the arrays that ``dlib.convert_shape_predictor`` writes.
    model: name and digest, for fingerprints.
    """

    def __init__(self, weights: dict[str, NDArray[np.generic]], model: ModelId) -> None:
        self.model = model
        self._mean = cast(Floats, weights["mean_shape"])
        centred = self._mean.reshape(5, 2).astype(np.float64) - self._mean.reshape(5, 2).mean(axis=0, dtype=np.float64)
        self._to_turn = np.stack([centred, centred @ [[0, 1], [-1, 0]]]).reshape(2, 10) / (centred**2).sum()
        self._leaf = _paths_to_leaves()
        splits = {name: _pad_to_16(weights[name]) for name in ("a", "b", "threshold")}
        deltas = [np.ascontiguousarray(step.T, np.float32) for step in weights["delta"]]
        self._cascades = [
            _Cascade(
                anchor=2 * weights["anchor"][step].astype(np.intp) + [[0], [1]],
                delta=deltas[step],
                turned=np.stack([-deltas[step][1], deltas[step][0]]),
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
        """Load dlib's predictor; raise ModelError as ``conversion.converted`` does."""
        spec = zoo.MODELS["dlib-5-points"]
        with np.load(conversion.converted(spec)) as arrays:
            return cls(dict(arrays), zoo.model_id(spec))

    def predict(self, image: Image, faces: Faces, boxes: Floats | None = None) -> Faces:
        """Return the same faces with landmarks (``eye-corners``), rounded to whole pixels as dlib does.

        image: uint8 (H, W, 3), BGR.
        faces: N >= 0 faces.
        boxes: float32 (N, 4), the faces' boxes framed as dlib frames a face; by default ``faces.xyxy``.
        """
        if len(faces) == 0:
            return faces
        shapes = np.stack([self.fit(image, box) for box in (faces.xyxy if boxes is None else boxes)])
        shapes = np.floor(shapes + 0.5)
        return replace(faces, landmarks=shapes[:, SCHEME_ORDER], scheme="eye-corners")

    def fit(self, image: Image, box: Floats) -> Floats:
        """Return the landmarks in one box: float32 (5, 2), px, not rounded, in the order of dlib's file."""
        extent = np.maximum(box[2:] - box[:2] - 1, 1)  # dlib's rectangles include the last row and column
        grey, offset = _grey_around(image, box)
        width = grey.shape[1]
        to_pixels = extent.astype(np.float64)[:, None]
        first = (box[:2] - offset + 0.5)[:, None]  # the half rounds, since indices are truncated
        last = np.array([[width - 1.0], [grey.shape[0] - 1.0]])
        shape, flat = self._mean, grey.ravel()
        for cascade in self._cascades:
            points = self._sampling_points(shape, cascade) * to_pixels
            points += first
            np.maximum(points, 0, out=points)
            np.minimum(points, last, out=points)
            pixels = points.astype(np.intp)
            sampled = flat.take(pixels[1] * width + pixels[0], mode="clip")
            difference = sampled.take(cascade.a, mode="clip") - sampled.take(cascade.b, mode="clip")
            outcomes = np.packbits(difference > cascade.threshold).view(">u2") >> 1
            leaves = cascade.leaves.take(self._first_leaf + self._leaf.take(outcomes), axis=0, mode="clip")
            # Sum in order, in float32, as dlib does: another order can end a pixel away. einsum is the fastest.
            shape = np.einsum("ij->j", np.concatenate([shape[None], leaves]))
        return np.asarray(shape.reshape(5, 2) * extent + box[:2], np.float32)

    def _sampling_points(self, shape: Floats, cascade: _Cascade) -> Floats:
        """Return the sampling points (2, 800) of a shape (10,), as shares of the box; in float32, as dlib has them.

        The similarity that maps the mean shape m to a shape s is, in complex numbers, s = a m + t with
        a = <m - mean(m), s> / |m - mean(m)|^2 (least squares). a rotates and scales the delta.
        """
        real, imaginary = (self._to_turn @ shape.astype(np.float64)).astype(np.float32)
        points: Floats = real * cascade.delta
        points += imaginary * cascade.turned
        points += shape.take(cascade.anchor)
        return points


def _grey_around(image: Image, box: Floats) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
    """Return the brightness around a box, with half its size on every side, and the place (x, y) of its first pixel.

    The brightness is int16, the mean of the channels, rounded down, with a border of 0: dlib reads 0 outside an image.
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
    """Add a column of zeros, so that a tree's outcomes fill two bytes: (15, 500, 15) -> (15, 500 * 16)."""
    return np.pad(splits, ((0, 0), (0, 0), (0, 1))).reshape(len(splits), -1)
