"""The manifest of a data set: every photograph, kept once however many runs looked at the same ones."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FacesError
from faces.files import typed_json
from faces.files.writing import write_bytes

FOLDER = "manifests"


@dataclass(frozen=True, slots=True)
class Manifest:
    """N photographs, as parallel arrays, in the order of their paths.

    paths, people: of each photograph; "" if erased.
    hashes: SHA-256 of the files.
    reasons: why a photograph was left out; "" for one that was used.
    Raises ValueError when the lengths differ.
    """

    paths: tuple[str, ...]
    people: tuple[str, ...]
    hashes: tuple[str, ...]
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in self.__slots__}) > 1:
            raise ValueError("the arrays of a manifest differ in length")

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def sorted(cls, rows: Iterable[tuple[str, str, str, str]]) -> Manifest:
        """Return the manifest of rows of path, person, SHA-256 and reason, in any order."""
        in_order = sorted(rows)
        return cls(*zip(*in_order, strict=True)) if in_order else cls((), (), (), ())

    @classmethod
    def of_files(cls, paths: Iterable[Path], hashes: Iterable[str], below: Path) -> Manifest:
        """Return the manifest of photographs without people; paths inside the folder ``below`` are relative to it."""
        inside = (path.relative_to(below) if path.is_relative_to(below) else path for path in paths)
        rows = zip(inside, hashes, strict=True)
        return cls.sorted((path.as_posix(), "", sha256, "") for path, sha256 in rows)

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Return rows of path, person, SHA-256 and reason."""
        return zip(self.paths, self.people, self.hashes, self.reasons, strict=True)

    @property
    def used(self) -> tuple[int, int]:
        """The number of photographs used, and of their known people."""
        people = [person for person, reason in zip(self.people, self.reasons, strict=True) if not reason]
        return len(people), len({*people} - {""})

    def content(self) -> bytes:
        """Return the manifest as JSON; its SHA-256 names the file."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(parts, separators=(",", ":")).encode()

    def save(self, folder: Path) -> str:
        """Write the manifest into ``manifests/`` in the folder of runs, once, and return its SHA-256.

        An existing file gets a new time: ``Runs.prune`` keeps recent manifests, of runs that are not finished.
        Raises FacesError.
        """
        content = self.content()
        sha256 = hashlib.sha256(content).hexdigest()
        if (path := place(folder, sha256)).exists():
            with suppress(OSError):  # another user's file
                os.utime(path)
        else:
            write_bytes(path, gzip.compress(content, 1, mtime=0))  # hashes compress no better at higher levels
        return sha256

    @classmethod
    def load(cls, folder: Path, sha256: str) -> Manifest:
        """Read a manifest. Raises FacesError when it is missing or damaged."""
        path = place(folder, sha256)
        try:
            content = gzip.decompress(path.read_bytes())
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ValueError("its content does not match its name")
            return typed_json.parse(content, cls)
        except FileNotFoundError as error:
            raise FacesError(f"{path}: no such file: the list of photographs is lost") from error
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise FacesError(f"{path}: damaged: the list of photographs is lost") from error


def place(folder: Path, sha256: str) -> Path:
    """Return the path of a manifest's file."""
    return folder / FOLDER / f"{sha256}.json.gz"
