"""PostgreSQL, which several servers may share; with pgvector if the extension is available."""

from __future__ import annotations

import logging

import numpy as np
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from faces.server.errors import ApiError, bad_argument, disk_full, unavailable
from faces.server.store.schema import HAS_VECTORS

SCHEMA_LOCK = 0x66616365  # advisory lock: its holder may change the tables
CONNECTING = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SETTINGS = {
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",  # a machine that vanished must not block the others
    "hnsw.ef_search": "100",
    "hnsw.iterative_scan": "strict_order",  # continue until there are enough rows of the collection
}
ITERATIVE_SCAN_VERSION = (0, 8)  # of pgvector; the index of an older version would miss people
MAX_INDEXED_DIMENSIONS = 2000
BATCH_ROWS = 1000
DISK_FULL_STATES = {"53100"}
BUSY_STATES = {"55P03", "40001", "40P01"}  # lock not available, serialization failure, deadlock
UNREACHABLE_STATES = ("08", "53", "57", "25006", "25P03")  # connection, resources, shutdown, standby, idle timeout

log = logging.getLogger(__name__)


def engines(url: URL) -> tuple[Engine, Engine]:
    """Return the engine for reading and the one for writing.

    A reading transaction sees one snapshot. For the locks of writers see ``collections``.
    """
    connect_args = {key: value for key, value in CONNECTING.items() if key not in url.query}
    # No prepared statements: each search needs a plan for its own collection, small or large.
    engine = create_engine(
        url,
        connect_args={**connect_args, "prepare_threshold": None},
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


def api_error(error: DBAPIError) -> ApiError | None:
    """Return the API's error for a full, busy or unreachable database or invalid text; None for any other error."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in DISK_FULL_STATES:
        return disk_full()
    if state in BUSY_STATES:
        return unavailable("The database is busy, please try later.")
    if isinstance(error, DataError):  # such as NUL in a URL
        return bad_argument("Request contains characters that are not allowed.")
    no_answer = not state and isinstance(error, (OperationalError, InterfaceError))
    if no_answer or error.connection_invalidated or state.startswith(UNREACHABLE_STATES):
        log.warning("database error: %s", one_line(error))
        return unavailable("The database cannot be reached, please try later.")
    return None


def one_line(error: DBAPIError) -> str:
    """Return the database's message in one line."""
    return " ".join(str(error.orig).split())


def lock_schema(connection: Connection) -> None:
    """Wait until no other process changes tables, and lock them out until the transaction ends."""
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})


def use_vectors(connection: Connection, dimension: int | None) -> bool:
    """Store embeddings as pgvector's vectors if the extension is available; return whether they are.

    connection: with the right to change tables.
    dimension: of the embeddings, for an index; None for searches that compare with all faces.
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
    if (
        dimension
        and dimension <= MAX_INDEXED_DIMENSIONS
        and tuple(map(int, str(version).split(".")[:2])) >= ITERATIVE_SCAN_VERSION
    ):
        connection.execute(text(f"ALTER TABLE faces ALTER COLUMN embedding TYPE vector({dimension})"))
        connection.execute(text("CREATE INDEX ix_faces_embedding ON faces USING hnsw (embedding vector_l2_ops)"))
    return True


def set_has_vectors(engine: Engine, vectors: bool) -> None:
    """Tell ``schema.Embedding`` whether this database stores vectors."""
    setattr(engine.dialect, HAS_VECTORS, vectors)


def _are_vectors(connection: Connection) -> bool:
    column_type = text(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = 'faces'::regclass AND attname = 'embedding' AND NOT attisdropped"
    )
    return str(connection.scalar(column_type)).endswith("vector")


def _convert(connection: Connection) -> None:
    """Replace the embeddings stored as bytes with vectors, in batches: there may be many."""
    connection.execute(text("LOCK TABLE faces IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text("ALTER TABLE faces ADD COLUMN vector vector"))
    after = 0
    batch = text("SELECT key, embedding FROM faces WHERE key > :after ORDER BY key LIMIT :number")
    while rows := connection.execute(batch, {"after": after, "number": BATCH_ROWS}).all():
        vectors = [{"key": key, "vector": str(np.frombuffer(blob, np.float32).tolist())} for key, blob in rows]
        connection.execute(text("UPDATE faces SET vector = CAST(:vector AS vector) WHERE key = :key"), vectors)
        after = rows[-1].key
    for change in ("DROP COLUMN embedding", "RENAME COLUMN vector TO embedding", "ALTER COLUMN embedding SET NOT NULL"):
        connection.execute(text(f"ALTER TABLE faces {change}"))
