"""Create the tables of collections, persons, persisted faces and detected faces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "properties",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "collections",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("user_data", sa.String),
        sa.Column("recognition_model", sa.String(32), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("trained_to", sa.Integer),
        sa.Column("training_status", sa.String(16)),
        sa.Column("training_message", sa.String),
        sa.Column("training_created", sa.Double),
        sa.Column("training_last_action", sa.Double),
        sa.Column("training_last_success", sa.Double),
        sa.UniqueConstraint("kind", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "persons",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("collection_key", sa.Integer, sa.ForeignKey("collections.key", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(128)),
        sa.Column("user_data", sa.String),
    )
    op.create_index("ix_persons_collection", "persons", ["collection_key", "id"])
    op.create_table(
        "faces",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("collection_key", sa.Integer, sa.ForeignKey("collections.key", ondelete="CASCADE"), nullable=False),
        sa.Column("person_key", sa.Integer, sa.ForeignKey("persons.key", ondelete="CASCADE"), index=True),
        sa.Column("user_data", sa.String),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_faces_collection", "faces", ["collection_key", "id"])
    op.create_table(
        "detected_faces",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("expires", sa.Double, nullable=False, index=True),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Undo this revision."""
    for table in ("detected_faces", "faces", "persons", "collections", "properties"):
        op.drop_table(table)
