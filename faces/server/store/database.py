"""The database: opening it, migrating its tables, and transactions."""

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
from faces.server.store.schema import MODELS_PROPERTY, Property
from faces.types import Fingerprint

ERASES = "erases"  # key in a session's info: it has deleted rows
WRITES = "writes"  # key in a session's info: it locks the collections it finds if the database is shared
SECRET_PARAMETERS = ("password", "sslpassword", "passfile")  # in a URL's query


class Database:
    """An SQLite file, for one server and readable by its owner alone; or PostgreSQL, for several servers. Thread-safe.

    url: such as ``sqlite:///output/faces.db`` or ``postgresql+psycopg://user@host/name``.
    fingerprint: of the models that make the embeddings; None if no embedding is read or written.
    dimension: of the embeddings; None if unknown.

    ``is_shared``: whether other servers may use it at the same time.
    ``has_vectors``: whether it has pgvector and searches itself.

    Raises UsageError for an invalid URL, FingerprintError if the database holds embeddings of other models, and
    FacesError if it cannot be opened.
    """

    def __init__(self, url: str, fingerprint: Fingerprint | None, dimension: int | None = None) -> None:
        address, self.path = _parse_url(url), self.path_of(url)
        self.is_shared, self.has_vectors = self.path is None, False
        self.name = str(self.path or _without_secrets(address))
        backend = postgresql if self.is_shared else sqlite
        self._api_error = backend.api_error
        try:
            self._reader, self._writer = backend.engines(address)
            with self._writer.begin() as connection:
                if self.is_shared:
                    postgresql.lock_schema(connection)
                _upgrade(connection)
                if self.is_shared:
                    self.has_vectors = postgresql.use_vectors(connection, dimension)
                if fingerprint is not None:
                    with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
                        _require_models(session, fingerprint, self.name)
            if self.is_shared:
                postgresql.set_has_vectors(self._writer, self.has_vectors)
        except (OSError, DatabaseError, DBAPIError, CommandError, ImportError) as error:
            cause = postgresql.one_line(error).lower() if isinstance(error, DBAPIError) else reason_of(error)
            raise FacesError(f"cannot use the database {self.name}: {cause}") from error

    @staticmethod
    def path_of(url: str) -> Path | None:
        """Return the file that a URL names, None for PostgreSQL. Raises UsageError for any other URL."""
        address = _parse_url(url)
        return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None

    @classmethod
    def models_of(cls, url: str) -> Fingerprint | None:
        """Return the models that made the embeddings in a database; None if it is new or cannot be read.

        Raises UsageError for an invalid URL.
        """
        address, path = _parse_url(url), cls.path_of(url)
        if path is not None and not path.is_file():
            return None
        try:
            engine = (sqlite if path else postgresql).engines(address)[0]
            try:
                with Session(engine) as session:
                    models = session.get(Property, MODELS_PROPERTY)
                    return None if models is None else Fingerprint.from_dict(json.loads(models.value))
            finally:
                engine.dispose()
        except (OSError, DatabaseError, DBAPIError, ImportError, ValueError, KeyError, TypeError):
            return None  # opening it says why, or makes the tables

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that reads one snapshot of the database."""
        with self._api_errors(), Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session that writes. Its changes are on disk when it ends; an error undoes all of them."""
        with self._api_errors(), Session(self._writer, info={WRITES: True}) as session:
            with session.begin():
                yield session
            if not self.is_shared and ERASES in session.info:
                sqlite.checkpoint(self._writer.url)

    def close(self) -> None:
        """Close the connections."""
        self._writer.dispose()

    @contextmanager
    def _api_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if (answer := self._api_error(error)) is not None:
                raise answer from error
            raise


@event.listens_for(Session, "do_orm_execute")
def _note_delete(state: ORMExecuteState) -> None:
    if state.is_delete:
        state.session.info[ERASES] = True


@event.listens_for(Session, "before_flush")
def _note_deleted(session: Session, *_: object) -> None:
    if session.deleted:
        session.info[ERASES] = True


def _parse_url(url: str) -> URL:
    """Parse a database URL. Raises UsageError, whose message has no password in it."""
    scheme = url.partition(":")[0]
    try:
        address = make_url(url)
        if address.drivername in ("postgresql", "postgresql+psycopg", "postgres"):
            if (
                address.password is not None and url.count("@") > 1
            ):  # make_url takes the text after the first @ for the host
                raise UsageError(f"--database {scheme}:...: write @ as %40, except for the one before the host")
            return address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
            return address
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    raise UsageError(
        f"--database {scheme}:...: give a file, such as sqlite:///output/faces.db, or postgresql+psycopg://user@host/name"
    )


def _without_secrets(address: URL) -> str:
    query = {key: "***" if key in SECRET_PARAMETERS else value for key, value in address.query.items()}
    return address.set(query=query).render_as_string(hide_password=True)


def _upgrade(connection: Connection) -> None:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # alembic expands % in options
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _require_models(session: Session, fingerprint: Fingerprint, name: str) -> None:
    if (models := session.get(Property, MODELS_PROPERTY)) is None:
        session.add(Property(name=MODELS_PROPERTY, value=json.dumps(fingerprint.to_dict())))
    else:
        made = Fingerprint.from_dict(json.loads(models.value))
        fingerprint.require(made, f"the faces in {name}", "use the same models, or another --database")
