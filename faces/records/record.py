"""The record of a run, and the JSON file that it lives in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from faces.errors import FacesError, reason_of
from faces.files import digest
from faces.files.writing import write_bytes
from faces.types import ModelId

Status = Literal["succeeded", "failed", "stopped"]
Value = str | int | float | bool | None | list[Any]
"""What JSON holds as it is."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a run read or wrote. size: bytes."""

    path: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> File:
        """A file as it is now. Raises FacesError when it cannot be read."""
        try:
            return cls(str(path), digest.digest(path).removeprefix("sha256:"), path.stat().st_size)
        except OSError as error:
            raise FacesError(f"{path}: {reason_of(error)}") from error

    def is_there(self) -> bool:
        """Whether the file still has this content."""
        try:
            path = Path(self.path)
            return path.stat().st_size == self.size and File.of(path) == self
        except (OSError, ValueError, FacesError):
            return False


@dataclass(frozen=True, slots=True)
class Data:
    """A data set that a run looked at. role: what for. sha256: of its manifest, see ``Manifest.sha256``."""

    role: str
    sha256: str
    photographs: int
    people: int


@dataclass(frozen=True, slots=True)
class Code:
    """What ran. commit: of git; "" where there is none. clean: whether no file differed from it."""

    commit: str = ""
    clean: bool = False

    def __str__(self) -> str:
        return f"{self.commit[:12]}{'' if self.clean else ', with changes'}" if self.commit else "no git"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended.

    id: also the file's name. kind: extract, train, evaluate, ... time: UTC, when it began, ISO 8601. error: the line
    that it failed with. parameters: every option's value. models: as ``Fingerprint.to_dict``. parents: ids of the runs
    that wrote what it read. notes: what else a reader should know, such as that the record was altered.
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
        """The part of the id that is shown, and enough to find it."""
        return self.id.rpartition("-")[2]

    @property
    def made_with(self) -> dict[str, Value]:
        """The models by their parts, for people to read."""
        return {part: str(ModelId(**model)) for part, model in (self.models or {}).items()}

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Run:
        """The reverse. Raises ValueError for anything else."""
        try:
            content = json.loads(text)
            content["code"] = Code(**content["code"])
            for name, kind in (("data", Data), ("inputs", File), ("artefacts", File)):
                content[name] = tuple(kind(**one) for one in content[name])
            for name in ("parents", "notes"):
                content[name] = tuple(content[name])
            run = cls(**content)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no record of a run ({error})") from error
        texts = (run.id, run.kind, run.time, run.status, run.command, run.error)
        tables = (run.packages, run.parameters, run.figures)
        if not (
            all(isinstance(one, str) for one in texts)
            and all(isinstance(one, dict) for one in tables)
            and isinstance(run.seconds, int | float)
        ):
            raise ValueError("no record of a run")
        return run

    def save(self, folder: Path) -> Path:
        """Write it, whole or not at all. Raises FacesError."""
        path = folder / f"{self.id}.json"
        content = self.to_json().encode("utf-8", "backslashreplace")  # of a path that is no text: JSON's escape
        write_bytes(path, content)
        return path
