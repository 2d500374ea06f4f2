"""What people look at: boxes and names on a picture."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from faces.types import Faces, Image, Matches

KNOWN, UNKNOWN = (70, 140, 30), (40, 90, 230)  # BGR: green, orange; white letters are readable on both
# Beside Pillow's own font, which has Latin letters only: the widest on Linux, macOS and Windows, by their files' names.
FONTS = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf", "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc", "PingFang.ttc", "msyh.ttc", "NotoSansArabic-Regular.ttf", "NotoSansDevanagari-Regular.ttf",
)  # fmt: skip

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(image: Image, faces: Faces, matches: Matches) -> Image:
    """A copy with a box per face, and above it the name and the probability, or ``unknown``; sized to the picture."""
    canvas: Image = image.copy()
    shorter = min(image.shape[:2])
    thickness, size = max(1, round(shorter / 200)), max(12, round(shorter / 28))
    for box, name, probability in zip(faces.xyxy, matches.names, matches.probability, strict=True):
        x1, y1, x2, y2 = (round(float(value)) for value in box)
        colour = UNKNOWN if name is None else KNOWN
        cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), colour, thickness, cv2.LINE_AA)
        text = "unknown" if name is None else f"{name} {probability:.0%}"
        label = _label(text, size, colour)
        above = y1 - label.shape[0]
        _paste(canvas, label, x1 - thickness // 2, above if above >= 0 else y2)
    return canvas


def _paste(canvas: Image, label: Image, x: int, y: int) -> None:
    """Put a label at (x, y), moved so that as much of it as possible is inside."""
    height, width = canvas.shape[:2]
    x = max(0, min(x, width - label.shape[1]))
    y = max(0, min(y, height - label.shape[0]))
    room = canvas[y : y + label.shape[0], x : x + label.shape[1]]
    room[:] = label[: room.shape[0], : room.shape[1]]


@lru_cache(maxsize=256)
def _label(text: str, size: int, colour: tuple[int, int, int]) -> Image:
    """uint8 (h, w, 3) BGR: white text on a colour."""
    text, font = _readable(text, size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    pad = max(2, size // 4)
    ascent = max(-top, 0.75 * size)  # names with and without tall letters get labels of one height
    height, width = round(ascent + max(bottom, 0.2 * size)) + 2 * pad, round(right - left) + 2 * pad
    mask = PillowImage.new("L", (width, height))
    ImageDraw.Draw(mask).text((pad - left, pad + round(ascent)), text, fill=255, font=font, anchor="ls")
    share = np.asarray(mask, np.float32)[:, :, None] / 255
    return np.asarray((share * 255 + (1 - share) * np.array(colour, np.float32)).astype(np.uint8))


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


def _has(font: Font, letter: str) -> bool:
    """Whether a font draws a letter rather than the box that stands for missing ones."""
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))
