"""Limits what one gateway's token may add to the campus server: which days, and how many campuses,
kiosks and rows.

A clock set to 2031, a faulty kiosk or a stolen token must not add days that stay for good, nor fill
the disk that all campuses share. Data beyond a bound is refused, and the gateway keeps it.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, func, select

from fevergate.campus.schema import gateways, items
from fevergate.clock.judge import KNOWN_PAST, LEAP_S
from fevergate.errors import OverBoundError
from fevergate.protocol.campus_messages import (
    DaySummary,
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    HourSummary,
    Summary,
)
from fevergate.reports.day_in_words import minute

AHEAD_S = 2 * 3600
"""How early (s) a gateway may report a day as over: its clock may be wrong by more than an hour."""

LEFT_S = LEAP_S + AHEAD_S
"""How far ahead (s) other dates may be; a gateway does not believe a clock that leaps further.

Counts within this bound are taken even if the gateway's clock is wrong: they are corrected together
with the clock, and if its card breaks before that, no other copy exists."""

MOST_CAMPUSES = 3
"""Number of campuses that a gateway may claim if the settings do not name its campus, since it may
have been renamed or moved. Each claimed campus adds a row, a line in every report, and a notice
once it is silent."""

MOST_KIOSKS = 400
"""Most kiosks of a gateway on one day: twice as many as its report of a day can name."""

MOST_COUNTS = 100_000
"""Most rows of hours and days that a gateway may add to one day; each start of it adds some."""

MOST_FEVERS = 5000
"""Most fevers of one kiosk on one day that are kept one by one; the day's counts include all."""

NEW_ROWS_BURST = 200_000.0
NEW_ROWS_PER_S = 1.0
"""New rows that one gateway may add at once, and then per second. The burst has room for years of
history; at the rate, a faulty kiosk adds at most 86 400 rows or about 40 MB a day."""


def check_date(item: Summary, now: float, zone: ZoneInfo, *, believed: bool) -> Summary:
    """Return an item with a date within the bounds, or raise `OverBoundError`, which says what was
    expected.

    `now` is our clock (Unix time, s). While it is not `believed`, the gateway's clock, which the
    gateway itself has judged, is trusted. A fever is never refused for its date: outside the
    bounds, it gets the time of its arrival, as at a gateway.
    """
    ahead_s = LEFT_S
    match item:
        case FollowUpEvent():  # belongs to no day
            return item
        case FeverEvent():
            wrong = believed and not KNOWN_PAST <= item.at <= now + ahead_s
            return msgspec.structs.replace(item, at=now) if wrong else item
        case HourSummary():
            unit, begin, end = "hour", item.hour, item.hour + 3600
        case _:
            try:
                midnight = datetime.fromisoformat(item.date).replace(tzinfo=zone)
            except ValueError:
                raise OverBoundError("expected a day as YYYY-MM-DD") from None
            unit, begin = "day", midnight.timestamp()
            end = (midnight + timedelta(days=1)).timestamp()
            if not isinstance(item, DaySummary):
                ahead_s = AHEAD_S
    if not believed:
        return item
    expected = (
        f"it is {minute(now, zone)} here, and expected are {ahead_s / 3600:.0f} h ahead at most"
    )
    if end < KNOWN_PAST:
        raise OverBoundError(
            f"this {unit} is before {minute(KNOWN_PAST, zone)}; look at the gateway's clock"
        )
    if isinstance(item, GatewayDay) and end > now + ahead_s:
        raise OverBoundError(f"this day is not over yet: {expected}; look at the gateway's clock")
    if begin > now + ahead_s:
        raise OverBoundError(
            f"this {unit} has not begun yet: {expected}; look at the gateway's clock"
        )
    return item


def refuse_campus(connection: Connection, sender: dict[str, str]) -> None:
    """Raise `OverBoundError` if a gateway has already been heard from `MOST_CAMPUSES` other
    campuses and never from this one."""
    rows = connection.execute(
        select(gateways.c.campus).where(gateways.c.gateway == sender["gateway"])
    )
    campuses = {campus for (campus,) in rows}
    if sender["campus"] not in campuses and len(campuses) >= MOST_CAMPUSES:
        raise OverBoundError(
            f"{sender['gateway']} was heard from {len(campuses)} campuses, expected at most"
            f" {MOST_CAMPUSES}; name it in [campuses.NAME] gateways",
            field="$.campus",
        )


def refuse_excess(
    connection: Connection, sender: dict[str, str], added: Iterable[dict[str, Any]]
) -> None:
    """Raise `OverBoundError`, which names the keys beyond the bound, if a gateway's new rows add
    too many kiosks, counts or fevers to a day."""
    days: dict[str, list[dict[str, Any]]] = {}
    for row in added:
        if row["date"] and row["kind"] in ("hour", "day", "gateway_day", "fever"):
            days.setdefault(row["date"], []).append(row)
    for date, rows in sorted(days.items()):
        of_day = [items.c[name] == value for name, value in (sender | {"date": date}).items()]
        counts = [row["key"] for row in rows if row["kind"] != "fever"]
        if counts:
            _refuse_counts(connection, of_day, date, counts)
        for kiosk in sorted({_kiosk(row["key"]) for row in rows if row["kind"] == "fever"}):
            keys = [row["key"] for row in rows if row["key"].startswith(f"fever/{kiosk}/")]
            count = connection.execute(
                select(func.count())
                .select_from(items)
                .where(*of_day, items.c.kind == "fever", items.c.key.like(f"fever/{kiosk}/%"))
            ).scalar_one()
            if beyond := keys[max(0, MOST_FEVERS - count) :]:
                raise OverBoundError(
                    f"fevers of {kiosk} on {date}: expected at most {MOST_FEVERS}", beyond
                )


def _refuse_counts(connection: Connection, of_day: list[Any], date: str, added: list[str]) -> None:
    counts = items.c.kind.in_(("hour", "day", "gateway_day"))
    count = connection.execute(
        select(func.count()).select_from(items).where(*of_day, counts)
    ).scalar_one()
    if beyond := added[max(0, MOST_COUNTS - count) :]:
        raise OverBoundError(f"rows of {date}: expected at most {MOST_COUNTS}", beyond)
    if count + len(added) <= MOST_KIOSKS:
        return
    rows = connection.execute(select(items.c.key).where(*of_day, items.c.kind == "day"))
    kiosks = {_kiosk(key) for (key,) in rows}
    beyond = []
    for key in added:
        if not key.startswith("gateway_day/"):
            if _kiosk(key) not in kiosks and len(kiosks) >= MOST_KIOSKS:
                beyond.append(key)
            else:
                kiosks.add(_kiosk(key))
    if beyond:
        raise OverBoundError(f"kiosks on {date}: expected at most {MOST_KIOSKS}", beyond)


def _kiosk(key: str) -> str:
    return key.split("/")[1]


class NewRows:
    """Number of new rows that each gateway may still add now; kept in this process's memory only.

    `now` returns seconds of a clock that never jumps.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, gateway: str, count: int) -> bool:
        """Count new rows of a gateway; returns whether they may be stored now."""
        with self._lock:
            now = self._now()
            left, at = self._left.get(gateway, (NEW_ROWS_BURST, now))
            left = min(NEW_ROWS_BURST, left + (now - at) * NEW_ROWS_PER_S)
            enough = count <= left
            self._left[gateway] = (left - count if enough else left, now)
            return enough
