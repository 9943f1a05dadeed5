"""People who sign in: passwords by argon2, sessions that end, a lock after wrong guesses.

A password or token is nowhere kept as it is: a copy of the database opens no door.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fevergate.errors import AccountError
from fevergate.web.store import WebStore

Role = Literal["guard", "administrator"]
ROLES: tuple[Role, ...] = ("guard", "administrator")

NAME = re.compile(
    r"[^\s\x00-\x1f\x7f<>&\"'](?:[^\x00-\x1f\x7f<>&\"']{0,30}[^\s\x00-\x1f\x7f<>&\"'])?"
)
PASSWORD_LEAST = 10
PASSWORD_MOST = 200
"""Characters; the upper bound, so that nobody has the machine hash megabytes."""

GUESSES = 5
LOCK_S = 900.0
IDLE_S: dict[Role, float] = {"guard": 12 * 3600.0, "administrator": 3600.0}
"""A guard's board stands open for a shift."""

WHOLE_S = 24 * 3600.0
CODE_S = 24 * 3600.0

_PEOPLE = "select name, role from users order by name"
_WRONG = """
    update users set failures = (failures + 1) % :most,
        locked_until = case when failures + 1 >= :most then :until else locked_until end
    where name = :name"""
_SESSION = """
    select s.user, u.role, s.csrf, s.created_at, s.seen_at
    from sessions s join users u on u.name = s.user where s.token = ?"""


class Session(NamedTuple):
    """Who is signed in, and the token that each of that one's forms carries."""

    user: str
    role: Role
    csrf: str


class Accounts:
    """Over the pages' database; each call is one short transaction."""

    def __init__(
        self,
        store: WebStore,
        now: Callable[[], float] = time.time,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._hasher = hasher or PasswordHasher()
        # So that a name that nobody has takes as long as one that somebody has.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    @property
    def empty(self) -> bool:
        """Whether there is no administrator yet."""
        return not self._store.query("select 1 from users where role = 'administrator' limit 1")

    def people(self) -> list[tuple[str, Role]]:
        """Everybody, by name."""
        return [(name, role) for name, role in self._store.query(_PEOPLE)]

    def invite(self) -> str:
        """A one-time code with which somebody makes the first administrator."""
        code = secrets.token_hex(5).upper()
        with self._store.transaction() as connection:
            connection.execute("delete from codes")
            connection.execute(
                "insert into codes values (?, ?)", (_digest(code), self._now() + CODE_S)
            )
        return code

    def begin(self, code: str, name: str, password: str) -> None:
        """Make the first administrator. Raises `AccountError`."""
        digest = _digest(code.strip().upper())
        hashed = self._checked(name, password, "administrator")
        with self._store.transaction() as connection:
            used = connection.execute(
                "delete from codes where code = ? and expires_at > ?", (digest, self._now())
            )
            if not self.empty or not used.rowcount:
                raise AccountError("code")
            self._insert(connection, name, "administrator", hashed)

    def add(self, name: str, password: str, role: Role) -> None:
        """Let somebody in from now on. Raises `AccountError`."""
        hashed = self._checked(name, password, role)
        with self._store.transaction() as connection:
            if connection.execute("select 1 from users where name = ?", (name,)).fetchone():
                raise AccountError("taken")
            self._insert(connection, name, role, hashed)

    def remove(self, name: str) -> None:
        """Let somebody in no more; the last administrator stays. Raises `AccountError`."""
        with self._store.transaction() as connection:
            connection.execute("delete from users where name = ?", (name,))
            if self.empty:
                raise AccountError("last")

    def change_password(self, name: str, old: str, new: str) -> None:
        """Somebody's own; every session of theirs ends. Raises `AccountError`."""
        rows = self._store.query("select password, role from users where name = ?", (name,))
        if not rows or not self._verified(rows[0][0], old):
            raise AccountError("old_password")
        hashed = self._checked(name, new, rows[0][1])
        with self._store.transaction() as connection:
            connection.execute("update users set password = ? where name = ?", (hashed, name))
            connection.execute("delete from sessions where user = ?", (name,))

    def sign_in(self, name: str, password: str) -> str:
        """A new session's token. Raises `AccountError`, which does not say what was wrong."""
        rows = self._store.query("select password, locked_until from users where name = ?", (name,))
        stored, locked_until = rows[0] if rows else (self._nobody, 0.0)
        right = self._verified(stored, password)
        if locked_until > self._now():
            raise AccountError("locked")
        if not rows or not right:
            with self._store.transaction() as connection:
                connection.execute(
                    _WRONG, {"most": GUESSES, "name": name, "until": self._now() + LOCK_S}
                )
            raise AccountError("wrong")
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute("update users set failures = 0 where name = ?", (name,))
            connection.execute(
                "insert into sessions values (?, ?, ?, ?, ?)",
                (_digest(token), name, csrf, self._now(), self._now()),
            )
        return token

    def session(self, token: str) -> Session | None:
        """Who a token belongs to, if its session has not ended; a look keeps it open."""
        rows = self._store.query(_SESSION, (_digest(token),))
        if not rows:
            return None
        user, role, csrf, created_at, seen_at = rows[0]
        now = self._now()
        if not -60 <= now - seen_at <= IDLE_S[role] or now - created_at > WHOLE_S:
            self.sign_out(token)
            return None
        if now - seen_at > 60:
            with self._store.transaction() as connection:
                connection.execute(
                    "update sessions set seen_at = ? where token = ?", (now, _digest(token))
                )
        return Session(user, role, csrf)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._store.transaction() as connection:
            connection.execute("delete from sessions where token = ?", (_digest(token),))

    def _insert(self, connection: sqlite3.Connection, name: str, role: Role, hashed: str) -> None:
        connection.execute(
            "insert into users(name, role, password, created_at) values (?, ?, ?, ?)",
            (name, role, hashed, self._now()),
        )

    def _checked(self, name: str, password: str, role: str) -> str:
        if not NAME.fullmatch(name):
            raise AccountError("name")
        if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
            raise AccountError("password")
        if role not in ROLES:
            raise AccountError("role")
        return self._hasher.hash(password)

    def _verified(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password[:PASSWORD_MOST])
        except (VerificationError, InvalidHashError):
            return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
