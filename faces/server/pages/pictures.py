"""Pictures on pages: marks over faces, and cut-outs of faces."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple
from unicodedata import east_asian_width

import cv2
import numpy as np
from flask import request

from faces.display.placing import Places
from faces.geometry import pixels_around
from faces.server import errors
from faces.types import Faces, Floats, Image

Area = tuple[int, int, int, int]  # left, top, right and bottom, px

FIELD = "picture"  # name of the upload field in every form
PICTURE_SIDE = 1280  # px, longer side of a picture on a page
CUT_OUT_SIDE, CUT_OUT_MARGIN = 240, 0.3  # px; margin as a share of the face's side
PHOTOGRAPH_SIDE, PHOTOGRAPH_MARGIN = 480, 0.75  # same, of the photograph to enrol from a picture of several people
JPEG_QUALITY = 88
LINE_SCALE = 0.8  # of the lines below a box, as a share of the label's size
LINE_HEIGHT, OUTLINE = 1.35, 0.15  # of a text, as shares of its size
WIDE_LETTERS, WIDE, CAPITAL, NARROW = "MWmw@%…", 1.0, 0.8, 0.67  # widths of bold letters, as shares of the text's size


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


class Text(NamedTuple):
    """A line of text over a picture.

    x: of its left end, px of the picture.
    y: of its baseline, px of the picture.
    size: height of the letters, px of the picture.
    """

    x: float
    y: float
    size: float
    words: str


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

    def texts(self) -> list[tuple[Text | None, list[Text]]]:
        """Return the label and the lines of each mark, at places where no text covers another.

        A label without such a place is None, lines without one are left out. A label wider than the picture is cut.
        """
        boxes = [(m.left, m.top, m.left + m.width, m.top + m.height) for m in self.marks]
        places = Places(np.array(boxes, np.float32).reshape(-1, 4).round().astype(np.intp), (self.width, self.height))
        taken: list[Area] = []

        def placed(mark: int, words: Sequence[str], size: float, below: bool) -> list[Text]:
            fitting = [_cut(line, size, self.width) for line in words]
            height = ceil(LINE_HEIGHT * size)
            wh = min(self.width, ceil(max(_width(line, size) for line in fitting))), height * len(fitting)
            x, y = places.take(mark, wh, below)
            area = x, y, x + wh[0], y + wh[1]
            if any(_overlap(area, other) for other in taken):
                return []
            taken.append(area)
            return [Text(x + OUTLINE * size, y + height * k + size, size, line) for k, line in enumerate(fitting)]

        labels = [next(iter(placed(k, (m.label,), self.font_size, False)), None) for k, m in enumerate(self.marks)]
        small = LINE_SCALE * self.font_size
        return [
            (label, placed(k, m.lines, small, True) if m.lines else [])
            for k, (m, label) in enumerate(zip(self.marks, labels, strict=True))
        ]


def _overlap(one: Area, other: Area) -> bool:
    return all(one[k] < other[k + 2] and other[k] < one[k + 2] for k in (0, 1))


def _width(words: str, size: float) -> float:
    """Return at least the width of a text, whatever the font, px."""
    return size * (2 * OUTLINE + sum(_share(letter) for letter in words))


def _share(letter: str) -> float:
    if letter in WIDE_LETTERS or east_asian_width(letter) in "WF":
        return WIDE
    return CAPITAL if letter.isupper() else NARROW


def _cut(words: str, size: float, width: int) -> str:
    """Return a text without the end that does not fit into a width."""
    if _width(words, size) <= width:
        return words
    return next((cut for k in range(len(words), 0, -1) if _width(cut := f"{words[:k]}…", size) <= width), "…")


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
