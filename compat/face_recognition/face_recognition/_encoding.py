"""Encodings: the output of dlib's ResNet for dlib's crop of a face, also of jittered copies of it.

dlib/image_transforms/interpolation.h (jitter_image), dlib/rand/rand_kernel_1.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from faces import Faces, Image

from . import _landmarks, _models

SIDE = 150  # px, of dlib's crop
EDGE = 3  # px that jittering cuts off on each side
MOST_TURN, MOST_SHIFT = 3.0, 0.02  # degrees; share of the side
LEAST_SCALE, MOST_SCALE = 0.97, 0.99999
OF_THE_FILE = [2, 3, 1, 0, 4]  # from the order of dlib's file to ``eye-corners``


class Random:
    """dlib's own random numbers, the same in every process: so jittered encodings are the original's."""

    def __init__(self) -> None:
        self._numbers = np.random.RandomState(5489)
        self._next(10_000)
        self.lock = Lock()

    def _next(self, count: int) -> NDArray[np.uint32]:
        return self._numbers.randint(0, 1 << 32, count, np.uint32)

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        first, second = (self._next(2) & 0xFFFFFF).tolist()
        return float(low + (first * 2.0**24 + second) / (2.0**48 - 1 + 0.05) * (high - low))


_random = Random()


def encode(image: Image, points: Sequence[NDArray[np.int64]], jitters: int) -> NDArray[np.float64]:
    """Return the encodings of N faces: float64 (N, 128).

    image: uint8 (H, W, 3), BGR. points: of each face, as ``_landmarks.of``. jitters: copies of each face to average; up
    to 1: the face as it is.
    """
    embedder = _models.embedder()
    number = len(points)
    if number == 0:
        return np.empty((0, 128))
    corners = np.stack([_landmarks.five_of(each)[OF_THE_FILE] for each in points]).astype(np.float32)
    faces = Faces(np.zeros((number, 4), np.float32), np.ones(number, np.float32), corners, "eye-corners")
    crops = embedder.aligner.crop(image, faces)
    if jitters > 1:
        with _random.lock:
            crops = np.stack([jittered(crop, _random) for crop in crops for _ in range(jitters)])
    return np.asarray(embedder.forward(crops).reshape(number, -1, 128).mean(axis=1), np.float64)


def jittered(crop: Image, random: Random) -> Image:
    """Return a copy of a crop that is shifted, scaled and turned a little, and mirrored every other time."""
    from faces.crops import cut

    side = SIDE - 2 * EDGE
    down, across = (random.between(-MOST_SHIFT, MOST_SHIFT) * side for _ in range(2))
    size = int(side / random.between(LEAST_SCALE, MOST_SCALE))
    angle = np.radians(random.between(-MOST_TURN, MOST_TURN))
    low = SIDE // 2 + np.floor(np.array([across, down]) + 0.5) - size // 2
    centre = low + (size - 1) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size / SIDE
    to_crop = np.column_stack([turn, centre - turn @ np.full(2, (SIDE - 1) / 2)])
    moved = cut(crop, to_crop, SIDE, as_dlib=True)
    return moved[:, ::-1] if random.between(0, 1) > 0.5 else moved
