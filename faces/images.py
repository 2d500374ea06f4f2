"""Decode photographs, upright and as BGR, and write images."""

from __future__ import annotations

import ctypes
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as PillowImage

from faces.errors import ImageError, ImageSizeError, UsageError, reason_of
from faces.files.finding import suffix_of
from faces.files.reading import MAX_MEGAPIXELS, read_file
from faces.files.writing import write_bytes
from faces.types import Image

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")  # not all of Pillow's: EPS would run Ghostscript
GROUND = 255  # the grey level behind transparent pictures: white, as on paper
REDUCTIONS = (8, 4, 2, 1)  # factors by which a JPEG can be decoded smaller

PillowImage.MAX_IMAGE_PIXELS = None  # MAX_MEGAPIXELS is checked instead, before decoding, with a better message


def read_image(path: Path) -> Image:
    """Read a photograph: uint8 (H, W, 3), BGR, upright.

    path: a file, as for ``decode_image``.
    Raises ImageError with the reason, without the path.
    """
    try:
        return decode_image(read_file(path))
    except OSError as error:
        raise ImageError(reason_of(error)) from error


def decode_image(data: bytes) -> Image:
    """Decode an image file: uint8 (H, W, 3), BGR, upright by its EXIF orientation.

    Only the first frame of an animation is decoded. A transparent picture is laid on white, so that what its
    transparency hides is never seen.
    data: the file's bytes.
    Raises ImageError with the reason.
    """
    return Picture(data).at_least(1)[0]


def taken_at(data: bytes) -> str:
    """Return when a photograph was taken, by its EXIF: ISO 8601, without a time zone; empty if it does not say."""
    with suppress(ImageError, ValueError, KeyError, TypeError, struct.error), _opened(data) as picture:
        exif = picture.getexif()
        text = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        return datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat()
    return ""


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
        with _opened(data) as picture:
            self.sides = min(picture.size), max(picture.size)
        megapixels = self.sides[0] * self.sides[1] / 1e6
        if megapixels > MAX_MEGAPIXELS:
            raise ImageSizeError(f"too large ({megapixels:.0f} megapixels; at most {MAX_MEGAPIXELS}): save it smaller")

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


class Header(NamedTuple):
    """What a file says of its picture, which is not decoded.

    width, height: px, as stored. orientation: of EXIF, 1 to 8: how it is turned for display.
    xmp: the metadata packet in it; empty if there is none.
    """

    width: int
    height: int
    orientation: int
    xmp: bytes


def read_header(data: bytes) -> Header:
    """Return what an image file says of its picture.

    data: the file's bytes.
    Raises ImageError with the reason.
    """
    with _opened(data) as picture:
        if picture.format == "PNG":
            picture.load()  # it may have metadata behind the picture
        width, height = picture.size
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
        if picture.format == "HEIF" and _turns(data):  # while it is read
            orientation = picture.info.get("original_orientation") or 1
            width, height = (height, width) if orientation > 4 else (width, height)
        xmp = picture.info.get("xmp") or b""
    return Header(width, height, orientation if orientation in range(1, 9) else 1, xmp)


def _turns(data: bytes) -> bool:
    """Return whether a HEIC file has a property that turns its picture; its EXIF orientation alone does not."""
    properties = data[: data.find(b"mdat")]
    return b"irot" in properties or b"imir" in properties


@contextmanager
def _opened(data: bytes) -> Iterator[PillowImage.Image]:
    """Open a file with Pillow; whatever its decoders raise becomes an ImageError."""
    try:
        PillowImage.preinit()  # the usual formats: otherwise ``open`` loads all plugins
        formats = (*FORMATS, _heif()) if data[4:8] == b"ftyp" else FORMATS
        if data.startswith((b"II", b"MM")):
            _silence_libtiff()
        with PillowImage.open(io.BytesIO(data), formats=formats) as picture:
            yield picture
    except UnidentifiedImageError as error:
        cut_off = data[4:8] == b"ftyp" and suffix_of(data)  # HEIC and AVIF: Pillow does not say
        raise ImageError("damaged or cut off" if cut_off else "not an image") from error
    except Exception as error:
        raise ImageError(f"damaged or cut off ({str(error).strip() or type(error).__name__})") from error


@cache
def _heif() -> str:
    """Let Pillow read HEIC and HEIF, and return the format's name."""
    from pi_heif import register_heif_opener  # late: few photographs need it

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return "HEIF"


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from writing to stderr what it dislikes of a file that it does not name; Pillow raises errors."""
    package = Path(PillowImage.__file__).parent
    for path in (*package.parent.glob("pillow.libs/libtiff[-.]*"), *package.glob(".dylibs/libtiff.*")):  # of wheels
        with suppress(OSError, AttributeError):  # of another build: it may write
            library = ctypes.CDLL(str(path))
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)


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
        grey[values == picture.info.get("transparency")] = GROUND
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.has_transparency_data:
        return on_ground(np.asarray(picture.convert("RGBA"))[:, :, [2, 1, 0, 3]])
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def on_ground(bgra: NDArray[np.uint8]) -> Image:
    """Lay a transparent picture, uint8 (H, W, 4), on a plain ground."""
    alpha = bgra[:, :, 3:].astype(np.uint16)
    return ((bgra[:, :, :3] * alpha + GROUND * (255 - alpha) + 127) // 255).astype(np.uint8)


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
