"""Pictures of faces: cut out of photographs and films, and contact sheets of groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.images import read_image
from faces.photos.records import Face
from faces.photos.scanning.looking import is_film
from faces.types import Image
from faces.video.sources import open_source

MARGIN = 0.35  # around a face, as a share of its size, on every side
SIDE, CAPTION = 160, 24  # px of a face on a sheet, and of the line below it
COLUMNS = 6
GROUND = 255


def picture_of(face: Face) -> Image | None:
    """Return the photograph, or the frame of a film, that a face is in: uint8 (H, W, 3), BGR, upright.

    None if it cannot be read any more.
    """
    try:
        if not is_film(face.path):
            return read_image(face.path)
        return _frame(face.path, face.time or 0.0)
    except (OSError, FacesError):
        return None


def crop(face: Face, side: int = SIDE) -> Image | None:
    """Return a face with a margin as a square picture, uint8 (side, side, 3), BGR; None if it cannot be read."""
    image = picture_of(face)
    return None if image is None else square(image, face.xyxy, side)


def square(image: Image, xyxy: Sequence[float], side: int) -> Image:
    """Cut a square around a box out of an image; outside of the image it is white."""
    x1, y1, x2, y2 = xyxy
    half = max(x2 - x1, y2 - y1) * (0.5 + MARGIN)
    scale = side / (2 * half)
    matrix: NDArray[np.float64] = np.array(
        [[scale, 0, side / 2 - scale * (x1 + x2) / 2], [0, scale, side / 2 - scale * (y1 + y2) / 2]]
    )
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if scale < 0.5:  # bilinear sampling would skip pixels
        low = np.maximum(np.array([x1, y1]) - half, 0).astype(int)
        high = np.minimum(np.array([x2, y2]) + half, image.shape[1::-1]).astype(int)
        cutout = image[low[1] : high[1], low[0] : high[0]]
        part = cv2.resize(cutout, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix = np.array([[1.0, 0, matrix[0, 2] + scale * low[0]], [0, 1.0, matrix[1, 2] + scale * low[1]]])
        image = part.astype(np.uint8)
    border = (GROUND,) * 3
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=flags, borderValue=border), np.uint8)


def sheet(faces: Sequence[Face]) -> tuple[Image, list[Face]]:
    """Return a picture of faces in rows, each with its number below it, and the faces that could be read."""
    shown = [(face, cut) for face in faces if (cut := crop(face)) is not None]
    rows = max(1, -(-len(shown) // COLUMNS))
    columns = min(COLUMNS, max(1, len(shown)))
    image: Image = np.full((rows * (SIDE + CAPTION), columns * SIDE, 3), GROUND, np.uint8)
    for at, (face, cut) in enumerate(shown):
        top, left = at // COLUMNS * (SIDE + CAPTION), at % COLUMNS * SIDE
        image[top : top + SIDE, left : left + SIDE] = cut
        place = left + 4, top + SIDE + CAPTION - 7
        cv2.putText(image, str(face.id), place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    return image, [face for face, _ in shown]


@lru_cache(maxsize=8)
def _frame(path: Path, time: float) -> Image | None:
    for frame in open_source(str(path)).frames():
        if frame.time >= time - 1e-3:
            return frame.image
    return None
