"""Accounts and audit of the campus server, in its database, which several servers may share."""

from fevergate.campus.statements import CampusStatements
from fevergate.web_common.store import AuditedStore


class AccountStore(CampusStatements, AuditedStore):
    """Runs the statements of `web_common.accounts` on SQLite or PostgreSQL."""
