"""The one thread that writes: takes what has arrived, commits it, then says so.

A batch is whatever came while the last commit was on its way to the disk, so a single reading is
committed at once and a rush is committed together. A disk that is quicker than `APART_S` would
make a rush into as many commits as readings, which cost the alarm's path its processor and an
SD card its life: they are held that far apart.
"""

from __future__ import annotations

import logging
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fevergate.errors import StoreError
from fevergate.protocol.messages import Stored, Verdict
from fevergate.storage.connection import is_damage
from fevergate.storage.records import Acknowledged, ReadingArrived, Record, Rejected
from fevergate.storage.store import Store, Touched

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH = 1500
MAX_WAITING = 20_000
"""Records between the socket and the disk, about 1 KB each; what is beyond waits at the broker."""

FEVERS = 2000
"""Room beyond that for fevers, which a guard saw light up."""

APART_S = 0.02
"""Least time from one commit to the next, unless `MANY` wait for it."""

MANY = 200

TELL_S = 0.1
"""How often a kiosk is told in a rush: each word costs as much as a reading."""

RETRY_S = 0.5

OPEN_AGAIN_S = 1.0
"""How long to wait before a store that could not be opened is tried again."""

REOPEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
"""Refusals that a file which is open may keep, though the disk takes again."""

RENEW_APART_S = 600.0
"""A disk that damages one database after the other is not given yet another one sooner."""


@dataclass(frozen=True, slots=True)
class _Entry:
    record: Record
    done: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[Store], Any]
    future: Future[Any]


