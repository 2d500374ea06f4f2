"""The tables. Embeddings are float32 bytes in this machine's order; times are seconds since 1970, UTC."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import Dialect, Double, ForeignKey, Index, LargeBinary, String, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

HAS_VECTORS = "has_vectors"  # of a dialect, whose engine is that of a database with pgvector
MODELS = "models"  # the property

ByBytes = String(64).with_variant(String(64, collation="C"), "postgresql")  # ordered everywhere as by SQLite


class Embedding(TypeDecorator[bytes]):
    """Bytes for Python; for a database with pgvector a vector, in which it can search."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(VECTOR() if getattr(dialect, HAS_VECTORS, False) else LargeBinary())

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> Any:
        return np.frombuffer(value, np.float32) if value and getattr(dialect, HAS_VECTORS, False) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return value if value is None or isinstance(value, bytes) else np.asarray(value, np.float32).tobytes()


class Base(DeclarativeBase):
    """Of every table."""


class Property(Base):
    """What is true of the whole database, such as which models made its embeddings."""

    __tablename__ = "properties"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class Collection(Base):
    """A person group, large person group, face list or large face list.

    generation: counts what was erased or given to somebody else; with trained_to it tells an index in memory whether
    it still holds (see ``collections.changed``).
    trained_to: the last of the faces that the training in service has seen; None before the first.
    training_status: as on the wire; None before the first.
    training_owner, training_alive: the run of a server that trains, and when it last said that it is alive.
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
    """Whose faces a generation of a collection has changed: a person's key or, in a list, a face's."""

    __tablename__ = "changes"

    collection_key: Mapped[int] = mapped_column(ForeignKey("collections.key", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    owner_key: Mapped[int] = mapped_column(primary_key=True)


class Person(Base):
    """Somebody in a group."""

    __tablename__ = "persons"
    __table_args__ = (Index("ix_persons_collection", "collection_key", "id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    collection_key: Mapped[int] = mapped_column(ForeignKey("collections.key", ondelete="CASCADE"))
    name: Mapped[str | None] = mapped_column(String(128))
    user_data: Mapped[str | None]
    faces: Mapped[list[Face]] = relationship(order_by="Face.key", viewonly=True)


class Face(Base):
    """A face that stays: of somebody, or in a list. Keys grow, and are never used twice."""

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
    """What a face was enrolled from, as it came, and the face cut out of it (JPEG): gone when the face is."""

    __tablename__ = "photographs"

    face_key: Mapped[int] = mapped_column(ForeignKey("faces.key", ondelete="CASCADE"), primary_key=True)
    photograph: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    cutout: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Origin(Base):
    """Which photograph a face was made from. It stays without the face: who was erased is not taken from there again.

    sha256: of the photograph's file, or of the embedding where that is not known.
    """

    __tablename__ = "origins"

    key: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    face_key: Mapped[int | None] = mapped_column(ForeignKey("faces.key", ondelete="SET NULL"), index=True)


class DetectedFace(Base):
    """A face that was found in a photograph, for a day at most."""

    __tablename__ = "detected_faces"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    expires: Mapped[float] = mapped_column(Double, index=True)
    embedding: Mapped[bytes] = mapped_column(LargeBinary)
