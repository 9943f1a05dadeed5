"""An index for the fevers of a period."""

from alembic import op

revision, down_revision = "items_by_kind", "given_names"


def upgrade() -> None:
    """Add the index."""
    op.create_index("items_kind", "items", ["kind", "date"])
