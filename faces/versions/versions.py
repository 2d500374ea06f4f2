"""The versions of a recognizer: each in its own folder, one of them in service.

A version is a candidate until its check puts it in service or rejects it. It retires when another version replaces it,
and may return. ``faces.versions.swap`` swaps the files.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

from faces import records
from faces.errors import FacesError, reason_of
from faces.files import typed_json
from faces.files.temporary import sweep
from faces.files.writing import make_folder, write_bytes
from faces.versions.swap import LE, RECOGNIZER, REPORT, InService
from faces.versions.version import Stage, Version, counts, label, read_report

__all__ = ["LE", "RECOGNIZER", "REPORT", "Stage", "Version", "Versions", "counts", "label", "read_report"]

NUMBER = re.compile("[1-9][0-9]{0,8}")  # the name of a version's folder


class Versions:
    """The versions of one recognizer, in ``versions/`` beside it; for one process at a time."""

    def __init__(self, recognizer: Path, le: Path) -> None:
        self.recognizer = recognizer
        self.folder = recognizer.parent / "versions"
        self._service = InService(self.folder, recognizer, le)

    def path(self, number: int, name: str) -> Path:
        """Return the path of a version's file."""
        return self.folder / str(number) / name

    def all(self) -> list[Version]:
        """Return all versions by number, with their true stages, also after a run was killed while it swapped."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        named = (folder.name for folder in folders if NUMBER.fullmatch(folder.name) and folder.is_dir())
        numbers = sorted(map(int, named))
        in_service, versions = self._service.number(), []
        for version in map(self._read, numbers):
            if version.number == in_service:
                version = replace(version, stage="in service")
            elif version.stage == "in service":
                version = replace(version, stage="retired")
            versions.append(version)
        return versions

    def in_service(self) -> Version | None:
        """Return the version in service, or None."""
        return next((version for version in self.all() if version.stage == "in service"), None)

    def get(self, number: int) -> Version:
        """Return a version. Raises FacesError when there is none with this number."""
        version = next((version for version in self.all() if version.number == number), None)
        if version is None:
            raise FacesError(f"{self.folder}: there is no version {number}; --list shows which there are")
        return version

    def waiting(self) -> Version:
        """Return the newest candidate. Raises FacesError when there is none."""
        candidates = [version for version in self.all() if version.stage == "candidate"]
        if not candidates:
            raise FacesError("there is no candidate to promote; python retrain.py --candidate makes one")
        return candidates[-1]

    def before(self) -> int:
        """Return the number of the version before the present one. Raises FacesError when there is none."""
        current = self.in_service()
        if current is None or current.replaces is None:
            raise FacesError("there is no version to return to: no other one was in service before")
        return current.replaces

    def trained_by_hand(self) -> bool:
        """Return whether the recognizer is not that of the version in service; ``settle`` makes it a version."""
        number = self._service.number()
        return number is not None and not self._service.holds(number, (RECOGNIZER,))

    def require_own(self) -> None:
        """Raise FacesError when the versions or the label encoder belong to another recognizer."""
        self._service.require_own()

    def settle(self) -> None:
        """Repair what a killed run left, and make files that were trained by hand a version.

        The files in service keep their content at every moment. Raises FacesError.
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
        """Create a version with an empty folder, and return it. Raises FacesError."""
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
        """Put a version in service; the one before retires. Raises FacesError: then the old one stays."""
        missing = [name for name in (RECOGNIZER, LE) if not self.path(number, name).is_file()]
        if missing:
            raise FacesError(f"{self.folder}: version {number} has no {missing[0]}; --list shows which there are")
        try:
            self.require_own()
            self._adopt()  # a user may have trained by hand meanwhile
            version, before = self._succeeding(self._read(number)), self.in_service()
            self._service.swap(number)
        except OSError as error:
            raise self._failed(error) from error
        with suppress(FacesError):  # it is in service; the next ``settle`` records it
            if before is not None and before.number != number:
                self.record(replace(before, stage="retired"))
            self.record(replace(version, stage="in service", waits=False))

    def clean(self) -> None:
        """Delete what an unfinished run left."""
        for leftover in self.folder.glob(".*.gone"):
            shutil.rmtree(leftover, ignore_errors=True)
        for folder in (self.folder, *(self.path(version.number, "") for version in self.all())):
            sweep(folder)
        for version in self.all():
            if version.stage == "candidate" and not version.waits:
                self.discard(version.number)

    def discard(self, number: int) -> None:
        """Delete a version that is not in service; a kill never leaves half of its files."""
        gone = self.folder / f".{number}.gone"
        if number != self._service.number():
            with suppress(OSError):
                self.path(number, "").rename(gone)
                shutil.rmtree(gone)

    def prune(self, keep: int) -> None:
        """Delete all but the last ``keep`` versions of each kind: that were in service, candidates, rejected."""
        for stages in (("in service", "retired"), ("candidate",), ("rejected",)):
            for version in [version for version in self.all() if version.stage in stages][:-keep]:
                self.discard(version.number)

    def run_of(self, number: int) -> str:
        """Return the id of the run that made a version's recognizer; "" if unknown."""
        with suppress(FacesError):
            run = records.maker(self.path(number, RECOGNIZER))
            return run.id if run else ""
        return ""

    def _read(self, number: int) -> Version:
        path = self.path(number, "version.json")
        try:
            return typed_json.parse(path.read_bytes(), Version, number=number)  # the folder's: it may be a copy
        except FileNotFoundError:  # a run was killed before it wrote the file, or these are other files
            stage: Stage = "retired" if any(path.parent.iterdir()) else "candidate"
        except (OSError, ValueError):
            stage = "retired"
        return Version(number, "", stage, "its version.json cannot be read")

    def _adopt(self) -> None:
        """Make the files in service a version, if they are none, and turn them into links to it or copies of it."""
        names = tuple(name for name in self._service.deciding_files() if self._is_own(name))
        pointed = self._service.number()
        if pointed is not None and not self.path(pointed, RECOGNIZER).is_file():  # a user deleted it
            self._service.forget()
            pointed = None
        if self.recognizer.is_file() and (pointed is None or not self._service.holds(pointed, names)):
            same = next((version for version in self.all() if self._service.holds(version.number, names)), None)
            pointed = self._succeeding(same).number if same else self._archive()
        if pointed is not None:
            self._service.swap(pointed)

    def _is_own(self, name: str) -> bool:
        """Return whether a file belongs to the recognizer: a report may be of another one in the same folder."""
        if name != REPORT or not all(self._service.files[file].is_file() for file in (RECOGNIZER, REPORT)):
            return True
        trained, reported = (_makers(self._service.files[one]) for one in (RECOGNIZER, REPORT))
        return not trained or not reported or bool(trained & reported)

    def _succeeding(self, version: Version) -> Version:
        """Return a version that is about to be in service; the first time, it records the one that it replaces."""
        before = self.in_service()
        if before and before.number != version.number and version.stage in ("candidate", "rejected"):
            version = replace(version, replaces=before.number)
            self.record(version)
        return version

    def _archive(self) -> int:
        """Copy the files in service into a new version and return its number."""
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
    """Return the ids of the recorded runs that wrote a file's content."""
    return {run.id for run in records.Runs(records.beside(path)).makers(records.File.of(path).sha256)}
