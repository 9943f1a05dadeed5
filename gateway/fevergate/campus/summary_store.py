"""Stores what the gateways send: each summary, fever or follow-up once, at its highest revision.

Idempotent by key: deliveries may be repeated, reordered or late. The transaction that stores data
also marks the days that have new data, so that their reports are made again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, func, select, update

from fevergate.campus.database import CampusDatabase, insert, put
from fevergate.campus.delivered_rows import (
    COUNTS,
    MARKED,
    add_held,
    knows_corrections,
    newer,
    without_counts,
)
from fevergate.campus.delivery_bounds import (
    NEW_ROWS_BURST,
    NEW_ROWS_PER_S,
    NewRows,
    refuse_campus,
    refuse_excess,
)
from fevergate.campus.given_names import keep_names
from fevergate.campus.new_kiosks import NewKiosks
from fevergate.campus.schema import changed, gateways, items, refusals
from fevergate.crypto.field_encryption import Vault
from fevergate.errors import OverBoundError
from fevergate.protocol.campus_messages import (
    DaySummary,
    Delivery,
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    HourSummary,
    MarkedDay,
    RollDay,
    Summary,
)

PERSONAL = ("person", "unit", "phone", "note")
MAX_REFUSALS = 10_000

_REPLACED = ("date", "at", "revision", "payload", "sealed", "received_at", "epoch", "token")
EXCERPT = 256
MOST_KEYS = 500
"""Most keys in one SQL statement."""


class GatewayHeard(Struct, frozen=True, kw_only=True):
    """When a gateway was last heard (Unix time, s), and how far its clock was ahead then (s)."""

    campus: str
    gateway: str
    heard_at: float
    clock_off_s: float


class RefusedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery that was refused; its sender keeps it."""

    at: float
    gateway: str
    field: str
    reason: str
    excerpt: str


