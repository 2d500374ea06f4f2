"""Pictures on pages: marks over faces, and cut-outs of faces."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from flask import request

from faces.geometry import pixels_around
from faces.server import errors
from faces.types import Faces, Floats, Image

FIELD = "picture"  # name of the upload field in every form
PICTURE_SIDE = 1280  # px, longer side of a picture on a page
CUT_OUT_SIDE, CUT_OUT_MARGIN = 240, 0.3  # px; margin as a share of the face's side
PHOTOGRAPH_SIDE, PHOTOGRAPH_MARGIN = 480, 0.75  # same, of the photograph to enrol from a picture of several people
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over a picture.

    left, top, width, height: px of the picture.
    label: a name or number, above the box.
    known: whether the person is known.
    lines: below the box.
    """

    left: float
    top: float
    width: float
    height: float
    label: str
    known: bool = True
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A picture on a page.

    width, height: px; the coordinates of the marks.
    source: URL of the picture; "" if the page shows it already.
    """

    width: int
    height: int
    marks: tuple[Mark, ...] = ()
    source: str = ""

    @property
    def font_size(self) -> int:
        """The height of the text over the picture, px."""
        return max(9, round(max(self.width, self.height) / 32))


def uploaded() -> bytes:
    """Return the picture in a form. Raises ApiError 400 if there is none."""
    file = request.files.get(FIELD)
    data = file.read() if file else b""
    if not data:
        raise errors.invalid_image("Choose a picture, or take one with the camera.")
    return data


def view(image: Image, marks: Sequence[Mark] = ()) -> View:
    """Return a view that contains the picture as a data URL, so that the server stores nothing."""
    height, width = image.shape[:2]
    return View(width, height, tuple(marks), data_url(jpeg(shrink(image, PICTURE_SIDE))))


def boxes(faces: Faces) -> list[tuple[float, float, float, float]]:
    """Return the left, top, width and height of each face, px."""
    return [(left, top, right - left, bottom - top) for left, top, right, bottom in faces.xyxy.round(1).tolist()]


def cut_out(image: Image, box: Floats, side: int = CUT_OUT_SIDE, margin: float = CUT_OUT_MARGIN) -> bytes:
    """Return a face with a margin as a JPEG; a square except at the image's border.

    box: float32 (4,), xyxy, px.
    side: longer side of the JPEG at most, px.
    margin: on each side, as a share of the box's longer side.
    """
    wh = box[2:] - box[:2]
    pixels = (0.5 + margin) * wh.max() - wh / 2  # to a square
    left, top, right, bottom = pixels_around(box, pixels, *image.shape[1::-1])
    return jpeg(shrink(image[top:bottom, left:right], side))


def shrink(image: Image, side: int) -> Image:
    """Return the image with a longer side of at most ``side`` px."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.shape[1::-1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(image: Image) -> bytes:
    """Return an image as a JPEG."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())


def data_url(data: bytes) -> str:
    """Return a JPEG as a data URL."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
