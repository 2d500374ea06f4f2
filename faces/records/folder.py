"""The runs in a folder, and how to find one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.records import manifests
from faces.records.record import File, Run

NAME = "runs"
LONGEST = 7 * 24 * 3600  # seconds of a run, which names its manifests in the end
LAST = re.compile(r"last(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that cannot be read."""

    id: str
    why: str


class Runs:
    """The records in a folder, which may not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self, kind: str | None = None) -> list[Run | Damaged]:
        """The newest first; kind: of this kind only."""
        return [self._read(path) for path in self._paths(kind)]

    def find(self, name: str, kind: str | None = None) -> Run:
        """A run by its id, the beginning of it or of its last part, ``last``, or ``last-1`` for the one before.

        Raises FacesError when there is none, or several, or its record is damaged.
        """
        paths = self._paths(kind)
        if not paths:
            raise FacesError(f"{self.folder}: no runs yet{f' of kind {kind}' if kind else ''}")
        if match := LAST.fullmatch(name):
            found = paths[int(match[1] or 0) :][:1]
        else:
            found = [one for one in paths if one.stem == name] or [
                one for one in paths if one.stem.startswith(name) or one.stem.rpartition("-")[2].startswith(name)
            ]
        if not found or not name:
            raise FacesError(f"{self.folder}: no run {name!r}; faces runs list shows them")
        if len(found) > 1:
            some = ", ".join(one.stem for one in found[:3])
            raise FacesError(f"{name!r} is the beginning of {len(found)} runs, such as {some}; give more of it")
        run = self._read(found[0])
        if isinstance(run, Damaged):
            raise FacesError(f"{found[0]}: {run.why}")
        return run

    def makers(self, sha256: str) -> Iterator[Run]:
        """The runs that wrote a file of this content, the newest first."""
        for path in self._paths():
            with suppress(OSError):
                if sha256.encode() in path.read_bytes():
                    run = self._read(path)
                    if isinstance(run, Run) and any(one.sha256 == sha256 for one in run.artefacts):
                        yield run

    def maker(self, sha256: str) -> Run | None:
        """The newest of them."""
        return next(self.makers(sha256), None)

    def prune(self, keep: int) -> int:
        """Delete all but the newest and those of files that are still there; returns how many records went.

        Manifests that no record names any more go, too, but not those that a run may have saved that still goes on.
        Raises FacesError.
        """
        of_use = self._made_what_is_there()
        gone = [path for path in self._paths()[keep:] if path.stem not in of_use]
        try:
            for path in gone:
                path.unlink()
            named = {data.sha256 for run in self.all() if isinstance(run, Run) for data in run.data}
            for path in (self.folder / manifests.FOLDER).glob("*.json.gz"):
                if path.name.partition(".")[0] not in named and path.stat().st_mtime < time.time() - LONGEST:
                    path.unlink()
        except OSError as error:
            raise FacesError(f"cannot delete {error.filename}: {reason_of(error)}") from error
        return len(gone)

    def _made_what_is_there(self) -> set[str]:
        """The ids of the runs that wrote what is still in their files, and of those that wrote what these read."""
        ids, made = set[str](), set[str]()
        for run in self.all():  # of several that wrote the same, the newest counts
            if isinstance(run, Run):
                own = {one.sha256 for one in run.artefacts if one.sha256 not in made and one.is_there()}
                made |= own
                if own or run.id in ids:
                    ids |= {run.id, *(run.parents if run.kind != "extract" else ())}
        return ids

    def _paths(self, kind: str | None = None) -> list[Path]:
        """The newest first: a record's name begins with its time."""
        found = (path for path in self.folder.glob("*.json") if not path.name.startswith("."))
        return sorted((path for path in found if kind is None or path.stem.split("-")[1:2] == [kind]), reverse=True)

    def _read(self, path: Path) -> Run | Damaged:
        try:
            return Run.from_json(path.read_bytes())
        except OSError as error:
            return Damaged(path.stem, f"cannot be read ({reason_of(error)})")
        except ValueError:
            return Damaged(path.stem, "damaged: no record of a run")


def beside(path: Path) -> Path:
    """The folder of the runs that make a file: beside it, or beside the ``versions/`` that it is one of."""
    folder = path.parent
    return (folder.parent.parent if folder.parent.name == "versions" else folder) / NAME


def maker(path: Path) -> Run | None:
    """The newest run that wrote what is in a file, by the records beside it. Raises FacesError: it cannot be read."""
    return Runs(beside(path)).maker(File.of(path).sha256)
