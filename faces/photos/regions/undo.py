"""What files held before regions were written into them, so that it can be put back byte for byte."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.files.reading import read_file
from faces.files.writing import OWNER_FILE, make_folder, write_bytes
from faces.photos.regions.tree import Edit

TABLE = """
CREATE TABLE IF NOT EXISTS writes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, path BLOB NOT NULL, start INTEGER NOT NULL,
    removed BLOB, added INTEGER NOT NULL, before TEXT, after TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Undone:
    """A file that was put back, or why not.

    restored: whether the file is now as it was. digest: SHA-256 of its content; empty if it is gone.
    reason: why it was left as it is; empty if it was put back.
    """

    path: Path
    restored: bool
    digest: str = ""
    reason: str = ""


class Journal:
    """The writes of all runs: an SQLite file, readable by its owner only.

    path: of the file; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run: int | None = None

    def write(self, path: Path, before: bytes | None, edit: Edit) -> str:
        """Write a file, once the journal holds what it replaces; return the SHA-256 of the new content.

        path: without links. before: its content; None if it is new. edit: what becomes of it.
        Raises FacesError if either cannot be written; the file is then as it was.
        """
        old = before or b""
        after = old[: edit.start] + edit.new + old[edit.end :]
        removed = None if before is None else old[edit.start : edit.end]
        digests = (None if before is None else digest(before), digest(after))
        with self._open() as database, database:
            if self._run is None:
                self._run = database.execute("SELECT COALESCE(MAX(run), 0) + 1 FROM writes").fetchone()[0]
            database.execute(
                "INSERT INTO writes (run, path, start, removed, added, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._run, os.fsencode(path), edit.start, removed, len(edit.new), *digests),
            )
        write_bytes(path, after)
        return digests[1]

    def undo(self) -> Iterator[Undone]:
        """Put back what the last run has written, and yield each file, the last one first.

        A file that was changed since stays as it is, and its former content stays in the journal. A run of which
        nothing can be put back is passed over, and the one before it is undone.
        Raises FacesError if the journal cannot be read or written.
        """
        if not self.path.is_file():
            return
        with self._open() as database:
            for (run,) in database.execute("SELECT DISTINCT run FROM writes ORDER BY run DESC").fetchall():
                restored = False
                rows = database.execute("SELECT * FROM writes WHERE run = ? ORDER BY id DESC", [run]).fetchall()
                for row in rows:
                    undone = _put_back(row)
                    if not undone.reason:
                        with database:
                            database.execute("DELETE FROM writes WHERE id = ?", [row["id"]])
                        restored |= undone.restored
                    if undone.restored or undone.reason:
                        yield undone
                if restored:
                    return

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            make_folder(self.path.parent)
            if not self.path.exists():
                self.path.touch(OWNER_FILE)
            with closing(sqlite3.connect(self.path)) as database:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA secure_delete=ON")  # names do not stay behind
                database.execute(TABLE)
                yield database
        except (OSError, sqlite3.Error) as error:
            raise FacesError(f"cannot use the journal {self.path}: {reason_of(error)}") from error


def _put_back(row: sqlite3.Row) -> Undone:
    path = Path(os.fsdecode(row["path"]))
    try:
        content = read_file(path)
    except FileNotFoundError:
        reason = "" if row["before"] is None else "it is not there; put it back, and undo again"
        return Undone(path, False, reason=reason)
    except OSError as error:
        return Undone(path, False, reason=reason_of(error))
    if digest(content) == row["before"]:  # the run ended before it wrote the file
        return Undone(path, False)
    if digest(content) != row["after"]:
        return Undone(path, False, reason="it was changed since; it stays as it is")
    try:
        if row["before"] is None:
            path.unlink()
            return Undone(path, True)
        write_bytes(path, content[: row["start"]] + row["removed"] + content[row["start"] + row["added"] :])
    except (OSError, FacesError) as error:
        return Undone(path, False, reason=reason_of(error))
    return Undone(path, True, row["before"])


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    return sha256(content).hexdigest()
