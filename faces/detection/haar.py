"""A first guess where a portrait's face is: OpenCV's Haar cascade on a picture of few pixels.

Viola and Jones, CVPR 2001; Lienhart and Maydt, ICIP 2002. It costs 1 ms where MMOD's pyramid costs 15, and is only
believed where MMOD confirms it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np

from faces.types import Image

SMALLEST = 21  # px: to which the smallest wanted face is shrunk; the cascade's own window is 20
SCALES, NEIGHBOURS = 1.15, 1  # how far apart the sizes looked for are, and how many hits make a face
# Of the cascade's square, the part that MMOD frames: median over LFW.
FRAME = 0.95

_one_at_a_time = Lock()


def faces(image: Image, smallest: float) -> list[tuple[float, float, float]]:
    """The middles (x, y) and the sizes of what may be faces of at least ``smallest`` px, all px, the largest first.

    Nothing where OpenCV comes without the cascade, as from version 5 on.
    """
    cascade = _cascade()
    if cascade is None:
        return []
    scale = SMALLEST / smallest
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    with _one_at_a_time:  # a cascade keeps what it works on
        found = cascade.detectMultiScale(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), SCALES, NEIGHBOURS)
    boxes = sorted(np.asarray(found).reshape(-1, 4).tolist(), key=lambda box: -box[2])
    return [((x + width / 2) / scale, (y + height / 2) / scale, width / scale * FRAME) for x, y, width, height in boxes]


@cache
def _cascade() -> Any:
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder, "haarcascade_frontalface_alt2.xml")
    return cv2.CascadeClassifier(str(path)) if hasattr(cv2, "CascadeClassifier") and path.is_file() else None
