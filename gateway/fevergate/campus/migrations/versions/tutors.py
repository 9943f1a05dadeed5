"""Units of a tutor's account."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "tutors", "items_by_kind"


def upgrade() -> None:
    """Add their column."""
    op.add_column("users", sa.Column("units", sa.Text, nullable=False, server_default=""))
