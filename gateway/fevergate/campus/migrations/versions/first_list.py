"""Adds the time of the first list of people, which decides the first day with a roll."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "first_list", "list_drafts"


def upgrade() -> None:
    """Add the column. People keep their rows, so the oldest row has that time."""
    op.add_column(
        "people_list", sa.Column("first_at", sa.Float(53), nullable=False, server_default="0")
    )
    op.execute(
        "update people_list set first_at = coalesce((select min(since) from people), changed_at)"
    )
