"""Photographs of every kind are read alike; files are written whole or not at all."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import EpsImagePlugin
from PIL import Image as PillowImage

from faces.errors import FacesError, ImageError, UsageError
from faces.files.finding import LONGEST_SIGNATURE, suffix_of
from faces.files.reading import MAX_MEGAPIXELS
from faces.files.writing import check_writable, write_bytes
from faces.images import Picture, decode_image, read_image, write_image

RGB = (200, 100, 50)
WHITE = (255, 255, 255)
LUMA = 124  # of RGB, by Pillow
ORIENTATION = 0x0112


def encoded(picture: PillowImage.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def plain(mode: str = "RGB", wh: tuple[int, int] = (5, 3)) -> PillowImage.Image:
    return PillowImage.new("RGB", wh, RGB).convert(mode)


def clear(mode: str, alpha: int = 0) -> PillowImage.Image:
    """A picture that is transparent: it shows the white that lies behind it."""
    picture = plain(mode)
    picture.putalpha(alpha)
    return picture


@pytest.mark.parametrize(
    ("data", "bgr"),
    [
        (encoded(plain(), "PNG"), RGB[::-1]),
        (encoded(plain(), "BMP"), RGB[::-1]),
        (encoded(plain(), "WEBP", lossless=True), RGB[::-1]),
        (encoded(plain(), "TIFF", compression="tiff_lzw"), RGB[::-1]),
        (encoded(plain().quantize(2), "PNG"), RGB[::-1]),
        (encoded(plain().quantize(2), "PNG", transparency=0), WHITE),
        (encoded(plain(), "PNG", transparency=RGB), WHITE),
        (encoded(plain("L"), "PNG", transparency=LUMA), WHITE),
        (encoded(PillowImage.new("I;16", (5, 3), 25700), "PNG", transparency=25700), WHITE),
        (encoded(plain("CMYK"), "TIFF"), RGB[::-1]),
        (encoded(clear("RGBA"), "PNG"), WHITE),
        (encoded(clear("RGBA"), "WEBP", lossless=True, exact=True), WHITE),
        (encoded(clear("RGBA"), "TIFF"), WHITE),
        (encoded(clear("RGBA"), "AVIF"), WHITE),
        (encoded(clear("RGBA", 51), "PNG"), (214, 224, 244)),
        (encoded(plain("L"), "PNG"), (LUMA,) * 3),
        (encoded(clear("LA"), "PNG"), WHITE),
        (encoded(PillowImage.new("1", (5, 3), 1), "PNG"), (255,) * 3),
        (encoded(PillowImage.new("I;16", (5, 3), 25700), "PNG"), (100,) * 3),
        (encoded(PillowImage.new("F", (5, 3), 77.0), "TIFF"), (77,) * 3),
        (cv2.imencode(".png", np.full((3, 5, 3), 25700, np.uint16))[1].tobytes(), (100,) * 3),
        (encoded(plain(), "GIF", save_all=True, append_images=[PillowImage.new("RGB", (5, 3))]), RGB[::-1]),
    ],
    ids=[
        "png",
        "bmp",
        "webp",
        "tiff",
        "palette",
        "palette-alpha",
        "colour-alpha",
        "grey-level-alpha",
        "16-bit-alpha",
        "cmyk",
        "rgba",
        "webp-alpha",
        "tiff-alpha",
        "avif-alpha",
        "half-transparent",
        "grey",
        "grey-alpha",
        "bits",
        "16-bit",
        "float",
        "16-bit-rgb",
        "moving",
    ],
)
def test_every_kind_becomes_bgr_bytes(data: bytes, bgr: tuple[int, ...]) -> None:
    image = decode_image(data)
    assert image.shape == (3, 5, 3) and image.dtype == np.uint8
    assert np.array_equal(image, np.broadcast_to(np.array(bgr, np.uint8), (3, 5, 3)))


def test_tiff_of_16_bits(tmp_path: Path) -> None:
    path = tmp_path / "deep.tiff"
    cv2.imwrite(str(path), np.full((3, 5, 3), (2570, 5140, 25700), np.uint16))
    assert read_image(path)[0, 0].tolist() == [10, 20, 100]


@pytest.mark.skipif(
    not list(Path(PillowImage.__file__).parents[1].glob("pillow.libs/libtiff*")), reason="this Pillow brings no libtiff"
)
def test_libtiff_says_nothing_of_a_file_that_it_does_not_name(capfd: pytest.CaptureFixture[str]) -> None:
    noise = PillowImage.effect_noise((64, 64), 50)
    for compression in ("tiff_lzw", "jpeg"):
        data = bytearray(encoded(noise, "TIFF", compression=compression))
        data[700:740] = b"\xff" * 40
        with suppress(ImageError):
            decode_image(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_jpeg_colours_are_not_swapped() -> None:
    assert np.abs(decode_image(encoded(plain(wh=(16, 16)), "JPEG")).astype(int) - RGB[::-1]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture_upright(orientation: int) -> None:
    stored = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    exif = PillowImage.Exif()
    exif[ORIENTATION] = orientation
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]
    data = encoded(PillowImage.fromarray(stored), "PNG", exif=exif)
    assert np.array_equal(decode_image(data), upright[..., ::-1])


# -- HEIC and AVIF -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def heic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[PillowImage.Image], bytes]:
    """Return a function that encodes a picture as HEIC; Python's packages of that kind only decode."""
    if (program := shutil.which("heif-enc")) is None:
        pytest.skip("heif-enc is not installed (Debian: libheif-examples)")
    folder = tmp_path_factory.mktemp("heic")

    def encode(picture: PillowImage.Image) -> bytes:
        picture.save(folder / "picture.png")
        subprocess.run([program, "-q", "95", folder / "picture.png", "-o", folder / "picture.heic"], check=True)
        return (folder / "picture.heic").read_bytes()

    return encode


