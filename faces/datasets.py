"""The data set: one folder of photographs per person, on a disk or wherever fsspec reaches (``s3://``, ``gs://``...)."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from faces.errors import FacesError, UsageError
from faces.images import SUFFIXES, find_images

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
                except OSError:  # it vanished, or is a link to nowhere: reading it will say so
                    status = os.stat_result([0] * 10)
                stamp = str(status.st_mtime_ns) if status.st_mtime_ns < now - SETTLED * 10**9 else ""
                relative = path.relative_to(self.folder).as_posix()
                found.append(Photograph(relative, names[person.name], status.st_size, stamp))
        return _sorted(self.folder, names, found)

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()


@dataclass(frozen=True)
class RemoteDataset:
    """A data set at an address of fsspec's."""

    url: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            import fsspec

            system, root = fsspec.url_to_fs(self.url)
        except ImportError as error:
            raise FacesError(
                f"{self.url}: {error}; run: pip install -r requirements-cluster.txt, and what fsspec needs for it"
            ) from error
        except ValueError as error:  # an unknown protocol
            raise UsageError(f"{self.url}: {error}") from error
        return system, root.rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}  # a connection stays where it is

    def listing(self) -> tuple[list[str], list[Photograph]]:
        system, root = self._place
        try:
            files = system.find(root, detail=True)
        except Exception as error:  # every file system of fsspec's has its own
            raise FacesError(f"{self.url}: cannot be listed: {str(error).strip() or type(error).__name__}") from error
        inside = [(PurePosixPath(path.removeprefix(root).lstrip("/")), about) for path, about in files.items()]
        shown = [(path, about) for path, about in inside if not any(part.startswith(".") for part in path.parts)]
        names = _names(self.url, {path.parts[0] for path, _ in shown if len(path.parts) > 1})
        found = []
        for path, about in shown:
            if len(path.parts) > 1 and path.suffix.lower() in SUFFIXES:
                stamp = next((str(about[mark]) for mark in MARKS if about.get(mark)), "")
                found.append(Photograph(path.as_posix(), names[path.parts[0]], int(about.get("size") or 0), stamp))
        return _sorted(self.url, names, found)

    def read(self, path: str) -> bytes:
        system, root = self._place
        try:
            return bytes(system.cat_file(f"{root}/{path}"))
        except OSError:
            raise
        except Exception as error:
            raise OSError(5, str(error).strip() or type(error).__name__) from error


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
