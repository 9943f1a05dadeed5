"""Limits how many new kiosks one gateway's token may introduce by fevers and follow-ups.

Each kiosk has its turn among the notices, and its share of a report. A stolen token that invents
kiosks without end would cause a notice for each, and the notices of real kiosks would wait behind
them.
"""

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from sqlalchemy import Connection, select

from fevergate.campus.delivery_bounds import MOST_KIOSKS
from fevergate.campus.schema import items
from fevergate.errors import OverBoundError

KINDS = ("fever", "follow_up")
DAY_S = 86_400


class NewKiosks:
    """Kiosks for which a gateway has sent a fever or a follow-up; kept in this process's memory.

    Each token of a gateway may add `MOST_KIOSKS` new kiosks at once, and as many again per day.

    `now` returns seconds of a clock that never jumps.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._known: dict[tuple[str, ...], set[str]] = {}
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def take(
        self,
        connection: Connection,
        sender: dict[str, str],
        token: str,
        added: Iterable[dict[str, Any]],
    ) -> None:
        """Count the kiosks of new rows. Raises `OverBoundError` if they are too many, with the keys
        of the rows beyond the limit; then none is counted."""
        keys = sorted(row["key"] for row in added if row["kind"] in KINDS)
        if not keys:
            return
        with self._lock:
            known_kiosks = self._known_of(connection, sender)
            new = sorted({_kiosk(key) for key in keys} - known_kiosks)
            now = self._now()
            left, at = self._left.get((sender["gateway"], token), (float(MOST_KIOSKS), now))
            left = min(MOST_KIOSKS, left + (now - at) * MOST_KIOSKS / DAY_S)
            beyond = set(new[int(left) :])
            if beyond:
                raise OverBoundError(
                    f"new kiosks with fevers: expected at most {MOST_KIOSKS} a day",
                    [key for key in keys if _kiosk(key) in beyond],
                )
            known_kiosks.update(new)
            self._left[sender["gateway"], token] = left - len(new), now

    def _known_of(self, connection: Connection, sender: dict[str, str]) -> set[str]:
        key = tuple(sender.values())
        if key not in self._known:
            of_gateway = [items.c[name] == value for name, value in sender.items()]
            rows = connection.execute(
                select(items.c.key).where(*of_gateway, items.c.kind.in_(KINDS))
            )
            self._known[key] = {_kiosk(row.key) for row in rows}
        return self._known[key]


def _kiosk(key: str) -> str:
    return key.split("/")[1]
