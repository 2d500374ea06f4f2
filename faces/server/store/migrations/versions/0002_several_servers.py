"""Let several servers share a database: record which server trains, and whose faces have changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.add_column("collections", sa.Column("training_owner", sa.String(36)))
    op.add_column("collections", sa.Column("training_alive", sa.Double))
    op.create_index("ix_collections_training_alive", "collections", ["training_alive"])
    op.create_index("ix_faces_order", "faces", ["collection_key", "key"])
    op.create_table(
        "changes",
        sa.Column("collection_key", sa.Integer, sa.ForeignKey("collections.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True),
        sa.Column("owner_key", sa.Integer, primary_key=True),
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("changes")
    op.drop_index("ix_faces_order", "faces")
    op.drop_index("ix_collections_training_alive", "collections")
    op.drop_column("collections", "training_alive")
    op.drop_column("collections", "training_owner")
