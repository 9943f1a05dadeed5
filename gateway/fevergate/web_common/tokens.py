"""API tokens for programs that use the API. Each is a secret with scopes and a time of expiry. Only
the secret's SHA-256 is stored."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from fevergate.errors import AccountError
from fevergate.settings.values import is_person_name
from fevergate.web_common.accounts import digest
from fevergate.web_common.store import WebStore

PREFIX = "fg_"
"""Each secret begins with this, so that programs which scan for leaked secrets recognise it."""

DAY_S = 86400.0
MAX_DAYS = 400


class Token(Struct, frozen=True, kw_only=True):
    """One token without its secret; times are Unix times (s)."""

    id: int
    name: str
    scopes: list[str]
    by: str
    created_at: float
    expires_at: float
    used_at: float | None


class Tokens:
    """Issues, finds and revokes tokens in the web database."""

    def __init__(self, store: WebStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def issue(self, name: str, scopes: Sequence[str], days: int, by: str) -> str:
        """Make a token with some of `SCOPES`; returns its secret, which cannot be read again.

        Raises `AccountError`.
        """
        if not is_person_name(name):
            raise AccountError("name")
        if not scopes:
            raise AccountError("scopes")
        if not 1 <= days <= MAX_DAYS:
            raise AccountError("days")
        secret = PREFIX + secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute(
                "insert into tokens(name, digest, scopes, by, created_at, expires_at)"
                " values (?, ?, ?, ?, ?, ?)",
                (
                    name,
                    digest(secret),
                    " ".join(scopes),
                    by,
                    self._now(),
                    self._now() + days * DAY_S,
                ),
            )
        return secret

    def find(self, secret: str) -> Token | None:
        """The token of a secret; None if there is none, if it has expired, or if it was issued more
        than a minute in the future (the clock was set back since). Records its use, at most once a
        minute."""
        rows = self._store.query(f"{_SELECT} where digest = ?", (digest(secret),))
        if not rows:
            return None
        token, now = _of(rows[0]), self._now()
        if not token.created_at - 60 <= now < token.expires_at:
            return None
        if token.used_at is None or now - token.used_at > 60:
            with self._store.transaction() as connection:
                connection.execute("update tokens set used_at = ? where id = ?", (now, token.id))
        return token

    def all(self) -> list[Token]:
        """All tokens, the newest first."""
        return [_of(row) for row in self._store.query(f"{_SELECT} order by id desc")]

    def revoke(self, number: int) -> None:
        """Delete a token: its next request is refused."""
        with self._store.transaction() as connection:
            connection.execute("delete from tokens where id = ?", (number,))

    def revoke_of(self, person: str) -> None:
        """Revoke the tokens that a person issued, because the account is deleted."""
        with self._store.transaction() as connection:
            connection.execute('delete from tokens where "by" = ?', (person,))


_SELECT = f"select {', '.join(Token.__struct_fields__)} from tokens"  # noqa: S608 - field names


def _of(row: tuple[Any, ...]) -> Token:
    values = dict(zip(Token.__struct_fields__, row, strict=True))
    return Token(**values | {"scopes": values["scopes"].split()})
