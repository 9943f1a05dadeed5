"""People who sign in: passwords by argon2, sessions that end, a lock after wrong guesses.

A password or token is nowhere kept as it is: a copy of the database opens no door.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple

from argon2 import PasswordHasher

from fevergate.errors import AccountError
from fevergate.system.steady_clock import SteadyClock
from fevergate.web_common.passwords import MOST, Passwords
from fevergate.web_common.store import Connection, Notebook

Role = Literal["guard", "administrator"]
ROLES: tuple[Role, ...] = ("guard", "administrator")

NAME = re.compile(
    r"[^\s\x00-\x1f\x7f<>&\"'](?:[^\x00-\x1f\x7f<>&\"']{0,30}[^\s\x00-\x1f\x7f<>&\"'])?"
)
PASSWORD_LEAST = 10
GUESSES = 5
LOCK_S = 900.0
IDLE_S: dict[Role, float] = {"guard": 12 * 3600.0, "administrator": 3600.0}
"""A guard's board stands open for a shift."""

WHOLE_S = 24 * 3600.0
CODE_S = 24 * 3600.0

_PEOPLE = "select name, role from users order by name"
_TRIED = """
    insert into attempts(name, address, failures, locked_until, at)
    values (:name, :address, 1, 0, :now)
    on conflict (name, address) do update set at = :now,
        failures = case when attempts.locked_until > 0 then 1 else attempts.failures + 1 end,
        locked_until = case
            when attempts.locked_until = 0 and attempts.failures + 1 >= :most then :until else 0 end
    where attempts.locked_until <= :now or attempts.locked_until > :until"""
"""A lock that ends later than one that begins now was set by a clock that was ahead: it is over."""
_SESSION = """
    select s."user", u.role, s.csrf, s.created_at, s.seen_at
    from sessions s join users u on u.name = s."user" where s.token = ?"""


class Session(NamedTuple):
    """Who is signed in, the token that each of that one's forms carries, and when it ends (UTC s)
    unless something of it is asked for before."""

    user: str
    role: Role
    csrf: str
    ends_at: float


class Accounts:
    """Over the pages' database; each call is one short transaction."""

    def __init__(
        self,
        store: Notebook,
        now: Callable[[], float] | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now or SteadyClock()
        self._passwords = Passwords(hasher or PasswordHasher())

    def now(self) -> float:
        """UTC s by the clock that sessions go by."""
        return self._now()

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
        """Make the first administrator; or, with a code that was made for it since, another one,
        or a new password of one who forgot it. Raises `AccountError`."""
        digest = _digest(code.strip().upper())
        wanted = (digest, self._now())
        if not self._store.query("select 1 from codes where code = ? and expires_at > ?", wanted):
            raise AccountError("code")
        hashed = self._checked(name, password, "administrator")
        with self._store.transaction() as connection:
            used = connection.execute("delete from codes where code = ? and expires_at > ?", wanted)
            if not used.rowcount:
                raise AccountError("code")
            connection.execute("delete from users where name = ?", (name,))
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

    def change_password(self, name: str, old: str, new: str, address: str = "") -> None:
        """Somebody's own; every session of theirs ends. Raises `AccountError`."""
        self._try(name, address)
        rows = self._store.query("select password, role from users where name = ?", (name,))
        if not rows or not self._passwords.matches(rows[0][0], old):
            raise AccountError("old_password")
        self._forgive(name, address)
        self._set_password(name, self._checked(name, new, rows[0][1]))

    def set_password(self, name: str, new: str) -> None:
        """An administrator gives somebody another one. Raises `AccountError`."""
        roles = dict(self.people())
        if name not in roles:
            raise AccountError("nobody")
        self._set_password(name, self._checked(name, new, roles[name]))

    def sign_in(self, name: str, password: str, address: str = "") -> str:
        """A new session's token. Raises `AccountError`, which does not say what was wrong.

        Guesses are counted by name and address (where from, as the server sees it): whoever guesses
        from elsewhere locks nobody out.
        """
        self._try(name, address)
        rows = self._store.query("select password from users where name = ?", (name,))
        right = self._passwords.matches(rows[0][0] if rows else self._passwords.nobody, password)
        if not rows or not right:
            raise AccountError("wrong")
        self._forgive(name, address)
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute(
                "insert into sessions values (?, ?, ?, ?, ?)",
                (_digest(token), name, csrf, self._now(), self._now()),
            )
        return token

    def session(self, token: str, *, touch: bool = True) -> Session | None:
        """Who a token belongs to, if its session has not ended; a look keeps it open (`touch`)."""
        rows = self._store.query(_SESSION, (_digest(token),))
        if not rows:
            return None
        user, role, csrf, created_at, seen_at = rows[0]
        now = self._now()
        if now - seen_at > IDLE_S[role] or now - created_at > WHOLE_S:
            self.sign_out(token)
            return None
        # What lies ahead of now was noted by a clock that has been set back: it begins now.
        begun_at, back = min(created_at, now), now < seen_at - 60
        if back or (touch and now - seen_at > 60):
            with self._store.transaction() as connection:
                connection.execute(
                    "update sessions set seen_at = ?, created_at = ? where token = ?",
                    (now, begun_at, _digest(token)),
                )
            seen_at = now
        created_at = begun_at
        return Session(user, role, csrf, min(created_at + WHOLE_S, seen_at + IDLE_S[role]))

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._store.transaction() as connection:
            connection.execute("delete from sessions where token = ?", (_digest(token),))

    def _try(self, name: str, address: str) -> None:
        """Count an attempt before it is looked at, so that none of a burst slips through. Raises
        `AccountError` while it is locked."""
        now = self._now()
        values = {"name": name[:64], "address": address[:64], "most": GUESSES, "now": now}
        with self._store.transaction() as connection:
            connection.execute("delete from attempts where at < ?", (now - WHOLE_S,))
            done = connection.execute(_TRIED, values | {"until": now + LOCK_S})
            if not done.rowcount:
                raise AccountError("locked")

    def _forgive(self, name: str, address: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "delete from attempts where name = ? and address = ?", (name[:64], address[:64])
            )

    def _set_password(self, name: str, hashed: str) -> None:
        with self._store.transaction() as connection:
            connection.execute("update users set password = ? where name = ?", (hashed, name))
            connection.execute('delete from sessions where "user" = ?', (name,))

    def _insert(self, connection: Connection, name: str, role: Role, hashed: str) -> None:
        connection.execute(
            "insert into users(name, role, password, created_at) values (?, ?, ?, ?)",
            (name, role, hashed, self._now()),
        )

    def _checked(self, name: str, password: str, role: str) -> str:
        # What a program did is noted as "token ..."; nobody is to look like one.
        if not NAME.fullmatch(name) or name.lower().startswith("token ") or name == "-":
            raise AccountError("name")
        if not PASSWORD_LEAST <= len(password) <= MOST:
            raise AccountError("password")
        if role not in ROLES:
            raise AccountError("role")
        return self._passwords.hash(password)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
