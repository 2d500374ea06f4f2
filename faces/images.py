"""Photographs: found, read upright as BGR, written whole or not at all."""

from __future__ import annotations

import io
import os
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from faces.errors import FacesError, ImageError, UsageError
from faces.types import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MAX_MEGAPIXELS = 100  # more is a mistake or an attack: 300 MB once decoded

PillowImage.MAX_IMAGE_PIXELS = None  # our own limit is checked before a pixel is decoded, and says what to do


@dataclass(frozen=True, slots=True)
class Person:
    """A folder of the data set: the person's name, in Unicode's composed form, and their photographs, sorted."""

    name: str
    photographs: tuple[Path, ...]


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
    if not data:
        raise ImageError("empty file")
    try:
        with PillowImage.open(io.BytesIO(data)) as picture:
            megapixels = picture.width * picture.height / 1e6
            if megapixels > MAX_MEGAPIXELS:
                raise ImageError(f"too large ({megapixels:.0f} megapixels; at most {MAX_MEGAPIXELS}): save it smaller")
            return _to_bgr(_upright(picture))
    except UnidentifiedImageError:
        return _decode_with_opencv(data)
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise all kinds on damaged data
        raise ImageError(f"damaged or cut off ({str(error).strip() or type(error).__name__})") from error


def _upright(picture: PillowImage.Image) -> PillowImage.Image:
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):  # damaged EXIF, sound picture
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


def _decode_with_opencv(data: bytes) -> Image:
    """What Pillow does not know, such as TIFF of three channels of 16 bits."""
    if data.startswith((b"II*\0", b"MM\0*")):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is not None:
            return np.asarray(image, np.uint8)
    raise ImageError("not an image")


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

    Makes missing folders. Raises FacesError when that cannot be done.
    """
    try:
        _make_room(path)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).chmod(mode)
                Path(file.name).replace(path)
            except BaseException:
                with suppress(OSError):  # of a full disk, which the rest of the data does not fit on either
                    file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FacesError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error


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
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder")
    if path.exists() and not path.is_file():
        raise FileExistsError(17, "is a device or a pipe, not a file")


def _umask() -> int:
    """What the user's own files are not given; reading it means setting it for a moment."""
    umask = os.umask(0)
    os.umask(umask)
    return umask


def find_images(folder: Path) -> Iterator[Path]:
    """The image files at any depth, in sorted order; hidden ones left out, links to folders not followed."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)


def find_people(dataset: Path) -> list[Person]:
    """The people of a data set, one folder each, in the order of their names; one without photographs is listed too.

    Raises UsageError when there is no such folder, or nobody in it, or two folders' names are the same but for case or
    Unicode form: such a data set changes when it is copied to another system.
    """
    if not dataset.exists():
        raise UsageError(f"{dataset}: no such folder; make it, with one folder of photographs per person in it")
    if not dataset.is_dir():
        raise UsageError(f"{dataset}: a file, not a folder with one folder of photographs per person in it")
    seen: dict[str, Path] = {}
    people = []
    for folder in sorted(dataset.iterdir()):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        name = unicodedata.normalize("NFC", folder.name)
        other = seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), folder)
        if other is not folder:
            raise UsageError(
                f"{dataset}: the folders {other.name!r} and {folder.name!r} differ only in case or Unicode form;"
                " rename one, or put their photographs together"
            )
        people.append(Person(name, tuple(find_images(folder))))
    if not any(person.photographs for person in people):
        raise UsageError(
            f"{dataset}: no photographs in it; expected one folder per person, such as {dataset}/Ada/1.jpg"
            f" ({', '.join(sorted(SUFFIXES))})"
        )
    return sorted(people, key=lambda person: person.name)
