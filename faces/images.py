"""Photographs: decoded upright as BGR, and encoded."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from faces.errors import ImageError, UsageError, reason_of
from faces.files.writing import write_bytes
from faces.types import Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")  # of Pillow's: another, EPS, runs Ghostscript on the file
REDUCTIONS = (8, 4, 2, 1)  # what a JPEG's blocks of 8 x 8 px can be decoded to fewer px by
MAX_MEGAPIXELS = 100  # more is a mistake or an attack: 300 MB once decoded

PillowImage.MAX_IMAGE_PIXELS = None  # our own limit is checked before a pixel is decoded, and says what to do


def read_image(path: Path) -> Image:
    """A photograph, as ``decode_image`` does.

    Raises ImageError whose text says why it cannot be used, without the path.
    """
    try:
        return decode_image(path.read_bytes())
    except OSError as error:
        raise ImageError(reason_of(error)) from error


def decode_image(data: bytes) -> Image:
    """An image file's bytes, turned upright by EXIF; of an animation the first frame, of transparency the colours.

    Raises ImageError whose text says why it cannot be used.
    """
    return Picture(data).at_least(1)[0]


class Picture:
    """An image file's bytes, decoded as ``decode_image`` does, but only as finely as asked.

    sides: px, the shorter and the longer one of the whole photograph.
    Raises ImageError whose text says why it cannot be used.
    """

    def __init__(self, data: bytes) -> None:
        if not data:
            raise ImageError("empty file")
        self._data = data
        self._image: Image | None = None
        self._scale = 0.0
        try:
            with _opened(data) as picture:
                self.sides = min(picture.size), max(picture.size)
        except ImageError:
            if (image := _deep_tiff(data)) is None:
                raise
            self._keep(image)
        megapixels = self.sides[0] * self.sides[1] / 1e6
        if megapixels > MAX_MEGAPIXELS:
            raise ImageError(f"too large ({megapixels:.0f} megapixels; at most {MAX_MEGAPIXELS}): save it smaller")

    @classmethod
    def of(cls, image: Image) -> Picture:
        """A photograph that is decoded already."""
        picture = cls.__new__(cls)
        picture._keep(image)
        return picture

    def _keep(self, image: Image) -> None:
        self._image, self._scale = image, 1.0
        self.sides = min(image.shape[:2]), max(image.shape[:2])

    def at_least(self, scale: float) -> tuple[Image, float]:
        """The image at this scale or the next finer one that there is, and which that is: of a JPEG 1/8, 1/4, 1/2 or 1.

        What was decoded last is given again if it is fine enough. Raises ImageError when the file is damaged.
        """
        scale = min(scale, 1.0)
        if self._image is None or self._scale < scale:
            with _opened(self._data) as picture:
                self._scale = _reduce(picture, scale)
                self._image = _to_bgr(_upright(picture))
        return self._image, self._scale


@contextmanager
def _opened(data: bytes) -> Iterator[PillowImage.Image]:
    """Pillow's view of a file; whatever its decoders raise on damaged data becomes an ImageError."""
    try:
        PillowImage.preinit()  # the usual formats: without it, ``open`` would load all that there are
        with PillowImage.open(io.BytesIO(data), formats=FORMATS) as picture:
            yield picture
    except UnidentifiedImageError as error:
        raise ImageError("not an image") from error
    except Exception as error:
        raise ImageError(f"damaged or cut off ({str(error).strip() or type(error).__name__})") from error


def _reduce(picture: PillowImage.Image, scale: float) -> float:
    """Let the decoder give a smaller image, of this scale or finer, where it can; which scale that is."""
    by = next(by for by in REDUCTIONS if scale <= 1 / by)
    width, height = picture.size
    drafted = picture.draft(None, (max(width // by, 1), max(height // by, 1))) if by > 1 else None
    return drafted[1][2] / width if drafted else 1.0


def _upright(picture: PillowImage.Image) -> PillowImage.Image:
    picture.load()
    with suppress(OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):  # damaged EXIF, sound picture
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _to_bgr(picture: PillowImage.Image) -> Image:
    if picture.mode.startswith(("I", "F")):  # 16 bits and more: Pillow would cut, not scale
        values = np.asarray(picture).astype(np.float32)
        wide = picture.mode.startswith("I;16") or (picture.mode == "I" and values.max(initial=0) > 255)
        white = 65535 if wide else 255
        grey = (values * (255 / white)).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _deep_tiff(data: bytes) -> Image | None:
    """TIFF that Pillow does not know, such as of three channels of 16 bits; None where OpenCV does not either."""
    if not data.startswith((b"II*\0", b"MM\0*")):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # an impossible size
        return None
    return None if image is None else np.asarray(image, np.uint8)


def write_image(path: Path, image: Image) -> None:
    """Write by the suffix, whole or not at all.

    Raises FacesError when the format is unknown or the place not writable.
    """
    try:
        done, data = cv2.imencode(path.suffix or ".?", image)
    except cv2.error:
        done = False
    if not done:
        raise UsageError(f"{path}: cannot write {path.suffix or 'a name without suffix'}; use .jpg or .png")
    write_bytes(path, data.tobytes())
