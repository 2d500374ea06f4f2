"""SQLite, set up for a server with threads."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from faces.files.writing import OWNER_FILE, make_folder
from faces.server.errors import ApiError, disk_full, unavailable

LOCK_TIMEOUT = 10  # s that a writer waits for another
CHECKPOINT_TIMEOUT = 0.5  # s that a checkpoint waits for readers


def engines(url: URL) -> tuple[Engine, Engine]:
    """Return the engine for reading and the one for writing.

    Creates the file, readable by its owner alone, and its folder. Raises OSError.
    """
    path = Path(str(url.database))
    make_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWNER_FILE))
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT}, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # ``begin`` below starts transactions: sqlite3 would start them too late
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine, engine.execution_options(begin="BEGIN IMMEDIATE")


def checkpoint(url: URL) -> None:
    """Write the write-ahead log into the file, which overwrites erased data there, and empty the log.

    While there is a reader the log stays; the next checkpoint, a minute later at most, empties it.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(str(url.database), timeout=CHECKPOINT_TIMEOUT)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def api_error(error: DBAPIError) -> ApiError | None:
    """Return the API's error for a full disk or a busy database; None for any other error."""
    cause = str(error.orig).lower()
    if isinstance(error, OperationalError) and "full" in cause:
        return disk_full()
    if isinstance(error, OperationalError) and "locked" in cause:
        return unavailable("The database is busy, please try later.")
    return None
