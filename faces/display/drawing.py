"""Draw boxes and names on a picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from faces.attributes.answers import Answers, short
from faces.display.placing import Places
from faces.types import Faces, Floats, Image, Matches
from faces.video.tracks import Tracks

# BGR: green, orange, grey; white text is readable on all
KNOWN, UNKNOWN, UNSETTLED = (70, 140, 30), (40, 90, 230), (110, 110, 110)
ATTRIBUTE_SCALE = 0.75  # size of the attributes' text, relative to the name's
# Besides Pillow's own font, which has Latin letters only: the fonts with most letters on Linux, macOS and Windows.
FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "Arial Unicode.ttf",
    "arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "NotoSansArabic-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(image: Image, faces: Faces, matches: Matches, answers: Answers | None = None) -> Image:
    """Return a copy with a box around each face, its name and probability above, its attributes below.

    Line width and text size follow the picture's size.
    answers: the faces' attributes, if known.
    """
    attributes = _attribute_lines(answers, len(faces))
    each = zip(faces.xyxy, matches.names, matches.probability, attributes, strict=True)
    return _drawn(
        image,
        [
            _Marked(box, _name_parts(name, probability), UNKNOWN if name is None else KNOWN, lines)
            for box, name, probability, lines in each
        ],
    )


def annotate_tracks(image: Image, tracks: Tracks) -> Image:
    """Return a copy as ``annotate`` does, with track numbers; an unsettled track has a number and a thin box only."""
    attributes = _attribute_lines(tracks.answers, len(tracks))
    marked = []
    for k in np.flatnonzero(tracks.visible).tolist():
        box, number, name, lines = tracks.xyxy[k], f"#{tracks.ids[k]}", tracks.names[k], attributes[k]
        if tracks.settled[k]:
            parts, colour = _name_parts(name, tracks.probability[k]), UNKNOWN if name is None else KNOWN
            marked.append(_Marked(box, (*parts, f" {number}"), colour, lines))
        else:
            marked.append(_Marked(box, (number,), UNSETTLED, lines, thin=True))
    return _drawn(image, marked)


def caption(image: Image, text: str, line: int = 1) -> Image:
    """Return a copy with a line of text in its top left corner, the first or another one from above."""
    canvas: Image = image.copy()
    label = _label((text,), _sizes(image)[1], UNSETTLED)
    _paste(canvas, label, 0, (line - 1) * label.shape[0])
    return canvas


def _name_parts(name: str | None, probability: float) -> tuple[str, ...]:
    return ("unknown",) if name is None else (name, f" {probability:.0%}")


def _attribute_lines(answers: Answers | None, count: int) -> Sequence[tuple[str, ...]]:
    """Return the lines of text for the attributes of each of ``count`` faces."""
    return [()] * count if answers is None else [short(answers.plain(k)) for k in range(count)]


def _sizes(image: Image) -> tuple[int, int]:
    """Return the line width and the text size for a picture, px."""
    shorter = min(image.shape[:2])
    return max(1, round(shorter / 200)), max(12, round(shorter / 28))


class _Marked(NamedTuple):
    """A face with a box (4,), the parts of its label, and lines of text below it."""

    box: Floats
    parts: tuple[str, ...]
    colour: tuple[int, int, int]
    lines: Sequence[str] = ()
    thin: bool = False


def _drawn(image: Image, faces: Sequence[_Marked]) -> Image:
    """Return a copy with the boxes, and over them the labels, none of which covers another as long as there is room."""
    canvas: Image = image.copy()
    thickness, size = _sizes(canvas)
    boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4).round().astype(np.intp)
    for (x1, y1, x2, y2), face in zip(boxes.tolist(), faces, strict=True):
        cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), face.colour, 1 if face.thin else thickness)
    places = Places(boxes - (thickness // 2, 0, 0, 0), (canvas.shape[1], canvas.shape[0]))
    names = [(k, _label(face.parts, size, face.colour), False) for k, face in enumerate(faces)]
    texts = [(k, _lines(face.lines, size, face.colour), True) for k, face in enumerate(faces) if face.lines]
    for k, label, below in [*names, *texts]:
        _paste(canvas, label, *places.take(k, (label.shape[1], label.shape[0]), below))
    return canvas


def _lines(lines: Sequence[str], size: int, colour: tuple[int, int, int]) -> Image:
    """Return lines of smaller text below each other, on a colour: uint8 (h, w, 3), BGR."""
    labels = [_label((line,), round(ATTRIBUTE_SCALE * size), colour) for line in lines]
    width = max(label.shape[1] for label in labels)
    filled = [
        cv2.copyMakeBorder(label, 0, 0, 0, width - label.shape[1], cv2.BORDER_CONSTANT, value=colour)
        for label in labels
    ]
    return np.concatenate([np.asarray(label, np.uint8) for label in filled])


def _paste(canvas: Image, label: Image, x: int, y: int) -> None:
    """Draw a label at (x, y), or as near as it fits into the picture."""
    height, width = canvas.shape[:2]
    x = max(0, min(x, width - label.shape[1]))
    y = max(0, min(y, height - label.shape[0]))
    area = canvas[y : y + label.shape[0], x : x + label.shape[1]]
    area[:] = label[: area.shape[0], : area.shape[1]]


@lru_cache(maxsize=256)
def _label(parts: tuple[str, ...], size: int, colour: tuple[int, int, int]) -> Image:
    """Return white text on a colour: uint8 (h, w, 3), BGR."""
    pieces = [_text_picture(part, size, colour) for part in parts]
    pad, ascent = max(2, size // 4), max(ascent for _, ascent in pieces)
    descent = max(piece.shape[0] - ascent for piece, ascent in pieces)
    width = sum(piece.shape[1] for piece, _ in pieces)
    label: Image = np.empty((ascent + descent + 2 * pad, width + 2 * pad, 3), np.uint8)
    cv2.rectangle(label, (0, 0), (label.shape[1], label.shape[0]), colour, cv2.FILLED)
    x = pad
    for piece, above in pieces:
        y = pad + ascent - above
        label[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
        x += piece.shape[1]
    return label


@lru_cache(maxsize=1024)
def _text_picture(text: str, size: int, colour: tuple[int, int, int]) -> tuple[Image, int]:
    """Return a part of a label, uint8 (h, w, 3), BGR, and its rows above the baseline; cached, since text is slow."""
    text, font = _readable(text, size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    ascent = round(max(-top, 0.75 * size))  # labels have the same height with and without tall letters
    left, right = min(left, 0), max(right, font.getlength(text))
    height, width = ascent + round(max(bottom, 0.2 * size)), max(1, round(right - left))
    mask = PillowImage.new("L", (width, height))
    ImageDraw.Draw(mask).text((-left, ascent), text, fill=255, font=font, anchor="ls")
    share = np.asarray(mask, np.float32)[:, :, None] / 255
    return np.asarray((share * 255 + (1 - share) * np.array(colour, np.float32)).astype(np.uint8)), ascent


def _readable(text: str, size: int) -> tuple[str, Font]:
    """Return the text and the first font with all its letters; if there is none, letters that the first font has."""
    fonts = _fonts(size)
    for font in fonts:
        if all(_has(font, letter) for letter in set(text)):
            return text, font
    plain = (letter if _has(fonts[0], letter) else unicodedata.normalize("NFKD", letter)[0] for letter in text)
    return "".join(letter if _has(fonts[0], letter) else "?" for letter in plain), fonts[0]


@lru_cache(maxsize=8)
def _fonts(size: int) -> tuple[Font, ...]:
    fonts: list[Font] = [ImageFont.load_default(size)]
    for name in FONTS:
        try:
            fonts.append(ImageFont.truetype(name, size))
        except OSError:  # not installed
            continue
    return tuple(fonts)


@lru_cache(maxsize=4096)
def _has(font: Font, letter: str) -> bool:
    """Whether a font has a letter, rather than the box for missing ones."""
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))
