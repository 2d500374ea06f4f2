"""dlib's 5-point landmark predictor as arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from faces.errors import ModelError
from faces.models.dlib.file import integers


def convert_shape_predictor(data: bytes, path: Path) -> None:
    """Convert shape_predictor_5_face_landmarks.dat to an ``.npz`` with the arrays of ``ShapePredictor``.

    mean_shape: float32 (10,).
    a, b, threshold: uint16 and float32 (15, 500, 15), the splits.
    leaves: float32 (15, 500, 16, 10).
    anchor, delta: int64 (15, 800) and float32 (15, 800, 2), the sampling points.
    Raises ModelError for another predictor.
    """
    stream = integers(data)
    take: Callable[[], int] = lambda: next(stream)  # noqa: E731

    def real() -> float:
        mantissa = take()
        return float(np.ldexp(mantissa, take()))

    def vector() -> list[float]:
        rows, columns = -take(), -take()
        return [real() for _ in range(rows * columns)]

    version, mean_shape = take(), vector()
    if version != 1 or len(mean_shape) != 10:
        raise ModelError("not a 5-point shape predictor")
    a, b = list[int](), list[int]()
    threshold, leaves = list[float](), list[list[float]]()
    cascades = take()
    for _ in range(cascades):
        for _ in range(take()):
            for _ in range(take()):
                a.append(take())
                b.append(take())
                threshold.append(real())
            leaves.extend(vector() for _ in range(take()))
    anchor = [[take() for _ in range(take())] for _ in range(take())]
    delta = [[(real(), real()) for _ in range(take())] for _ in range(take())]
    np.savez(
        path,
        mean_shape=np.array(mean_shape, np.float32),
        a=np.array(a, np.uint16).reshape(cascades, -1, 15),
        b=np.array(b, np.uint16).reshape(cascades, -1, 15),
        threshold=np.array(threshold, np.float32).reshape(cascades, -1, 15),
        leaves=np.array(leaves, np.float32).reshape(cascades, -1, 16, 10),
        anchor=np.array(anchor),
        delta=np.array(delta, np.float32),
    )
