"""The lists of fevers on a board: today's, and open follow-ups of the days before.

Each gate's lists have a mark, a text that changes when a fever is stored, acknowledged or followed
up, or when a new day begins. The board's events carry it; a board with another mark reloads.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING, Literal

from starlette.concurrency import run_in_threadpool

from fevergate.errors import FeverGateError
from fevergate.reports.fever_log import bounds
from fevergate.storage.coverage_bits import DAY_S
from fevergate.web.fever_search import OPEN, FeverPage, FeverQuery, FeverSearch

if TYPE_CHECKING:
    from fevergate.web.context import Shared

log = logging.getLogger(__name__)

OPEN_DAYS = 7
"""Days before today whose open follow-ups are listed."""

MARKS_EVERY_S = 1.0
"""How often marks are read from the databases, however many boards are open."""

MAX_LISTED = 50
"""Fevers of each list on a board: more would hide the alarm and slow the page."""

Selection = Literal["today", "open"]


class FeverList:
    """The lists of all gates."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._search = FeverSearch(shared)
        self._marks: dict[str, str] = {}
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def board(self, gate: str) -> tuple[str, FeverPage, FeverPage]:
        """A gate's mark, its newest fevers of today, and its newest open ones of the days before.
        Raises `StoreError`."""
        # The mark first: a change between the two reads makes the board reload, never miss it.
        mark = self._read_marks()[gate]
        return mark, self.page(gate, "today", MAX_LISTED), self.page(gate, "open", MAX_LISTED)

    def page(self, gate: str, selection: Selection, limit: int, skip: int = 0) -> FeverPage:
        """A page of a gate's fevers, the newest first: of today, or the open ones of the days
        before. Raises `StoreError`."""
        _, begin, end = bounds(self._shared.settings, self._shared.clock.today())
        if selection == OPEN:
            begin, end = begin - OPEN_DAYS * DAY_S, begin
        outcome = OPEN if selection == OPEN else ""
        query = FeverQuery(begin=begin, end=end, gate=gate, outcome=outcome)
        return self._search.page(query, limit, skip)

    def mark(self, gate: str) -> str:
        """A gate's mark as last read, empty if unknown; never waits for a disk."""
        if time.monotonic() - self._read_at >= MARKS_EVERY_S and not self._reading:
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(self._refresh())
        return self._marks.get(gate, "")

    async def _refresh(self) -> None:
        try:
            self._marks = await run_in_threadpool(self._read_marks)
        except (FeverGateError, sqlite3.Error) as error:
            log.debug("the lists' marks: %s", error)
            self._marks = {}
        finally:
            self._reading = None

    def _read_marks(self) -> dict[str, str]:
        with self._shared.reader() as reader:
            changes = dict(reader.execute("select gate, changes from fever_changes").fetchall())
        shared = self._shared
        same = f"{shared.clock.today()}/{shared.follow_ups.changes}"
        return {gate.name: f"{same}/{changes.get(gate.name, 0)}" for gate in shared.settings.gates}
