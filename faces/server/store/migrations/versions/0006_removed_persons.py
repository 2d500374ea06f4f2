"""Add the people who were removed and can be brought back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "removed_persons",
        sa.Column("person_key", sa.Integer, sa.ForeignKey("persons.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("removed", sa.Double, nullable=False, index=True),
        sa.Column("back_to", sa.Integer, sa.ForeignKey("persons.key", ondelete="SET NULL")),
        sa.Column("moved", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("removed_persons")
