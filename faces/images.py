"""Photographs: found, read upright as BGR, written whole or not at all."""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from faces.errors import FacesError, ImageError, UsageError
from faces.types import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")  # of Pillow's: another, EPS, runs Ghostscript on the file
REDUCTIONS = (8, 4, 2, 1)  # what a JPEG's blocks of 8 x 8 px can be decoded to fewer px by
OWNER_FILE, OWNER_FOLDER = 0o600, 0o700  # modes of what is made here: nobody else sees faces by default
MAX_MEGAPIXELS = 100  # more is a mistake or an attack: 300 MB once decoded

PillowImage.MAX_IMAGE_PIXELS = None  # our own limit is checked before a pixel is decoded, and says what to do


def read_image(path: Path) -> Image:
    """A photograph, as ``decode_image`` does.

    Raises ImageError whose text says why it cannot be used, without the path.
    """
    try:
        return decode_image(path.read_bytes())
    except OSError as error:
        raise ImageError((error.strerror or str(error)).lower()) from error


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


def write_bytes(path: Path, data: bytes) -> None:
    """Write through a temporary file beside ``path`` and rename it: a crash, or a full disk, leaves the old file.

    Makes missing folders. A new file is for its owner alone, under any umask; an old one keeps its mode.
    Raises FacesError when that cannot be done.
    """
    try:
        _make_room(path)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.close()
                put_in_place(Path(file.name), path)
            except BaseException:
                with suppress(OSError):  # of a full disk, which the rest of the data does not fit on either
                    file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FacesError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path``, with the access to the file that it replaces; a new one is for its owner alone.

    Raises OSError.
    """
    if path.exists():
        copy_access(path, temporary)
    else:
        temporary.chmod(OWNER_FILE)
    temporary.replace(path)


def copy_access(old: Path, new: Path) -> None:
    """Give ``new`` the mode and the group of ``old``. Raises OSError.

    Where the user may not give it the group, the group's rights are left out: they would be another group's.
    """
    status = old.stat()
    mode = stat.S_IMODE(status.st_mode)
    if new.stat().st_gid != status.st_gid:
        try:
            os.chown(new, -1, status.st_gid)
        except OSError:
            mode &= ~stat.S_IRWXG
    new.chmod(mode)


def owner_only(path: str, flags: int) -> int:
    """An opener for ``open``: a file that it makes is for its owner alone; one that is there keeps its mode."""
    return os.open(path, flags, OWNER_FILE)


def make_folder(path: Path, exist_ok: bool = True) -> None:
    """Make a folder, and all that are missing above it, for their owner alone; those that are there keep their modes.

    ``Path.mkdir(parents=True)`` gives its mode to the last folder only. Raises OSError as that does.
    """
    try:
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)


def check_writable(path: Path) -> None:
    """Raise FacesError when a file at ``path`` could not be written: better before the work than after it.

    Makes missing folders.
    """
    try:
        _make_room(path)
        NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()
    except OSError as error:
        raise FacesError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error


def _make_room(path: Path) -> None:
    """Make the folders above; raise OSError where a rename would replace what is no file: a folder, /dev/null."""
    make_folder(path.parent)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder")
    if path.exists() and not path.is_file():
        raise FileExistsError(17, "is a device or a pipe, not a file")


def find_images(folder: Path) -> Iterator[Path]:
    """The image files at any depth, in sorted order; hidden ones left out, links to folders not followed.

    Raises OSError for a folder that cannot be listed: what is in it is not gone.
    """
    for parent, folders, files in os.walk(folder, onerror=_raise_unless_gone):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)


def expand(paths: Sequence[Path], passed_over: Callable[[Path], bool] = lambda path: False) -> Iterator[Path]:
    """The photographs that files and folders stand for, found as they are asked for.

    passed_over: which of those in folders are left out. Raises UsageError, at once, for what is not there.
    """

    def found(folder: Path) -> Iterator[Path]:
        return (path for path in find_images(folder) if not passed_over(path))

    for path in paths:
        if path.is_dir():
            if next(found(path), None) is None:
                raise UsageError(f"{path}: no photographs in this folder")
        elif not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    return chain.from_iterable(found(path) if path.is_dir() else [path] for path in paths)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
