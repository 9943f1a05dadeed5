"""Who of the list was measured, by day."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "marks", "told_cases"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "marks",
        *_person(),
        sa.Column("clinical_c", sa.Float(53)),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("campus", sa.Text, nullable=False, server_default=""),
        sa.Column("unit", sa.Text, nullable=False, server_default=""),
        sa.Column("expected", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("day", "person"),
    )
    op.create_table("marks_elsewhere", *_person(), sa.PrimaryKeyConstraint("day", "person"))
    figures = ("expected", "measured", "excused", "unmeasured", "fevers")
    op.create_table(
        "roll_days",
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("closed_at", sa.Float(53), nullable=False),
        *(sa.Column(name, sa.Integer) for name in figures),
    )


def _person() -> list[sa.Column]:
    return [
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("person", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
    ]
