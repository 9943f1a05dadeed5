"""The thread that writes the store: commits records in batches, then reports what is stored.

A batch is what arrived during the last commit, so a single reading is committed at once, and a rush
of readings is committed together. Commits are at least `COMMIT_INTERVAL_S` apart: on a fast disk a
rush would otherwise be as many commits as readings, which takes processor time from the alarm and
wears out an SD card.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fevergate.errors import StoreError
from fevergate.protocol.messages import Stored, Verdict
from fevergate.storage.records import Acknowledged, ReadingArrived, Record, Rejected
from fevergate.storage.retrying_store import RetryingStore, safely
from fevergate.storage.store import Store, Touched
from fevergate.system.cpu_affinity import FULL_BATCH

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH = 1500
MAX_WAITING = 20_000
"""Records that may wait for the disk, about 1 KB each; further ones stay with the broker."""

MAX_WAITING_FEVERS = 2000
"""Fevers that may wait beyond `MAX_WAITING`, because they have lit a lamp."""

COMMIT_INTERVAL_S = 0.02
"""Least time from one commit to the next, while fewer than `FULL_BATCH` records wait."""

REPORT_INTERVAL_S = 0.1
"""Least time between two reports to the kiosks: each costs as much as a reading."""


@dataclass(frozen=True, slots=True)
class _QueuedRecord:
    record: Record
    done: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[Store], Any]
    future: Future[Any]


class Writer(threading.Thread):
    """Owns the store. If `store` is a function that opens it or raises `StoreError`, the writer's
    thread calls it until it succeeds.

    Callbacks, all in the writer's thread: `batch(count)` before a commit, with the number of its
    records; `stored(kiosk, message)` after it; `trouble(error)` while the disk refuses, then
    `trouble(None)`; `again()` when the broker should redeliver records that found no room;
    `damaged(path)` after a damaged database was set aside.
    """

    def __init__(
        self,
        store: Store | Callable[[], Store],
        stored: Callable[[str, Stored], None],
        trouble: Callable[[Exception | None], None] = lambda _: None,
        again: Callable[[], object] = lambda: None,
        damaged: Callable[[Path], object] = lambda _: None,
        batch: Callable[[int], object] = lambda _: None,
    ) -> None:
        super().__init__(name="writer")
        self.disk = RetryingStore(
            (lambda: store) if isinstance(store, Store) else store, trouble, damaged
        )
        """The store, and how the disk behaves."""
        self._stored = stored
        self._again = again
        self._batch = batch
        self._unreported: Touched = {}
        self._report_at = 0.0
        self._committed_at = 0.0
        self.turned_away = 0
        """Records that found no room, and are to be redelivered."""
        self._queue: queue.SimpleQueue[_QueuedRecord | _Call | None] = queue.SimpleQueue()
        self._ended = threading.Event()

    def give_up(self) -> None:
        """Stop waiting for the disk, so that pending calls end."""
        self.disk.stopping.set()

    def stop(self) -> None:
        """Commit what has arrived, then end; what the disk refuses now stays with the broker."""
        self.give_up()
        self._queue.put(None)
        self.join()
        if self.disk.opened:
            self.disk.store.close()

    def add(self, record: Record, done: Callable[[], None] = lambda: None) -> None:
        """Queue a record; `done` is called once it is committed.

        Returns at once, whatever the disk does, because the caller's next message may be a fever. A
        record that finds no room is dropped without `done`, so the broker and the kiosk still have
        it; the broker is asked to redeliver when most of the queue is free. An acknowledgement
        always finds room.
        """
        if self._queue.qsize() >= _room(record):
            self.turned_away += 1
            return
        if self.disk.refusing and isinstance(record, Acknowledged):
            log.warning(
                "%s saw to %d fever(s): not recorded yet, since the disk refuses; a restart before"
                " it is shows them red again",
                record.by,
                len(record.fevers),
            )
        self._queue.put(_QueuedRecord(record, done))

    @property
    def waiting(self) -> int:
        """Number of records and calls in the queue."""
        return self._queue.qsize()

    def call(self, work: Callable[[Store], T]) -> Future[T]:
        """Run `work` with the store in the writer's thread; returns a future of its result."""
        future: Future[T] = Future()
        self._queue.put(_Call(work, future))
        if self._ended.is_set():
            self._refuse_calls()
        return future

    def run(self) -> None:
        """Open the store, then work until `stop`."""
        if self.disk.open():
            self._work()
        else:
            log.error("not stored, left with the broker: %d records", self.waiting)
        self._ended.set()
        self._refuse_calls()

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
            now = self.disk.progressed_at = time.monotonic()
            if self._unreported and now >= self._report_at:
                self._report_stored()
            try:
                first = self._queue.get(timeout=self._report_at - now if self._unreported else 1)
            except queue.Empty:
                continue
            self._pace()
            entries, calls, ending = self._gather(first)
            if entries:
                safely(self._batch, len(entries))
                self._commit(entries)
            for call in calls:
                self._run_call(call)
            if self.turned_away and self._queue.qsize() < MAX_WAITING // 10:
                log.warning("asking again for %d records", self.turned_away)
                self.turned_away = 0
                safely(self._again)
            if ending:
                self._report_stored()
                return

    def _pace(self) -> None:
        """Sleep until the next commit is due, unless a full batch waits."""
        rest_s = self._committed_at + COMMIT_INTERVAL_S - time.monotonic()
        if rest_s > 0 and self._queue.qsize() < FULL_BATCH and not self.disk.stopping.is_set():
            time.sleep(rest_s)

    def _gather(
        self, first: _QueuedRecord | _Call | None
    ) -> tuple[list[_QueuedRecord], list[_Call], bool]:
        """Return the records and calls of the queue, and whether it ends after them."""
        entries: list[_QueuedRecord] = []
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

    def _commit(self, entries: list[_QueuedRecord]) -> None:
        try:
            touched = self.disk.commit([entry.record for entry in entries])
        except StoreError as error:
            self._quarantine(entries, error)
        else:
            self._confirm(entries, touched)
        self._committed_at = time.monotonic()

    def _quarantine(self, entries: list[_QueuedRecord], error: StoreError) -> None:
        """Find the records of a batch that cannot be stored, by halving it; store them as rejected
        messages."""
        self.disk.progressed_at = time.monotonic()
        if len(entries) == 1:
            (entry,) = entries
            reason = str(error.__cause__ or error)
            log.error("quarantined: %s", error)
            rejected = _rejected(entry.record, reason)
            self._confirm([entry], self.disk.commit([rejected], sound=True))
            return
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            self._commit(half)

    def _confirm(self, entries: list[_QueuedRecord], touched: Touched | None) -> None:
        """Call `done` of committed records, and note what is to be reported to the kiosks."""
        if touched is None:
            return
        for entry in entries:
            safely(entry.done)
        for key, seqs in touched.items():
            self._unreported.setdefault(key, []).extend(seqs)

    def _report_stored(self) -> None:
        """Report to each kiosk which of its readings are stored."""
        unreported, self._unreported = self._unreported, {}
        self._report_at = time.monotonic() + REPORT_INTERVAL_S
        for boot, seqs in unreported.items():
            try:
                messages = self.disk.store.stored({boot: seqs})
            except StoreError as error:
                # A damaged database is found out by the kiosk's next reading.
                log.error("telling %s what is stored: %s", boot[0], error)
                continue
            for kiosk, stored in messages:
                safely(self._stored, kiosk, stored)

    def _run_call(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            call.future.set_result(call.work(self.disk.store))
        except Exception as error:
            self.disk.renewed(error)
            call.future.set_exception(error)


def _room(record: Record) -> float:
    if isinstance(record, Acknowledged):
        return math.inf
    fever = isinstance(record, ReadingArrived) and record.reading.verdict is Verdict.FEVER
    return MAX_WAITING + MAX_WAITING_FEVERS if fever else MAX_WAITING


def _rejected(record: Record, reason: str) -> Rejected:
    topic = record.reading.kiosk if isinstance(record, ReadingArrived) else type(record).__name__
    return Rejected(topic, reason, repr(record).encode("utf-8", "replace"), time.time())
