"""The data set: one folder of photographs per person, on a disk or at an address of fsspec's (``s3://``, ``gs://``)."""

from __future__ import annotations

import errno
import os
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from faces.errors import FacesError, UsageError, first_line
from faces.files.finding import SUFFIXES, find_images

REMOTE = "://"
SETTLED = 2  # seconds: a more recent file may change again without a new time stamp, whose resolution is coarse
MARKS = (
    "ETag",
    "etag",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)  # metadata of fsspec's file systems that changes with a file


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph in the data set.

    path: relative to the data set, with ``/``.
    person: name, in Unicode's composed form.
    size: bytes.
    stamp: changes when the file is written; with the same size and stamp, a file has the same content. Empty if this is
    unreliable.
    """

    path: str
    person: str
    size: int
    stamp: str


class Dataset(Protocol):
    """A source of photographs; it is sent to worker processes, so it must be picklable."""

    def listing(self) -> tuple[list[str], list[Photograph]]:
        """List the people, also those without a photograph, and the photographs, sorted by person and path.

        Raises UsageError if the data set is missing or empty, or if two names differ only in case or Unicode form: such
        a data set changes when it is copied to another system.
        """
        ...

    def read(self, path: str) -> bytes:
        """Read a photograph's file; raise OSError if that fails."""
        ...


def folder_of(path: Path, folders: Iterable[Path]) -> Path:
    """Return the folder of the person in a photograph.

    It is the subfolder of a data set that contains the photograph at any depth; otherwise the photograph's own folder.
    path: the photograph.
    folders: of data sets; the first that contains the photograph counts.
    """
    for folder in folders:
        if path.is_relative_to(folder) and len(parts := path.relative_to(folder).parts) > 1:
            return folder / parts[0]
    return path.parent


def open_dataset(place: str) -> Dataset:
    """Return the data set in a folder or at an address; raise FacesError if it cannot be read."""
    return RemoteDataset(place) if REMOTE in place else Folder(Path(place))


@dataclass(frozen=True)
class Folder:
    """A data set in a folder."""

    folder: Path

    def listing(self) -> tuple[list[str], list[Photograph]]:
        """List the people and the photographs; see ``Dataset.listing``."""
        if not self.folder.exists():
            raise UsageError(f"{self.folder}: no such folder; make it, with one folder of photographs per person in it")
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: a file, not a folder with one folder of photographs per person in it")
        people = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        names = _names(self.folder, (path.name for path in people))
        photographs, now = [], time.time_ns()
        for person in people:
            for path in find_images(person):
                try:
                    status = path.stat()
                    size, written = status.st_size, status.st_mtime_ns
                except OSError:  # it is gone, or is a broken link: reading it will fail
                    size, written = 0, now
                stamp = str(written) if written < now - SETTLED * 10**9 else ""
                photographs.append(
                    Photograph(path.relative_to(self.folder).as_posix(), names[person.name], size, stamp)
                )
        return _sorted(self.folder, names, photographs)

    def read(self, path: str) -> bytes:
        """Read a photograph's file; raise OSError if that fails."""
        file = self.folder / path
        if file.exists() and not file.is_file():  # a pipe would block
            raise OSError(errno.EINVAL, "not a file")
        return file.read_bytes()


@dataclass(frozen=True)
class RemoteDataset:
    """A data set at an address that fsspec supports."""

    url: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            import fsspec

            system, root = fsspec.url_to_fs(self.url)
        except ModuleNotFoundError as error:
            raise FacesError(f"{self.url}: {error}; run: pip install 'recognize-faces[cluster]'") from error
        except ImportError as error:  # fsspec's message names the missing package
            raise FacesError(f"{self.url}: {str(error).lower()}") from error
        except Exception as error:  # an unknown protocol, or a file system's own error
            raise UsageError(f"{self.url}: {first_line(error)}") from error
        return system, root.rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}  # connections are not pickled

    def listing(self) -> tuple[list[str], list[Photograph]]:
        """List the people and the photographs; see ``Dataset.listing``."""
        system, root = self._place
        try:
            system.invalidate_cache()  # otherwise new files are not seen
            files = system.find(root, detail=True)
            exists = bool(files) or system.exists(root)
        except Exception as error:  # file systems have their own errors
            raise FacesError(f"{self.url}: cannot be listed: {first_line(error)}") from error
        if not exists:
            raise UsageError(f"{self.url}: nothing there; put one folder of photographs per person below it")
        entries = [(PurePosixPath(path.removeprefix(root).lstrip("/")), about) for path, about in files.items()]
        visible = [(path, about) for path, about in entries if not any(part.startswith(".") for part in path.parts)]
        names = _names(self.url, {path.parts[0] for path, _ in visible if len(path.parts) > 1})
        photographs = []
        for path, about in visible:
            if len(path.parts) > 1 and path.suffix.lower() in SUFFIXES:
                photographs.append(
                    Photograph(path.as_posix(), names[path.parts[0]], about.get("size") or 0, _stamp(about))
                )
        return _sorted(self.url, names, photographs)

    def read(self, path: str) -> bytes:
        """Read a photograph's file; raise OSError if that fails."""
        system, root = self._place
        try:
            return bytes(system.cat_file(f"{root}/{path}"))
        except FileNotFoundError as error:  # its text is often only the path
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
        except OSError:
            raise
        except Exception as error:
            raise OSError(errno.EIO, first_line(error)) from error


def _stamp(about: dict[str, Any]) -> str:
    """Return the metadata of a file that changes when it is written; empty if there is none, or it is too recent."""
    for mark in MARKS:
        if value := about.get(mark):
            when = value.timestamp() if isinstance(value, datetime) else value
            recent = isinstance(when, (int, float)) and when > time.time() - SETTLED
            return "" if recent else str(value)
    return ""


def _names(place: object, folders: Iterable[str]) -> dict[str, str]:
    """Return the name of the person in each folder."""
    seen: dict[str, str] = {}
    names = {}
    for folder in sorted(folders):
        names[folder] = unicodedata.normalize("NFC", folder)
        other = seen.setdefault(unicodedata.normalize("NFKC", folder).casefold(), folder)
        if other != folder:
            raise UsageError(
                f"{place}: the folders {other!r} and {folder!r} differ only in case or Unicode form;"
                " rename one, or put their photographs together"
            )
    return names


def _sorted(place: object, names: dict[str, str], photographs: list[Photograph]) -> tuple[list[str], list[Photograph]]:
    if not photographs:
        raise UsageError(
            f"{place}: no photographs in it; expected one folder per person, such as {place}/Ada/1.jpg"
            f" ({', '.join(sorted(SUFFIXES))})"
        )
    return sorted(names.values()), sorted(photographs, key=lambda photograph: (photograph.person, photograph.path))
