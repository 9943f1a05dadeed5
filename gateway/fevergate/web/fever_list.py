"""The fevers below a board: today's, and what is still open of the days before.

Each gate's list has a mark, which the board's events carry: where it is not the shown list's, a
fever was stored, acknowledged or followed up, or a new day began, and the board loads the list.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from fevergate.errors import FeverGateError
from fevergate.fever_log import Fever, bounds, identity_of, read_fevers
from fevergate.retention import DAY_S
from fevergate.schema import struck
from fevergate.web.follow_ups import FollowUp

if TYPE_CHECKING:
    from fevergate.web.shared import Shared

log = logging.getLogger(__name__)

OPEN_DAYS = 7
"""How long an open follow-up of a day before is still shown."""

LOOK_S = 1.0
"""How often the databases are asked for marks, however many boards are open."""

Followed = tuple[Fever, FollowUp | None]


class FeverList:
    """One for all boards."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._marks: dict[str, str] = {}
        self._looked_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def read(self, gate: str) -> tuple[str, list[Followed], list[Followed]]:
        """A gate's mark; today's fevers, and those of the days before whose follow-up is still
        open, the newest first. Raises `StoreError`."""
        # The mark first: what comes between the two makes the list look old, never new.
        mark = self._read_marks()[gate]
        settings = self._shared.settings
        _, begin, end = bounds(settings)
        with self._shared.reader() as reader:
            found = read_fevers(reader, begin - OPEN_DAYS * DAY_S, end)
        found = [fever for fever in reversed(found) if fever.gate == gate]
        known = self._shared.follow_ups.of([identity_of(fever) for fever in found])
        followed = [(fever, known.get(identity_of(fever))) for fever in found]
        return (
            mark,
            [one for one in followed if one[0].at >= begin],
            [one for one in followed if one[0].at < begin and not (one[1] and one[1].closed)],
        )

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
        today, begin, end = bounds(self._shared.settings)
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
