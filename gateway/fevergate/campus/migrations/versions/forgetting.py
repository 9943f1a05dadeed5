"""The audit forgets names of others; cases by hand are known by a key that is no number of the
list."""

import secrets

import sqlalchemy as sa
from alembic import op

revision, down_revision = "forgetting", "first_list"

FEVER_C = 37.3


def upgrade() -> None:
    """Add the columns, give fevers their keys, and delete cases and notices with the old ones: what
    still waits is told once more."""
    op.add_column("audit", sa.Column("forgotten", sa.Integer, nullable=False, server_default="0"))
    op.create_index("audit_kept", "audit", ["forgotten", "at"])
    op.add_column("marks", sa.Column("case_key", sa.Text, nullable=False, server_default=""))
    marks = sa.table(
        "marks", *(sa.column(name) for name in ("day", "person", "clinical_c", "case_key"))
    )
    connection = op.get_bind()
    hot = sa.select(marks.c.day, marks.c.person).where(marks.c.clinical_c >= FEVER_C)
    for day, person in connection.execute(hot).all():
        connection.execute(
            marks.update()
            .where(marks.c.day == day, marks.c.person == person)
            .values(case_key=secrets.token_hex(8))
        )
    for table in ("told_cases", "notices"):
        op.execute(f"delete from {table} where key like 'confirmed/hand/%'")  # noqa: S608 - constants
