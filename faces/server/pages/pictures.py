"""Pictures on pages: as they are shown, with marks drawn over them, and cut-outs of faces."""

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

FIELD = "picture"  # of every form that sends one
SHOWN = 1280  # px, the longer side of a picture on a page
CUT_OUT, AROUND = 240, 0.3  # px, and of a face's side, what is shown around it
PHOTOGRAPH, ROOM = 480, 0.75  # the same of what is kept as a photograph of somebody in a picture of several
QUALITY = 88  # JPEG


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over a picture, px of it, and what is written there: a name or number, and lines below it."""

    left: float
    top: float
    width: float
    height: float
    label: str
    known: bool = True
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A picture on a page. width, height: px that marks are in. source: its address, or "" where it is there already.

    letters: px, the height of what is written on it.
    """

    width: int
    height: int
    marks: tuple[Mark, ...] = ()
    source: str = ""

    @property
    def letters(self) -> int:
        return max(9, round(max(self.width, self.height) / 32))


def uploaded() -> bytes:
    """The picture that a form brings. Raises ApiError, 400, where there is none."""
    file = request.files.get(FIELD)
    data = file.read() if file else b""
    if not data:
        raise errors.invalid_image("Choose a picture first, or take one.")
    return data


def view(image: Image, marks: Sequence[Mark] = ()) -> View:
    """With the picture in its own address, so that nothing has to be kept here; not larger than a screen."""
    height, width = image.shape[:2]
    return View(width, height, tuple(marks), address(jpeg(smaller(image, SHOWN))))


def boxes(faces: Faces) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of each face, px."""
    return [(x, y, right - x, bottom - y) for x, y, right, bottom in faces.xyxy.round(1).tolist()]


def cut_out(image: Image, box: Floats, side: int = CUT_OUT, around: float = AROUND) -> bytes:
    """JPEG of a face, whose box (4,) is px, with something around it as far as there is; ``side`` px at most."""
    wh = box[2:] - box[:2]
    margin = (0.5 + around) * wh.max() - wh / 2  # to a square
    left, top, right, bottom = pixels_around(box, margin, *image.shape[1::-1])
    return jpeg(smaller(image[top:bottom, left:right], side))


def smaller(image: Image, side: int) -> Image:
    """Whose longer side has ``side`` px at most."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.shape[1::-1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def address(data: bytes) -> str:
    """A JPEG as an address that contains it."""
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
