"""The fevers below a board: today's, and what is still open of the days before.

Each gate's list has a mark, which the board's events carry: where it is not the shown list's, a
fever was stored, acknowledged or followed up, or a new day began, and the board loads the list.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool

from fevergate.errors import FeverGateError
from fevergate.reports.fever_log import FEVER, Fever, bounds, identity_of
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.schema import struck
from fevergate.web.follow_ups import FollowUp

if TYPE_CHECKING:
    from fevergate.web.context import Shared

log = logging.getLogger(__name__)

OPEN_DAYS = 7
"""How long an open follow-up of a day before is still shown."""

LOOK_S = 1.0
"""How often the databases are asked for marks, however many boards are open."""

SHOWN = 50
"""Fevers of each kind on a board; a flood of them must not hide the red, nor fill the line."""

Of = Literal["today", "open"]
Followed = tuple[Fever, FollowUp | None]


class Part(msgspec.Struct, frozen=True):
    """Some of `count` fevers."""

    rows: list[Followed]
    count: int


class FeverList:
    """One for all boards."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._marks: dict[str, str] = {}
        self._looked_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def board(self, gate: str) -> tuple[str, Part, Part]:
        """A gate's mark; the newest of today, and of what is still open of the days before.
        Raises `StoreError`."""
        # The mark first: what comes between the two makes the list look old, never new.
        mark = self._read_marks()[gate]
        return mark, self.part(gate, "today", SHOWN), self.part(gate, "open", SHOWN)

    def part(self, gate: str, of: Of, most: int, skip: int = 0) -> Part:
        """A gate's fevers, the newest first: all of today, or what is still `open` of the days
        before. Raises `StoreError`."""
        settings = self._shared.settings
        _, begin, end = bounds(settings, self._shared.clock.today())
        if of == "open":
            begin, end = begin - OPEN_DAYS * DAY_S, begin
        given = {"gate": gate, "begin": begin, "end": end, "open": of == "open"}
        web = f"file:{quote(str(settings.path(settings.web.database).absolute()))}?mode=ro"
        with self._shared.reader() as reader:
            reader.execute("attach database ? as pages", (web,))
            ((count,),) = reader.execute(f"select count(*) {_FROM} {_WHERE}", given)
            rows = reader.query(_ROWS, given | {"most": most, "skip": skip})
            fevers = msgspec.convert(list(rows), list[Fever], strict=False)
        known = self._shared.follow_ups.of([identity_of(fever) for fever in fevers])
        return Part([(fever, known.get(identity_of(fever))) for fever in fevers], count)

    def mark(self, gate: str) -> str:
        """A gate's mark as last seen, empty where none is known; never waits for a disk."""
        if time.monotonic() - self._looked_at >= LOOK_S and not self._looking:
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(self._look())
        return self._marks.get(gate, "")

    async def _look(self) -> None:
        try:
            self._marks = await run_in_threadpool(self._read_marks)
        except (FeverGateError, sqlite3.Error) as error:
            log.debug("the lists' marks: %s", error)
            self._marks = {}
        finally:
            self._looking = None

    def _read_marks(self) -> dict[str, str]:
        today, begin, end = bounds(self._shared.settings, self._shared.clock.today())
        with self._shared.reader() as reader:
            found = {
                gate: "/".join(map(str, counts))
                for gate, *counts in reader.execute(_MARKS, (begin - OPEN_DAYS * DAY_S, end))
            }
        ((saved, of),) = self._shared.store.query(
            "select total(revision), count(*) from follow_ups"
        )
        return {
            gate.name: f"{today}/{saved:.0f}/{of}/{found.get(gate.name, '')}"
            for gate in self._shared.settings.gates
        }


# In this shape SQLite takes the partial index of fevers by time.
_MARKS = f"""
    select f.gate, count(*), count(f.acknowledged_at), cast(total(f.acknowledged_at) as integer)
    from readings r join fevers f using (kiosk, boot, seq)
    where r.verdict = 'fever'
      and coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?
      and not {struck("r", "coalesce(r.at, r.received_at)")}
    group by f.gate"""  # noqa: S608 - constants

_FROM = """
    from readings r join fevers f using (kiosk, boot, seq)
    left join pages.follow_ups u using (kiosk, boot, seq)"""
_WHERE = f"""
    where r.verdict = 'fever' and f.gate = :gate
      and coalesce(r.at, r.received_at) >= :begin and coalesce(r.at, r.received_at) < :end
      and not (:open and coalesce(u.closed, 0))
      and not {struck("r", "coalesce(r.at, r.received_at)")}"""
_ROWS = f"""{FEVER}
    left join pages.follow_ups u using (kiosk, boot, seq) {_WHERE}
    order by coalesce(r.at, r.received_at) desc limit :most offset :skip"""
