"""A data set at an address of fsspec's (``s3://``, ``gs://``)."""

from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from faces.datasets.listing import ASIDE, NO_PERSON, SETTLED, Listing, Photograph, listing_of, names_of
from faces.errors import FacesError, UsageError, first_line
from faces.files.finding import LONGEST_SIGNATURE, NO_PHOTOGRAPH, is_hidden, is_photograph

MARKS = (
    "ETag",
    "etag",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)  # metadata of fsspec's file systems that changes with a file
READERS = 8  # files whose beginnings are read in parallel


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

    def listing(self) -> Listing:
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
        visible = [(path, about) for path, about in entries if not any(map(is_hidden, path.parts))]
        names = names_of(self.url, {path.parts[0] for path, _ in visible if len(path.parts) > 1})
        systems = {path.parts[0] for path, _ in entries if len(path.parts) > 1 and is_hidden(path.parts[0])}
        left_out = [(name, NO_PERSON) for name in systems if not name.startswith(".")]
        with ThreadPoolExecutor(READERS) as readers:
            usable = list(readers.map(self._is_photograph, [path for path, _ in visible]))
        photographs = []
        for (path, about), is_usable in zip(visible, usable, strict=True):
            if len(path.parts) == 1:
                left_out += [(path.name, ASIDE)] if is_usable else []
            elif is_usable:
                person, size = names[path.parts[0]], about.get("size") or 0
                photographs.append(Photograph(path.as_posix(), person, size, _stamp(about)))
            else:
                left_out.append((path.as_posix(), NO_PHOTOGRAPH))
        return listing_of(self.url, names, photographs, left_out)

    def _is_photograph(self, path: PurePosixPath) -> bool:
        system, root = self._place
        try:
            return is_photograph(path, lambda: bytes(system.cat_file(f"{root}/{path}", start=0, end=LONGEST_SIGNATURE)))
        except Exception as error:  # file systems have their own errors
            raise FacesError(f"{self.url}/{path}: cannot be read: {first_line(error)}") from error

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
