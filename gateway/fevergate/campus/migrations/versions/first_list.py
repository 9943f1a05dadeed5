"""When a list of people first came, which is what the first day with a roll goes by."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "first_list", "list_drafts"


def upgrade() -> None:
    """Add the column. People keep their rows, so the oldest of them tells it."""
    op.add_column(
        "people_list", sa.Column("first_at", sa.Float(53), nullable=False, server_default="0")
    )
    op.execute(
        "update people_list set first_at = coalesce((select min(since) from people), changed_at)"
    )
