"""A first guess at the place of a portrait's face: OpenCV's Haar cascade on a small image.

Viola and Jones, CVPR 2001; Lienhart and Maydt, ICIP 2002. It takes 1 ms where MMOD's pyramid takes 15. A guess counts
only if MMOD confirms it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from faces.types import Image

SMALLEST_FACE = 21  # px: the image is shrunk until the smallest wanted face has this size; the cascade's window is 20
SCALE_FACTOR, MIN_NEIGHBOURS = 1.15, 1  # of detectMultiScale
MMOD_FRAME = 0.95  # side of MMOD's box, as a share of the cascade's: median over LFW

_cascade_lock = Lock()


def guess_faces(image: Image, smallest: float) -> list[tuple[float, float, float]]:
    """Return the centres (x, y) and sizes of possible faces, px, the largest first.

    OpenCV 5 comes without the cascade: there the result is empty.
    image: uint8 (H, W, 3), BGR.
    smallest: least size of a face, px.
    """
    cascade = _cascade()
    if cascade is None:
        return []
    scale = SMALLEST_FACE / smallest
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    with _cascade_lock:  # a cascade keeps its working memory
        boxes = cascade.detectMultiScale(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), SCALE_FACTOR, MIN_NEIGHBOURS)
    largest_first = sorted(np.asarray(boxes).reshape(-1, 4).tolist(), key=lambda box: -box[2])
    return [
        ((x + width / 2) / scale, (y + height / 2) / scale, width / scale * MMOD_FRAME)
        for x, y, width, height in largest_first
    ]


@cache
def _cascade() -> Any:
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder, "haarcascade_frontalface_alt2.xml")
    return cv2.CascadeClassifier(str(path)) if hasattr(cv2, "CascadeClassifier") and path.is_file() else None
