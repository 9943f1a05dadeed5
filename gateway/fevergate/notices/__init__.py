"""Channels and texts that tell a person; without a database."""
