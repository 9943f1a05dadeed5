"""Accounts and their sessions: argon2 passwords, sessions that expire, a lock after wrong
passwords.

Passwords, codes and session tokens are stored as hashes only, so that nobody can sign in with a
copy of the database.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from argon2 import PasswordHasher

from fevergate.errors import AccountError
from fevergate.protocol.visible_text import is_visible
from fevergate.settings.values import is_person_name
from fevergate.storage.statements import Connection
from fevergate.system.steady_clock import SteadyClock
from fevergate.web_common.passwords import MAX_PASSWORD_LENGTH, Passwords
from fevergate.web_common.store import AuditedStore

Role = Literal["guard", "administrator", "tutor"]
ROLES: tuple[Role, ...] = ("guard", "administrator", "tutor")

MIN_PASSWORD_LENGTH = 10
MAX_GUESSES = 5
LOCK_S = 900.0
MAX_UNITS, MAX_UNIT_LENGTH = 50, 64
MAX_IDLE_S: dict[Role, float] = {
    "guard": 12 * 3600.0,
    "administrator": 3600.0,
    "tutor": 3600.0,
}
"""A session ends after this time (s) without use. A guard's is longer, for a board that stays open
for a shift."""

MAX_SESSION_S = 24 * 3600.0
CODE_LIFETIME_S = 24 * 3600.0

_SELECT_PEOPLE = "select name, role from users order by name"
_COUNT_ATTEMPT = """
    insert into attempts(name, address, failures, locked_until, at)
    values (:name, :address, 1, 0, :now)
    on conflict (name, address) do update set at = :now,
        failures = case when attempts.locked_until > 0 then 1 else attempts.failures + 1 end,
        locked_until = case
            when attempts.locked_until = 0 and attempts.failures + 1 >= :most then :until else 0 end
    where attempts.locked_until <= :now or attempts.locked_until > :until"""
"""SQL to count an attempt; changes no row while name and address are locked. A lock that begins now
ends at `:until`: a later end was set by a clock that was ahead, and is ignored."""
_SELECT_SESSION = """
    select s."user", u.role, s.csrf, u.units, s.created_at, s.seen_at
    from sessions s join users u on u.name = s."user" where s.token = ?"""


class Session(NamedTuple):
    """A signed-in person. `csrf`: token in each form of the session; `ends_at`: Unix time (s) at
    which the session ends if it is not used again; `units`: a tutor's units."""

    user: str
    role: Role
    csrf: str
    ends_at: float
    units: tuple[str, ...] = ()


