"""Lists of people that were uploaded and not yet applied."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "list_drafts", "marks"


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "drafts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )
