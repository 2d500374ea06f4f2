"""What people look at: boxes and names on a picture, and faces that nobody is to recognize."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from faces.attributes.answers import Answers, short
from faces.geometry import pixels_around
from faces.types import Faces, Floats, Image, Matches
from faces.video.tracks import Tracks

# BGR: green, orange, grey; white letters are readable on all
KNOWN, UNKNOWN, UNSETTLED = (70, 140, 30), (40, 90, 230), (110, 110, 110)
SMALLER = 0.75  # letters of what a face looks like, to those of its name
AROUND = 0.4  # of a face's box, that is blurred on each side: hair, ears and chin tell who it is, too
CELLS = 3  # what is left of a blurred face: a mosaic of so many by so many colours
SAMPLES = 32  # pixels in a row and in a column, at least, that these are the means of
# Beside Pillow's own font, which has Latin letters only: the widest on Linux, macOS and Windows, by their files' names.
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
    """A copy with a box per face, and above it the name and the probability, or ``unknown``; sized to the picture.

    Below it is what the face looks like, where there are answers.
    """
    canvas: Image = image.copy()
    looks = _looks(answers, len(faces))
    for box, name, probability, look in zip(faces.xyxy, matches.names, matches.probability, looks, strict=True):
        _mark(canvas, box, _words(name, probability), UNKNOWN if name is None else KNOWN, look)
    return canvas


def annotate_tracks(image: Image, tracks: Tracks) -> Image:
    """As ``annotate``, with the tracks' numbers; those that are not settled have nothing else, and a thin box."""
    canvas: Image = image.copy()
    looks = _looks(tracks.answers, len(tracks))
    for box, number, name, settled, probability, visible, look in zip(
        tracks.xyxy, tracks.ids, tracks.names, tracks.settled, tracks.probability, tracks.visible, looks, strict=True
    ):
        if not visible:
            continue
        if settled:
            words, colour = _words(name, probability), UNKNOWN if name is None else KNOWN
            _mark(canvas, box, (*words, f" #{number}"), colour, look)
        else:
            _mark(canvas, box, (f"#{number}",), UNSETTLED, look, thin=True)
    return canvas


def caption(image: Image, text: str) -> Image:
    """A copy with a line of text in its top left corner."""
    canvas: Image = image.copy()
    _paste(canvas, _label((text,), _sizes(image)[1], UNSETTLED), 0, 0)
    return canvas


def blur(image: Image, xyxy: Floats) -> Image:
    """A copy in which nobody can recognize, or compute, the faces in these boxes, float32 (N, 4) px.

    Of each face and what is around it only a mosaic of a few colours is left, which is then smoothed.
    """
    canvas: Image = image.copy()
    height, width = image.shape[:2]
    for box in xyxy:
        x1, y1, x2, y2 = pixels_around(box, (box[2:] - box[:2]) * AROUND, width, height)
        part = canvas[y1:y2, x1:x2]
        every = max(1, min(part.shape[:2]) // SAMPLES)
        mosaic = cv2.resize(part[::every, ::every], (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        cv2.resize(mosaic, (x2 - x1, y2 - y1), dst=part, interpolation=cv2.INTER_LINEAR)
    return canvas


def _words(name: str | None, probability: float) -> tuple[str, ...]:
    return ("unknown",) if name is None else (name, f" {probability:.0%}")


def _looks(answers: Answers | None, number: int) -> Sequence[tuple[str, ...]]:
    """What each of so many faces looks like, in lines."""
    return [()] * number if answers is None else [short(answers.plain(k)) for k in range(number)]


def _sizes(image: Image) -> tuple[int, int]:
    """How thick lines and how large letters are on a picture, px."""
    shorter = min(image.shape[:2])
    return max(1, round(shorter / 200)), max(12, round(shorter / 28))


def _mark(
    canvas: Image,
    box: Floats,
    words: Sequence[str],
    colour: tuple[int, int, int],
    look: Sequence[str] = (),
    thin: bool = False,
) -> None:
    """Draw a box, its label above it where there is room, and below it in lines what it looks like."""
    thickness, size = _sizes(canvas)
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), colour, 1 if thin else thickness)
    label = _label(tuple(words), size, colour)
    x, above = x1 - thickness // 2, y1 - label.shape[0]
    _paste(canvas, label, x, above if above >= 0 else y2)
    lines = [_label((line,), round(SMALLER * size), colour) for line in look]
    y = min(y2 if above >= 0 else y2 + label.shape[0], canvas.shape[0] - sum(line.shape[0] for line in lines))
    for line in lines:
        _paste(canvas, line, x, y)
        y += line.shape[0]


def _paste(canvas: Image, label: Image, x: int, y: int) -> None:
    """Put a label at (x, y), moved so that as much of it as possible is inside."""
    height, width = canvas.shape[:2]
    x = max(0, min(x, width - label.shape[1]))
    y = max(0, min(y, height - label.shape[0]))
    room = canvas[y : y + label.shape[0], x : x + label.shape[1]]
    room[:] = label[: room.shape[0], : room.shape[1]]


@lru_cache(maxsize=256)
def _label(words: tuple[str, ...], size: int, colour: tuple[int, int, int]) -> Image:
    """uint8 (h, w, 3) BGR: white text on a colour."""
    pieces = [_letters(word, size, colour) for word in words]
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
def _letters(text: str, size: int, colour: tuple[int, int, int]) -> tuple[Image, int]:
    """A part of a label, kept because letters are slow: uint8 (h, w, 3) BGR, and how many rows are above its base."""
    text, font = _readable(text, size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    ascent = round(max(-top, 0.75 * size))  # names with and without tall letters get labels of one height
    left, right = min(left, 0), max(right, font.getlength(text))
    height, width = ascent + round(max(bottom, 0.2 * size)), max(1, round(right - left))
    mask = PillowImage.new("L", (width, height))
    ImageDraw.Draw(mask).text((-left, ascent), text, fill=255, font=font, anchor="ls")
    share = np.asarray(mask, np.float32)[:, :, None] / 255
    return np.asarray((share * 255 + (1 - share) * np.array(colour, np.float32)).astype(np.uint8)), ascent


def _readable(text: str, size: int) -> tuple[str, Font]:
    """The text, and the first font that has all its letters; where none has, letters lose what the first font lacks."""
    fonts = _fonts(size)
    for font in fonts:
        if all(_has(font, letter) for letter in set(text)):
            return text, font
    plain = (letter if _has(fonts[0], letter) else unicodedata.normalize("NFKD", letter)[0] for letter in text)
    return "".join(letter if _has(fonts[0], letter) else "?" for letter in plain), fonts[0]


@lru_cache(maxsize=8)
def _fonts(size: int) -> tuple[Font, ...]:
    found: list[Font] = [ImageFont.load_default(size)]
    for name in FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:  # not on this system
            continue
    return tuple(found)


@lru_cache(maxsize=4096)
def _has(font: Font, letter: str) -> bool:
    """Whether a font draws a letter rather than the box that stands for missing ones."""
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))