class Accounts:
    """The accounts of a web database; each call is one short transaction."""

    def __init__(
        self,
        store: AuditedStore,
        now: Callable[[], float] | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now or SteadyClock()
        self._passwords = Passwords(hasher or PasswordHasher())

    def now(self) -> float:
        """Unix time (s) of the clock by which sessions expire."""
        return self._now()

    @property
    def empty(self) -> bool:
        """Whether there is no administrator yet."""
        return not self._store.query("select 1 from users where role = 'administrator' limit 1")

    def people(self) -> list[tuple[str, Role]]:
        """Name and role of each account, by name."""
        return [(name, role) for name, role in self._store.query(_SELECT_PEOPLE)]

    def tutors(self) -> dict[str, tuple[str, ...]]:
        """The units of each tutor, by name."""
        rows = self._store.query("select name, units from users where role = 'tutor' order by name")
        return {name: _split(units) for name, units in rows}

    def invite(self) -> str:
        """Make a one-time code for a new administrator; it replaces the previous code."""
        code = secrets.token_hex(5).upper()
        with self._store.transaction() as connection:
            connection.execute("delete from codes")
            connection.execute(
                "insert into codes values (?, ?)", (digest(code), self._now() + CODE_LIFETIME_S)
            )
        return code

    def begin(self, code: str, name: str, password: str) -> None:
        """Make an administrator's account with a code of `invite`; an existing account of that name
        is replaced, as for an administrator who forgot the password. Raises `AccountError`."""
        valid = (digest(code.strip().upper()), self._now())
        if not self._store.query("select 1 from codes where code = ? and expires_at > ?", valid):
            raise AccountError("code")
        hashed = self._checked(name, password, "administrator")
        with self._store.transaction() as connection:
            used = connection.execute("delete from codes where code = ? and expires_at > ?", valid)
            if not used.rowcount:
                raise AccountError("code")
            connection.execute("delete from users where name = ?", (name,))
            self._insert(connection, name, "administrator", hashed)

    def add(self, name: str, password: str, role: Role, units: Iterable[str] = ()) -> None:
        """Add an account. A tutor sees only the given `units`. Raises `AccountError`."""
        joined = _joined(units) if role == "tutor" else ""
        hashed = self._checked(name, password, role)
        with self._store.transaction() as connection:
            if connection.execute("select 1 from users where name = ?", (name,)).fetchone():
                raise AccountError("taken")
            self._insert(connection, name, role, hashed, joined)

    def set_units(self, name: str, units: Iterable[str]) -> None:
        """Replace a tutor's units, from the next request on. Raises `AccountError`."""
        with self._store.transaction() as connection:
            changed = connection.execute(
                "update users set units = ? where name = ? and role = 'tutor'",
                (_joined(units), name),
            )
            if not changed.rowcount:
                raise AccountError("nobody")

    def remove(self, name: str) -> None:
        """Remove an account and its sessions. Raises `AccountError` if there is no such account, or
        if it is the last administrator's."""
        with self._store.transaction() as connection:
            connection.execute("delete from users where name = ?", (name,))
            if self.empty:
                raise AccountError("last")

    def change_password(self, name: str, old: str, new: str, address: str = "") -> None:
        """Change one's own password; all sessions of the account end. Raises `AccountError`."""
        self._count_attempt(name, address)
        rows = self._store.query("select password, role from users where name = ?", (name,))
        if not rows or not self._passwords.matches(rows[0][0], old):
            raise AccountError("old_password")
        self._forget_attempts(name, address)
        self._set_password(name, self._hashed(new, rows[0][1]))

    def set_password(self, name: str, new: str) -> None:
        """Set another person's password, as an administrator. Raises `AccountError`."""
        roles = dict(self.people())
        if name not in roles:
            raise AccountError("nobody")
        self._set_password(name, self._hashed(new, roles[name]))

    def sign_in(self, name: str, password: str, address: str = "") -> str:
        """Begin a session and return its token. Raises `AccountError`, which does not say whether
        the name or the password was wrong.

        Attempts are counted by name and client address, so that guesses from elsewhere do not lock
        a person out.
        """
        self._count_attempt(name, address)
        rows = self._store.query("select password from users where name = ?", (name,))
        matches = self._passwords.matches(rows[0][0] if rows else self._passwords.nobody, password)
        if not rows or not matches:
            raise AccountError("wrong")
        self._forget_attempts(name, address)
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute(
                "insert into sessions values (?, ?, ?, ?, ?)",
                (digest(token), name, csrf, self._now(), self._now()),
            )
        return token

    def session(self, token: str, *, touch: bool = True) -> Session | None:
        """The session of a token; None if it has ended. With `touch` the call counts as a use of
        the session."""
        rows = self._store.query(_SELECT_SESSION, (digest(token),))
        if not rows:
            return None
        user, role, csrf, units, created_at, seen_at = rows[0]
        now = self._now()
        if now - seen_at > MAX_IDLE_S[role] or now - created_at > MAX_SESSION_S:
            self.sign_out(token)
            return None
        # Stored times in the future mean that the clock was set back; the present replaces them.
        created_at, set_back = min(created_at, now), now < seen_at - 60
        if set_back or (touch and now - seen_at > 60):
            with self._store.transaction() as connection:
                connection.execute(
                    "update sessions set seen_at = ?, created_at = ? where token = ?",
                    (now, created_at, digest(token)),
                )
            seen_at = now
        ends_at = min(created_at + MAX_SESSION_S, seen_at + MAX_IDLE_S[role])
        return Session(user, role, csrf, ends_at, _split(units))

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._store.transaction() as connection:
            connection.execute("delete from sessions where token = ?", (digest(token),))

    def _count_attempt(self, name: str, address: str) -> None:
        """Count an attempt before the password is checked, so that a burst of guesses cannot pass
        the limit. Raises `AccountError` while name and address are locked."""
        now = self._now()
        values = {"name": name[:64], "address": address[:64], "most": MAX_GUESSES, "now": now}
        with self._store.transaction() as connection:
            connection.execute("delete from attempts where at < ?", (now - MAX_SESSION_S,))
            counted = connection.execute(_COUNT_ATTEMPT, values | {"until": now + LOCK_S})
            if not counted.rowcount:
                raise AccountError("locked")

    def _forget_attempts(self, name: str, address: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "delete from attempts where name = ? and address = ?", (name[:64], address[:64])
            )

    def _set_password(self, name: str, hashed: str) -> None:
        with self._store.transaction() as connection:
            connection.execute("update users set password = ? where name = ?", (hashed, name))
            connection.execute('delete from sessions where "user" = ?', (name,))

    def _insert(
        self, connection: Connection, name: str, role: Role, hashed: str, units: str = ""
    ) -> None:
        connection.execute(
            "insert into users(name, role, password, created_at, units) values (?, ?, ?, ?, ?)",
            (name, role, hashed, self._now(), units),
        )

    def _checked(self, name: str, password: str, role: str) -> str:
        """Check a new account's name, password and role; return the hash of the password. Raises
        `AccountError`."""
        # Reserved: in the audit "token ..." is a program, "-" somebody who is not signed in.
        if not is_person_name(name) or name.lower().startswith("token ") or name == "-":
            raise AccountError("name")
        return self._hashed(password, role)

    def _hashed(self, password: str, role: str) -> str:
        if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
            raise AccountError("password")
        if role not in ROLES:
            raise AccountError("role")
        return self._passwords.hash(password)


def _joined(units: Iterable[str]) -> str:
    """A tutor's units as they are stored, one a line. Raises `AccountError`."""
    stripped = dict.fromkeys(text for unit in units if (text := " ".join(unit.split())))
    if (
        not 1 <= len(stripped) <= MAX_UNITS
        or max(map(len, stripped)) > MAX_UNIT_LENGTH
        or not all(map(is_visible, stripped))
    ):
        raise AccountError("units")
    return "\n".join(stripped)


def _split(units: str) -> tuple[str, ...]:
    return tuple(units.split("\n")) if units else ()


def digest(secret: str) -> str:
    """SHA-256 of a secret, which is stored in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()
