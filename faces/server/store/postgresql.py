"""PostgreSQL for several servers at once, with pgvector where there is the extension."""

from __future__ import annotations

import logging

import numpy as np
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from faces.server.errors import ApiError, bad_argument, disk_full, unavailable
from faces.server.store.schema import HAS_VECTORS

LOCK = 0x66616365  # whoever holds it changes the tables
CONNECTING = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SETTINGS = {
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",  # so that a machine that vanished holds nobody up
    "hnsw.ef_search": "100",
    "hnsw.iterative_scan": "strict_order",  # goes on until there are enough of the collection that is asked for
}
ITERATIVE = (0, 8)  # the version of pgvector that can; before, an index would lose people
MOST_INDEXED = 2000  # dimensions
AT_ONCE = 1000  # embeddings
FULL, BUSY = {"53100"}, {"55P03", "40001", "40P01"}  # disk; locks, serialization, deadlocks
AWAY = ("08", "53", "57", "25006", "25P03")  # connections, resources, shutdowns, a standby, what took too long

log = logging.getLogger(__name__)


def engines(url: URL) -> tuple[Engine, Engine]:
    """To read with, each time one state of everything, and to write with: see ``collections`` for the locks."""
    given = {key: value for key, value in CONNECTING.items() if key not in url.query}
    # Without prepared statements each search is planned for its own collection, small or large.
    engine = create_engine(
        url,
        connect_args={**given, "prepare_threshold": None},
        pool_pre_ping=True,
        max_overflow=-1,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for name, value in SETTINGS.items():
            cursor.execute(f"SET {name} = '{value}'")
        connection.commit()

    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True), engine


def explained(error: DBAPIError) -> ApiError | None:
    """What to answer, where the error says more than that the server is wrong."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in FULL:
        return disk_full()
    if state in BUSY:
        return unavailable("The database is busy, please try later.")
    if isinstance(error, DataError):  # such as NUL in an address
        return bad_argument("Request contains characters that are not allowed.")
    no_answer = not state and isinstance(error, (OperationalError, InterfaceError))
    if no_answer or error.connection_invalidated or state.startswith(AWAY):
        log.warning("the database: %s", one_line(error))
        return unavailable("The database cannot be reached, please try later.")
    return None


def one_line(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())


def wait_for_others(connection: Connection) -> None:
    """Until the transaction ends, only this process changes tables."""
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def use_vectors(connection: Connection, dimension: int | None) -> bool:
    """Whether embeddings are pgvector's, which they are made where the extension is, or may be created.

    dimension: of the embeddings, by which they are indexed; None: each search compares with all.
    """
    if _are_vectors(connection):
        return True
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    _convert(connection)
    version = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    if dimension and dimension <= MOST_INDEXED and tuple(map(int, str(version).split(".")[:2])) >= ITERATIVE:
        connection.execute(text(f"ALTER TABLE faces ALTER COLUMN embedding TYPE vector({dimension})"))
        connection.execute(text("CREATE INDEX ix_faces_embedding ON faces USING hnsw (embedding vector_l2_ops)"))
    return True


def tell_schema(engine: Engine, vectors: bool) -> None:
    """Of which type ``schema.Embedding`` is in this database."""
    setattr(engine.dialect, HAS_VECTORS, vectors)


def _are_vectors(connection: Connection) -> bool:
    kind = text(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = 'faces'::regclass AND attname = 'embedding' AND NOT attisdropped"
    )
    return str(connection.scalar(kind)).endswith("vector")


def _convert(connection: Connection) -> None:
    """From bytes, in the place of which the vectors come: a database that was begun without pgvector may have many."""
    connection.execute(text("LOCK TABLE faces IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text("ALTER TABLE faces ADD COLUMN vector vector"))
    after = 0
    some = text("SELECT key, embedding FROM faces WHERE key > :after ORDER BY key LIMIT :number")
    while rows := connection.execute(some, {"after": after, "number": AT_ONCE}).all():
        vectors = [{"key": key, "vector": str(np.frombuffer(blob, np.float32).tolist())} for key, blob in rows]
        connection.execute(text("UPDATE faces SET vector = CAST(:vector AS vector) WHERE key = :key"), vectors)
        after = rows[-1].key
    for change in ("DROP COLUMN embedding", "RENAME COLUMN vector TO embedding", "ALTER COLUMN embedding SET NOT NULL"):
        connection.execute(text(f"ALTER TABLE faces {change}"))