def turned_left(heic: bytes, times: int) -> bytes:
    """The file with the property by which telephones say how they were held: as many right angles to the left."""

    def grow(box: bytes, by: int) -> int:
        """Add to a box's stated size; return where it ends."""
        nonlocal heic
        start = heic.index(box) - 4
        size = int.from_bytes(heic[start : start + 4], "big")
        heic = heic[:start] + (size + by).to_bytes(4, "big") + heic[start + 4 :]
        return start + size

    content = heic.index(b"mdat") + 4
    end = grow(b"ipco", 9)  # the properties: a fourth one
    heic = heic[:end] + b"\0\0\0\x09irot" + bytes([times]) + heic[end:]
    end = grow(b"ipma", 1)  # whose properties they are: the picture's
    heic = heic[:end] + b"\x84" + heic[end:]
    count = heic.index(b"ipma") + 14
    heic = heic[:count] + bytes([heic[count] + 1]) + heic[count + 1 :]
    for box in (b"iprp", b"meta"):
        grow(box, 10)
    return heic.replace(content.to_bytes(4, "big"), (content + 10).to_bytes(4, "big"))


def two_colours() -> PillowImage.Image:
    """Red on the left, blue on the right, 128 x 64 px."""
    picture = PillowImage.new("RGB", (128, 64), (255, 0, 0))
    picture.paste((0, 0, 255), (64, 0, 128, 64))
    return picture


def test_heic_is_read_upright(heic: Callable[[PillowImage.Image], bytes]) -> None:
    data = heic(two_colours())
    assert suffix_of(data) == ".heic"
    for times, upright in enumerate((two_colours(), *(two_colours().rotate(90 * n, expand=True) for n in (1, 2, 3)))):
        expected = np.asarray(upright)[..., ::-1].astype(int)
        assert np.abs(decode_image(turned_left(data, times)) - expected).mean() < 5


def test_transparent_heic_lies_on_white(heic: Callable[[PillowImage.Image], bytes]) -> None:
    picture = two_colours()
    picture.putalpha(0)
    assert (decode_image(heic(picture)) == 255).all()


