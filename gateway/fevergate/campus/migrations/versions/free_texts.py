"""The audit forgets free texts, too; drafts of a list keep no revision, which nothing read."""

from alembic import op

revision, down_revision = "free_texts", "forgetting"


def upgrade() -> None:
    """Go through the audit's old entries once more, and drop the column."""
    op.execute("update audit set forgotten = 0 where forgotten = 1")
    op.drop_column("drafts", "revision")
