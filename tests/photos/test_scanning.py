"""Scanning: only new content is looked at, and nothing that goes wrong loses what is known."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.extraction.workers import Results
from faces.files import locks
from faces.model_choice import Named
from faces.photos import answers, contents, groups
from faces.photos.library import Library
from faces.photos.records import RAW, READ, UNREADABLE, WAITING, Content, FoundFace
from faces.photos.regrouping import regroup
from faces.photos.scanning import listing
from faces.photos.scanning import scan as scanning
from faces.photos.scanning.listing import Scanned
from faces.photos.scanning.scan import _models, scan
from faces.types import Fingerprint
from tests.conftest import disk
from tests.photos.libraries import MODELS, person

Look = Callable[[str], Content]


def picture(seed: int) -> bytes:
    """A small JPEG that is no other."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def look(path: str) -> Content:
    """A face for every file: whose it is, its name begins with; ``bad`` cannot be read."""
    name = Path(path).name
    try:
        data = Path(path).read_bytes()
    except OSError:
        return Content("", "photo", reason="no such file or directory")
    sha256 = hashlib.sha256(data).hexdigest()
    if name.startswith("bad"):
        return Content(sha256, "photo", reason="damaged or cut off")
    shade = int(sha256[:4], 16)
    embedding = person(ord(name[0]), shade % 50 + 1)[-1]
    face = FoundFace(np.array([1, 1, 90, 90], np.float32), 0.9, None, embedding, 0.9)
    return Content(sha256, "photo", (100, 100), "", "", (face,))