def test_a_heic_that_is_cut_off(heic: Callable[[PillowImage.Image], bytes]) -> None:
    data = heic(two_colours())
    for length in (100, len(data) // 2, len(data) - 20):
        with pytest.raises(ImageError, match="damaged or cut off"):
            decode_image(data[:length])


def test_avif_is_read_upright() -> None:
    exif = PillowImage.Exif()
    exif[ORIENTATION] = 6
    data = encoded(two_colours(), "AVIF", exif=exif, quality=95)
    assert suffix_of(data) == ".avif"
    expected = np.asarray(two_colours().rotate(-90, expand=True))[..., ::-1].astype(int)
    assert np.abs(decode_image(data) - expected).mean() < 5


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".bmp", ".webp", ".tif", ".avif"])
def test_files_are_known_by_their_first_bytes(suffix: str) -> None:
    kind = PillowImage.registered_extensions()[suffix]
    assert suffix_of(encoded(plain(), kind)[:LONGEST_SIGNATURE]) == suffix


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_spoils_no_sound_picture() -> None:
    data = encoded(plain(wh=(16, 16)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03")
    assert decode_image(data).shape == (16, 16, 3)


def huge_png() -> bytes:
    """The beginning of a PNG of 200 megapixels; nobody should read on."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return start + struct.pack(">I", 1000) + b"IDAT"


def wide_tiff() -> bytes:
    """A TIFF of a kind that Pillow does not know, which says to be of 2,097,152 px by 3."""
    data = cv2.imencode(".tiff", np.full((3, 5, 3), 77, np.int16))[1].tobytes()
    return data.replace(struct.pack("<HHII", 256, 3, 1, 5), struct.pack("<HHII", 256, 4, 1, 2**21))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"Dear photograph,\n", "not an image"),
        (encoded(plain(wh=(64, 64)), "JPEG")[:-100], "damaged or cut off"),
        (encoded(PillowImage.effect_noise((64, 64), 50), "PNG")[:-1000], "damaged or cut off"),
        (huge_png(), r"too large \(200 megapixels; at most 100\)"),
        (wide_tiff(), "not an image"),
    ],
    ids=["empty", "text", "cut-jpeg", "cut-png", "huge", "wide-tiff"],
)
def test_what_is_no_photograph(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=why) as caught:
        read_image(path)
    assert str(path) not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="the stub is a shell script")
@pytest.mark.parametrize("name", ["photo.jpg", "photo.eps"])
def test_no_other_program_is_run_on_a_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """PostScript is a program, and Pillow would have Ghostscript run it."""
    stub = tmp_path / "gs"
    stub.write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # where it was found before
    (tmp_path / name).write_bytes(encoded(plain(), "EPS"))
    with pytest.raises(ImageError, match=r"^not an image$"):
        read_image(tmp_path / name)
    assert not (tmp_path / "run").exists()


def test_two_pictures_in_one_jpeg_as_cameras_write_them() -> None:
    data = encoded(plain(wh=(16, 16)), "MPO", save_all=True, append_images=[PillowImage.new("RGB", (16, 16))])
    assert np.abs(decode_image(data).astype(int) - RGB[::-1]).max() <= 3


@pytest.mark.parametrize("error", [RuntimeError, TypeError, NotImplementedError, EOFError, MemoryError, IndexError])
def test_whatever_a_decoder_raises_is_a_damaged_picture(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(PillowImage, "open", fail)
    with pytest.raises(ImageError, match=error.__name__):
        decode_image(b"x")


@pytest.mark.parametrize(("name", "why"), [("none.jpg", "no such file"), ("folder", "is a directory")])
def test_what_is_no_file(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ImageError, match=why):
        read_image(tmp_path / name)


# -- no finer than needed ----------------------------------------------------------------------------------------------


def test_a_jpeg_is_decoded_as_finely_as_asked_and_no_finer() -> None:
    data = encoded(PillowImage.radial_gradient("L").resize((1203, 800)).convert("RGB"), "JPEG")
    whole = decode_image(data)
    for asked, given, shape in (
        (0.01, 1 / 8, (100, 151)),
        (1 / 8, 1 / 8, (100, 151)),
        (0.13, 1 / 4, (200, 301)),
        (1 / 2, 1 / 2, (400, 602)),
        (0.51, 1, (800, 1203)),
        (7, 1, (800, 1203)),
    ):
        picture = Picture(data)
        image, scale = picture.at_least(asked)
        assert (scale, image.shape) == (given, (*shape, 3))
        assert picture.sides == (800, 1203)
        smaller = cv2.resize(whole, shape[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(image.astype(int) - smaller).mean() < 2
    assert np.array_equal(image, whole)


def test_a_picture_is_decoded_again_only_where_it_must_be_finer() -> None:
    picture = Picture(encoded(plain(wh=(640, 480)), "JPEG"))
    small, _ = picture.at_least(0.25)
    assert picture.at_least(0.2)[0] is small
    whole, _ = picture.at_least(1)
    assert whole.shape == (480, 640, 3)
    assert picture.at_least(0.2) == (whole, 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP"])
def test_other_kinds_are_decoded_whole(kind: str) -> None:
    image, scale = Picture(encoded(plain(wh=(640, 480)), kind)).at_least(0.1)
    assert (image.shape, scale) == ((480, 640, 3), 1)


@pytest.mark.parametrize("wh", [(1, 1), (7, 3), (9, 1000)])
def test_scales_of_tiny_pictures_are_exact(wh: tuple[int, int]) -> None:
    for asked in (0.125, 0.25, 0.5):
        image, scale = Picture(encoded(plain(wh=wh), "JPEG")).at_least(asked)
        assert asked <= scale <= 1
        assert image.shape[1::-1] == tuple(-(-side // round(1 / scale)) for side in wh)


def test_smaller_pictures_are_upright_too() -> None:
    exif = PillowImage.Exif()
    exif[ORIENTATION] = 6
    stored = PillowImage.new("RGB", (640, 320), (255, 0, 0))
    stored.paste((0, 0, 255), (0, 0, 320, 320))
    image, scale = Picture(encoded(stored, "JPEG", exif=exif)).at_least(0.25)
    assert (image.shape, scale) == ((160, 80, 3), 0.25)
    assert image[40, 40].argmax() == 0  # blue above
    assert image[120, 40].argmax() == 2


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_smaller_grey_and_printed_pictures(mode: str) -> None:
    data = encoded(plain(mode, wh=(640, 320)), "JPEG")
    small, whole = Picture(data).at_least(0.125)[0], decode_image(data)
    assert small.shape == (40, 80, 3)
    assert np.abs(small[20, 40].astype(int) - whole[160, 320]).max() <= 2


def test_smaller_pictures_are_no_excuse_for_half_a_file() -> None:
    data = encoded(PillowImage.effect_noise((640, 480), 50).convert("RGB"), "JPEG")
    for share in (0.2, 0.5, 0.95):
        with pytest.raises(ImageError, match="damaged or cut off"):
            Picture(data[: int(len(data) * share)]).at_least(0.125)


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


def test_write_bytes_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer"
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


def test_pillows_own_limit_is_off() -> None:
    assert PillowImage.MAX_IMAGE_PIXELS is None
    assert MAX_MEGAPIXELS == 100
