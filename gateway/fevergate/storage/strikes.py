"""Rows of a kiosk that nobody trusts, struck from a day: they stay, and no longer count.

A strike is a span of whole hours of one kiosk, within one day: counts are kept by the hour for
years, readings for weeks. Nothing is deleted or changed by it; hours, days, overview and the campus
server leave out what an hour has while a strike covers it, whatever arrives for it later. Taking a
strike back is noted beside it, and restores the figures exactly.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import StrikeError
from fevergate.protocol.campus_messages import MOST_STRIKES, REASON, StruckSpan
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import HOUR_S
from fevergate.storage.store import Store

REVOKED = "revoked.jsonl"
"""Written by `fevergate provision revoke`."""

MOST_FEVERS = 1000
"""Struck fevers that a page's export lists; `fevergate log --format csv` has all."""


class Strike(StruckSpan, kw_only=True, frozen=True):
    """One strike of a gateway's own store, under its number."""

    id: int
    kiosk: str


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody wants struck, or taken back: a kiosk's full hours of a day from `begin` to
    `end` (0 to 24), by whom and why."""

    kiosk: str
    day: date
    by: str
    reason: str
    begin: int = 0
    end: int = 24
    trusted: bool = False
    """Also of a kiosk that was not revoked."""


def read_strikes(database: Database, begin: float, end: float) -> list[Strike]:
    """The strikes of a day that lasts from `begin` to `end` (UTC s), those taken back too."""
    return [msgspec.convert(row, Strike) for row in database.query(_STRIKES, (begin, end))]


def spans_of(database: Database, begin: float, end: float) -> dict[str, list[StruckSpan]]:
    """The same by kiosk, as the campus server is told."""
    found: dict[str, list[StruckSpan]] = {}
    for one in read_strikes(database, begin, end):
        values = {name: getattr(one, name) for name in StruckSpan.__struct_fields__}
        found.setdefault(one.kiosk, []).append(StruckSpan(**values))
    return found


def of_fever(strikes: Iterable[Strike], kiosk: str, at: float) -> Strike | None:
    """The strike by which what a kiosk had at that time (UTC s) does not count, if there is one."""
    for one in strikes:
        if one.undone_at is None and one.kiosk == kiosk and one.begin <= at < one.end:
            return one
    return None


def strike(settings: GatewaySettings, asked: Asked) -> Strike:
    """Strike a kiosk's hours from a day, in one transaction beside the gateway, running or not.

    Raises `StrikeError`, `StoreError`.
    """
    _check(asked)
    store = _open(settings)
    try:
        begin, end = _span(store.db, settings, asked)
        if not asked.trusted and not _revoked_since(settings.folder, asked.kiosk, begin):
            raise StrikeError("trusted", asked.kiosk)
        with store.transaction():
            _check_room(store.db, settings, asked, begin, end)
            cursor = store.db.execute(
                'insert into strikes(kiosk, begin, "end", at, "by", reason)'
                " values (?, ?, ?, ?, ?, ?)",
                (asked.kiosk, begin, end, _now(store.db), asked.by, asked.reason),
            )
            number = cursor.lastrowid or 0
            _count_anew(store, asked.kiosk, begin, end)
        return _read(store.db, number)
    finally:
        store.close()


def take_back(settings: GatewaySettings, asked: Asked, number: int | None = None) -> list[Strike]:
    """Take back the strikes of a kiosk's day, or the one of that number; returns them.

    Raises `StrikeError`, `StoreError`.
    """
    _check(asked)
    store = _open(settings)
    try:
        begin, end = _day(settings, asked.day)
        with store.transaction():
            found = [
                one
                for one in read_strikes(store.db, begin, end)
                if one.kiosk == asked.kiosk and one.undone_at is None and number in (None, one.id)
            ]
            if not found:
                raise StrikeError("not_struck", asked.kiosk)
            for one in found:
                store.db.execute(
                    "update strikes set undone_at = ?, undone_by = ?, undone_reason = ?"
                    " where id = ?",
                    (_now(store.db), asked.by, asked.reason, one.id),
                )
                _count_anew(store, one.kiosk, one.begin, one.end)
        return [_read(store.db, one.id) for one in found]
    finally:
        store.close()


def _count_anew(store: Store, kiosk: str, begin: float, end: float) -> None:
    """Have the hours and their days told again, as they count now."""
    store.db.execute(
        "update hours set revision = revision + 1 where kiosk = ? and hour >= ? and hour < ?",
        (kiosk, begin, end),
    )
    store.refresh_days()


def _check(asked: Asked) -> None:
    for name, text, most in (("by", asked.by, 64), ("reason", asked.reason, REASON)):
        if not 1 <= len(text.strip()) <= most or not text.isprintable():
            raise StrikeError(name, str(most))


def _check_room(
    database: Database, settings: GatewaySettings, asked: Asked, begin: float, end: float
) -> None:
    (rows,) = database.execute(
        "select count(*) from hours where kiosk = ? and hour >= ? and hour < ?",
        (asked.kiosk, begin, end),
    ).fetchone()
    if not rows:
        raise StrikeError("nothing", asked.kiosk)
    day = read_strikes(database, *_day(settings, asked.day))
    before = [one for one in day if one.kiosk == asked.kiosk]
    if any(one.undone_at is None and one.begin <= begin and end <= one.end for one in before):
        raise StrikeError("struck", asked.kiosk)
    if len(before) >= MOST_STRIKES:
        raise StrikeError("often", str(MOST_STRIKES))


def _open(settings: GatewaySettings) -> Store:
    path = settings.path(settings.database)
    open_reader(path).close()  # else an empty one would be begun
    return Store(path, settings.zone)


def _day(settings: GatewaySettings, day: date) -> tuple[float, float]:
    start = datetime(day.year, day.month, day.day, tzinfo=settings.zone)
    return start.timestamp(), (start + timedelta(days=1)).timestamp()


def _now(database: Database) -> float:
    """UTC s, by the time that the gateway goes by."""
    state = clock_memory.last_state(database)
    return time.time() - (state.off_s if state and not state.believed else 0.0)


def _span(database: Database, settings: GatewaySettings, asked: Asked) -> tuple[int, int]:
    """The whole hours (UTC s) that are asked for, up to the one that lasts: a new board under the
    same name counts again."""
    if not 0 <= asked.begin < asked.end <= 24:
        raise StrikeError("hours", f"{asked.begin}-{asked.end}")
    midnight = datetime(asked.day.year, asked.day.month, asked.day.day)
    times = (midnight + timedelta(hours=hour) for hour in (asked.begin, asked.end))
    # Where the zone is off by half an hour, an hour is of the day in which it begins.
    begin, end = (
        int(-(-at.replace(tzinfo=settings.zone).timestamp() // HOUR_S) * HOUR_S) for at in times
    )
    upto = min(end, int(_now(database) // HOUR_S + 1) * HOUR_S)
    if begin >= upto:
        raise StrikeError("future", f"{asked.day} {asked.begin:02}:00")
    return begin, upto


def _revoked_since(folder: Path, kiosk: str, begin: float) -> bool:
    """Whether the credential that the kiosk had then was revoked."""
    try:
        with os.fdopen(os.open(folder / REVOKED, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            lines = [json.loads(line) for line in file if line.strip()]
        return any(
            line["kiosk"] == kiosk and datetime.fromisoformat(line["at"]).timestamp() >= begin
            for line in lines
        )
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StrikeError("revoked_file", str(folder / REVOKED)) from error


def _read(database: Database, number: int) -> Strike:
    (row,) = database.query(f"{_SELECT} where s.id = ? group by s.id", (number,))
    return msgspec.convert(row, Strike)


_SELECT = """
    select s.*, coalesce(sum(h.normal + h.fever), 0) as people, coalesce(sum(h.fever), 0) as fevers
    from strikes s left join hours h
        on h.kiosk = s.kiosk and h.hour >= s.begin and h.hour < s."end" """
_STRIKES = f"{_SELECT} where s.begin >= ? and s.begin < ? group by s.id order by s.id"
