"""The list of people, with cards, policies and overrides."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "people", "tutors"


def upgrade() -> None:
    """Add their tables."""
    op.create_table(
        "people",
        sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
        *(_text(name) for name in ("kind", "class", "unit", "campus", "permit")),
        sa.Column("since", sa.Float(53), nullable=False),
        sa.Column("until", sa.Float(53)),
        sa.Column("expected", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        _text("sealed"),
        sa.Column("number_tag", sa.Text, unique=True),
        _text("name_tag"),
        _text("content"),
    )
    op.create_index("people_unit", "people", ["unit", "person"])
    op.create_index("people_revision", "people", ["revision"])
    op.create_index("people_name", "people", ["name_tag"])
    op.create_table(
        "cards",
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("person", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Float(53)),
    )
    op.create_index("cards_person", "cards", ["person"])
    op.create_table(
        "policies",
        *(_text(name) for name in ("kind", "class", "permit", "by")),
        *_changed(),
        sa.PrimaryKeyConstraint("kind", "class"),
    )
    op.create_table(
        "overrides",
        sa.Column("person", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("permit"),
        sa.Column("until", sa.Float(53), nullable=False),
        _text("by"),
        *_changed(),
    )
    op.create_table(
        "people_list",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _text("list"),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("last_person", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.Float(53), nullable=False),
        sa.Column("heard_at", sa.Float(53)),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _changed() -> list[sa.Column]:
    return [
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    ]
