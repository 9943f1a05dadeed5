"""Hashes passwords with argon2, a few at a time.

Each hash takes 64 MiB and, for a while, a processor core: a thousand guesses at once must not use
up the gateway's memory.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fevergate.errors import AccountError

MAX_HASHING = 2
MAX_WAITING = 16
MAX_PASSWORD_LENGTH = 200
"""Most characters of a password, so that no request can make the gateway hash megabytes."""


class Passwords:
    """Hashes and verifies passwords; a call raises `AccountError` ("later") if too many others are
    waiting."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._working = threading.Semaphore(MAX_HASHING)
        self._places = threading.Semaphore(MAX_HASHING + MAX_WAITING)
        # Verified for an unknown name, so that the answer takes as long as for a known one.
        self.nobody = hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """The hash to store."""
        with self._turn():
            return self._hasher.hash(password)

    def matches(self, stored: str, password: str) -> bool:
        """Whether a stored hash is that of the password."""
        with self._turn():
            try:
                return self._hasher.verify(stored, password[:MAX_PASSWORD_LENGTH])
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
