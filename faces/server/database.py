"""The database: opened, brought up to date, and used in transactions that are kept whole or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from faces.errors import FacesError, UsageError
from faces.server.errors import ApiError
from faces.server.schema import Property
from faces.types import Fingerprint

PATIENCE = 10  # s that one who writes waits for another
MODELS = "models"  # the property


class Database:
    """One SQLite file, which only its owner can read; made, with its folder, where there is none.

    fingerprint: of the models whose embeddings it is for. Used from several threads at once.
    Raises UsageError for an address that is none, FingerprintError when it holds other models' embeddings, and
    FacesError when it cannot be opened.
    """

    def __init__(self, url: str, fingerprint: Fingerprint) -> None:
        self.path = self.path_of(url)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._engine = create_engine(url, connect_args={"timeout": PATIENCE}, max_overflow=-1)
            _set_up(self._engine)
            self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
            with self._writer.begin() as connection:
                _upgrade(connection)
            with self.write() as session:
                _require(session, fingerprint, url)
        except (OSError, DatabaseError, ApiError) as error:
            cause = error.orig if isinstance(error, DatabaseError) else error
            raise FacesError(f"cannot use the database {self.path}: {str(cause).lower()}") from error

    @staticmethod
    def path_of(url: str) -> Path:
        """The file of an address such as ``sqlite:///output/faces.db``. Raises UsageError for any other."""
        try:
            address = make_url(url)
            if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
                return Path(str(address.database))
        except (ArgumentError, NoSuchModuleError, ValueError):
            pass
        raise UsageError(f"--database {url}: give a file, such as sqlite:///output/faces.db")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of everything, whatever is written meanwhile."""
        with _explained(), Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are on the disk once it ends; none are when it ends with an error."""
        with _explained(), Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        self._engine.dispose()


def _set_up(engine: Engine) -> None:
    """SQLite as a server needs it; transactions are begun here, since Python's module begins them too late."""

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _require(session: Session, fingerprint: Fingerprint, url: str) -> None:
    if (models := session.get(Property, MODELS)) is None:
        session.add(Property(name=MODELS, value=json.dumps(fingerprint.to_dict())))
    else:
        made = Fingerprint.from_dict(json.loads(models.value))
        fingerprint.require(made, f"the faces in {url}", "name the same models, or another --database")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        cause = str(error.orig).lower()
        if "full" in cause:
            raise ApiError(507, "InsufficientStorage", "The disk of the server is full.") from error
        if "locked" in cause:
            raise ApiError(503, "ServiceUnavailable", "The database is busy, please try later.") from error
        raise
