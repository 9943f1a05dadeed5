"""Names that people gave gates and kiosks, as their gateway tells them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "given_names", "first"


def upgrade() -> None:
    """Add their table."""
    op.create_table(
        "given_names",
        sa.Column("campus", sa.Text, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("campus", "gateway"),
    )
