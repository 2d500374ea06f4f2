"""Faces cut out of photographs, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np

from faces.types import Floats, Image

MARGIN = 0.25  # of the box, on each side
LONGEST = 256  # px


def cut(image: Image, box: Floats) -> bytes:
    """A face as a JPEG, of at most 256 px. box: (4,), px, which may stick out of the image."""
    margin = np.tile((box[2:] - box[:2]) * MARGIN, 2) * [-1, -1, 1, 1]
    height, width = image.shape[:2]
    left, top, right, bottom = np.clip(np.round(box + margin), 0, [width, height, width, height]).astype(int)
    face = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    scale = min(1.0, LONGEST / max(face.shape[:2]))
    small = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else face
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 88])[1])
