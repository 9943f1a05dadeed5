"""Finds the fevers that are neither acknowledged nor struck."""

from collections import Counter

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.epoch_totals import KioskTotals
from fevergate.campus.schema import items
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.protocol.campus_messages import DaySummary, FeverEvent

LOOK_BACK_S = 7 * 24 * 3600.0
"""Fevers received longer ago get no notice any more, for example from before a contact was set."""

MAX_OF_KIOSK = 500
"""Most fevers of a kiosk that are looked at: more are a flood, which fills the memory and must not
hide those of others."""

ROWS = 500
"""Rows that are fetched from the database at a time."""


class UnseenFever(Struct, frozen=True, kw_only=True):
    """A fever of a campus that is not acknowledged, and its time of receipt (Unix time, s)."""

    campus: str
    received_at: float
    event: FeverEvent

    @property
    def key(self) -> str:
        event = self.event
        return f"fever/{self.campus}/{event.kiosk}/{event.boot}/{event.seq}"

    @property
    def at(self) -> float:
        """Time of measurement, at most that of receipt: the gateway's clock may be ahead."""
        return min(self.event.at, self.received_at)

    @property
    def raised_at(self) -> float:
        """Time of the red light, at most that of receipt; that of receipt where it is unknown."""
        raised_at = self.event.raised_at
        return self.received_at if raised_at is None else min(raised_at, self.received_at)


def unseen(database: CampusDatabase, since: float) -> list[UnseenFever]:
    """Fevers neither acknowledged nor struck, received after `since` (Unix time, s), by time of
    measurement; of each kiosk the oldest `MAX_OF_KIOSK`. Raises `CampusError`."""
    columns = (items.c.campus, items.c.gateway, items.c.date, items.c.payload)
    statement = select(*columns, *CAME).where(items.c.kind == "fever", items.c.received_at > since)
    fevers: list[tuple[Whose, UnseenFever]] = []
    with database.read() as connection:
        strikes = TokenStrikes(connection)
        of_kiosk = Counter[tuple[str, str, str]]()
        oldest_first = statement.order_by(items.c.at, items.c.key)
        rows = connection.execute(oldest_first.execution_options(yield_per=ROWS))
        for campus, gateway, date, payload, *came in rows:
            event = msgspec.json.decode(payload, type=FeverEvent)
            if of_kiosk[campus, gateway, event.kiosk] >= MAX_OF_KIOSK:
                continue
            if event.acknowledged_at is None and not strikes.strike(gateway, *came):
                fever = UnseenFever(campus=campus, received_at=came[-1], event=event)
                fevers.append(((campus, gateway, event.kiosk, date), fever))
                of_kiosk[campus, gateway, event.kiosk] += 1
        days = _days(connection, strikes, {whose[3] for whose, _ in fevers})
    return [
        fever
        for whose, fever in fevers
        if whose not in days or not days[whose].strikes(fever.event.at)
    ]


Whose = tuple[str, str, str, str]
"""Campus, gateway, kiosk, day."""


def _days(
    connection: Connection, strikes: TokenStrikes, dates: set[str]
) -> dict[Whose, KioskTotals]:
    """Strikes by gateways on these days."""
    days: dict[Whose, KioskTotals] = {}
    wanted = items.c.kind == "day", items.c.date.in_(sorted(dates)), _STRUCK
    statement = select(items.c.campus, items.c.gateway, items.c.payload, *CAME)
    if dates:
        for campus, gateway, payload, *came in connection.execute(statement.where(*wanted)):
            if strikes.strike(gateway, *came):
                continue
            day = msgspec.json.decode(payload, type=DaySummary)
            days.setdefault((campus, gateway, day.kiosk, day.date), KioskTotals()).hear(
                came[0], day
            )
    return days


_STRUCK = items.c.payload.contains('"struck":[{', autoescape=True)
"""Selects days with a strike, so that the others, nearly all, are not decoded."""
