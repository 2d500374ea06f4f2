"""Keep a folder of drawn files: know whether it is complete, and never touch other files in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import cv2

from faces.errors import FacesError, reason_of
from faces.files import typed_json
from faces.files.writing import make_folder, owner_only
from faces.types import Image

MARKER = ".made_by_make_sample_dataset.json"
JPEG_QUALITY = 92
IGNORED = ("README.md", ".gitkeep")  # other files that a new folder may have


class _Marker(TypedDict, total=False):
    options: dict[str, int]
    complete: bool
    files: list[str]


class SampleFolder:
    """A folder of drawn files, with a marker file that lists them.

    path: the folder.
    options: of the drawing; other options make other files.
    """

    def __init__(self, path: Path, options: dict[str, int]) -> None:
        self.path = path
        self._options = options

    def is_complete(self) -> bool:
        """Whether a run with the same options completed the folder, and all its files are still there."""
        marker = self._read_marker()
        if marker is None or not marker.get("complete") or marker.get("options") != self._options:
            return False
        return all((self.path / file).is_file() for file in marker.get("files", []))

    def check_usable(self, force: bool) -> None:
        """Raise FacesError if the folder has files that no earlier run made, unless ``force`` is set."""
        if self.path.exists() and not self.path.is_dir():
            raise FacesError(f"{self.path} is a file, not a folder")
        if force or not self.path.exists() or self._read_marker() is not None:
            return
        if others := sorted(file.name for file in self.path.iterdir() if file.name not in IGNORED):
            raise FacesError(
                f"{self.path} has other files ({others[0]}); choose another folder, or --force to add to it"
            )

    def clear(self) -> None:
        """Delete the files of earlier runs, and no others."""
        marker = self._read_marker() or {}
        for name in marker.get("files", []):
            file = self.path / name
            if self.path.resolve() in file.resolve().parents and not file.is_dir():
                file.unlink(missing_ok=True)
                if file.parent != self.path and file.parent.is_dir() and not any(file.parent.iterdir()):
                    file.parent.rmdir()

    def mark(self, files: Sequence[str], complete: bool) -> None:
        """Write the marker file.

        files: the files to draw, relative to the folder.
        complete: whether all of them are drawn.
        """
        marker = {"options": self._options, "complete": complete, "files": list(files)}
        write_file(self.path / MARKER, json.dumps(marker, ensure_ascii=False, indent=1).encode())

    def _read_marker(self) -> _Marker | None:
        path = self.path / MARKER
        try:
            return typed_json.parse(path.read_bytes(), _Marker)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise FacesError(f"{path} is damaged; delete it, or the folder, and run again") from error


def write_jpeg(path: Path, image: Image) -> None:
    """Write a JPEG file, at any path that the system allows. Raises FacesError."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    write_file(path, data.tobytes())


def write_file(path: Path, data: bytes) -> None:
    """Write a file faster than ``faces.files.writing.write_bytes``: a partial one loses nothing, it is drawn again.

    Raises FacesError.
    """
    try:
        make_folder(path.parent)
        with open(path, "wb", opener=owner_only) as file:
            file.write(data)
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error
