"""The fevers that nobody has acknowledged yet."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.tables import items
from fevergate.summaries import FeverEvent

LOOK_BACK_S = 7 * 24 * 3600.0
"""What came longer ago is told no more, where nobody could be told then."""


class UnseenFever(Struct, frozen=True, kw_only=True):
    """One of them, of a campus, and when it came (UTC s)."""

    campus: str
    received_at: float
    event: FeverEvent

    @property
    def key(self) -> str:
        event = self.event
        return f"fever/{self.campus}/{event.kiosk}/{event.boot}/{event.seq}"

    @property
    def at(self) -> float:
        """When it was measured, by a clock that is not ahead of ours."""
        return min(self.event.at, self.received_at)

    @property
    def raised_at(self) -> float:
        """Since when somebody at the gate could know."""
        raised_at = self.event.raised_at
        return self.received_at if raised_at is None else min(raised_at, self.received_at)


def unseen(database: CampusDatabase, since: float) -> list[UnseenFever]:
    """Those that came after that (UTC s), in the order in which they were measured. Raises
    `CampusError`."""
    statement = select(items.c.campus, items.c.received_at, items.c.payload).where(
        items.c.kind == "fever", items.c.received_at > since
    )
    with database.read() as connection:
        rows = connection.execute(statement.order_by(items.c.at, items.c.key)).all()
    fevers = []
    for campus, received_at, payload in rows:
        event = msgspec.json.decode(payload, type=FeverEvent)
        if event.acknowledged_at is None:
            fevers.append(UnseenFever(campus=campus, received_at=received_at, event=event))
    return fevers
