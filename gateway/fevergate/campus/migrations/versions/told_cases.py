"""Confirmed fevers that those on duty are told."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "told_cases", "registers"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "told_cases",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fever", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float(53), nullable=False),
        sa.Column("taken_at", sa.Float(53)),
        sa.Column("taken_by", sa.Text, nullable=False, server_default=""),
        sa.Column("over_at", sa.Float(53)),
        sa.Column("over_why", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("told_cases_opened", "told_cases", ["opened_at"])
