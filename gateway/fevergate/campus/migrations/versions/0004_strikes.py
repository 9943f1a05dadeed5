"""Adds strikes of rows received by a replaced token, and who took them back."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.create_table(
        "strikes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text),
        sa.Column("since", sa.Float(53), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("undone_at", sa.Float(53)),
        sa.Column("undone_by", sa.Text, nullable=False, server_default=""),
        sa.Column("undone_reason", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("items_token", "items", ["gateway", "token", "epoch"])
