"""SQLite as a server needs it."""

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

PATIENCE = 10  # s that one who writes waits for another
READERS = 0.5  # s that those who read may take before what was erased is overwritten


def engines(url: URL) -> tuple[Engine, Engine]:
    """To read with, and to write with. The file is made, for its owner alone, with its folder. Raises OSError."""
    path = Path(str(url.database))
    make_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, OWNER_FILE))
    engine = create_engine(url, connect_args={"timeout": PATIENCE}, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # transactions are begun here: Python's module begins them too late
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine, engine.execution_options(begin="BEGIN IMMEDIATE")


def overwrite(url: URL) -> None:
    """Bring the write-ahead log into the file, where what was erased is overwritten, and empty it.

    While somebody reads it stays: the next time, a minute later at most, takes it with it.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(str(url.database), timeout=READERS)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def explained(error: DBAPIError) -> ApiError | None:
    """What to answer, where the error says more than that the server is wrong."""
    cause = str(error.orig).lower()
    if isinstance(error, OperationalError) and "full" in cause:
        return disk_full()
    if isinstance(error, OperationalError) and "locked" in cause:
        return unavailable("The database is busy, please try later.")
    return None
