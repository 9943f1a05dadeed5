"""Migrations of the campus server's schema (Alembic)."""
