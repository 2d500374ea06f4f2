"""Versions of the recognizer: each in a folder of its own, and one of them in service, swapped for another at once.

A version is a candidate until it is judged by its figures and put in service, or rejected; it retires when another one
takes its place, and may return. How the files are swapped: ``faces.versions.swap``.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from faces import records
from faces.errors import FacesError, reason_of
from faces.files.writing import make_folder, write_bytes
from faces.versions.swap import LE, RECOGNIZER, REPORT, InService

__all__ = ["LE", "RECOGNIZER", "REPORT", "Stage", "Version", "Versions", "counts", "label", "read_report"]

Stage = Literal["candidate", "in service", "retired", "rejected"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version, as its ``version.json`` says.

    time: UTC, for people to read; versions are ordered by number. source: see ``faces.versions.judging.source``; empty
    where not known. replaces: the version that was in service before it. check: the figures it was judged by. run: the
    id of the training's record, see ``faces.records``; empty where there is none. waits: a candidate that is to be kept
    for somebody to decide on; of others the run did not come to its end.
    """

    number: int
    time: str
    stage: Stage
    why: str = ""
    people: int | None = None
    photographs: int | None = None
    source: str = ""
    replaces: int | None = None
    check: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    waits: bool = False


class Versions:
    """The versions of one recognizer, in ``versions/`` beside it, which are of no other. For one process at a time."""

    def __init__(self, recognizer: Path, le: Path) -> None:
        self.recognizer = recognizer
        self.folder = recognizer.parent / "versions"
        self._service = InService(self.folder, recognizer, le)

    def path(self, number: int, name: str) -> Path:
        """A file of a version."""
        return self.folder / str(number) / name

    def all(self) -> list[Version]:
        """Every version, by number; of one that a killed run has put in service, the stage that it has."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        numbers = sorted(int(folder.name) for folder in folders if folder.name.isdecimal() and folder.is_dir())
        in_service, found = self._service.number(), []
        for version in map(self._read, numbers):
            if version.number == in_service:
                version = replace(version, stage="in service")
            elif version.stage == "in service":
                version = replace(version, stage="retired")
            found.append(version)
        return found

    def in_service(self) -> Version | None:
        """The version in service, or None."""
        return next((version for version in self.all() if version.stage == "in service"), None)

    def get(self, number: int) -> Version:
        """Raises FacesError when there is no such version."""
        found = next((version for version in self.all() if version.number == number), None)
        if found is None:
            raise FacesError(f"{self.folder}: there is no version {number}; --list shows which there are")
        return found

    def waiting(self) -> Version:
        """The newest candidate. Raises FacesError when there is none."""
        candidates = [version for version in self.all() if version.stage == "candidate"]
        if not candidates:
            raise FacesError("there is no candidate to promote; python retrain.py --candidate makes one")
        return candidates[-1]

    def before(self) -> int:
        """The number of the version that was in service before the present one. Raises FacesError."""
        now = self.in_service()
        if now is None or now.replaces is None:
            raise FacesError("there is no version to return to: no other one was in service before")
        return now.replaces

    def trained_by_hand(self) -> bool:
        """Whether the recognizer is another one than the version's that is in service; ``settle`` makes it one."""
        number = self._service.number()
        return number is not None and not self._service.holds(number, (RECOGNIZER,))

    def require_own(self) -> None:
        """Raises FacesError when the versions, or the label encoder, are another recognizer's: a folder is of one."""
        self._service.require_own()

    def settle(self) -> None:
        """Mend what a killed run left, and give files that were trained by hand a version of their own.

        What is in service keeps its content at every moment. Raises FacesError.
        """
        try:
            self.require_own()
            self._service.note_own()
            self.clean()
            self._adopt()
            for version in self.all():
                version = replace(version, run=version.run or self.run_of(version.number))
                if version.time and version != self._read(version.number):
                    self.record(version)
        except OSError as error:
            raise self._failed(error) from error

    def candidate(self, source: str = "") -> Version:
        """A new version, whose folder waits for its files. Raises FacesError."""
        number = max((version.number for version in self.all()), default=0) + 1
        try:
            make_folder(self.path(number, ""), exist_ok=False)
        except OSError as error:
            raise self._failed(error) from error
        version = Version(number, datetime.now(timezone.utc).isoformat(timespec="seconds"), "candidate", source=source)
        self.record(version)
        return version

    def record(self, version: Version) -> None:
        """Write ``version.json``. Raises FacesError."""
        text = json.dumps(asdict(version), ensure_ascii=False, indent=1)
        write_bytes(self.path(version.number, "version.json"), text.encode() + b"\n")

    def put_in_service(self, number: int) -> None:
        """Swap this version for the one in service, which retires. Raises FacesError; then the old one stays."""
        missing = [name for name in (RECOGNIZER, LE) if not self.path(number, name).is_file()]
        if missing:
            raise FacesError(f"{self.folder}: version {number} has no {missing[0]}; --list shows which there are")
        try:
            self.require_own()
            self._adopt()  # somebody may have trained by hand meanwhile
            version, before = self._succeeding(self._read(number)), self.in_service()
            self._service.swap(number)
        except OSError as error:
            raise self._failed(error) from error
        with suppress(FacesError):  # it is in service, and the next ``settle`` says so
            if before is not None and before.number != number:
                self.record(replace(before, stage="retired"))
            self.record(replace(version, stage="in service", waits=False))

    def clean(self) -> None:
        """Delete what a run left that did not end."""
        for leftover in self.folder.glob(".*.gone"):
            shutil.rmtree(leftover, ignore_errors=True)
        for version in self.all():
            if version.stage == "candidate" and not version.waits:
                self.discard(version.number)

    def discard(self, number: int) -> None:
        """Delete a version that is not in service; a kill in between leaves none of half its files."""
        gone = self.folder / f".{number}.gone"
        if number != self._service.number():
            with suppress(OSError):
                self.path(number, "").rename(gone)
                shutil.rmtree(gone)

    def prune(self, keep: int) -> None:
        """Discard all but the last ``keep`` versions that were in service, as many candidates, and those rejected."""
        for stages in (("in service", "retired"), ("candidate",), ("rejected",)):
            for version in [one for one in self.all() if one.stage in stages][:-keep]:
                self.discard(version.number)

    def run_of(self, number: int) -> str:
        """The id of the run that made a version's recognizer; empty where no record tells."""
        with suppress(FacesError):
            run = records.maker(self.path(number, RECOGNIZER))
            return run.id if run else ""
        return ""

    def _read(self, number: int) -> Version:
        path = self.path(number, "version.json")
        try:
            return Version(**json.loads(path.read_bytes()))
        except FileNotFoundError:  # a run was killed before it could write it, or somebody else's files
            stage: Stage = "retired" if any(path.parent.iterdir()) else "candidate"
        except (OSError, ValueError, TypeError):
            stage = "retired"
        return Version(number, "", stage, "its version.json cannot be read")

    def _adopt(self) -> None:
        """Make what is in service a version, if it is none, and the files links to it or copies of it."""
        told_by = tuple(name for name in self._service.told_by() if self._is_own(name))
        pointed = self._service.number()
        if pointed is not None and not self.path(pointed, RECOGNIZER).is_file():  # somebody deleted it
            self._service.forget()
            pointed = None
        if self.recognizer.is_file() and (pointed is None or not self._service.holds(pointed, told_by)):
            same = (one for one in self.all() if self._service.holds(one.number, told_by))
            pointed = self._succeeding(one).number if (one := next(same, None)) else self._archive()
        if pointed is not None:
            self._service.swap(pointed)

    def _is_own(self, name: str) -> bool:
        """Whether a file is ours: a report may be of another recognizer that was trained into the same folder."""
        if name != REPORT or not all(self._service.files[one].is_file() for one in (RECOGNIZER, REPORT)):
            return True
        trained, reported = (_makers(self._service.files[one]) for one in (RECOGNIZER, REPORT))
        return not trained or not reported or bool(trained & reported)

    def _succeeding(self, version: Version) -> Version:
        """A version that is about to be in service; the first time it notes which one is until then."""
        before = self.in_service()
        if before and before.number != version.number and version.stage in ("candidate", "rejected"):
            version = replace(version, replaces=before.number)
            self.record(version)
        return version

    def _archive(self) -> int:
        """Copy the files in service into a version of their own; returns its number."""
        version, before = self.candidate(), self.in_service()
        for name, path in self._service.files.items():
            if path.is_file() and self._is_own(name):
                write_bytes(self.path(version.number, name), path.read_bytes())
        people, photographs = counts(self.path(version.number, REPORT))
        version = replace(version, stage="in service", people=people, photographs=photographs)
        version = replace(version, why="trained by hand", run=self.run_of(version.number))
        if before is not None:
            self.record(replace(before, stage="retired"))
            version = replace(version, replaces=before.number)
        self.record(version)
        return version.number

    def _failed(self, error: OSError) -> FacesError:
        return FacesError(f"cannot write {error.filename or self.folder}: {reason_of(error)}")


def _makers(path: Path) -> set[str]:
    """The ids of the runs that wrote what is in a file, as far as there are records of them."""
    return {run.id for run in records.Runs(records.beside(path)).makers(records.File.of(path).sha256)}


def counts(report: Path) -> tuple[int | None, int | None]:
    """How many people and photographs a training report is of; None where there is none to read."""
    content = read_report(report)
    return content.get("people"), content.get("photographs")


def read_report(path: Path) -> dict[str, Any]:
    """A training report; empty where there is none to read."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def label(recognizer: Path) -> str:
    """``version 4`` for a recognizer in service, or its path when it is none of the versions."""
    folder = recognizer.resolve().parent
    return f"version {folder.name}" if folder.parent.name == "versions" and folder.name.isdecimal() else str(recognizer)
