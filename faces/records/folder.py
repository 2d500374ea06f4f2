"""Find the runs in a folder."""

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
LONGEST_RUN = 7 * 24 * 3600  # s: a run saves its manifests first and names them at its end
LAST = re.compile(r"last(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that cannot be read."""

    id: str
    why: str


class Runs:
    """The records in a folder, which may be missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self, kind: str | None = None) -> list[Run | Damaged]:
        """Return the records, the newest first; kind: only those of a kind."""
        return [self._read(path) for path in self._paths(kind)]

    def find(self, name: str, kind: str | None = None) -> Run:
        """Return a run by name.

        name: its id, the beginning of the id or of its last part, "last", or "last-1" for the one before.
        kind: only runs of this kind.
        Raises FacesError when there is none, or several, or its record is damaged.
        """
        paths = self._paths(kind)
        if not paths:
            raise FacesError(f"{self.folder}: no runs yet{f' of kind {kind}' if kind else ''}")
        if match := LAST.fullmatch(name):
            matching = paths[int(match[1] or 0) :][:1]
        else:
            matching = [path for path in paths if path.stem == name] or [
                path for path in paths if path.stem.startswith(name) or path.stem.rpartition("-")[2].startswith(name)
            ]
        if not matching or not name:
            raise FacesError(f"{self.folder}: no run {name!r}; faces runs list shows them")
        if len(matching) > 1:
            first = ", ".join(path.stem for path in matching[:3])
            raise FacesError(f"{name!r} is the beginning of {len(matching)} runs, such as {first}; give more of it")
        run = self._read(matching[0])
        if isinstance(run, Damaged):
            raise FacesError(f"{matching[0]}: {run.why}")
        return run

    def makers(self, sha256: str) -> Iterator[Run]:
        """Yield the runs that wrote a file with this content, the newest first."""
        for path in self._paths():
            with suppress(OSError):
                if sha256.encode() in path.read_bytes():
                    run = self._read(path)
                    if isinstance(run, Run) and any(file.sha256 == sha256 for file in run.artefacts):
                        yield run

    def maker(self, sha256: str) -> Run | None:
        """Return the newest run that wrote a file with this content, or None."""
        return next(self.makers(sha256), None)

    def prune(self, keep: int) -> int:
        """Delete old records and return their number.

        The newest ``keep`` records stay, and those of files that still exist. Manifests that no record names any more
        are deleted too, but not recent ones: a run that is not finished may have saved them.
        Raises FacesError.
        """
        needed = self._of_existing_files()
        gone = [path for path in self._paths()[keep:] if path.stem not in needed]
        try:
            for path in gone:
                path.unlink()
            named = {data.sha256 for run in self.all() if isinstance(run, Run) for data in run.data}
            for path in (self.folder / manifests.FOLDER).glob("*.json.gz"):
                if path.name.partition(".")[0] not in named and path.stat().st_mtime < time.time() - LONGEST_RUN:
                    path.unlink()
        except OSError as error:
            raise FacesError(f"cannot delete {error.filename}: {reason_of(error)}") from error
        return len(gone)

    def _of_existing_files(self) -> set[str]:
        """Return the ids of runs whose files are unchanged, and of the runs that wrote what these read."""
        ids, made = set[str](), set[str]()
        for run in self.all():  # of several runs that wrote one content, the newest counts
            if isinstance(run, Run):
                own = {file.sha256 for file in run.artefacts if file.sha256 not in made and file.is_there()}
                made |= own
                if own or run.id in ids:
                    ids |= {run.id, *(run.parents if run.kind != "extract" else ())}
        return ids

    def _paths(self, kind: str | None = None) -> list[Path]:
        """Return the files of the records, the newest first: a name begins with the time."""
        paths = (path for path in self.folder.glob("*.json") if not path.name.startswith("."))
        return sorted((path for path in paths if kind is None or path.stem.split("-")[1:2] == [kind]), reverse=True)

    def _read(self, path: Path) -> Run | Damaged:
        try:
            return Run.from_json(path.read_bytes(), id=path.stem)
        except OSError as error:
            return Damaged(path.stem, f"cannot be read ({reason_of(error)})")
        except ValueError:
            return Damaged(path.stem, "damaged: not a record of a run")


def beside(path: Path) -> Path:
    """Return the folder of a file's runs: beside the file, or beside the ``versions/`` that it is in."""
    folder = path.parent
    return (folder.parent.parent if folder.parent.name == "versions" else folder) / NAME


def maker(path: Path) -> Run | None:
    """Return the newest run that wrote a file's content, or None. Raises FacesError when it cannot be read."""
    return Runs(beside(path)).maker(File.of(path).sha256)
