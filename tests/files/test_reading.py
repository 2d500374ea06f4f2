"""Only what may be a photograph is read: no pipe, no device, no file that is far too large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faces.datasets import Folder
from faces.errors import ImageError, reason_of
from faces.files.reading import MAX_BYTES, read_file
from faces.images import read_image

NO_FILE = "not a file but a pipe or a device"


@pytest.fixture
def odd(tmp_path: Path) -> dict[Path, str]:
    """What is no photograph by its kind or size, and why it is not read."""
    (folder := tmp_path / "Ada").mkdir()
    huge = folder / "huge.jpg"
    with huge.open("wb") as file:
        file.truncate(3 * 10**9)  # without taking the disk
    reasons = {huge: "too large (3000 megabytes; at most 800)"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.jpg")
        reasons[folder / "pipe.jpg"] = NO_FILE
    if Path("/dev/zero").exists():
        (folder / "endless.jpg").symlink_to("/dev/zero")
        reasons[folder / "endless.jpg"] = NO_FILE
    return reasons


def test_a_pipe_a_device_and_a_huge_file_are_not_read(odd: dict[Path, str]) -> None:
    for path, reason in odd.items():
        with pytest.raises(OSError) as caught:
            read_file(path)
        assert reason_of(caught.value) == reason


def test_they_are_no_photographs_to_recognize_and_none_to_enrol(odd: dict[Path, str], tmp_path: Path) -> None:
    for path, reason in odd.items():
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value) == reason
        with pytest.raises(OSError) as failed:
            Folder(tmp_path).read(f"Ada/{path.name}")
        assert reason_of(failed.value) == reason


def test_a_file_is_read_whole_and_a_link_to_it_too(tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "a.bin").write_bytes(data)
    (tmp_path / "link").symlink_to(tmp_path / "a.bin")
    assert read_file(tmp_path / "a.bin", len(data)) == read_file(tmp_path / "link") == data
    with pytest.raises(OSError, match="too large"):
        read_file(tmp_path / "a.bin", len(data) - 1)
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none")
    assert MAX_BYTES == 800_000_000
