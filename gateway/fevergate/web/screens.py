"""Links for wall displays. A link holds a secret and opens the board of one gate or of all gates in
turn, until it is revoked.

Only the secret's SHA-256 is stored. A link needs no sign-in, so that a display still works after a
night or a restart; it opens no other page and changes nothing.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from fevergate.errors import AccountError
from fevergate.settings.values import is_person_name
from fevergate.texts.translations import LANGUAGES
from fevergate.web_common.accounts import digest
from fevergate.web_common.store import WebStore

MAX_SCREENS = 20
"""Most links at a time."""

SEEN_EVERY_S = 60.0
"""Shortest time (s) between two records that a link was used."""


class Screen(Struct, frozen=True, kw_only=True):
    """A link without its secret; an empty `gate` means all gates in turn. Times are Unix times
    (s)."""

    id: int
    name: str
    gate: str
    language: str
    by: str
    created_at: float
    seen_at: float | None


class Screens:
    """The links in the web database."""

    def __init__(
        self, store: WebStore, gates: list[str], now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._gates = gates
        self._now = now

    def issue(self, name: str, gate: str, language: str, by: str) -> str:
        """Make a link and return its secret, which cannot be read again. Raises `AccountError`."""
        if not is_person_name(name):
            raise AccountError("name")
        if gate and gate not in self._gates:
            raise AccountError("gate")
        if language not in LANGUAGES:
            raise AccountError("choice")
        secret = secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            (count,) = connection.execute("select count(*) from screens").fetchone()
            if count >= MAX_SCREENS:
                raise AccountError("screens")
            connection.execute(
                "insert into screens(name, digest, gate, language, by, created_at)"
                " values (?, ?, ?, ?, ?, ?)",
                (name, digest(secret), gate, language, by, self._now()),
            )
        return secret

    def find(self, secret: str) -> Screen | None:
        """The link of a secret, or None; its use is recorded, at most once a minute."""
        rows = self._store.query(f"{_SELECT} where digest = ?", (digest(secret),))
        if not rows:
            return None
        screen, now = _of(rows[0]), self._now()
        if screen.seen_at is None or abs(now - screen.seen_at) > SEEN_EVERY_S:
            with self._store.transaction() as connection:
                connection.execute("update screens set seen_at = ? where id = ?", (now, screen.id))
        return screen

    def all(self) -> list[Screen]:
        """All links, the newest first."""
        return [_of(row) for row in self._store.query(f"{_SELECT} order by id desc")]

    def revoke(self, number: int) -> str | None:
        """Delete a link and return its name, or None; its displays stop at their next check."""
        with self._store.transaction() as connection:
            row = connection.execute(
                "delete from screens where id = ? returning name", (number,)
            ).fetchone()
        return row[0] if row else None


_SELECT = f"select {', '.join(Screen.__struct_fields__)} from screens"  # noqa: S608 - field names


def _of(row: tuple[Any, ...]) -> Screen:
    return Screen(**dict(zip(Screen.__struct_fields__, row, strict=True)))
