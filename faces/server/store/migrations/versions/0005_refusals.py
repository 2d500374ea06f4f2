"""Add the faces that are known not to be a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "refusals",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column(
            "person_key", sa.Integer, sa.ForeignKey("persons.key", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
        sa.Column("added", sa.Double, nullable=False, index=True),
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("refusals")
