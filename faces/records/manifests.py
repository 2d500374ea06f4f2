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
from faces.files.writing import write_bytes

FOLDER = "manifests"


@dataclass(frozen=True, slots=True)
class Manifest:
    """N photographs, as parallel arrays, in the order of their paths.

    paths, people: empty where they were erased. hashes: SHA-256 of the files. reasons: why one was left out; empty for
    one that was used.
    Raises ValueError when the lengths differ.
    """

    paths: tuple[str, ...]
    people: tuple[str, ...]
    hashes: tuple[str, ...]
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in self.__slots__}) > 1:
            raise ValueError("a manifest's arrays are of one length")

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def sorted(cls, rows: Iterable[tuple[str, str, str, str]]) -> Manifest:
        """Of path, person, SHA-256 and reason of each, in any order."""
        in_order = sorted(rows)
        return cls(*zip(*in_order, strict=True)) if in_order else cls((), (), (), ())

    @classmethod
    def of_files(cls, paths: Iterable[Path], hashes: Iterable[str], below: Path) -> Manifest:
        """Of photographs that are nobody's in particular; their paths are those below a folder, as far as they are."""
        inside = (path.relative_to(below) if path.is_relative_to(below) else path for path in paths)
        rows = zip(inside, hashes, strict=True)
        return cls.sorted((path.as_posix(), "", sha256, "") for path, sha256 in rows)

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Path, person, SHA-256 and reason of each."""
        return zip(self.paths, self.people, self.hashes, self.reasons, strict=True)

    @property
    def used(self) -> tuple[int, int]:
        """How many photographs were not left out, and of how many people, as far as that is known."""
        people = [person for person, reason in zip(self.people, self.reasons, strict=True) if not reason]
        return len(people), len({*people} - {""})

    def content(self) -> bytes:
        """What its hash is of."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(parts, separators=(",", ":")).encode()

    def save(self, folder: Path) -> str:
        """Write it into ``manifests/`` in the folder of runs, once; returns its hash. Raises FacesError.

        One that is there is dated anew: ``Runs.prune`` spares those of runs that go on by their age.
        """
        content = self.content()
        sha256 = hashlib.sha256(content).hexdigest()
        if (path := place(folder, sha256)).exists():
            with suppress(OSError):  # somebody else's
                os.utime(path)
        else:
            write_bytes(path, gzip.compress(content, 1, mtime=0))  # hashes compress no better at higher levels
        return sha256

    @classmethod
    def load(cls, folder: Path, sha256: str) -> Manifest:
        """Raises FacesError when it is gone, damaged, or not what its name says."""
        path = place(folder, sha256)
        try:
            content = gzip.decompress(path.read_bytes())
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ValueError("its content is not of its name")
            return cls(**{name: tuple(values) for name, values in json.loads(content).items()})
        except FileNotFoundError as error:
            raise FacesError(f"{path}: no such file; which photographs they were is not known any more") from error
        except (OSError, EOFError, ValueError, TypeError, AttributeError, zlib.error) as error:
            raise FacesError(f"{path}: damaged; which photographs they were is not known any more") from error


def place(folder: Path, sha256: str) -> Path:
    """The file of a manifest."""
    return folder / FOLDER / f"{sha256}.json.gz"
