"""The database: opened, brought up to date, and used in transactions that are kept whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import ORMExecuteState, Session

from faces.errors import FacesError, UsageError, reason_of
from faces.server.store import postgresql, sqlite
from faces.server.store.schema import MODELS, Property
from faces.types import Fingerprint

ERASES = "erases"  # of a session's info: something was deleted
WRITES = "writes"  # of a session's info: what it finds it locks, where the database is shared
SECRETS = ("password", "sslpassword", "passfile")  # in an address's query


class Database:
    """An SQLite file, which only its owner can read and one server at a time uses; or PostgreSQL, for many.

    fingerprint: of the models whose embeddings it is for; dimension: of these. Used from several threads at once.
    is_shared: whether other servers may use it now. has_vectors: whether it has pgvector, and searches itself.
    Raises UsageError for an address that is none, FingerprintError when it holds other models' embeddings, and
    FacesError when it cannot be opened.
    """

    def __init__(self, url: str, fingerprint: Fingerprint, dimension: int | None = None) -> None:
        address, self.path = _address(url), self.path_of(url)
        self.is_shared, self.has_vectors = self.path is None, False
        self.name = str(self.path or _hidden(address))
        backend = postgresql if self.is_shared else sqlite
        self._explained = backend.explained
        try:
            self._reader, self._writer = backend.engines(address)
            with self._writer.begin() as connection:
                if self.is_shared:
                    postgresql.wait_for_others(connection)
                _upgrade(connection)
                if self.is_shared:
                    self.has_vectors = postgresql.use_vectors(connection, dimension)
                with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
                    _require(session, fingerprint, self.name)
            if self.is_shared:
                postgresql.tell_schema(self._writer, self.has_vectors)
        except (OSError, DatabaseError, DBAPIError, CommandError, ImportError) as error:
            cause = postgresql.one_line(error).lower() if isinstance(error, DBAPIError) else reason_of(error)
            raise FacesError(f"cannot use the database {self.name}: {cause}") from error

    @staticmethod
    def path_of(url: str) -> Path | None:
        """The file of an address such as ``sqlite:///output/faces.db``, None for PostgreSQL's.

        Raises UsageError for any other.
        """
        address = _address(url)
        return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of everything, whatever is written meanwhile."""
        with self._told(), Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are on the disk once it ends; none are when it ends with an error."""
        with self._told(), Session(self._writer, info={WRITES: True}) as session:
            with session.begin():
                yield session
            if not self.is_shared and ERASES in session.info:
                sqlite.overwrite(self._writer.url)

    def close(self) -> None:
        self._writer.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if (told := self._explained(error)) is not None:
                raise told from error
            raise


@event.listens_for(Session, "do_orm_execute")
def _note_delete(state: ORMExecuteState) -> None:
    if state.is_delete:
        state.session.info[ERASES] = True


@event.listens_for(Session, "before_flush")
def _note_deleted(session: Session, *_: object) -> None:
    if session.deleted:
        session.info[ERASES] = True


def _address(url: str) -> URL:
    """Raises UsageError, which does not repeat a password."""
    begin = url.partition(":")[0]
    try:
        address = make_url(url)
        if address.drivername in ("postgresql", "postgresql+psycopg", "postgres"):
            if address.password is not None and url.count("@") > 1:  # what follows the first was taken for the host
                raise UsageError(f"--database {begin}:...: write @ as %40, but for the one before the host")
            return address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
            return address
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    raise UsageError(
        f"--database {begin}:...: give a file, such as sqlite:///output/faces.db, or postgresql+psycopg://user@host/name"
    )


def _hidden(address: URL) -> str:
    shown = {key: "***" if key in SECRETS else value for key, value in address.query.items()}
    return address.set(query=shown).render_as_string(hide_password=True)


def _upgrade(connection: Connection) -> None:
    config = Config()
    place = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", place.replace("%", "%%"))  # which names other options there
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _require(session: Session, fingerprint: Fingerprint, name: str) -> None:
    if (models := session.get(Property, MODELS)) is None:
        session.add(Property(name=MODELS, value=json.dumps(fingerprint.to_dict())))
    else:
        made = Fingerprint.from_dict(json.loads(models.value))
        fingerprint.require(made, f"the faces in {name}", "name the same models, or another --database")
