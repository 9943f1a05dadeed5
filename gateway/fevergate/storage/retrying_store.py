"""A store that waits for its disk: opening and commits are tried again, and a damaged database is
replaced."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fevergate.errors import StoreError
from fevergate.storage.connection import is_damage
from fevergate.storage.records import Record
from fevergate.storage.store import Store, Touched

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""Delay before a refused commit is tried again."""

OPEN_RETRY_S = 1.0
"""Delay before opening the store is tried again."""

REOPEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
"""SQLite errors that an open connection may go on raising although the disk works again."""

RENEW_INTERVAL_S = 600.0
"""Least time between two new databases, for a disk that damages each of them."""


class RetryingStore:
    """A store that one thread uses; it stops waiting for the disk when `stopping` is set.

    `open_store` opens the store, or raises `StoreError`. `trouble(error)` is called while the disk
    refuses, then `trouble(None)`; `damaged(path)` after a damaged database was set aside.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        trouble: Callable[[Exception | None], None],
        damaged: Callable[[Path], object],
    ) -> None:
        self._open_store = open_store
        self._trouble = trouble
        self._damaged = damaged
        self._renew_at = 0.0
        self.store: Store
        self.stopping = threading.Event()
        self.opened = False
        self.tried = threading.Event()
        """Set after the first attempt to open the store, whether or not it succeeded."""
        self.refusing = True
        self.commits = 0
        self.records = 0
        self.commit_s = 0.0
        self.progressed_at = time.monotonic()

    def open(self) -> bool:
        """Open the store, with retries; returns False if stopped before that."""
        refusal = ""
        while True:
            try:
                self.store = self._open_store()
                break
            except Exception as error:  # no error may stop the gateway: alarms need no store
                if repr(error) != refusal:
                    log.error("the store cannot be opened: %s", error, exc_info=_surprise(error))
                    refusal = repr(error)
                    safely(self._trouble, error)
            self.tried.set()
            if self.stopping.wait(OPEN_RETRY_S):
                return False
            self.progressed_at = time.monotonic()
        self.opened = True
        self._recovered(bool(refusal))
        self.tried.set()
        return True

    def commit(self, records: list[Record], *, sound: bool = False) -> Touched | None:
        """Commit, with retries while the disk refuses; returns None if stopped before that.

        Raises `StoreError` where a retry cannot help, but not for records known to be `sound`.
        """
        refusal = ""
        while True:
            began = time.monotonic()
            try:
                touched = self.store.commit(records)
            except StoreError as error:
                if self.renewed(error):
                    continue
                if not (sound or _is_disk(error)):
                    raise
                if self.stopping.is_set():
                    log.error("not stored, left with the broker: %d records", len(records))
                    return None
                if str(error) != refusal:
                    log.error("the disk refuses: %s", error)
                    refusal, self.refusing = str(error), True
                    safely(self._trouble, error)
                self.progressed_at = time.monotonic()  # waiting for the disk is not a hang
                self.stopping.wait(RETRY_S)
                self._reopen(error)
                continue
            self.commits += 1
            self.records += len(records)
            self.commit_s += time.monotonic() - began
            if refusal:
                self._recovered(True)
            return touched

    def renewed(self, error: Exception) -> bool:
        """Replace a damaged database by an empty one; returns whether that was done."""
        if not is_damage(error) or time.monotonic() < self._renew_at:
            return False
        log.critical("%s", error)
        try:
            aside = self.store.renew()
        except StoreError as failure:
            log.critical("%s", failure)
            return False
        self._renew_at = time.monotonic() + RENEW_INTERVAL_S
        log.critical("the damaged database is kept as %s; a new one is begun", aside)
        safely(self._damaged, aside)
        return True

    def _reopen(self, error: StoreError) -> None:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in REOPEN:
            with suppress(StoreError):  # the next commit reports it
                self.store.reopen()

    def _recovered(self, refused: bool) -> None:
        self.refusing = False
        if refused:
            log.warning("the disk takes again")
            safely(self._trouble, None)


def safely(call: Callable[..., object], *arguments: object) -> None:
    """Call a callback whose errors must not end the thread."""
    try:
        call(*arguments)
    except Exception:
        log.exception("telling of what was written")


def _is_disk(error: StoreError) -> bool:
    """Whether a retry may help, because the disk is full, locked or unreadable. It does not help if
    a value cannot be stored, or if SQLite reports a logic error (sqlite.org/rescode.html), such as
    a sum that overflows."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return isinstance(cause, MemoryError) or is_damage(error)


def _surprise(error: Exception) -> Exception | None:
    """Return an unforeseen error, which is logged with its traceback; None for `StoreError`."""
    return None if isinstance(error, StoreError) else error