class Writer:
    """Owns the store; what opens one (raising `StoreError`) is called in the writer's thread, and
    again until it does.

    `stored` is told, after a commit, what is held of each kiosk's boot; `trouble` is told the
    error while the disk refuses and None when it takes again; `again` is called when what came
    meanwhile and found no room should be asked for; `damaged` is told where a database lies that
    had to be set aside. All from the writer's thread.
    """

    def __init__(
        self,
        store: Store | Callable[[], Store],
        stored: Callable[[str, Stored], None],
        trouble: Callable[[Exception | None], None] = lambda _: None,
        again: Callable[[], object] = lambda: None,
        damaged: Callable[[Path], object] = lambda _: None,
    ) -> None:
        self._open: Callable[[], Store] = (lambda: store) if isinstance(store, Store) else store
        self._store: Store
        self.opened = False
        self.tried = threading.Event()
        """Set once the store is open, or could not be opened at the first attempt."""
        self._stored = stored
        self._trouble = trouble
        self._again = again
        self._damaged = damaged
        self._renew_at = 0.0
        self._untold: Touched = {}
        self._tell_at = 0.0
        self._committed_at = 0.0
        self.refusing = True
        self.turned_away = 0
        """Records that found no room, and are to be asked for."""
        self.quarantined = 0
        self.commits = 0
        self.records = 0
        self.commit_s = 0.0
        self._queue: queue.SimpleQueue[_Entry | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self.progressed_at = time.monotonic()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the writer's thread runs."""
        return self._thread.is_alive()

    def give_up(self) -> None:
        """From now on wait for no disk; whoever waits for a `call` is answered."""
        self._stopping.set()

    def stop(self) -> None:
        """Commit what has arrived, then end; what the disk refuses now stays at the broker."""
        self.give_up()
        self._queue.put(None)
        self._thread.join()
        if self.opened:
            self._store.close()

    def add(self, record: Record, done: Callable[[], None] = lambda: None) -> None:
        """Hand a record over; `done` is called once it is committed.

        Returns at once, whatever the disk does: the caller's next message may be a fever. What
        finds no room is neither kept nor acknowledged, so that the broker and the kiosk have it
        still; the broker is asked for it when most of the room is free. A guard's acknowledgement
        always finds room.
        """
        if self._queue.qsize() >= _room(record):
            self.turned_away += 1
            return
        if self.refusing and isinstance(record, Acknowledged):
            log.warning(
                "%s saw to %d fever(s): not recorded yet, since the disk refuses; a restart before"
                " it is shows them red again",
                record.by,
                len(record.fevers),
            )
        self._queue.put(_Entry(record, done))

    @property
    def waiting(self) -> int:
        """How much waits to be committed."""
        return self._queue.qsize()

    def call(self, work: Callable[[Store], T]) -> Future[T]:
        """Run something with the store in the writer's thread."""
        future: Future[T] = Future()
        self._queue.put(_Call(work, future))
        if self._ended.is_set():
            self._refuse_calls()
        return future

    def _run(self) -> None:
        if self._opened():
            self._work()
        self._ended.set()
        self._refuse_calls()

    def _opened(self) -> bool:
        """Open the store as soon as it can be; False where the end came first."""
        refusal = ""
        while True:
            try:
                self._store = self._open()
                break
            except Exception as error:
                # Whatever it is, the lamps go on without a store.
                if repr(error) != refusal:
                    log.error("the store cannot be opened: %s", error, exc_info=_surprise(error))
                    refusal = repr(error)
                    _safely(self._trouble, error)
            self.tried.set()
            if self._stopping.wait(OPEN_AGAIN_S):
                log.error("not stored, left with the broker: %d records", self.waiting)
                return False
            self.progressed_at = time.monotonic()
        self.opened = True
        self._recovered(bool(refusal))
        self.tried.set()
        return True

    def _refuse_calls(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, _Call) and item.future.set_running_or_notify_cancel():
                item.future.set_exception(StoreError("the store is closed"))

    def _work(self) -> None:
        while True:
            now = self.progressed_at = time.monotonic()
            if self._untold and now >= self._tell_at:
                self._say_stored()
            try:
                first = self._queue.get(timeout=self._tell_at - now if self._untold else 1)
            except queue.Empty:
                continue
            self._hold_apart()
            entries, calls, ending = self._gather(first)
            if entries:
                self._commit(entries)
            for call in calls:
                self._serve(call)
            if self.turned_away and self._queue.qsize() < MAX_WAITING // 10:
                log.warning("asking again for %d records", self.turned_away)
                self.turned_away = 0
                _safely(self._again)
            if ending:
                self._say_stored()
                return

    def _hold_apart(self) -> None:
        rest_s = self._committed_at + APART_S - time.monotonic()
        if rest_s > 0 and self._queue.qsize() < MANY and not self._stopping.is_set():
            time.sleep(rest_s)

    def _gather(self, first: _Entry | _Call | None) -> tuple[list[_Entry], list[_Call], bool]:
        entries: list[_Entry] = []
        calls: list[_Call] = []
        item = first
        while True:
            if item is None:
                return entries, calls, True
            if isinstance(item, _Call):
                calls.append(item)
            else:
                entries.append(item)
            if len(entries) >= MAX_BATCH:
                return entries, calls, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return entries, calls, False

    def _commit(self, entries: list[_Entry]) -> None:
        try:
            touched = self._patiently([entry.record for entry in entries])
        except StoreError as error:
            self._sort_out(entries, error)
        else:
            self._tell(entries, touched)
        self._committed_at = time.monotonic()

    def _patiently(self, records: list[Record], *, sound: bool = False) -> Touched | None:
        """Commit, waiting as long as the disk refuses; None where the end came first.

        Raises `StoreError` for what no waiting helps; never for records that are `sound`.
        """
        refusal = ""
        while True:
            began = time.monotonic()
            try:
                touched = self._store.commit(records)
            except StoreError as error:
                if self._renewed(error):
                    continue
                if not (sound or _is_disk(error)):
                    raise
                if self._stopping.is_set():
                    log.error("not stored, left with the broker: %d records", len(records))
                    return None
                if str(error) != refusal:
                    log.error("the disk refuses: %s", error)
                    refusal, self.refusing = str(error), True
                    _safely(self._trouble, error)
                self.progressed_at = time.monotonic()  # waiting is what it should do now
                self._stopping.wait(RETRY_S)
                self._reopen(error)
                continue
            self.commits += 1
            self.records += len(records)
            self.commit_s += time.monotonic() - began
            if refusal:
                self._recovered(True)
            return touched

    def _reopen(self, error: StoreError) -> None:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in REOPEN:
            with suppress(StoreError):  # the next commit says why
                self._store.reopen()

    def _renewed(self, error: Exception) -> bool:
        """Whether the database was damaged, and an empty one is in its place now."""
        if not is_damage(error) or time.monotonic() < self._renew_at:
            return False
        log.critical("%s", error)
        try:
            aside = self._store.renew()
        except StoreError as why:
            log.critical("%s", why)
            return False
        self._renew_at = time.monotonic() + RENEW_APART_S
        log.critical("the damaged database is kept as %s; a new one is begun", aside)
        _safely(self._damaged, aside)
        return True

    def _recovered(self, refused: bool) -> None:
        self.refusing = False
        if refused:
            log.warning("the disk takes again")
            _safely(self._trouble, None)

    def _sort_out(self, entries: list[_Entry], error: StoreError) -> None:
        """Something in the batch cannot be stored at all: find it by halves, quarantine it."""
        self.progressed_at = time.monotonic()
        if len(entries) == 1:
            (entry,) = entries
            reason = str(error.__cause__ or error)
            log.error("quarantined: %s", error)
            self.quarantined += 1
            self._tell([entry], self._patiently([_quarantined(entry.record, reason)], sound=True))
            return
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            self._commit(half)

    def _tell(self, entries: list[_Entry], touched: Touched | None) -> None:
        """Acknowledge what is committed, if anything was; the kiosks are told soon."""
        if touched is None:
            return
        for entry in entries:
            _safely(entry.done)
        for key, seqs in touched.items():
            self._untold.setdefault(key, []).extend(seqs)

    def _say_stored(self) -> None:
        """Tell each kiosk what is held: at once after a pause, together in a rush."""
        untold, self._untold = self._untold, {}
        self._tell_at = time.monotonic() + TELL_S
        for boot, seqs in untold.items():
            try:
                words = self._store.stored({boot: seqs})
            except StoreError as error:
                log.error("telling %s what is stored: %s", boot[0], error)
                if self._renewed(error):
                    return
                continue
            for kiosk, stored in words:
                _safely(self._stored, kiosk, stored)

    def _serve(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            call.future.set_result(call.work(self._store))
        except Exception as error:
            self._renewed(error)
            call.future.set_exception(error)


def _safely(call: Callable[..., object], *arguments: object) -> None:
    """A listener that fails must not end the only thread that writes."""
    try:
        call(*arguments)
    except Exception:
        log.exception("telling of what was written")


def _room(record: Record) -> float:
    if isinstance(record, Acknowledged):
        return math.inf
    fever = isinstance(record, ReadingArrived) and record.reading.verdict is Verdict.FEVER
    return MAX_WAITING + FEVERS if fever else MAX_WAITING


def _is_disk(error: StoreError) -> bool:
    """Whether waiting may help: full, locked, unreadable; not a value that cannot be stored, nor
    what SQLite calls a logic error, such as a sum that overflows (sqlite.org/rescode.html)."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return isinstance(cause, MemoryError) or is_damage(error)


def _surprise(error: Exception) -> Exception | None:
    """What is logged with all its lines: an error that nobody thought of."""
    return None if isinstance(error, StoreError) else error


def _quarantined(record: Record, reason: str) -> Rejected:
    topic = record.reading.kiosk if isinstance(record, ReadingArrived) else type(record).__name__
    return Rejected(topic, reason, repr(record).encode("utf-8", "replace"), time.time())
