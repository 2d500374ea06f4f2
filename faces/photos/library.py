"""The library of photographs: one SQLite file with files, faces, groups and answers."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import OWNER_FILE, make_folder
from faces.photos.schema import APPLICATION, SCHEMA, VERSION
from faces.types import Fingerprint

DEFAULT = Path("output/photos.sqlite")
AT_ONCE = 500  # rows that are fetched together
BUSY = 20  # s that a writer waits for another one
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
KEYS = ("application_id", "user_version")
SCAN = "run: faces photos scan FOLDER"


class Library:
    """An SQLite file; several processes may read and write it, each in short transactions.

    path: of the file; it and what SQLite writes beside it are readable by their owner only.
    create: make the file, and its folder, if it is not there.
    Raises UsageError if there is no such file, and FacesError if it is not a library or cannot be opened.
    """

    def __init__(self, path: str | Path = DEFAULT, create: bool = False) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise UsageError(f"{self.path}: a folder, not a library of photographs")
        if not self.path.is_file() and (not create or self.path.exists()):
            raise UsageError(f"{self.path}: no library of photographs; {SCAN}")
        try:
            make_folder(self.path.parent)
            if not self.path.exists():
                self.path.touch(OWNER_FILE)
        except OSError as error:
            raise FacesError(f"cannot write {self.path}: {reason_of(error)}") from error
        with self._explained():
            self._database = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            self._database.row_factory = sqlite3.Row
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def _prepare(self) -> None:
        (application,), (version,) = (self._database.execute(f"PRAGMA {name}").fetchone() for name in KEYS)
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (tables and application != APPLICATION) or version > VERSION:
            what = "made by a newer version" if application == APPLICATION else "not a library of photographs"
            raise FacesError(f"{self.path}: {what}; name another file: --library FILE")
        for pragma in PRAGMAS:
            self._database.execute(f"PRAGMA {pragma}")
        if not tables:
            values = f"PRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {VERSION};\n"
            self._database.executescript(f"BEGIN IMMEDIATE;\n{values}{SCHEMA}COMMIT;")

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of a query. Raises FacesError."""
        with self._explained():
            return self._database.execute(sql, values).fetchall()

    def each(self, sql: str, *values: object) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query, without holding them all in memory. Raises FacesError."""
        with self._explained():
            cursor = self._database.execute(sql, values)
        while rows := self._some(cursor):
            yield from rows

    def _some(self, cursor: sqlite3.Cursor) -> list[sqlite3.Row]:
        with self._explained():
            return cursor.fetchmany(AT_ONCE)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Begin a transaction, and commit it at the end of the block; an error, also Ctrl-C, undoes all of it.

        A block within another one is part of its transaction. Raises FacesError.
        """
        if self._database.in_transaction:
            yield self._database
            return
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @property
    def fingerprint(self) -> Fingerprint | None:
        """The models that found and embedded the faces; None before the first scan."""
        rows = self.query("SELECT fingerprint FROM made_with")
        return Fingerprint.from_dict(json.loads(rows[0][0])) if rows else None

    @property
    def settings(self) -> str:
        """What decides, besides the models, which faces are found; empty before the first scan."""
        rows = self.query("SELECT settings FROM made_with")
        return str(rows[0][0]) if rows else ""

    def set_models(self, fingerprint: Fingerprint, settings: str) -> None:
        """Store the models that the faces are found with. Raises FacesError."""
        with self.write() as database:
            database.execute("DELETE FROM made_with")
            database.execute("INSERT INTO made_with VALUES (?, ?)", (json.dumps(fingerprint.to_dict()), settings))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise FacesError(f"{self.path}: another process is writing; wait for it, and try again") from error
            if type(error) is sqlite3.DatabaseError:
                raise FacesError(f"{self.path}: damaged or not a library ({error}); restore a copy") from error
            raise FacesError(f"cannot write {self.path}: {error}") from error
        except OverflowError as error:  # the number of a face or group
            raise UsageError(f"{self.path}: a number is too large; faces photos list shows the numbers") from error


def stored(path: Path) -> bytes:
    """Return a path as the library stores it: names of files may be no Unicode."""
    return os.fsencode(path)


def path_of(value: bytes) -> Path:
    """Return the path that ``stored`` made a value of."""
    return Path(os.fsdecode(value))