class CampusStore:
    """Items in the campus server's database. Calls may come from any thread or process."""

    def __init__(
        self,
        database: CampusDatabase,
        zone: ZoneInfo,
        vault: Vault,
        now: Callable[[], float],
        believed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.database = database
        self._zone = zone
        self._vault = vault
        self._now = now
        self._new_rows = NewRows()
        self._new_kiosks = NewKiosks()
        self.believed = believed
        """Returns whether the time that `clock` returns is believed to be right."""

    def clock(self) -> float:
        """The present time (Unix time, s)."""
        return self._now()

    def keep(self, delivery: Delivery, token: str = "", *, known: bool = True) -> list[str]:
        """Store a delivery in one transaction; returns the keys of its items.

        `token` holds the first `TOKEN_DIGITS` of the digest of the sender's token. `known` is
        whether the settings list the sender at this campus.

        A sender that does not know of a correction (`Delivery.corrected_by`) has old figures: its
        counts are not stored, and its fevers keep the dates that are stored. Raises `CampusError`
        if the database fails, `OverBoundError` if the delivery adds more than one gateway may; then
        nothing of the delivery is stored.
        """
        now = self._now()
        sender = {"campus": delivery.campus, "gateway": delivery.gateway}
        origin = sender | {"received_at": now, "token": token}
        items_by_revision = sorted(delivery.items, key=lambda item: item.revision)
        deliveries = [self._row(item, delivery) | origin for item in items_by_revision]
        rows = {row["key"]: row for row in deliveries}
        with self.database.write() as connection:
            if not known:
                refuse_campus(connection, sender)
            # Comes first because it locks the gateway's row, so that a gateway's deliveries are
            # written one at a time.
            _hear(connection, sender, now, delivery.sent_at)
            if delivery.names is not None:
                keep_names(connection, sender, delivery.names)
            ordered = [rows[key] for key in sorted(rows)]
            if not knows_corrections(connection, sender, delivery, token):
                ordered = without_counts(connection, sender, ordered)
            new, before = newer(connection, sender, ordered)
            replaced = {row["key"] for row in before}
            added = [row for row in new if row["key"] not in replaced]
            refuse_excess(connection, sender, added)
            if not self._new_rows.take(delivery.gateway, len(added)):
                raise OverBoundError(
                    f"{delivery.gateway} has sent more than {NEW_ROWS_BURST:.0f} new rows; expected"
                    f" {NEW_ROWS_PER_S:.0f} per second at most; the others are taken later"
                )
            self._new_kiosks.take(connection, sender, token, added)
            if new:
                add_held(connection, sender, new)
                _put(connection, new)
                mark_days(connection, sender, [*new, *before], now)
        return list(dict.fromkeys(item.key for item in items_by_revision))

    def refuse(self, gateway: str, field: str, reason: str, body: bytes) -> None:
        """Record a refused delivery with field and reason; the newest `MAX_REFUSALS` are kept."""
        with self.database.write() as connection:
            connection.execute(
                insert(refusals, connection).values(
                    at=self._now(),
                    gateway=gateway,
                    field=field[:EXCERPT],
                    reason=reason[:EXCERPT],
                    excerpt=body[:EXCERPT].decode("utf-8", "replace").replace("\0", "\ufffd"),
                )
            )
            newest = select(func.max(refusals.c.id)).scalar_subquery()
            connection.execute(delete(refusals).where(refusals.c.id <= newest - MAX_REFUSALS))

    def refused(self, most: int = 100) -> list[RefusedDelivery]:
        """Refused deliveries, the newest first."""
        columns = [refusals.c[name] for name in RefusedDelivery.__struct_fields__]
        rows = self.database.rows(select(*columns).order_by(refusals.c.id.desc()).limit(most))
        return [RefusedDelivery(**row._mapping) for row in rows]

    def last_refused(self) -> dict[str, RefusedDelivery]:
        """The newest refused delivery of each gateway that is kept."""
        return last_refused(self.database)

    def heard(self) -> list[GatewayHeard]:
        """Every gateway that has ever sent a delivery."""
        rows = self.database.rows(select(gateways).order_by(gateways.c.campus, gateways.c.gateway))
        return [GatewayHeard(**row._mapping) for row in rows]

    def persons(self, campus: str, identity: str) -> dict[str, str]:
        """Personal data of a fever (`kiosk/boot/seq`); empty if its campus sent none.

        Raises `StoreError` if the data was encrypted with another key.
        """
        with self.database.read() as connection:
            sealed = connection.execute(
                select(items.c.sealed).where(
                    items.c.campus == campus, items.c.key == f"follow_up/{identity}"
                )
            ).scalar()
        return self._vault.open(sealed or "")

    def forget_persons(self, before: float) -> int:
        """Blank personal data received before a Unix time (s), and delete marks of days that began
        before that time; returns the number of rows blanked or deleted."""
        with self.database.write() as connection:
            old = connection.execute(
                delete(items).where(items.c.kind == MARKED, items.c.at < before)
            ).rowcount
            blanked = connection.execute(
                update(items)
                .where(items.c.sealed != "", items.c.received_at < before)
                .values(sealed="")
            ).rowcount
            return old + blanked

    def _row(self, item: Summary, delivery: Delivery) -> dict[str, Any]:
        epoch = delivery.epoch
        key = item.key
        if not isinstance(item, COUNTS):
            epoch = delivery.present or epoch
        elif epoch:
            key = f"{key}@{epoch}"
        sealed = ""
        if isinstance(item, FollowUpEvent):
            sealed = self._vault.seal({name: getattr(item, name) for name in PERSONAL})
            item = msgspec.structs.replace(item, **dict.fromkeys(PERSONAL, ""))
        at, date = self._when(item)
        return {
            "key": key,
            "epoch": epoch,
            "kind": type(item).__struct_config__.tag,
            "date": date,
            "at": at,
            "revision": item.revision,
            "payload": msgspec.json.encode(item).decode(),
            "sealed": sealed,
        }

    def _when(self, item: Summary) -> tuple[float, str]:
        """Return when an item's hour, day or event began (Unix time, s), and the local day, which
        is empty for a follow-up."""
        match item:
            case HourSummary():
                return item.hour, self._day(item.hour)
            case FeverEvent():
                return item.at, self._day(item.at)
            case FollowUpEvent():
                return item.at, ""
            case DaySummary() | GatewayDay() | MarkedDay() | RollDay():
                begin = datetime.fromisoformat(item.date).replace(tzinfo=self._zone)
                return begin.timestamp(), item.date

    def _day(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone).date().isoformat()


def last_refused(database: CampusDatabase) -> dict[str, RefusedDelivery]:
    """The newest refused delivery of each gateway that is kept. Raises `CampusError`."""
    columns = [refusals.c[name] for name in RefusedDelivery.__struct_fields__]
    newest = select(func.max(refusals.c.id)).group_by(refusals.c.gateway)
    rows = database.rows(select(*columns).where(refusals.c.id.in_(newest)))
    return {row.gateway: RefusedDelivery(**row._mapping) for row in rows}


def _hear(
    connection: Connection, sender: dict[str, str], now: float, sent_at: float | None
) -> None:
    off_s = 0.0 if sent_at is None else round(sent_at - now, 1)
    put(connection, gateways, sender, {"heard_at": now, "clock_off_s": off_s})


def _put(connection: Connection, rows: list[dict[str, Any]]) -> None:
    new = insert(items, connection)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["campus", "gateway", "key"],
            set_={name: new.excluded[name] for name in _REPLACED},
        ),
        rows,
    )


def mark_days(
    connection: Connection, sender: dict[str, str], rows: Iterable[dict[str, Any]], now: float
) -> None:
    """Mark the days whose reports these rows (`kind`, `key`, `date`) may change."""
    days = {row["date"] for row in rows if row["date"]}
    fevers = [
        row["key"].replace("follow_up/", "fever/", 1) for row in rows if row["kind"] == "follow_up"
    ]
    for begin in range(0, len(fevers), MOST_KEYS):
        dates = connection.execute(
            select(items.c.date).where(
                items.c.campus == sender["campus"],
                items.c.gateway == sender["gateway"],
                items.c.key.in_(fevers[begin : begin + MOST_KEYS]),
            )
        ).all()
        days |= {date for (date,) in dates}
    for date in sorted(days):
        put(connection, changed, {"date": date}, {"at": now})
