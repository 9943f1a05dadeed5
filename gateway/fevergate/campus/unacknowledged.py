"""Finds the fevers that are neither acknowledged nor struck."""

from collections import Counter

import msgspec
from msgspec import Struct
from sqlalchemy import select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.fever_reader import Whose, struck_days
from fevergate.campus.schema import items
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.protocol.campus_messages import FeverEvent

LOOK_BACK_S = 7 * 24 * 3600.0
"""Fevers received longer ago than this get no notice; they may be from before a contact was set."""

MAX_OF_KIOSK = 500
"""Most fevers of a kiosk that are read. More are a flood, which must neither fill the memory nor
hide the fevers of other kiosks."""

ROWS = 500
"""Rows that are fetched from the database at a time."""


class UnacknowledgedFever(Struct, frozen=True, kw_only=True):
    """A campus's unacknowledged fever and the time of its receipt (Unix time, s)."""

    campus: str
    received_at: float
    event: FeverEvent

    @property
    def key(self) -> str:
        event = self.event
        return f"fever/{self.campus}/{event.kiosk}/{event.boot}/{event.seq}"

    @property
    def at(self) -> float:
        """Time of measurement (Unix time, s), but not after the receipt, since the gateway's clock
        may be ahead."""
        return min(self.event.at, self.received_at)

    @property
    def raised_at(self) -> float:
        """Time of the red light (Unix time, s), but not after the receipt; the time of receipt if
        it is unknown."""
        raised_at = self.event.raised_at
        return self.received_at if raised_at is None else min(raised_at, self.received_at)


def unacknowledged_fevers(database: CampusDatabase, since: float) -> list[UnacknowledgedFever]:
    """Return fevers that were received after `since` (Unix time, s) and are neither acknowledged
    nor struck, by time of measurement. At most the oldest `MAX_OF_KIOSK` of each kiosk are
    returned. Raises `CampusError`."""
    columns = (items.c.campus, items.c.gateway, items.c.date, items.c.payload)
    statement = select(*columns, *CAME).where(items.c.kind == "fever", items.c.received_at > since)
    fevers: list[tuple[Whose, UnacknowledgedFever]] = []
    with database.read() as connection:
        strikes = TokenStrikes(connection)
        of_kiosk = Counter[tuple[str, str, str]]()
        oldest_first = statement.order_by(items.c.at, items.c.key)
        rows = connection.execute(oldest_first.execution_options(yield_per=ROWS))
        for campus, gateway, date, payload, *origin in rows:
            event = msgspec.json.decode(payload, type=FeverEvent)
            if of_kiosk[campus, gateway, event.kiosk] >= MAX_OF_KIOSK:
                continue
            if event.acknowledged_at is None and not strikes.strike(gateway, *origin):
                fever = UnacknowledgedFever(campus=campus, received_at=origin[-1], event=event)
                fevers.append(((campus, gateway, event.kiosk, date), fever))
                of_kiosk[campus, gateway, event.kiosk] += 1
        dates = {key[3] for key, _ in fevers}
        days = struck_days(connection, strikes, min(dates, default=""), max(dates, default=""))
    return [
        fever for key, fever in fevers if key not in days or not days[key].strikes(fever.event.at)
    ]
