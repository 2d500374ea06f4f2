"""Photographs of every kind are read alike; files are written whole or not at all; who is in a data set."""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from faces import images
from faces.errors import FacesError, ImageError, UsageError
from faces.images import check_writable, decode_image, find_images, find_people, read_image, write_bytes, write_image

RGB = (200, 100, 50)
LUMA = 124  # of RGB, by Pillow
ORIENTATION = 0x0112


def encoded(picture: PillowImage.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def plain(mode: str = "RGB", wh: tuple[int, int] = (5, 3)) -> PillowImage.Image:
    return PillowImage.new("RGB", wh, RGB).convert(mode)


def clear(mode: str) -> PillowImage.Image:
    """A picture that is fully transparent: its colours still count."""
    picture = plain(mode)
    picture.putalpha(0)
    return picture


@pytest.mark.parametrize(
    ("data", "bgr"),
    [
        (encoded(plain(), "PNG"), RGB[::-1]),
        (encoded(plain(), "BMP"), RGB[::-1]),
        (encoded(plain(), "WEBP", lossless=True), RGB[::-1]),
        (encoded(plain(), "TIFF", compression="tiff_lzw"), RGB[::-1]),
        (encoded(plain().quantize(2), "PNG"), RGB[::-1]),
        (encoded(plain().quantize(2), "PNG", transparency=0), RGB[::-1]),
        (encoded(plain("CMYK"), "TIFF"), RGB[::-1]),
        (encoded(clear("RGBA"), "PNG"), RGB[::-1]),
        (encoded(plain("L"), "PNG"), (LUMA,) * 3),
        (encoded(clear("LA"), "PNG"), (LUMA,) * 3),
        (encoded(PillowImage.new("1", (5, 3), 1), "PNG"), (255,) * 3),
        (encoded(PillowImage.new("I;16", (5, 3), 25700), "PNG"), (100,) * 3),
        (encoded(PillowImage.new("F", (5, 3), 77.0), "TIFF"), (77,) * 3),
        (cv2.imencode(".png", np.full((3, 5, 3), 25700, np.uint16))[1].tobytes(), (100,) * 3),
        (encoded(plain(), "GIF", save_all=True, append_images=[PillowImage.new("RGB", (5, 3))]), RGB[::-1]),
    ],
    ids=["png", "bmp", "webp", "tiff", "palette", "palette-alpha", "cmyk", "rgba", "grey", "grey-alpha", "bits",
         "16-bit", "float", "16-bit-rgb", "moving"],
)  # fmt: skip
def test_every_kind_becomes_bgr_bytes(data: bytes, bgr: tuple[int, ...]) -> None:
    image = decode_image(data)
    assert (image.shape, image.dtype) == ((3, 5, 3), np.uint8)
    assert np.array_equal(image, np.broadcast_to(np.array(bgr, np.uint8), (3, 5, 3)))


def test_tiff_that_only_opencv_knows(tmp_path: Path) -> None:
    path = tmp_path / "deep.tiff"
    cv2.imwrite(str(path), np.full((3, 5, 3), (2570, 5140, 25700), np.uint16))
    assert read_image(path)[0, 0].tolist() == [10, 20, 100]


def test_jpeg_colours_are_not_swapped() -> None:
    assert np.abs(decode_image(encoded(plain(wh=(16, 16)), "JPEG")).astype(int) - RGB[::-1]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture_upright(orientation: int) -> None:
    stored = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    exif = PillowImage.Exif()
    exif[ORIENTATION] = orientation
    upright = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.transpose(1, 0, 2), 6: np.rot90(stored, -1), 7: np.rot90(stored, 2).transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]  # fmt: skip
    data = encoded(PillowImage.fromarray(stored), "PNG", exif=exif)
    assert np.array_equal(decode_image(data), upright[..., ::-1])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_spoils_no_sound_picture() -> None:
    data = encoded(plain(wh=(16, 16)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03")
    assert decode_image(data).shape == (16, 16, 3)


def huge_png() -> bytes:
    """The beginning of a PNG of 200 megapixels; nobody should read on."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"Dear photograph,\n", "not an image"),
        (encoded(plain(wh=(64, 64)), "JPEG")[:-100], "damaged or cut off"),
        (encoded(PillowImage.effect_noise((64, 64), 50), "PNG")[:-1000], "damaged or cut off"),
        (huge_png(), r"too large \(200 megapixels; at most 100\)"),
    ],
    ids=["empty", "text", "cut-jpeg", "cut-png", "huge"],
)
def test_what_is_no_photograph(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=why) as caught:
        read_image(path)
    assert str(path) not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError, TypeError, NotImplementedError, EOFError, MemoryError, IndexError])
def test_whatever_a_decoder_raises_is_a_damaged_picture(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(PillowImage, "open", fail)
    with pytest.raises(ImageError, match=error.__name__):
        decode_image(b"x")


@pytest.mark.parametrize(("name", "why"), [("none.jpg", "no such file"), ("folder", "is a directory")])
def test_what_is_no_file(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ImageError, match=why):
        read_image(tmp_path / name)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_image_by_the_suffix(tmp_path: Path) -> None:
    image = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    write_image(tmp_path / "new" / "a.png", image)
    assert np.array_equal(read_image(tmp_path / "new" / "a.png"), image)
    for name in ("a.xyz", "a"):
        with pytest.raises(UsageError, match="cannot write"):
            write_image(tmp_path / name, image)
    assert names_in(tmp_path) == ["new"]


def test_write_bytes_makes_folders_and_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    umask = os.umask(0o027)
    try:
        write_bytes(path, b"new")
    finally:
        os.umask(umask)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o604)
    write_bytes(path, b"newer")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"newer", 0o604)
    assert names_in(path.parent) == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_failure_in_the_middle_leaves_the_old_file_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, old: bytes | None
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)

    def fail(_: int) -> None:
        assert len(names_in(tmp_path)) == (1 if old is None else 2)  # the temporary file is there now
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FacesError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write_bytes(path, b"new")
    if isinstance(error, OSError):
        assert str(caught.value) == f"cannot write {path}: no space left on device"
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == ([] if old is None else [(path, old)])


@pytest.mark.parametrize("write", [check_writable, lambda path: write_bytes(path, b"new")])
def test_places_that_cannot_be_written(tmp_path: Path, write: Any) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    for path, why in ((tmp_path / "file" / "below", ""), (tmp_path / "folder", "is a folder")):
        with pytest.raises(FacesError, match=f"cannot write {path}: {why}"):
            write(path)
    assert names_in(tmp_path) == ["file", "folder"]


def test_check_writable_leaves_nothing_but_folders(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "file")
    assert [path.name for path in tmp_path.rglob("*")] == ["new"]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_find_images_at_any_depth_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a/2.jpeg", "a/1.tif", "a/deep/er/x.webp", "c/x.bmp", "a/notes.txt", ".hidden.jpg",
          ".git/x.jpg", "a/noext")  # fmt: skip
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == ["b.PNG", "a/1.tif", "a/2.jpeg", "a/deep/er/x.webp", "c/x.bmp"]


def test_find_people_one_folder_each_sorted_and_composed(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë Lind")
    touch(tmp_path, "Bob/1.jpg", "Bob/album/2.jpg", "Ada/x.png", f"{decomposed}/1.jpg", "李/1.jpg")
    touch(tmp_path, "loose.jpg", ".x/1.jpg")
    (tmp_path / "Empty").mkdir()
    people = {person.name: len(person.photographs) for person in find_people(tmp_path)}
    assert list(people.items()) == [("Ada", 1), ("Bob", 2), ("Empty", 0), ("Zoë Lind", 1), ("李", 1)]


@pytest.mark.parametrize(
    "pair", [("Ada", "ada"), ("Zoë", unicodedata.normalize("NFD", "Zoë")), ("Straße", "STRASSE"), ("Ada", "Ａda")]
)
def test_two_folders_of_one_name(tmp_path: Path, pair: tuple[str, str]) -> None:
    touch(tmp_path, *(f"{name}/1.jpg" for name in pair))
    if len(names_in(tmp_path)) == 1:
        pytest.skip("this file system does not tell the two names apart")
    with pytest.raises(UsageError, match="differ only in case or Unicode form"):
        find_people(tmp_path)


@pytest.mark.parametrize(
    ("name", "why"), [("none", "no such folder"), ("file.jpg", "a file, not a folder"), ("empty", "no photographs")]
)
def test_no_data_set(tmp_path: Path, name: str, why: str) -> None:
    touch(tmp_path, "file.jpg", "empty/Ada/notes.txt")
    with pytest.raises(UsageError, match=why) as caught:
        find_people(tmp_path / name)
    assert caught.value.status == 2


def test_pillows_own_limit_is_off() -> None:
    assert PillowImage.MAX_IMAGE_PIXELS is None
    assert images.MAX_MEGAPIXELS == 100
