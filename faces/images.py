"""Decode photographs, upright and as BGR, and write images."""

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

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")  # not all of Pillow's: EPS would run Ghostscript on the file
REDUCTIONS = (8, 4, 2, 1)  # factors by which a JPEG can be decoded smaller
MAX_MEGAPIXELS = 100  # 300 MB decoded; more is a mistake or an attack

PillowImage.MAX_IMAGE_PIXELS = None  # MAX_MEGAPIXELS is checked instead, before decoding, with a better message


def read_image(path: Path) -> Image:
    """Read a photograph: uint8 (H, W, 3), BGR, upright.

    path: a file, as for ``decode_image``.
    Raises ImageError with the reason, without the path.
    """
    try:
        return decode_image(path.read_bytes())
    except OSError as error:
        raise ImageError(reason_of(error)) from error


def decode_image(data: bytes) -> Image:
    """Decode an image file: uint8 (H, W, 3), BGR, upright by its EXIF orientation.

    Only the first frame of an animation is decoded; transparency is dropped.
    data: the file's bytes.
    Raises ImageError with the reason.
    """
    return Picture(data).at_least(1)[0]


class Picture:
    """An image file that is decoded only as finely as needed.

    data: the file's bytes.
    sides: the shorter and the longer side of the whole photograph, px.
    Raises ImageError with the reason if the file cannot be used.
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
        """Return a picture of a decoded photograph, uint8 (H, W, 3), BGR."""
        picture = cls.__new__(cls)
        picture._keep(image)
        return picture

    def _keep(self, image: Image) -> None:
        self._image, self._scale = image, 1.0
        self.sides = min(image.shape[:2]), max(image.shape[:2])

    def at_least(self, scale: float) -> tuple[Image, float]:
        """Return the image at this scale or the next finer one available, and its scale.

        A JPEG is available at 1/8, 1/4, 1/2 and 1, other formats at 1. The last decoded image is returned again if it
        is fine enough.
        scale: in (0, 1]; more counts as 1.
        Raises ImageError if the file is damaged.
        """
        scale = min(scale, 1.0)
        if self._image is None or self._scale < scale:
            with _opened(self._data) as picture:
                self._scale = _reduce(picture, scale)
                self._image = _to_bgr(_upright(picture))
        return self._image, self._scale


@contextmanager
def _opened(data: bytes) -> Iterator[PillowImage.Image]:
    """Open a file with Pillow; whatever its decoders raise becomes an ImageError."""
    try:
        PillowImage.preinit()  # the usual formats: otherwise ``open`` loads all plugins
        with PillowImage.open(io.BytesIO(data), formats=FORMATS) as picture:
            yield picture
    except UnidentifiedImageError as error:
        raise ImageError("not an image") from error
    except Exception as error:
        raise ImageError(f"damaged or cut off ({str(error).strip() or type(error).__name__})") from error


def _reduce(picture: PillowImage.Image, scale: float) -> float:
    """Let the decoder return a smaller image of at least this scale, if it can; return its scale."""
    factor = next(factor for factor in REDUCTIONS if scale <= 1 / factor)
    width, height = picture.size
    drafted = picture.draft(None, (max(width // factor, 1), max(height // factor, 1))) if factor > 1 else None
    return drafted[1][2] / width if drafted else 1.0


def _upright(picture: PillowImage.Image) -> PillowImage.Image:
    picture.load()
    with suppress(
        OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error
    ):  # damaged EXIF in an intact picture
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _to_bgr(picture: PillowImage.Image) -> Image:
    if picture.mode.startswith(("I", "F")):  # 16 bits and more: Pillow would clip, not scale
        values = np.asarray(picture).astype(np.float32)
        wide = picture.mode.startswith("I;16") or (picture.mode == "I" and values.max(initial=0) > 255)
        white = 65535 if wide else 255
        grey = (values * (255 / white)).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _deep_tiff(data: bytes) -> Image | None:
    """Decode a TIFF that Pillow cannot read, such as three channels of 16 bits; None if OpenCV cannot either."""
    if not data.startswith((b"II*\0", b"MM\0*")):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # an impossible size
        return None
    return None if image is None else np.asarray(image, np.uint8)


def write_image(path: Path, image: Image) -> None:
    """Write an image atomically, in the format of the path's suffix.

    image: uint8 (H, W, 3), BGR.
    Raises UsageError if the format is unknown, and FacesError if the file cannot be written.
    """
    try:
        encoded, data = cv2.imencode(path.suffix or ".?", image)
    except cv2.error:
        encoded = False
    if not encoded:
        raise UsageError(f"{path}: cannot write {path.suffix or 'a name without suffix'}; use .jpg or .png")
    write_bytes(path, data.tobytes())
