"""The schema's steps, by Alembic."""
