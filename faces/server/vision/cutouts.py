"""Face cutouts for display."""

from __future__ import annotations

import cv2

from faces.geometry import pixels_around
from faces.types import Floats, Image

MARGIN = 0.25  # of the box's size, added on each side
MAX_SIDE = 256  # px


def cut_out(image: Image, box: Floats) -> bytes:
    """Cut out a face and return it as a JPEG of at most 256 px.

    image: the photograph.
    box: float32 (4,), xyxy, px; it may stick out of the image.
    """
    left, top, right, bottom = pixels_around(box, (box[2:] - box[:2]) * MARGIN, *image.shape[1::-1])
    face = image[top:bottom, left:right]
    scale = min(1.0, MAX_SIDE / max(face.shape[:2]))
    small = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else face
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 88])[1])
