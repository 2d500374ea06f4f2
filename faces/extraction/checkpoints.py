"""Keep what an extraction has done until its gallery is written: a run that was killed continues where it was."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np

from faces.datasets import Photograph
from faces.embedding.embedders import usable
from faces.enrolment import Enrolment
from faces.errors import FacesError
from faces.files.writing import OWNER_FILE
from faces.types import Faces

SAVE_INTERVAL = 2  # s: the most work that a kill can lose
SCHEMA = """
CREATE TABLE made_with (value TEXT);
CREATE TABLE done (
    path BLOB PRIMARY KEY, size INTEGER, stamp TEXT, sha256 TEXT, reason TEXT, score REAL, box BLOB, embedding BLOB
);
"""
STORED = "sha256, reason, score, box, embedding"


class Checkpoint:
    """An SQLite file beside the gallery, which survives a kill at any moment.

    path: of the file.
    made_with: the models and settings; what a run with others left is dropped.
    anew: the run embeds every photograph again, so it only continues what another such run left.
    Raises FacesError when the file cannot be written.
    """

    def __init__(self, path: Path, made_with: str, anew: bool = False) -> None:
        self._path = path
        self._saved = time.monotonic()
        accepted = [f"{made_with}, anew"] if anew else [made_with, f"{made_with}, anew"]
        with self._explained():
            self._database = _connect(path)
            if not _usable(self._database, accepted):  # all it costs is time
                self._database.close()
                self._delete()
                self._database = _connect(path)
                self._database.executescript(SCHEMA)
                with self._database:
                    self._database.execute("INSERT INTO made_with VALUES (?)", accepted[:1])

    def add(self, photograph: Photograph, enrolment: Enrolment) -> None:
        """Store what became of a photograph. Raises FacesError."""
        with self._explained():
            row = _row(photograph, enrolment)
            self._database.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            if time.monotonic() - self._saved > SAVE_INTERVAL:
                self._database.commit()
                self._saved = time.monotonic()

    def __iter__(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield path, size, stamp and SHA-256 of every photograph stored; damaged rows are left out, and made again."""
        length = None
        with self._explained():
            for path, size, stamp, *row in self._database.execute(f"SELECT path, size, stamp, {STORED} FROM done"):
                try:
                    embedding = _enrolment(*row).embedding
                    known = os.fsdecode(path), int(size), str(stamp), str(row[0])
                except (TypeError, ValueError):
                    continue
                if embedding is not None:
                    length = length or len(embedding)
                    if len(embedding) != length or not usable(embedding[None]).all():
                        continue
                yield known

    def __getitem__(self, path: str) -> Enrolment:
        """Return what became of a photograph; its face has no landmarks."""
        with self._explained():
            query = f"SELECT {STORED} FROM done WHERE path = ?"
            return _enrolment(*self._database.execute(query, [os.fsencode(path)]).fetchone())

    def save(self) -> None:
        """Write everything to the disk."""
        with self._explained():
            self._database.commit()

    def remove(self) -> None:
        """Delete the file, once the gallery is written."""
        self._database.close()
        self._delete()

    def _delete(self) -> None:
        for file in (self._path, self._path.with_name(f"{self._path.name}-journal")):  # SQLite's, left by a kill
            file.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise FacesError(f"cannot write {self._path}: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file, creating it for its owner alone; SQLite gives its journal the same mode."""
    with suppress(OSError):  # SQLite reports it
        path.touch(OWNER_FILE)
    database = sqlite3.connect(path)
    database.text_factory = partial(str, encoding="utf-8", errors="replace")  # a damaged text is no error
    return database


def _usable(database: sqlite3.Connection, accepted: Sequence[str]) -> bool:
    """Return whether it is complete and made with one of these; raise OperationalError for an unusable file."""
    try:
        tables = database.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
        return (
            [sql for (sql,) in tables] == SCHEMA.strip().removesuffix(";").split(";\n")
            and database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            and database.execute("SELECT value FROM made_with").fetchone()[0] in accepted
        )
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, TypeError):  # not a database, or an empty one
        return False


def _row(photograph: Photograph, enrolment: Enrolment) -> tuple[object, ...]:
    face, embedding = enrolment.face, enrolment.embedding
    return (
        os.fsencode(photograph.path),
        photograph.size,
        photograph.stamp,
        enrolment.sha256,
        enrolment.reason,
        None if face is None else float(face.score[0]),
        None if face is None else face.xyxy.astype(np.float32).tobytes(),
        None if embedding is None else embedding.astype(np.float32).tobytes(),
    )


def _enrolment(sha256: str, reason: str, score: float | None, box: bytes | None, embedding: bytes | None) -> Enrolment:
    if score is None or box is None or embedding is None:
        return Enrolment(sha256=sha256, reason=reason)
    face = Faces(np.frombuffer(box, np.float32).reshape(1, 4), np.array([score], np.float32))
    return Enrolment(face, np.frombuffer(embedding, np.float32), sha256)
