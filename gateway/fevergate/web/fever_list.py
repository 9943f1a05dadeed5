"""The lists of fevers on a board: today's, and open follow-ups of the days before.

Each gate's lists have a mark, a text that changes when a fever is stored, acknowledged or followed
up, or when a new day begins. The board's events carry the mark; a board that shows another mark
reloads.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from fevergate.errors import FeverGateError
from fevergate.storage.coverage_bits import DAY_S, day_bounds
from fevergate.web.fever_search import OPEN, FeverPage, FeverQuery, FeverSearch

if TYPE_CHECKING:
    from fevergate.web.context import Shared

log = logging.getLogger(__name__)

OPEN_DAYS = 7
"""Number of days before today whose open follow-ups are listed."""

MARKS_EVERY_S = 1.0
"""Seconds between reads of the marks from the databases, however many boards are open."""

MAX_LISTED = 50
"""Most fevers of each list on a board: more would hide the alarm and slow the page."""

Selection = Literal["today", "open"]


class Listed(Struct, frozen=True):
    """What a board knows of its lists without loading them. `mark` changes with the lists; `today`:
    number of today's fevers; `open`: number of open follow-ups of today and the days before. None:
    unknown."""

    mark: str = ""
    today: int | None = None
    open: int | None = None


class FeverList:
    """The lists of all gates."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._search = FeverSearch(shared)
        self._listed: dict[str, Listed] = {}
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def board(self, gate: str) -> tuple[str, FeverPage, FeverPage]:
        """A gate's mark, its newest fevers of today, and its newest fevers of the days before whose
        follow-ups are open. Raises `StoreError`."""
        # The mark is read first: a change between the two reads then makes the board reload.
        mark = self._marks()[gate]
        return mark, self.page(gate, "today", MAX_LISTED), self.page(gate, "open", MAX_LISTED)

    def page(self, gate: str, selection: Selection, limit: int, skip: int = 0) -> FeverPage:
        """A page of a gate's fevers, the newest first: today's, or those of the days before with
        open follow-ups. Raises `StoreError`."""
        begin, end = day_bounds(self._shared.clock.today(), self._shared.settings.zone)
        if selection == OPEN:
            begin, end = begin - OPEN_DAYS * DAY_S, begin
        outcome = OPEN if selection == OPEN else ""
        query = FeverQuery(begin=begin, end=end, gate=gate, outcome=outcome)
        return self._search.page(query, limit, skip)

    def listed(self, gate: str) -> Listed:
        """A gate's `Listed` as last read; never waits for a disk."""
        if time.monotonic() - self._read_at >= MARKS_EVERY_S and not self._reading:
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(self._refresh())
        return self._listed.get(gate, Listed())

    async def _refresh(self) -> None:
        try:
            self._listed = await run_in_threadpool(self._read)
        except (FeverGateError, sqlite3.Error) as error:
            log.debug("the lists' marks: %s", error)
            self._listed = {}
        finally:
            self._reading = None

    def _marks(self) -> dict[str, str]:
        with self._shared.reader() as reader:
            changes = dict(reader.execute("select gate, changes from fever_changes").fetchall())
        shared = self._shared
        same = f"{shared.clock.today()}/{shared.follow_ups.changes}"
        return {gate.name: f"{same}/{changes.get(gate.name, 0)}" for gate in shared.settings.gates}

    def _read(self) -> dict[str, Listed]:
        listed = self._listed
        return {
            gate: listed[gate]
            if listed.get(gate, Listed()).mark == mark
            else self._count(gate, mark)
            for gate, mark in self._marks().items()
        }

    def _count(self, gate: str, mark: str) -> Listed:
        """Count a gate's fevers; called only when the mark has changed."""
        begin, end = day_bounds(self._shared.clock.today(), self._shared.settings.zone)
        before = begin - OPEN_DAYS * DAY_S
        today = self._search.outcomes(FeverQuery(begin=begin, end=end, gate=gate))
        earlier = self._search.outcomes(FeverQuery(begin=before, end=begin, gate=gate))
        return Listed(mark, today.total(), today[OPEN] + earlier[OPEN])