class Local:
    """Workers in this process."""

    together, slots = 2, 1

    def __init__(self, task: Look, count: int) -> None:
        self.task = task
        self.seen: list[str] = []

    def submit(self, paths: Sequence[str]) -> Future[Results[Content]]:
        future: Future[Results[Content]] = Future()
        future.set_result((MODELS, [self.task(path) for path in paths]))
        return future

    def result(self, future: Future[Results[Content]]) -> Results[Content]:
        return future.result()

    def close(self) -> None: ...


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at; files are old enough not to be written to at this moment."""
    names: list[str] = []

    def task(models: Any) -> Look:
        def and_remember(path: str) -> Content:
            names.append(Path(path).name)
            return look(path)

        return and_remember

    def models(library: Library, *_: object) -> tuple[None, object]:
        library.set_models(MODELS, "")
        return None, MODELS

    monkeypatch.setattr(scanning, "Look", task)
    monkeypatch.setattr(scanning, "Processes", Local)
    monkeypatch.setattr(scanning, "_models", models)
    monkeypatch.setattr(listing, "SETTLED", -1)
    return names


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "2019").mkdir(parents=True)
    for number, name in enumerate(("a1.jpg", "a2.jpg", "2019/a3.heic", "b1.png", "2019/b2.webp")):
        (folder / name).write_bytes(picture(number))
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "output" / "photos.sqlite", create=True) as library:
        yield library


def states(library: Library) -> dict[str, str]:
    return {file.path.name: file.state for file in contents.files(library)}


def test_only_new_content_is_looked_at(library: Library, album: Path, looked: list[str]) -> None:
    assert scan(library, album) == Scanned(new=5, faces=5)
    assert sorted(looked) == ["a1.jpg", "a2.jpg", "a3.heic", "b1.png", "b2.webp"]
    looked.clear()
    (album / "a4.jpg").write_bytes(picture(9))
    assert scan(library, album) == Scanned(new=1, known=5, faces=1)
    assert looked == ["a4.jpg"]


def test_what_is_moved_copied_or_touched_is_known_by_its_content(
    library: Library, album: Path, looked: list[str]
) -> None:
    scan(library, album)
    looked.clear()
    faces = {face.path.name: face.id for face in contents.faces(library)}
    (album / "a1.jpg").rename(album / "2019" / "moved.jpg")
    shutil.copy(album / "a2.jpg", album / "copy.jpg")
    os.utime(album / "b1.png", (1, 1))
    assert scan(library, album) == Scanned(known=6, gone=1)
    assert looked == []
    after = {face.path.name: face.id for face in contents.faces(library)}
    assert after["moved.jpg"] == faces["a1.jpg"] and after["copy.jpg"] == after["a2.jpg"] == faces["a2.jpg"]


def test_what_is_gone_is_forgotten_but_answers_stay(library: Library, album: Path, looked: list[str]) -> None:
    scan(library, album)
    regroup(library)
    (ada,) = (face.id for face in contents.faces(library) if face.path.name == "a1.jpg")
    answers.name(library, [ada], "Ada")
    data = (album / "a1.jpg").read_bytes()
    (album / "a1.jpg").unlink()
    assert scan(library, album) == Scanned(known=4, gone=1)
    assert library.query("SELECT count(*) FROM faces")[0][0] == 4
    (album / "again.jpg").write_bytes(data)
    scan(library, album)
    regroup(library)
    assert groups.people(library)["Ada"] >= 1


def test_an_edited_photograph_keeps_its_answers(library: Library, album: Path, looked: list[str]) -> None:
    scan(library, album)
    (ada,) = (face.id for face in contents.faces(library) if face.path.name == "a1.jpg")
    answers.not_person(library, [ada], "Ada")
    data = (album / "a1.jpg").read_bytes()
    embedding = contents.embeddings(library, [ada])[0]
    (album / "a1.jpg").write_bytes(data + b"edited")
    face = FoundFace(np.array([50, 1, 99, 90], np.float32), 0.9, None, embedding, 0.9)
    edited = Content("f" * 64, "photo", (100, 100), "", "", (face,))
    with library.write():
        scanning._keep_one(library, album / "a1.jpg", edited, Scanned())
    (said,) = answers.answers(library)
    assert said.faces == tuple(found.id for found in contents.faces(library, path=album / "a1.jpg")) != (ada,)


def test_other_files_are_counted_and_raw_ones_listed(library: Library, album: Path, looked: list[str]) -> None:
    (album / "notes.txt").write_text("no photograph")
    (album / "IMG_1.CR2").write_bytes(b"II*\0raw")
    (album / "film.MP4").write_bytes(b"film")
    assert scan(library, album) == Scanned(new=6, faces=6, raw=1, others=1)
    assert states(library)["IMG_1.CR2"] == RAW and states(library)["film.MP4"] == READ
    assert looked[-1] == "film.MP4"  # photographs first
    assert scan(library, album).raw == 1


def test_what_cannot_be_read_is_named_with_the_reason_and_tried_again(
    library: Library, album: Path, looked: list[str]
) -> None:
    (album / "bad.jpg").write_bytes(picture(7))
    scanned = scan(library, album)
    assert scanned.unreadable == [(album / "bad.jpg", "damaged or cut off")] and scanned.new == 6
    assert states(library)["bad.jpg"] == UNREADABLE
    looked.clear()
    scan(library, album)
    assert looked == ["bad.jpg"]


def test_a_folder_that_cannot_be_listed_is_named_and_its_files_stay(
    library: Library, album: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(library, album)
    listed = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(path).name == "2019":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (album / "a1.jpg").unlink()
    scanned = scan(library, album)
    assert scanned == Scanned(known=2, gone=1, unlisted=[(album / "2019", "permission denied")])
    assert len(states(library)) == 4


def test_a_file_that_vanishes_meanwhile_is_no_error(
    library: Library, album: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = listing.waiting

    def and_vanish(*args: Any) -> list[Path]:
        paths = list(waiting(*args))
        (album / "a1.jpg").unlink()
        return paths

    monkeypatch.setattr(scanning, "waiting", and_vanish)
    assert scan(library, album) == Scanned(new=4, faces=4, gone=1)
    assert "a1.jpg" not in states(library)


def test_an_empty_folder_is_taken_for_a_disk_that_is_not_there(
    library: Library, album: Path, looked: list[str]
) -> None:
    scan(library, album)
    shutil.rmtree(album)
    with pytest.raises(UsageError, match="no such folder"):
        scan(library, album)
    album.mkdir()
    with pytest.raises(FacesError, match="empty, but 5 of its files are in the library, which keeps them"):
        scan(library, album)
    assert len(states(library)) == 5


def test_a_folder_without_photographs(library: Library, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    with pytest.raises(UsageError, match="notes: no photographs or films in this folder"):
        scan(library, tmp_path / "notes")


def test_two_scans_at_once_are_refused_in_one_line(library: Library, album: Path, looked: list[str]) -> None:
    with locks.only_one(library.path), pytest.raises(FacesError, match=r"photos.sqlite: in use by .*; wait for it"):
        scan(library, album)
    assert scan(library, album).new == 5


@pytest.mark.parametrize("at", [0, 1, 3, 5])
def test_a_scan_that_is_stopped_continues_where_it_was(
    library: Library, album: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    kept = scanning._keep_one
    number = 0

    def stop(*args: Any) -> None:
        nonlocal number
        number += 1
        if number > at:
            raise KeyboardInterrupt
        kept(*args)

    monkeypatch.setattr(scanning, "SAVE_INTERVAL", -1)
    monkeypatch.setattr(scanning, "_keep_one", stop)
    if at < 5:
        with pytest.raises(KeyboardInterrupt):
            scan(library, album)
    assert list(states(library).values()).count(READ) == at * (at < 5)
    looked.clear()
    monkeypatch.setattr(scanning, "_keep_one", kept)
    scan(library, album)
    assert len(looked) == 5 - at * (at < 5)
    assert set(states(library).values()) == {READ}


def test_a_full_disk_keeps_what_was_done(
    album: Path, looked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (album / f"c{number}.jpg").write_bytes(picture(100 + number))
    monkeypatch.setattr(scanning, "SAVE_INTERVAL", -1)
    with disk(tmp_path / "disk", "1m") as place, Library(place / "photos.sqlite", create=True) as library:
        (place / "filler").write_bytes(bytes(400_000))
        with pytest.raises(FacesError, match=r"cannot write .*photos.sqlite"):
            scan(library, album)
        done = list(states(library).values()).count(READ)
        assert (done < 305 and WAITING in states(library).values()) or not states(library)
        (place / "filler").unlink()


def test_a_folder_of_many_files_is_listed_in_parts(
    library: Library, album: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "TOGETHER", 2)
    (album / "z.nef").write_bytes(b"II*\0raw")
    assert scan(library, album) == Scanned(new=5, faces=5, raw=1)
    assert scan(library, album / "2019") == Scanned(known=2)


def test_a_rebuild_looks_at_all_again_and_keeps_what_was_said(library: Library, album: Path, looked: list[str]) -> None:
    scan(library, album)
    faces = [face.id for face in contents.faces(library)]
    answers.name(library, faces[:2], "Ada")
    rebuilt(library)
    assert not list(contents.faces(library)) and set(states(library).values()) == {WAITING}
    looked.clear()
    scan(library, album)
    regroup(library)
    assert len(looked) == 5 and groups.people(library)["Ada"] >= 2


def test_faces_of_other_models_are_not_mixed(library: Library) -> None:
    library.set_models(MODELS, "")
    with pytest.raises(
        FacesError, match=r"made with the detector .*, but this run uses .*look at all again: --rebuild"
    ):
        _models(library, Named(), None, False, lambda line: None)
    library.set_models(rebuilt(library), "")
    with pytest.raises(FacesError, match="--rebuild"):
        _models(library, Named(accuracy="best"), None, False, lambda line: None)


def rebuilt(library: Library) -> Fingerprint:
    """Begin a rebuild, and return the models that it uses."""
    return _models(library, Named(), None, True, lambda line: None)[1]
