"""Add photographs, the origins of faces, and the times at which faces were added."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.add_column("faces", sa.Column("added", sa.Double, nullable=False, server_default="0"))
    op.create_index("ix_faces_added", "faces", ["added"])
    faces = sa.table("faces", sa.column("added", sa.Double))
    op.execute(faces.update().values(added=time.time()))  # existing faces are kept as long as new ones
    op.create_table(
        "photographs",
        sa.Column("face_key", sa.Integer, sa.ForeignKey("faces.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("photograph", sa.LargeBinary, nullable=False),
        sa.Column("cutout", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "origins",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False, index=True),
        sa.Column("face_key", sa.Integer, sa.ForeignKey("faces.key", ondelete="SET NULL"), index=True),
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("origins")
    op.drop_table("photographs")
    op.drop_index("ix_faces_added", "faces")
    op.drop_column("faces", "added")
