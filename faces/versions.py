"""Versions of the recognizer: each in a folder of its own, and one of them in service, swapped for another at once.

The files in service are symbolic links through ``in_service``, itself a link to one version's folder:

    output/recognizer.pickle -> versions/in_service/recognizer.pickle
    output/versions/in_service -> 4

Renaming a new ``in_service`` into place swaps all of them, so a kill at any moment leaves files that belong together.
Where there can be no links (Windows, some network folders) the files are copies, replaced one after the other; a kill
in between is mended by the next ``settle``.
"""

from __future__ import annotations

import errno
import filecmp
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from faces.errors import FacesError
from faces.images import write_bytes

RECOGNIZER, LE, REPORT = "recognizer.pickle", "le.pickle", "training_report.json"
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # what file systems without links answer

Stage = Literal["candidate", "in service", "retired", "rejected"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version, as its ``version.json`` says.

    time: UTC, for people to read; versions are ordered by number. source: see ``faces.comparison.source``; empty where
    not known. replaces: the version that was in service before it. check: the figures it was judged by.
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


class Versions:
    """The versions of one recognizer, in ``versions/`` beside it. For one process at a time."""

    def __init__(self, recognizer: Path, le: Path) -> None:
        self.recognizer = recognizer
        self.folder = recognizer.parent / "versions"
        self._pointer = self.folder / "in_service"
        self._files = {RECOGNIZER: recognizer, LE: le, REPORT: recognizer.with_name(REPORT)}

    def path(self, number: int, name: str) -> Path:
        """A file of a version."""
        return self.folder / str(number) / name

    def all(self) -> list[Version]:
        """Every version, by number; of one that a killed run has put in service, the stage that it has."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        numbers = sorted(int(folder.name) for folder in folders if folder.name.isdecimal() and folder.is_dir())
        in_service, found = self._pointed(), []
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

    def before(self) -> int:
        """The number of the version that was in service before the present one. Raises FacesError."""
        now = self.in_service()
        if now is None or now.replaces is None:
            raise FacesError("there is no version to return to: no other one was in service before")
        return now.replaces

    def settle(self) -> None:
        """Mend what a killed run left, and give files that were trained by hand a version of their own.

        What is in service keeps its content at every moment. Raises FacesError.
        """
        try:
            self.clean()
            self._adopt()
            for version in self.all():
                if version.time and version != self._read(version.number):
                    self.record(version)
        except OSError as error:
            raise self._failed(error) from error

    def candidate(self, source: str = "") -> Version:
        """A new version, whose folder waits for its files. Raises FacesError."""
        number = max((version.number for version in self.all()), default=0) + 1
        try:
            self.path(number, "").mkdir(parents=True)
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
            self._adopt()  # somebody may have trained by hand meanwhile
            version, before = self._read(number), self.in_service()
            if before is not None and version.stage in ("candidate", "rejected"):
                version = replace(version, replaces=before.number)
                self.record(version)
            if self._takes_links():
                self._link_files()  # the first time they lead nowhere yet
                self._link(self._pointer, str(number))
            else:
                self._copy_files(number)
        except OSError as error:
            raise self._failed(error) from error
        with suppress(FacesError):  # it is in service, and the next ``settle`` says so
            if before is not None and before.number != number:
                self.record(replace(before, stage="retired"))
            self.record(replace(version, stage="in service"))

    def clean(self) -> None:
        """Delete what a run left that did not end."""
        for leftover in self.folder.glob(".*.gone"):
            shutil.rmtree(leftover, ignore_errors=True)
        for version in self.all():
            if version.stage == "candidate":
                self.discard(version.number)

    def discard(self, number: int) -> None:
        """Delete a version that is not in service; a kill in between leaves none of half its files."""
        gone = self.folder / f".{number}.gone"
        if number != self._pointed():
            with suppress(OSError):
                self.path(number, "").rename(gone)
                shutil.rmtree(gone)

    def prune(self, keep: int) -> None:
        """Discard all but the last ``keep`` versions that were in service, and as many of those rejected."""
        for rejected in (False, True):
            for version in [one for one in self.all() if (one.stage == "rejected") == rejected][:-keep]:
                self.discard(version.number)

    def _pointed(self) -> int | None:
        """The number in ``in_service``: a link's target, or the content of a file."""
        try:
            link = self._pointer.is_symlink()
            text = str(self._pointer.readlink()) if link else self._pointer.read_text(encoding="ascii")
        except (OSError, UnicodeError):
            return None
        return int(text) if text.isdecimal() else None

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
        links, pointed = self._takes_links(), self._pointed()
        told_by = tuple(self._files) if links else (RECOGNIZER,)  # copies may be of two versions, after a kill
        if pointed is not None and not self.path(pointed, RECOGNIZER).is_file():  # somebody deleted it
            self._pointer.unlink()
            pointed = None
        if self.recognizer.is_file() and (pointed is None or not self._holds(pointed, told_by)):
            same = (one.number for one in self.all() if self._holds(one.number, told_by))
            pointed = next(same, None) or self._archive()
        if pointed is None:
            return
        if links:
            if pointed != self._pointed() or not self._pointer.is_symlink():
                self._link(self._pointer, str(pointed))
            self._link_files()
        else:
            self._copy_files(pointed)

    def _holds(self, number: int, names: tuple[str, ...]) -> bool:
        """Whether these files in service, as far as there are any, are this version's."""
        there = [(self._files[name], self.path(number, name)) for name in names if self._files[name].is_file()]
        return all(
            own.is_file() and (path.samefile(own) or filecmp.cmp(path, own, shallow=False)) for path, own in there
        )

    def _archive(self) -> int:
        """Copy the files in service into a version of their own; returns its number."""
        version, before = self.candidate(), self.in_service()
        for name, path in self._files.items():
            if path.is_file():
                write_bytes(self.path(version.number, name), path.read_bytes())
        people, photographs = counts(self.path(version.number, REPORT))
        version = replace(version, why="trained by hand", people=people, photographs=photographs)
        if before is not None:
            self.record(replace(before, stage="retired"))
            version = replace(version, replaces=before.number)
        self.record(version)
        return version.number

    def _takes_links(self) -> bool:
        """Whether the folder takes links, and replaces one at once."""
        if os.name == "nt":
            return False
        if self._pointer.is_symlink():
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._link(self.folder / ".link", "nowhere")
        except OSError as error:
            if error.errno in NO_LINKS:
                return False
            raise
        (self.folder / ".link").unlink()
        return True

    def _link_files(self) -> None:
        for name, path in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            target = os.path.relpath(self._pointer.parent.resolve() / self._pointer.name / name, path.parent.resolve())
            if not path.is_symlink() or str(path.readlink()) != target:
                self._link(path, target)

    def _link(self, path: Path, target: str) -> None:
        """Make ``path`` a link, in place of whatever link or file is there, at once."""
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.replace(path)

    def _copy_files(self, number: int) -> None:
        """Without links; the recognizer last, since it is what the next ``settle`` goes by."""
        for name in (LE, REPORT, RECOGNIZER):
            source, path = self.path(number, name), self._files[name]
            if source.is_file() and not (path.is_file() and self._holds(number, (name,))):
                write_bytes(path, source.read_bytes())
        if number != self._pointed():
            write_bytes(self._pointer, str(number).encode())

    def _failed(self, error: OSError) -> FacesError:
        return FacesError(f"cannot write {error.filename or self.folder}: {(error.strerror or str(error)).lower()}")


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
