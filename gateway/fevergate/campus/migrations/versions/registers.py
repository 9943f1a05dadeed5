"""Entries of registers, and their revisions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "registers", "people"


def upgrade() -> None:
    """Add the tables and their indexes."""
    op.create_table("entries", *_columns(), sa.PrimaryKeyConstraint("register", "id"))
    op.create_table(
        "entry_revisions", *_columns(), sa.PrimaryKeyConstraint("register", "id", "revision")
    )
    op.create_index("entries_first", "entries", ["register", "first_at"])
    op.create_index("entries_held", "entries", ["register", "closed_at"])
    op.create_index("entries_sums", "entries", ["register", "subject", "first_at", "amount"])


def _columns() -> list[sa.Column[Any]]:
    texts, real = ("by", "gate", "fields", "sealed", "subject"), sa.Float(53)
    return [
        sa.Column("register", sa.Text, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("first_at", real, nullable=False),
        sa.Column("at", real, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("amount", real),
        sa.Column("opened_at", real, nullable=False),
        sa.Column("closed_at", real),
        sa.Column("forgotten", sa.Integer, nullable=False),
    ]
