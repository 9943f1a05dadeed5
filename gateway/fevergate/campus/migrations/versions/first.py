"""The tables of the first release; `campus.database` creates those of `campus.schema` at once."""

revision, down_revision = "first", None


def upgrade() -> None:
    """Nothing comes before the first release."""
