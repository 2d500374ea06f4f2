"""Photographs are found by their names and their content, and what is left out is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.files.finding import NO_PHOTOGRAPH, TOO_LONG, expand, find_images

JPEG = b"\xff\xd8\xff\xe0 and so on"


def write(folder: Path, *names: str, content: bytes = b"") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def found_in(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The photographs of a folder, and why the other files are left out, by their paths in the folder."""
    others: dict[str, str] = {}

    def leave_out(path: Path, reason: str) -> None:
        others[path.relative_to(folder).as_posix()] = reason

    return [path.relative_to(folder).as_posix() for path in find_images(folder, leave_out)], others


def test_any_depth_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.PNG", "a/2.jpeg", "a/1.tif", "a/deep/er/x.webp", "c/x.bmp", ".hidden.jpg", ".git/x.jpg")
    assert found_in(tmp_path) == (["b.PNG", "a/1.tif", "a/2.jpeg", "a/deep/er/x.webp", "c/x.bmp"], {})


def test_every_suffix_of_a_photograph(tmp_path: Path) -> None:
    names = [f"1.{suffix}" for suffix in ("HEIC", "avif", "gif", "heif", "hif", "jfif", "jpe")]
    write(tmp_path, *names)
    assert found_in(tmp_path) == (names, {})


def test_other_names_are_known_by_content_and_the_rest_is_told(tmp_path: Path) -> None:
    write(tmp_path, "Ada", "photo.jpg_large", "sub/photo.dat", content=JPEG)
    write(tmp_path, "notes.txt", "clip.mp4", "empty")
    write(tmp_path, "scan", "raw.nef", content=b"II*\0")  # a raw photograph begins as a TIFF does
    photographs, others = found_in(tmp_path)
    assert photographs == ["Ada", "photo.jpg_large", "scan", "sub/photo.dat"]
    assert others == dict.fromkeys(("clip.mp4", "empty", "notes.txt", "raw.nef"), NO_PHOTOGRAPH)


def test_what_systems_and_file_servers_leave_behind_is_not_looked_at(tmp_path: Path) -> None:
    folders = ["#recycle", "$RECYCLE.BIN", "@eaDir", "__MACOSX", "lost+found", ".Trash-1000"]
    write(tmp_path, "1.jpg", *(f"{folder}/1.jpg" for folder in folders), "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg")
    write(tmp_path, "Thumbs.db", "desktop.ini", "._1.jpg", ".DS_Store", content=JPEG)
    assert found_in(tmp_path) == (["1.jpg"], {})


def test_links_are_followed_and_no_folder_is_listed_twice(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/1.jpg", "elsewhere/deep/2.jpg", "Ada/3.jpg")
    ada = tmp_path / "Ada"
    (ada / "album").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (ada / "same").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "deep" / "round").symlink_to(ada, target_is_directory=True)
    (ada / "up").symlink_to("..", target_is_directory=True)
    (ada / "gone").symlink_to("nowhere", target_is_directory=True)
    photographs, others = found_in(ada)
    assert photographs == ["3.jpg", "album/1.jpg", "album/deep/2.jpg"]
    assert others == {"gone": NO_PHOTOGRAPH}


@pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders are POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert found_in(tmp_path) == ([], {"pipe": NO_PHOTOGRAPH})


@pytest.mark.skipif(sys.platform == "win32", reason="other limits")
def test_a_path_that_is_too_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4,096 bytes on Linux; only from within can such a folder be made."""
    write(tmp_path, "Ada/1.jpg", "Bob/1.jpg")
    monkeypatch.chdir(tmp_path / "Ada")
    for _ in range(25):
        Path("x" * 200).mkdir()
        os.chdir("x" * 200)
    Path("deep.jpg").touch()
    os.chdir(tmp_path)
    photographs, others = found_in(tmp_path)
    assert photographs == ["Ada/1.jpg", "Bob/1.jpg"]
    assert list(others.values()) == [TOO_LONG]


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "Ada/1.jpg")

    def refused(path: str) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError):
        list(find_images(tmp_path))


def test_files_as_they_are_and_folders_without_what_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "file.xyz", "folder/1.jpg", "folder/2.jpg", "folder/notes.txt", "none/notes.txt")
    others: list[Path] = []
    given = [tmp_path / "file.xyz", tmp_path / "folder"]
    photographs = expand(given, lambda path: path.stem == "2", lambda path, reason: others.append(path))
    assert list(photographs) == [tmp_path / "file.xyz", tmp_path / "folder" / "1.jpg"]
    assert others == [tmp_path / "folder" / "notes.txt"]
    for path, why in ((tmp_path / "none", "no photographs in this folder"), (tmp_path / "x", "no such file or folder")):
        with pytest.raises(UsageError, match=why):
            expand([path])
