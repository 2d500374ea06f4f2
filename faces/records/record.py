"""The record of a run, and its JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from faces.errors import FacesError, reason_of
from faces.files import digest, typed_json
from faces.files.writing import write_bytes
from faces.types import ModelId

Status = Literal["succeeded", "failed", "stopped"]
Value = str | int | float | bool | None | list[Any]
"""A JSON value."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a run read or wrote. size: bytes."""

    path: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> File:
        """Return the description of a file. Raises FacesError when it cannot be read."""
        try:
            return cls(str(path), digest.digest(path).removeprefix("sha256:"), path.stat().st_size)
        except OSError as error:
            raise FacesError(f"{path}: {reason_of(error)}") from error

    def is_there(self) -> bool:
        """Return whether the file still has this content."""
        try:
            path = Path(self.path)
            return path.is_file() and path.stat().st_size == self.size and File.of(path) == self
        except (OSError, ValueError, FacesError):
            return False


@dataclass(frozen=True, slots=True)
class Data:
    """A data set that a run read.

    role: what the run used it for.
    sha256: of its manifest.
    photographs, people: their numbers.
    """

    role: str
    sha256: str
    photographs: int
    people: int


@dataclass(frozen=True, slots=True)
class Code:
    """The code that ran.

    commit: of git; "" without git.
    clean: whether no file differed from the commit.
    """

    commit: str = ""
    clean: bool = False

    def __str__(self) -> str:
        return f"{self.commit[:12]}{'' if self.clean else ', with changes'}" if self.commit else "no git"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended.

    id: also the file's name.
    kind: extract, train, evaluate, ...
    time: of its start, UTC, ISO 8601.
    error: the line that it failed with.
    parameters: the value of every option.
    models: as ``Fingerprint.to_dict``.
    parents: ids of the runs that wrote what it read.
    notes: what else a reader should know, such as that the record was altered.
    """

    id: str
    kind: str
    time: str
    seconds: float
    status: Status
    command: str
    code: Code
    python: str
    platform: str
    error: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)
    models: dict[str, dict[str, str]] | None = None
    data: tuple[Data, ...] = ()
    figures: dict[str, Value] = field(default_factory=dict)
    inputs: tuple[File, ...] = ()
    artefacts: tuple[File, ...] = ()
    parents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The last part of the id, which is shown and sufficient to find the run."""
        return self.id.rpartition("-")[2]

    @property
    def made_with(self) -> dict[str, Value]:
        """The models by their parts, as text."""
        return {part: str(ModelId(**model)) for part, model in (self.models or {}).items()}

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, **known: str) -> Run:
        """Return the record that ``to_json`` wrote. Raises ValueError for anything else.

        known: values that count instead of those in the text.
        """
        try:
            run = typed_json.parse(text, cls, **known)
            datetime.fromisoformat(run.time)
            run.made_with  # noqa: B018 (whether the models have a name and a hash)
        except (ValueError, TypeError) as error:
            raise ValueError(f"not a record of a run ({error})") from error
        return run

    def save(self, folder: Path) -> Path:
        """Write the record into a folder and return its path. Raises FacesError."""
        path = folder / f"{self.id}.json"
        content = self.to_json().encode("utf-8", "backslashreplace")  # a path may be bytes that are no text
        write_bytes(path, content)
        return path
