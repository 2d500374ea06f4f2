"""The tables. Embeddings are float32 bytes in the machine's byte order; times are seconds since 1970, UTC."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import Dialect, Double, ForeignKey, Index, LargeBinary, String, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

HAS_VECTORS = "has_vectors"  # attribute of a dialect: its database has pgvector
MAX_KEY_NAME = 64  # characters
REMOVED = "removed"  # kind of the collection of removed people; no interface for programs has this kind
MODELS_PROPERTY = "models"  # its value: the fingerprint of the models that made the embeddings

ByBytes = String(64).with_variant(String(64, collation="C"), "postgresql")  # the same order as in SQLite


class Embedding(TypeDecorator[bytes]):
    """An embedding: bytes in Python, a vector in a database with pgvector, bytes in any other."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the column's type in this database."""
        return dialect.type_descriptor(VECTOR() if getattr(dialect, HAS_VECTORS, False) else LargeBinary())

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> Any:
        """Return the value to store."""
        return np.frombuffer(value, np.float32) if value and getattr(dialect, HAS_VECTORS, False) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Return the stored value as bytes."""
        return value if value is None or isinstance(value, bytes) else np.asarray(value, np.float32).tobytes()


class Base(DeclarativeBase):
    """The base of all tables."""


class Property(Base):
    """A property of the whole database, such as the models that made its embeddings."""

    __tablename__ = "properties"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class Collection(Base):
    """A person group, large person group, face list or large face list.

    generation: counts changes to existing faces; with ``trained_to`` it shows whether an index in memory is current
    (see ``collections.record_change``).
    trained_to: the key of the last face in the current training; None before the first training.
    training_status: as in the API; None before the first training.
    training_owner: the id of the server process that trains.
    training_alive: the time of its last sign of life.
    """

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("kind", "id"), {"sqlite_autoincrement": True})

    key: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    id: Mapped[str] = mapped_column(ByBytes)
    name: Mapped[str] = mapped_column(String(128))
    user_data: Mapped[str | None]
    recognition_model: Mapped[str] = mapped_column(String(32))
    generation: Mapped[int] = mapped_column(default=0)
    trained_to: Mapped[int | None]
    training_status: Mapped[str | None] = mapped_column(String(16))
    training_message: Mapped[str | None]
    training_created: Mapped[float | None] = mapped_column(Double)
    training_last_action: Mapped[float | None] = mapped_column(Double)
    training_last_success: Mapped[float | None] = mapped_column(Double)
    training_owner: Mapped[str | None] = mapped_column(String(36))
    training_alive: Mapped[float | None] = mapped_column(Double, index=True)


class Change(Base):
    """The owner whose faces changed with a generation of a collection: the key of a person or, in a list, of a face."""

    __tablename__ = "changes"

    collection_key: Mapped[int] = mapped_column(ForeignKey("collections.key", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    owner_key: Mapped[int] = mapped_column(primary_key=True)


class Person(Base):
    """A person in a group."""

    __tablename__ = "persons"
    __table_args__ = (Index("ix_persons_collection", "collection_key", "id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    collection_key: Mapped[int] = mapped_column(ForeignKey("collections.key", ondelete="CASCADE"))
    name: Mapped[str | None] = mapped_column(String(128))
    user_data: Mapped[str | None]
    faces: Mapped[list[Face]] = relationship(order_by="Face.key", viewonly=True)


class Face(Base):
    """A persisted face of a person or in a list. Keys increase and are never reused."""

    __tablename__ = "faces"
    __table_args__ = (
        Index("ix_faces_collection", "collection_key", "id"),
        Index("ix_faces_order", "collection_key", "key"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    collection_key: Mapped[int] = mapped_column(ForeignKey("collections.key", ondelete="CASCADE"))
    person_key: Mapped[int | None] = mapped_column(ForeignKey("persons.key", ondelete="CASCADE"), index=True)
    user_data: Mapped[str | None]
    embedding: Mapped[bytes] = mapped_column(Embedding, deferred=True)
    added: Mapped[float] = mapped_column(Double, default=time.time, server_default="0", index=True)


class Photograph(Base):
    """The file that a face was enrolled from, and the face cut out of it (JPEG); erased with the face."""

    __tablename__ = "photographs"

    face_key: Mapped[int] = mapped_column(ForeignKey("faces.key", ondelete="CASCADE"), primary_key=True)
    photograph: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    cutout: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class RemovedPerson(Base):
    """A person who was removed and can be brought back until the grace is over; in the collection ``REMOVED``.

    removed: when.
    back_to: the person to whom the faces return; None if the person returns.
    moved: the keys of the faces that a merge moved to another person, and that return.
    """

    __tablename__ = "removed_persons"

    person_key: Mapped[int] = mapped_column(ForeignKey("persons.key", ondelete="CASCADE"), primary_key=True)
    removed: Mapped[float] = mapped_column(Double, default=time.time, index=True)
    back_to: Mapped[int | None] = mapped_column(ForeignKey("persons.key", ondelete="SET NULL"))
    moved: Mapped[str] = mapped_column(default="")


class Refusal(Base):
    """A face that is known not to be a person, although it looks like the person; erased with the person.

    embedding: float32 bytes.
    """

    __tablename__ = "refusals"

    key: Mapped[int] = mapped_column(primary_key=True)
    person_key: Mapped[int] = mapped_column(ForeignKey("persons.key", ondelete="CASCADE"), index=True)
    embedding: Mapped[bytes] = mapped_column(LargeBinary)
    added: Mapped[float] = mapped_column(Double, default=time.time, index=True)


class Origin(Base):
    """The photograph that a face came from. It outlives the face, so that an erased face is not imported again.

    sha256: of the photograph's file, or of the embedding if the file is unknown.
    face_key: None if the face was erased.
    """

    __tablename__ = "origins"

    key: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    face_key: Mapped[int | None] = mapped_column(ForeignKey("faces.key", ondelete="SET NULL"), index=True)


class NamedKey(Base):
    """A key with a name and a scope. Whoever has the database cannot use it: the key itself is not in it.

    id: the first characters of the key.
    name: unique.
    scope: see ``access.scopes``.
    sha256: of the whole key.
    """

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_KEY_NAME), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[float] = mapped_column(Double)


class DetectedFace(Base):
    """A face detected in an image, kept for a day at most."""

    __tablename__ = "detected_faces"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    expires: Mapped[float] = mapped_column(Double, index=True)
    embedding: Mapped[bytes] = mapped_column(LargeBinary)
