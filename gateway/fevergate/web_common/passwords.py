"""Hashing passwords by argon2, a few at a time: each takes 64 MiB and a processor for a while.

Whoever sends a thousand guesses at once must not take the gateway's memory with them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fevergate.errors import AccountError

AT_ONCE = 2
WAITING = 16
MOST = 200
"""Characters that are hashed, so that nobody has the machine hash megabytes."""


class Passwords:
    """Every call raises `AccountError` ("later") where too many wait already."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._working = threading.Semaphore(AT_ONCE)
        self._places = threading.Semaphore(AT_ONCE + WAITING)
        # So that a name that nobody has takes as long as one that somebody has.
        self.nobody = hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._turn():
            return self._hasher.hash(password)

    def matches(self, stored: str, password: str) -> bool:
        """Whether it is the one of which that was kept."""
        with self._turn():
            try:
                return self._hasher.verify(stored, password[:MOST])
            except (VerificationError, InvalidHashError):
                return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise AccountError("later")
        try:
            with self._working:
                yield
        finally:
            self._places.release()
