"""Adds the gateway's epoch and the sender's token to each item."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("epoch", "token"):
        op.add_column("items", sa.Column(name, sa.Text(), server_default="", nullable=False))
