"""What is wrong with what a user gives: one clear line on stderr, exit status 1 or 2, and nothing lost."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import os
import pickle
import re
import shutil
import signal
import struct
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from faces.extraction.results import TABLES
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from tests.conftest import Result, RunScript, command, contents, disk, environment, open_terminal, patience

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals, terminals and limits of POSIX")


def assert_refused(result: Result, *words: object, status: int = 1) -> None:
    """One line on stderr with the words that matter; whatever was found out before may be on stdout."""
    assert "Traceback" not in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("error: ")
    for word in words:
        assert str(word) in result.stderr
    assert result.returncode == status


def lasting(folder: Path) -> dict[str, bytes]:
    """Its contents but for what an extraction keeps for the next run: its lock, and what a stopped one had done."""
    return {name: data for name, data in contents(folder).items() if not name.endswith((".lock", ".checkpoint"))}


# The data set


def test_no_data_set(tmp_path: Path, run_here: RunScript) -> None:
    assert_refused(run_here("extract_embeddings.py", cwd=tmp_path), "dataset", "make it", status=2)
    assert contents(tmp_path) == {}


def test_an_empty_data_set(project: Path, run_here: RunScript) -> None:
    before = contents(project / "output")
    (project / "empty" / "Ada").mkdir(parents=True)
    for folder in ("empty", "empty/Ada"):
        result = run_here("extract_embeddings.py", "-i", folder, cwd=project)
        assert_refused(result, folder, "no photographs", "one folder per person", status=2)
    assert contents(project / "output") == before


def test_a_file_where_the_data_set_should_be(project: Path, run_here: RunScript) -> None:
    result = run_here("extract_embeddings.py", "-i", "sample/photo.jpg", cwd=project)
    assert_refused(result, "photo.jpg", "a file, not a folder", status=2)


def test_a_data_set_without_a_face(project: Path, run_script: RunScript) -> None:
    before = lasting(project / "output")
    (project / "walls" / "Ada").mkdir(parents=True)
    cv2.imwrite(str(project / "walls" / "Ada" / "wall.png"), np.full((200, 300, 3), 90, np.uint8))
    result = run_script("extract_embeddings.py", "-i", "walls", cwd=project)
    assert_refused(result, "no usable face", "is not written")
    assert "wall.png" in result.stdout
    after = lasting(project / "output")
    assert after.pop("skipped.csv") != before.pop("skipped.csv")  # about this run
    before.pop("duplicates.csv")
    assert after.pop("duplicates.csv") == b"\xef\xbb\xbfphotograph,other photograph,why\n"
    assert after == before


NFC, NFD = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("pair", [("Ada", "ada"), (NFC, NFD), ("STRASSE", "straße")], ids=["case", "form", "sharp s"])
def test_two_folders_of_one_name(project: Path, run_here: RunScript, pair: tuple[str, str]) -> None:
    before = contents(project / "output")
    for name in pair:
        (project / "twins" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(project / "sample" / "photo.jpg", project / "twins" / name)
    if len(list((project / "twins").iterdir())) == 1:
        pytest.skip("this file system takes the two names for one")
    result = run_here("extract_embeddings.py", "-i", "twins", cwd=project)
    assert_refused(result, "twins", *pair, "differ only in case or Unicode form", "rename one", status=2)
    assert contents(project / "output") == before


# Photographs


def png(path: Path, width: int, height: int) -> None:
    """A black PNG of one bit a pixel: a small file, whatever the size."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes((width + 7) // 8 + 1) * height, 1)),
        (b"IEND", b""),
    ]
    parts = [struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def save_readable(photo: PillowImage.Image, folder: Path) -> list[str]:
    """One photograph in every odd format that must work; the files' names."""
    lying = PillowImage.Exif()
    lying[0x0112] = 6  # the camera was turned: what is stored lies on its side
    on_its_side = photo.transpose(PillowImage.Transpose.ROTATE_90)
    grey16 = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    rgb16 = cv2.cvtColor(np.asarray(photo), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
    palette = photo.quantize(200)
    cut_out = photo.convert("RGBA")
    cut_out.putalpha(PillowImage.radial_gradient("L").resize(photo.size).point(lambda value: 255 - value // 2))
    moving: dict[str, Any] = {"save_all": True, "append_images": [photo.rotate(180), photo.rotate(90)], "duration": 100}

    PillowImage.fromarray(grey16).save(folder / "16bit_grey.png")
    cv2.imwrite(str(folder / "16bit.png"), rgb16)
    cv2.imwrite(str(folder / "16bit.tiff"), rgb16)
    photo.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    palette.save(folder / "palette.png")
    palette.save(folder / "palette_transparent.png", transparency=0)
    cut_out.save(folder / "transparent.png")
    photo.save(folder / "animated.webp", lossless=True, **moving)
    photo.save(folder / "animated.png", **moving)
    photo.convert("L").save(folder / "grey.JPEG", quality=95)
    photo.save(folder / "progressive.jpg", progressive=True, quality=95)
    on_its_side.save(folder / "turned.jpg", exif=lying, quality=95)
    on_its_side.save(folder / "turned.png", exif=lying)
    on_its_side.save(folder / "turned.webp", exif=lying, lossless=True)
    photo.save(folder / "really_a.png", "JPEG", quality=95)  # a suffix that is not true
    return sorted(path.name for path in folder.iterdir())


BROKEN = {
    "cut_off.jpg": "unreadable: damaged or cut off",
    "cut_off.png": "unreadable: damaged or cut off",
    "empty.jpg": "unreadable: empty file",
    "hidden.png": "no face",
    "huge.png": "unreadable: too large (200 megapixels; at most 100): save it smaller",
    "link.jpg": "unreadable: no such file or directory",
    "one_pixel.png": "no face",
    "text.jpg": "unreadable: not an image",
    "thin.png": "no face",
}


def save_broken(photo: PillowImage.Image, folder: Path) -> None:
    """The files of ``BROKEN``."""
    for suffix in ("jpg", "png"):
        photo.save(folder / f"cut_off.{suffix}")
        data = (folder / f"cut_off.{suffix}").read_bytes()
        (folder / f"cut_off.{suffix}").write_bytes(data[: len(data) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("Dear diary")
    (folder / "link.jpg").symlink_to("nowhere.jpg")
    hidden = photo.convert("RGBA")
    hidden.putalpha(0)
    hidden.save(folder / "hidden.png")  # somebody whom nobody sees who opens the photograph
    png(folder / "one_pixel.png", 1, 1)
    png(folder / "thin.png", 3000, 1)
    png(folder / "huge.png", 20_000, 10_000)


@dataclasses.dataclass
class Odd:
    """A data set of odd photographs, one person with those that work and one with those that do not."""

    folder: Path
    readable: list[str]
    extraction: Result
    recognition: Result

    @property
    def skipped(self) -> dict[str, str]:
        with (self.folder / "out" / "skipped.csv").open(encoding="utf-8-sig", newline="") as file:
            return {Path(row["photograph"]).name: row["reason"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def odd(trained: Path, tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> Odd:
    folder = tmp_path_factory.mktemp("odd")
    works, fails = folder / "photos" / "works", folder / "photos" / "fails"
    works.mkdir(parents=True)
    fails.mkdir()
    with PillowImage.open(trained / "sample" / "photo.jpg") as picture:
        photo = picture.convert("RGB")
    readable = save_readable(photo, works)
    save_broken(photo, fails)
    pickles = ("-r", trained / "output" / "recognizer.pickle", "-l", trained / "output" / "le.pickle")
    return Odd(
        folder,
        readable,
        run_script("extract_embeddings.py", "-i", "photos", "-e", "out/embeddings.pickle", cwd=folder),
        run_script("recognize_image.py", "-i", works, fails, "-o", "out", "--json", *pickles, cwd=folder),
    )


def test_odd_formats_are_enrolled(odd: Odd, trained: Path) -> None:
    assert odd.extraction.returncode == 0, odd.extraction.stderr
    assert odd.extraction.stderr == ""
    gallery = Gallery.load(odd.folder / "out" / "embeddings.pickle")
    assert sorted(Path(path).name for path in gallery.paths) == odd.readable
    # All are one photograph, upright: one face at one place. Grey ones and those of few colours are a little off.
    boxes = np.asarray(gallery.boxes)
    assert np.abs(boxes - np.median(boxes, axis=0)).max() < 0.3 * (boxes[:, 2] - boxes[:, 0]).min()
    apart = np.linalg.norm(gallery.embeddings - np.median(gallery.embeddings, axis=0), axis=1)
    assert dict(zip(gallery.paths, apart > 0.35, strict=True)) == dict.fromkeys(gallery.paths, False)


def test_odd_formats_are_recognized(odd: Odd, trained: Path) -> None:
    (photo,) = json.loads((trained / "sample" / "truth.json").read_text(encoding="utf-8"))["pictures"]["photo.jpg"]
    found = {Path(item["file"]).name: item["faces"] for item in map(json.loads, odd.recognition.stdout.splitlines())}
    assert {name: [face["name"] for face in found[name]] for name in odd.readable} == {
        name: [photo["name"]] for name in odd.readable
    }
    copies = {path.name for path in (odd.folder / "out").iterdir()}
    assert {f"{Path(name).stem}_annotated{Path(name).suffix}" for name in ("turned.webp", "16bit.tiff")} <= copies


@pytest.mark.parametrize(("name", "reason"), BROKEN.items(), ids=BROKEN)
def test_broken_photographs_are_left_out_with_the_reason(odd: Odd, name: str, reason: str) -> None:
    assert odd.skipped[name].startswith(reason)
    table = odd.extraction.stdout.partition("\n\n")[0]
    assert re.search(rf"{re.escape(name)} +{re.escape(odd.skipped[name])}$", table, re.MULTILINE)


def test_nothing_else_is_left_out(odd: Odd) -> None:
    assert sorted(odd.skipped) == sorted(BROKEN)


def test_broken_photographs_are_named_and_the_others_go_on(odd: Odd) -> None:
    assert odd.recognition.returncode == 1
    unreadable = {name for name, reason in BROKEN.items() if reason.startswith("unreadable")}
    lines = odd.recognition.stderr.splitlines()
    *errors, warning = lines
    assert warning.startswith("warning: in the largest photograph faces below ")
    assert all(line.startswith("error: ") for line in errors)
    assert {Path(line.removeprefix("error: ").split(": ")[0]).name for line in errors} == unreadable
    found = {Path(item["file"]).name: item["faces"] for item in map(json.loads, odd.recognition.stdout.splitlines())}
    assert found["one_pixel.png"] == found["thin.png"] == []


@pytest.mark.parametrize(
    ("image", "words"),
    [("nobody.jpg", "no such file or folder"), ("nothing", "no photographs in this folder"), ("x" * 300, "too long")],
    ids=["missing", "empty folder", "name too long"],
)
def test_photographs_that_are_not_there(project: Path, run_here: RunScript, image: str, words: str) -> None:
    (project / "nothing").mkdir()
    before = contents(project / "output")
    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", image, cwd=project)
    assert_refused(result, image, words, status=1 if words == "too long" else 2)
    assert contents(project / "output") == before


# Pickles


class Asks:
    """Pickles as a call of a function: what hostile files are made of."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.call = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.call


def hostile(kind: str, marker: Path) -> Any:
    """An object whose unpickling makes ``marker``, or takes bytes of the file for an object's address."""
    code = f"open({str(marker)!r}, 'w').close()"
    if kind == "os.system":
        return Asks(os.system, f"touch '{marker}'")
    if kind == "builtins.eval":
        return Asks(eval, code)
    if kind == "builtins.getattr":
        return Asks(getattr, Path(marker), "touch")
    if kind == "numpy's own eval":
        from numpy.f2py.crackfortran import myeval

        return Asks(myeval, code)
    if kind == "numpy's own exec":
        from numpy.testing._private.utils import runstring

        return Asks(runstring, code, {})
    if kind == "numpy.load":
        (marker.parent / "inner.npy").write_bytes(b"")
        return Asks(np.load, str(marker.parent / "inner.npy"), None, True)
    if kind == "in an array":
        return np.array([Asks(os.system, f"touch '{marker}'")], dtype=object)
    if kind == "forged addresses":
        return Asks(np.ndarray, (1,), "O", b"A" * 8)
    assert kind == "forged addresses in a field"
    reads = np.zeros(1).__reduce_ex__(5)[0]  # numpy's _frombuffer
    dtype = Asks(np.dtype, "V8", False, True, state=(3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0))
    return Asks(reads, b"A" * 8, dtype, (1,), "C")


HOSTILE = (
    "os.system",
    "builtins.eval",
    "builtins.getattr",
    "numpy's own eval",
    "numpy's own exec",
    "numpy.load",
    "in an array",
    "forged addresses",
    "forged addresses in a field",
)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_embeddings_are_refused_and_not_run(project: Path, run_script: RunScript, kind: str) -> None:
    before = contents(project / "output")
    marker = project / "was run"
    content = {"embeddings": [np.ones(128, np.float32)], "names": hostile(kind, marker)}
    (project / "hostile.pickle").write_bytes(pickle.dumps(content))
    result = run_script("train_model.py", "-e", "hostile.pickle", cwd=project)
    assert_refused(result, "hostile.pickle", "run: faces extract")
    assert not marker.exists()
    assert contents(project / "output") == before


@pytest.mark.parametrize("option", ["--recognizer", "--le"])
def test_a_hostile_recognizer_is_refused_and_not_run(project: Path, run_script: RunScript, option: str) -> None:
    marker = project / "was run"
    (project / "hostile.pickle").write_bytes(pickle.dumps(hostile("os.system", marker)))
    result = run_script("recognize_image.py", "-i", "sample/photo.jpg", option, "hostile.pickle", cwd=project)
    assert_refused(result, "hostile.pickle", "system", "refused", "run: faces train")
    assert not marker.exists()


NOT_EMBEDDINGS: dict[str, bytes] = {
    "text": b"These are no embeddings.\n",
    "empty": b"",
    "a list": pickle.dumps([1, 2, 3]),
    "other keys": pickle.dumps({"vectors": [], "names": []}),
    "lengths that differ": pickle.dumps({"embeddings": [np.ones(128)], "names": ["Ada", "Bob"]}),
    "of several lengths": pickle.dumps({"embeddings": [np.ones(128), np.ones(64)], "names": ["Ada", "Bob"]}),
    "not finite": pickle.dumps({"embeddings": [np.full(128, np.nan)], "names": ["Ada"]}),
    "nobody": pickle.dumps({"embeddings": [], "names": []}),
}


@pytest.mark.parametrize("kind", [*NOT_EMBEDDINGS, "cut off", "a folder", "missing"])
def test_what_are_no_embeddings(project: Path, run_here: RunScript, kind: str) -> None:
    before = contents(project / "output")
    path = project / "bad.pickle"
    if kind in NOT_EMBEDDINGS:
        path.write_bytes(NOT_EMBEDDINGS[kind])
    elif kind == "cut off":
        data = (project / "output" / "embeddings.pickle").read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif kind == "a folder":
        path.mkdir()
    result = run_here("train_model.py", "-e", path, cwd=project)
    assert_refused(result, "run: faces extract", *(["bad.pickle"] if kind != "nobody" else []))
    assert contents(project / "output") == before


@pytest.mark.parametrize("part", ["detector", "aligner", "embedder"])
def test_a_recognizer_from_other_models(project: Path, run_here: RunScript, part: str) -> None:
    gallery = Gallery.load(project / "output" / "embeddings.pickle")
    assert gallery.fingerprint is not None
    other = dataclasses.replace(getattr(gallery.fingerprint, part), sha256="0" * 64)
    gallery = dataclasses.replace(gallery, fingerprint=dataclasses.replace(gallery.fingerprint, **{part: other}))
    gallery.save(project / "output" / "embeddings.pickle")
    recognizer = FaceRecognizer(threshold=0.4).fit(gallery)
    recognizer_files.save(recognizer, project / "output" / "recognizer.pickle", project / "output" / "le.pickle")
    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", cwd=project)
    assert_refused(result, part, "recognizer", "run extract_embeddings.py and train_model.py again")
    assert result.stdout == ""


def test_a_recognizer_of_embeddings_of_another_length(project: Path, run_here: RunScript) -> None:
    """A recipe's embeddings name no models, so that only their length can tell."""
    rng = np.random.default_rng(0)
    content = {"embeddings": list(rng.normal(size=(6, 64))), "names": ["Ada"] * 3 + ["Bob"] * 3}
    (project / "recipe.pickle").write_bytes(pickle.dumps(content))
    trained = run_here("train_model.py", "-e", "recipe.pickle", "--threshold", 0.5, cwd=project)
    assert trained.returncode == 0, trained.stderr
    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", cwd=project)
    warning, result.stderr = result.stderr.split("\n", 1)
    assert warning.startswith("warning: ") and "does not say which models" in warning
    assert_refused(result, "64", "128", "run extract_embeddings.py and train_model.py again")


def test_a_recognizer_and_labels_that_do_not_belong_together(project: Path, run_here: RunScript) -> None:
    gallery = Gallery.load(project / "output" / "embeddings.pickle")
    others = dataclasses.replace(gallery, names=tuple(f"{name} II" for name in gallery.names))
    fewer = dataclasses.replace(gallery, names=("Ada",) * len(gallery))
    for people in (others, fewer):
        recognizer_files.save(FaceRecognizer().fit(people), project / "other.pickle", project / "names.pickle")
        for script, source in (("recognize_image.py", "-i"), ("recognize_video.py", "-s")):
            file = "sample/photo.jpg" if source == "-i" else "sample/video.mp4"
            result = run_here(script, source, file, "-l", "names.pickle", cwd=project)
            assert_refused(result, "--recognizer, --le", "do not belong together", "run: faces train")
            assert result.stdout == ""


@pytest.mark.parametrize(
    "options",
    [
        ("-r", "output/le.pickle", "-l", "output/recognizer.pickle"),
        ("-r", "output/le.pickle"),
        ("-r", "output/embeddings.pickle"),
        ("-l", "output/embeddings.pickle"),
        ("-r", "missing.pickle"),
        ("-l", "missing.pickle"),
        ("-r", "unfitted.pickle"),
    ],
    ids=" ".join,
)
def test_pickles_mixed_up(project: Path, run_here: RunScript, options: tuple[str, ...]) -> None:
    (project / "unfitted.pickle").write_bytes(pickle.dumps(FaceRecognizer()))
    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", *options, cwd=project)
    assert_refused(result, "run: faces train")
    assert any(path in result.stderr for path in options)


# Places that cannot be written

EXTRACT, TRAIN = ("extract_embeddings.py",), ("train_model.py",)
IMAGE = ("recognize_image.py", "-i", "sample/photo.jpg", "-o", "output")
VIDEO = ("recognize_video.py", "-s", "sample/video.mp4", "--no-display", "--max-frames", "5")


@pytest.mark.parametrize(
    ("line", "option", "name"),
    [
        (EXTRACT, "-e", "x.pickle"),
        (TRAIN, "-r", "x.pickle"),
        (TRAIN, "-l", "x.pickle"),
        (IMAGE, "-o", "folder"),
        (VIDEO, "-o", "x.mp4"),
    ],
    ids=["embeddings", "recognizer", "le", "copies", "video"],
)
@pytest.mark.parametrize("place", ["below a file", "a folder"])
def test_an_output_that_cannot_be_written(
    project: Path, run_here: RunScript, line: tuple[str, ...], option: str, name: str, place: str
) -> None:
    path = project / "output" / name
    if place == "below a file":
        (project / "output" / "file").write_text("precious")
        path = project / "output" / "file" / name
    elif line is IMAGE:
        (path / "photo_annotated.jpg").mkdir(parents=True)
    else:
        path.mkdir()
    before = contents(project / "output")
    result = run_here(*line, option, path, cwd=project)
    assert_refused(result, "cannot write", path)
    assert contents(project / "output") == before
    if line is not IMAGE:
        assert result.stdout == ""  # known before the work, not after it


def test_a_list_of_the_skipped_that_cannot_be_written(project: Path, run_here: RunScript) -> None:
    (project / "output" / "skipped.csv").unlink()
    (project / "output" / "skipped.csv").mkdir()
    before = contents(project / "output")
    assert_refused(run_here(*EXTRACT, cwd=project), "cannot write", "skipped.csv")
    assert contents(project / "output") == before


@posix
def test_a_pipe_or_device_is_not_replaced_by_a_file(project: Path, run_here: RunScript) -> None:
    """For root, to whom /dev/null is a file that can be renamed over."""
    os.mkfifo(project / "pipe")
    assert_refused(run_here(*TRAIN, "-l", "pipe", cwd=project), "cannot write", "pipe", "not a file")
    assert (project / "pipe").is_fifo()


def test_a_video_of_a_kind_that_cannot_be_written(project: Path, run_here: RunScript) -> None:
    assert_refused(run_here(*VIDEO, "-o", "film.gif", cwd=project), "film.gif", "use .mp4")


def test_a_cache_that_cannot_be_written(project: Path, run_script: RunScript) -> None:
    (project / "file").write_text("")
    result = run_script(*IMAGE, cwd=project, env={"FACES_HOME": str(project / "file" / "cache")})
    assert_refused(result, "FACES_HOME")


def no_room() -> None:
    """Files end after 4 kB, as on a disk that is full; in the process that is about to run."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@posix
@pytest.mark.parametrize(
    ("line", "output"),
    [
        (EXTRACT, "embeddings.pickle"),
        (TRAIN, "recognizer.pickle"),
        (IMAGE, "photo_annotated.jpg"),
        ((*VIDEO, "-o", "output/film.mp4"), "film.mp4"),
        ((*VIDEO, "-o", "output/film.avi"), "film.avi"),
    ],
    ids=["extract", "train", "image", "mp4", "avi"],
)
def test_a_disk_that_is_full_leaves_the_old_file(
    project: Path, run_script: RunScript, line: tuple[str, ...], output: str
) -> None:
    if not (project / "output" / output).exists():
        (project / "output" / output).write_text("what was there before")
    before = lasting(project / "output")
    assert_refused(run_script(*line, cwd=project, preexec_fn=no_room), "cannot write", output)
    assert lasting(project / "output") == before


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 kB."""
    with disk(tmp_path / "tiny", "64k") as folder:
        yield folder


@pytest.mark.parametrize("kind", ["pickle", "mp4"])
def test_a_disk_that_is_really_full(project: Path, run_script: RunScript, tiny_disk: Path, kind: str) -> None:
    (tiny_disk / "old.mp4").write_bytes(b"old")
    (tiny_disk / "le.pickle").write_bytes(b"old")
    (tiny_disk / "filling").write_bytes(bytes(48 << 10))
    before = contents(tiny_disk)
    line = (*VIDEO, "-o", tiny_disk / "old.mp4") if kind == "mp4" else (*TRAIN, "-r", tiny_disk / "r.pickle")
    if kind == "pickle":
        (tiny_disk / "filling").write_bytes(bytes(56 << 10))
        before = contents(tiny_disk)
    assert_refused(run_script(*line, cwd=project), "cannot write", tiny_disk, "no space left")
    assert contents(tiny_disk) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", [TRAIN, IMAGE], ids=["train", "image"])
def test_results_that_cannot_be_printed(project: Path, line: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(*line), cwd=project, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert_refused(subprocess.CompletedProcess(done.args, done.returncode, "", done.stderr), "no space left")


# Interruptions

DIES = """
import os, runpy, signal, sys
left, sent = int(sys.argv[1]), getattr(signal, sys.argv[2])
def fsync(file):  # the content is in the temporary file, which has not its name yet: the worst moment
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), sent)
os.fsync = fsync
sys.argv = sys.argv[3:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def heed_interrupts() -> None:
    """In the process that is about to run: a shell's background jobs, of which tests may be one, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
@pytest.mark.parametrize(
    ("line", "written", "sent"),
    [
        ((*EXTRACT, "-i", "one"), TABLES, "SIGINT"),
        ((*EXTRACT, "-i", "one"), TABLES, "SIGKILL"),
        (TRAIN, (), "SIGKILL"),
        (TRAIN, (), "SIGINT"),
        (TRAIN, ("recognizer.pickle",), "SIGINT"),
        (TRAIN, ("recognizer.pickle", "le.pickle"), "SIGINT"),
        (IMAGE, (), "SIGINT"),
    ],
    ids=["embeddings", "embeddings, kill -9", "recognizer, kill -9", "recognizer", "le", "report", "copy"],
)
def test_stopped_in_the_middle_of_writing(
    project: Path, line: tuple[str, ...], written: tuple[str, ...], sent: str
) -> None:
    """While it writes the next file: the old ones stay whole, and Ctrl-C leaves not even a temporary one.

    It says which files, of those that are no lists, are new already.
    """
    (project / "one" / "Ada").mkdir(parents=True)
    shutil.copy(project / "sample" / "photo.jpg", project / "one" / "Ada")
    (project / "output" / "photo_annotated.jpg").write_text("an older copy")
    before = lasting(project / "output")
    script = command(*line)[1:]
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(len(written) + 1), sent, *script],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
        preexec_fn=heed_interrupts,
    )
    after = lasting(project / "output")
    after.pop(".embeddings.pickle.holder", None)
    for folder in (before, after):
        folder.update(dict.fromkeys(written, b""))
    assert {name: after[name] for name in before} == before
    if sent == "SIGINT":
        new = ", ".join(str(Path("output", name)) for name in written if name not in TABLES)
        left = f"new by then: {new}; everything else is unchanged" if new else "what was there before is unchanged"
        assert (done.returncode, done.stderr) == (130, f"stopped; {left}\n")
        assert set(after) == set(before)
    else:
        assert done.returncode == -signal.SIGKILL
        assert len(set(after) - set(before)) == 1  # the temporary file, hidden


def interrupt(
    line: list[str], project: Path, started: Callable[[int, subprocess.Popen[bytes]], object], sent: int
) -> tuple[int, bytes]:
    """Send a signal to a script's process group, as a terminal does, once it has ``started``: its status and stderr."""
    reader, terminal = open_terminal()
    with subprocess.Popen(
        line,
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    ) as process:
        os.close(terminal)
        started(reader, process)
        os.killpg(process.pid, sent)
        shown = b""
        try:
            while some := os.read(reader, 4096):
                shown += some
        except OSError:  # how Linux ends a terminal whose last writer has gone
            pass
        os.close(reader)
        assert process.stdout is not None
        process.stdout.read()
    return process.returncode, shown


def first_line(_: int, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    while b"," not in process.stdout.readline():
        pass
    process.stdout.readline()


def first_progress(reader: int, _: subprocess.Popen[bytes]) -> None:
    shown = b""
    while b"photo" not in shown:
        shown += os.read(reader, 4096)


@posix
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
@pytest.mark.parametrize("script", ["extract", "image", "video"])
def test_stopped_while_it_works(project: Path, script: str, sent: int) -> None:
    many = project / "many" / "Ada"
    many.mkdir(parents=True)
    for number in range(200):  # more than a second of work
        (many / f"{number:03}.jpg").symlink_to(project / "sample" / "photo.jpg")
    (project / "output" / "film.mp4").write_text("an older video")
    before = lasting(project / "output")
    lines: dict[str, tuple[list[str], Callable[[int, subprocess.Popen[bytes]], object]]] = {
        "extract": (command(*EXTRACT, "-i", "many"), first_progress),
        "image": (command(IMAGE[0], "-i", "many", "-o", "copies"), first_line),
        "video": (command(VIDEO[0], "-s", "sample/video.mp4", "-o", "output/film.mp4", "--no-display"), first_line),
    }
    status, shown = interrupt(lines[script][0], project, lines[script][1], sent)
    after = lasting(project / "output")
    assert b"Traceback" not in shown
    if sent == signal.SIGINT:
        assert status == 130
        assert b"stopped; what was there before is unchanged" in shown
        assert after == before
        assert not [name for name in lasting(project) if Path(name).name.startswith(".")]
    else:
        assert status == -signal.SIGKILL
        assert {name: after[name] for name in before} == before


# Videos and cameras


@pytest.mark.parametrize("camera", ["0", "77", "9" * 20])
def test_a_camera_that_is_not_there(project: Path, run_script: RunScript, camera: str) -> None:
    if Path("/dev/video0").exists() and camera == "0":
        pytest.skip("there is a camera")
    before = contents(project / "output")
    result = run_script("recognize_video.py", "-s", camera, "-o", "output/x.mp4", "--no-display", cwd=project)
    assert_refused(result, f"camera {camera} cannot be opened", "available cameras: ", "--source FILE")
    assert contents(project / "output") == before


def test_the_default_source_is_the_first_camera(project: Path, run_script: RunScript) -> None:
    if Path("/dev/video0").exists():
        pytest.skip("there is a camera")
    assert_refused(run_script("recognize_video.py", "--no-display", cwd=project), "camera 0", "available cameras: ")


@pytest.mark.parametrize("kind", ["missing", "a folder", "text", "cut off", "empty", "a stream"])
def test_what_is_no_video(project: Path, run_here: RunScript, kind: str) -> None:
    path = project / "bad.mp4"
    before = contents(project / "output")
    if kind == "a folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("Once upon a time\n" * 100)
    elif kind == "cut off":
        path.write_bytes((project / "sample" / "video.mp4").read_bytes()[:20_000])
    elif kind == "empty":
        path.write_bytes(b"")
    source = "http://127.0.0.1:9/bad.mp4" if kind == "a stream" else "bad.mp4"  # port 9: nobody answers
    result = run_here("recognize_video.py", "-s", source, "-o", "output/x.mp4", "--no-display", cwd=project)
    assert_refused(result, source)
    assert contents(project / "output") == before


@pytest.mark.parametrize("script", ["recognize_image", "recognize_video"])
def test_a_photograph_that_is_cut_off(project: Path, run_here: RunScript, script: str) -> None:
    (project / "cut.jpg").write_bytes((project / "sample" / "photo.jpg").read_bytes()[:20_000])
    line = ["-i", "cut.jpg"] if script == "recognize_image" else ["-s", "cut.jpg", "--no-display"]
    before = contents(project / "output")
    result = run_here(f"{script}.py", *line, cwd=project)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"error: cut\.jpg: damaged or cut off .*\n", result.stderr)
    assert contents(project / "output") == before


# Options and models


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("extract_embeddings", "-c 2"),
        ("extract_embeddings", "-c 0"),
        ("extract_embeddings", "--confidence nan"),
        ("extract_embeddings", "-c high"),
        ("extract_embeddings", "--photos x"),
        ("train_model", "--fpir 0"),
        ("train_model", "--fpir 1"),
        ("train_model", "--fpir -0.1"),
        ("train_model", "--threshold -1"),
        ("train_model", "--threshold 0"),
        ("train_model", "--threshold inf"),
        ("recognize_image", ""),
        ("recognize_image", "-i"),
        ("recognize_image", "-i a.jpg -c 2"),
        ("recognize_video", "--max-frames 0"),
        ("recognize_video", "--max-frames -3"),
        ("recognize_video", "--max-frames 1.5"),
        ("recognize_video", "-c 1"),
    ],
)
def test_options_out_of_range(capsys: pytest.CaptureFixture[str], script: str, options: str) -> None:
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(script).main(options.split())
    assert stop.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error: " in shown.err.splitlines()[-1]  # below the usage, as argparse does it


def test_an_option_out_of_range_as_a_user_sees_it(tmp_path: Path, run_script: RunScript) -> None:
    result = run_script("train_model.py", "--fpir", 0, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith("'0' is not a number between 0 and 1")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("line", [EXTRACT, IMAGE, VIDEO], ids=["extract", "image", "video"])
@pytest.mark.parametrize("option", ["--detector", "--embedding-model"])
def test_models_that_are_not_there(project: Path, run_here: RunScript, line: tuple[str, ...], option: str) -> None:
    before = contents(project / "output")
    result = run_here(*line, option, "nowhere.onnx", cwd=project)
    assert_refused(result, "nowhere.onnx", "run: faces download-models", f"leave out {option}")
    assert contents(project / "output") == before
