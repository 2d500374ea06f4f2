"""Small copies of the photographs that show the worst errors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import cv2
import imutils

from faces.errors import ImageError
from faces.evaluation.figures.results import Mistake
from faces.images import read_image

SHORTER_SIDE = 200  # px
QUALITY = 85


def copies(mistakes: Sequence[Mistake]) -> dict[Path, str | None]:
    """Return a small JPEG as a data URI for each photograph; None if it can no longer be read."""
    return {path: _copy(path) for mistake in mistakes for path in mistake.photographs}


def _copy(path: Path) -> str | None:
    try:
        photograph = read_image(path)
    except ImageError:
        return None
    if min(photograph.shape[:2]) > SHORTER_SIDE:
        shorter = "width" if photograph.shape[1] < photograph.shape[0] else "height"
        photograph = imutils.resize(photograph, **{shorter: SHORTER_SIDE})
    data = cv2.imencode(".jpg", photograph, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
