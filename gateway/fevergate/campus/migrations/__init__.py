"""Migrations of the campus server's schema (Alembic).

Whoever changes `campus.schema` adds a file to `versions/` that changes the tables of the release
before in the same way, with that one's revision as its `down_revision`.
"""
