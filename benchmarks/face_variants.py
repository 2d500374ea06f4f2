"""A photograph made harder to recognize as one of a face: masked, with dark glasses, dark, blurred, small, mirrored."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import cv2
import numpy as np

from faces.types import Faces, Floats, Image

CLOTHS = ((200, 160, 90), (180, 180, 180), (30, 30, 30), (240, 240, 240), (60, 60, 160), (220, 200, 150))  # BGR
LENSES = (25, 20, 20)
DARKNESS, NOISE = (0.12, 0.45), 3.0  # factor of the light, and grey levels
BLUR = (0.015, 0.04)  # sigma, of the face's size
SMALL = (18.0, 40.0)  # px, of the face


def variants(image: Image, face: Faces, name: str) -> Iterator[tuple[str, Image]]:
    """Yield each variant's name and picture.

    face: N = 1, with five points.
    name: of the file; determines what is drawn by chance.
    """
    assert face.landmarks is not None
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    points, size = face.landmarks[0].astype(np.float64), float(face.sizes[0])
    yield "mask", masked(image, points, CLOTHS[int(rng.integers(len(CLOTHS)))], rng.uniform(0.35, 0.5))
    yield "glasses", with_glasses(image, points)
    dark = image * rng.uniform(*DARKNESS) + rng.normal(0, NOISE, image.shape)
    yield "dark", dark.clip(0, 255).astype(np.uint8)
    yield "blur", np.asarray(cv2.GaussianBlur(image, (0, 0), size * rng.uniform(*BLUR)), np.uint8)
    factor = min(rng.uniform(*SMALL) / size, 1)
    yield "small", np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    yield "mirror", np.ascontiguousarray(image[:, ::-1])


def masked(image: Image, points: Floats, cloth: tuple[int, int, int], top: float) -> Image:
    """Cover a face below the eyes.

    top: where the cloth begins between the eyes, 0, and the mouth, 1.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across, down = points[1] - points[0], mouth - eyes
    upper = eyes + top * down
    edge = [
        upper - 0.95 * across - 0.02 * down,
        upper - 0.1 * across - 0.12 * down,
        upper + 0.1 * across - 0.12 * down,
        upper + 0.95 * across - 0.02 * down,
        mouth + 0.75 * across + 0.2 * down,
        mouth + 0.75 * down,
        mouth - 0.75 * across + 0.2 * down,
    ]
    covered = image.copy()
    cv2.fillPoly(covered, [np.round(edge).astype(np.int32)], cloth, cv2.LINE_AA)
    return np.asarray(covered, np.uint8)


def with_glasses(image: Image, points: Floats) -> Image:
    """Put dark glasses on a face."""
    worn, apart = image.copy(), float(np.linalg.norm(points[1] - points[0]))
    right, left = ((int(x), int(y)) for x, y in points[:2])
    for eye in (right, left):
        cv2.ellipse(worn, eye, (int(0.38 * apart), int(0.28 * apart)), 0, 0, 360, LENSES, -1, cv2.LINE_AA)
    cv2.line(worn, right, left, LENSES, max(1, int(0.08 * apart)))
    return np.asarray(worn, np.uint8)
