"""The data set: one folder of photographs per person, on a disk or wherever fsspec reaches (``s3://``,
``gs://``...)."""

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
SETTLED = 2  # seconds: a file that was written later than so long ago may change again within its time's resolution
MARKS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")  # of fsspec's file systems


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file of the data set.

    path: below the data set, with ``/``. person: their name, in Unicode's composed form. size: bytes.
    stamp: when it was last written: with the same size and stamp, it has the same content. Empty: not to be trusted.
    """

    path: str
    person: str
    size: int
    stamp: str


class Dataset(Protocol):
    """Where photographs come from; goes to the workers, so it can be pickled."""

    def listing(self) -> tuple[list[str], list[Photograph]]:
        """The people, sorted, even without a photograph, and all photographs, in the order of people and paths.

        Raises UsageError when there is no such data set, or nobody in it, or two people's names are the same but for
        case or Unicode form: such a data set changes when it is copied to another system.
        """
        ...

    def read(self, path: str) -> bytes:
        """A photograph's file; raises OSError."""
        ...


def folder_of(path: Path, folders: Iterable[Path]) -> Path:
    """The folder of whoever a photograph shows: the first one below the data set in ``folders`` that it is in.

    At whatever depth it lies; outside of them, or in none below, it is the folder that it lies in.
    """
    for folder in folders:
        if path.is_relative_to(folder) and len(parts := path.relative_to(folder).parts) > 1:
            return folder / parts[0]
    return path.parent


def open_dataset(place: str) -> Dataset:
    """The data set in a folder or at an address; raises FacesError for one that nothing here can read."""
    return RemoteDataset(place) if REMOTE in place else Folder(Path(place))


@dataclass(frozen=True)
class Folder:
    """A data set on a disk, this machine's or a shared one."""

    folder: Path

    def listing(self) -> tuple[list[str], list[Photograph]]:
        if not self.folder.exists():
            raise UsageError(f"{self.folder}: no such folder; make it, with one folder of photographs per person in it")
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: a file, not a folder with one folder of photographs per person in it")
        people = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        names = _names(self.folder, (path.name for path in people))
        found, now = [], time.time_ns()
        for person in people:
            for path in find_images(person):
                try:
                    status = path.stat()
                    size, written = status.st_size, status.st_mtime_ns
                except OSError:  # it vanished, or is a link to nowhere: reading it will say so
                    size, written = 0, now
                stamp = str(written) if written < now - SETTLED * 10**9 else ""
                found.append(Photograph(path.relative_to(self.folder).as_posix(), names[person.name], size, stamp))
        return _sorted(self.folder, names, found)

    def read(self, path: str) -> bytes:
        file = self.folder / path
        if file.exists() and not file.is_file():  # a pipe, whose writer one would wait for
            raise OSError(errno.EINVAL, "not a file")
        return file.read_bytes()


@dataclass(frozen=True)
class RemoteDataset:
    """A data set at an address of fsspec's."""

    url: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            import fsspec

            system, root = fsspec.url_to_fs(self.url)
        except ModuleNotFoundError as error:
            raise FacesError(f"{self.url}: {error}; run: pip install -r requirements-cluster.txt") from error
        except ImportError as error:  # fsspec names the package that this protocol needs
            raise FacesError(f"{self.url}: {str(error).lower()}") from error
        except Exception as error:  # an unknown protocol, and every file system's own
            raise UsageError(f"{self.url}: {first_line(error)}") from error
        return system, root.rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}  # a connection stays where it is

    def listing(self) -> tuple[list[str], list[Photograph]]:
        system, root = self._place
        try:
            system.invalidate_cache()  # of an earlier listing: watching is to see what is new
            files = system.find(root, detail=True)
            there = bool(files) or system.exists(root)
        except Exception as error:  # every file system has its own
            raise FacesError(f"{self.url}: cannot be listed: {first_line(error)}") from error
        if not there:
            raise UsageError(f"{self.url}: nothing there; put one folder of photographs per person below it")
        inside = [(PurePosixPath(path.removeprefix(root).lstrip("/")), about) for path, about in files.items()]
        shown = [(path, about) for path, about in inside if not any(part.startswith(".") for part in path.parts)]
        names = _names(self.url, {path.parts[0] for path, _ in shown if len(path.parts) > 1})
        found = []
        for path, about in shown:
            if len(path.parts) > 1 and path.suffix.lower() in SUFFIXES:
                found.append(Photograph(path.as_posix(), names[path.parts[0]], about.get("size") or 0, _stamp(about)))
        return _sorted(self.url, names, found)

    def read(self, path: str) -> bytes:
        system, root = self._place
        try:
            return bytes(system.cat_file(f"{root}/{path}"))
        except FileNotFoundError as error:  # whose text is often the path alone
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
        except OSError:
            raise
        except Exception as error:
            raise OSError(errno.EIO, first_line(error)) from error


def _stamp(about: dict[str, Any]) -> str:
    """Of a file as its file system describes it: what changes with its content."""
    for mark in MARKS:
        if value := about.get(mark):
            when = value.timestamp() if isinstance(value, datetime) else value
            recent = isinstance(when, (int, float)) and when > time.time() - SETTLED
            return "" if recent else str(value)
    return ""


def _names(place: object, folders: Iterable[str]) -> dict[str, str]:
    """The person of each folder."""
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


def _sorted(place: object, names: dict[str, str], found: list[Photograph]) -> tuple[list[str], list[Photograph]]:
    if not found:
        raise UsageError(
            f"{place}: no photographs in it; expected one folder per person, such as {place}/Ada/1.jpg"
            f" ({', '.join(sorted(SUFFIXES))})"
        )
    return sorted(names.values()), sorted(found, key=lambda one: (one.person, one.path))
