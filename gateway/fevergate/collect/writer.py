"""Writer thread of a collector: commits received messages, then acknowledges them to the broker.

While the database is unreachable, the commit is retried. Messages that are not committed are not
acknowledged, so the broker still has them.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable

from fevergate.collect.intake import Item
from fevergate.collect.store import CollectStore
from fevergate.errors import FeverGateError, StoreError

log = logging.getLogger(__name__)

MAX_BATCH = 2000
APART_S = 0.05
"""Time for which a batch is gathered unless it reaches `MANY` items earlier: each commit costs one
fsync, whatever its size."""

MANY = 1000
FULL_S = 0.001
BACKOFF_MIN_S = 0.25
BACKOFF_MAX_S = 10.0

Entry = tuple[Item, Callable[[], None]]
"""An item, and a function to call once it is committed."""


class CollectWriter(threading.Thread):
    """Commits items to `store`, which it owns.

    `room` is the number of items that may wait. `again` is called so that the broker repeats the
    messages that were dropped here because the queue was full while the database was unreachable.
    """

    def __init__(
        self, store: CollectStore, room: int, again: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(name="writer")
        self.store = store
        self._room = room
        self._again = again
        self.refusing = ""
        """The database's error while it stores nothing; empty while it works."""
        self.failed: FeverGateError | None = None
        """Error that ended the thread; retrying cannot help."""
        self.turned_away = 0
        self.commits = 0
        self.commit_s = 0.0
        self.committed_at = 0.0
        self.most_waiting = 0
        self._asked = 0
        self._busy = False
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self.progressed_at = time.monotonic()

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def unfinished(self) -> bool:
        """Whether items are still to be committed, or dropped ones to be requested again."""
        return self._busy or self.waiting > 0 or self.turned_away > self._asked

    def stop(self) -> None:
        """Commit the received items, then end; uncommitted items stay at the broker."""
        self._stopping.set()
        self._queue.put(None)
        self.join()
        self.store.close()

    def add(self, item: Item, done: Callable[[], None]) -> None:
        """Queue an item; `done` is called once it is committed.

        While the queue is full, this call blocks, so that the socket is not read. If the database
        is unreachable, it does not block, since the connection must be kept alive: the item is
        dropped unacknowledged, and requested again later.
        """
        while (waiting := self._queue.qsize()) >= self._room:
            if self.refusing or self._stopping.is_set() or self.failed:
                self.turned_away += 1
                return
            time.sleep(FULL_S)
        self.most_waiting = max(self.most_waiting, waiting + 1)
        self._queue.put((item, done))

    def run(self) -> None:
        """Commit the items that arrive, until `stop` or an error that no retry can fix."""
        try:
            while True:
                self.progressed_at = time.monotonic()
                try:
                    first = self._queue.get(timeout=1)
                except queue.Empty:
                    continue
                self._busy = True
                entries = self._gather(first)
                if entries and not self._commit(entries):
                    return
                self._busy = False
                if self._stopping.is_set() and self._queue.empty():
                    return
        except FeverGateError as error:
            self.failed = error
        except Exception as error:
            log.exception("the writer fell")
            self.failed = StoreError(f"the writer fell: {error}")

    def _gather(self, first: Entry | None) -> list[Entry]:
        entries = [first] if first else []
        until = time.monotonic() + APART_S
        while len(entries) < MAX_BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                rest_s = until - time.monotonic()
                if rest_s <= 0 or len(entries) >= MANY or self._stopping.is_set():
                    break
                time.sleep(min(rest_s, APART_S / 5))
                continue
            if item:
                entries.append(item)
        return entries

    def _commit(self, entries: list[Entry]) -> bool:
        """Commit, then acknowledge; False if `stop` was called before the commit succeeded."""
        began = time.monotonic()
        if not self._stored([item for item, _ in entries]):
            return False
        self.committed_at = time.monotonic()
        self.commits += 1
        self.commit_s += self.committed_at - began
        for _, done in entries:
            done()
        if self.turned_away > self._asked and self._queue.qsize() < self._room // 2:
            self._asked = self.turned_away
            self._again()
        return True

    def _stored(self, items: list[Item]) -> bool:
        """Store items, again and again with growing waits while the database refuses them."""
        wait_s = BACKOFF_MIN_S
        while True:
            try:
                self.store.commit(items)
            except StoreError as error:
                if str(error) != self.refusing:
                    log.error("database: %s; nothing is acknowledged until it is back", error)
                self.refusing = str(error)
                # A random wait, so that the collectors do not all return to the database at once.
                wait = wait_s * random.uniform(0.5, 1)  # noqa: S311 - no secret
                wait_s = min(2 * wait_s, BACKOFF_MAX_S)
                if self._stopping.wait(wait):
                    return False
            else:
                if self.refusing:
                    log.warning("the database is back")
                self.refusing = ""
                return True
            finally:
                self.progressed_at = time.monotonic()
