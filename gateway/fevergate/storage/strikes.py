"""Strikes: hours of a kiosk that are not trusted, left out of all figures but kept in the store.

A strike covers whole hours of one kiosk within one day, because counts are kept by the hour for
years, but readings for a limited time only. It deletes and changes nothing: logs, overview and
campus server leave out its hours, whatever arrives for them later. If it is taken back, that is
noted in it, and the figures are exactly as before.
"""

import json
import os
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import StrikeError
from fevergate.protocol.campus_messages import MAX_REASON, MOST_STRIKES, StruckSpan
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import HOUR_S, day_bounds
from fevergate.storage.store import Store

REVOKED = "revoked.jsonl"
"""File of revoked kiosks, written by `fevergate provision revoke`."""


class Strike(StruckSpan, kw_only=True, frozen=True):
    """A strike in the gateway's store."""

    id: int
    kiosk: str


class StrikeRequest(Struct, frozen=True, kw_only=True):
    """Request to strike a kiosk's whole hours of a day from `begin` to `end` (0 to 24), or to take
    strikes of the day back."""

    kiosk: str
    day: date
    by: str
    reason: str
    begin: int = 0
    end: int = 24
    trusted: bool = False
    """Allow it for a kiosk that was not revoked."""


def read_strikes(database: Database, begin: float, end: float) -> list[Strike]:
    """Return the strikes of the day from `begin` to `end` (Unix time, s), including strikes that
    were taken back."""
    return [msgspec.convert(row, Strike) for row in database.query(_STRIKES, (begin, end))]


def spans_of(database: Database, begin: float, end: float) -> dict[str, list[StruckSpan]]:
    """Return the strikes of `read_strikes` by kiosk, in the form that the campus server gets."""
    spans: dict[str, list[StruckSpan]] = {}
    for row in read_strikes(database, begin, end):
        values = {name: getattr(row, name) for name in StruckSpan.__struct_fields__}
        spans.setdefault(row.kiosk, []).append(StruckSpan(**values))
    return spans


def of_fever(strikes: Iterable[Strike], kiosk: str, at: float) -> Strike | None:
    """Return the strike in force that covers a kiosk at a Unix time (s), if any."""
    for row in strikes:
        if row.undone_at is None and row.kiosk == kiosk and row.begin <= at < row.end:
            return row
    return None


def strike(settings: GatewaySettings, request: StrikeRequest) -> Strike:
    """Strike a kiosk's hours in one transaction, whether or not the gateway runs.

    Raises `StrikeError`, `StoreError`.
    """
    _check_texts(request)
    with closing(_open_existing(settings)) as store:
        begin, end = _span(store.db, settings, request)
        if not request.trusted and not _revoked_since(settings.folder, request.kiosk, begin):
            raise StrikeError("trusted", request.kiosk)
        with store.transaction():
            _check_room(store.db, settings, request, begin, end)
            cursor = store.db.execute(
                'insert into strikes(kiosk, begin, "end", at, "by", reason)'
                " values (?, ?, ?, ?, ?, ?)",
                (request.kiosk, begin, end, _now(store.db), request.by, request.reason),
            )
            number = cursor.lastrowid or 0
            _count_anew(store, request.kiosk, begin, end)
        return _read_strike(store.db, number)


def take_back(
    settings: GatewaySettings, request: StrikeRequest, number: int | None = None
) -> list[Strike]:
    """Take back all strikes of a kiosk's day, or the one with that number; returns them.

    Raises `StrikeError`, `StoreError`.
    """
    _check_texts(request)
    with closing(_open_existing(settings)) as store:
        begin, end = day_bounds(request.day, settings.zone)
        with store.transaction():
            strikes = [
                row
                for row in read_strikes(store.db, begin, end)
                if row.kiosk == request.kiosk and row.undone_at is None and number in (None, row.id)
            ]
            if not strikes:
                raise StrikeError("not_struck", request.kiosk)
            for row in strikes:
                store.db.execute(
                    "update strikes set undone_at = ?, undone_by = ?, undone_reason = ?"
                    " where id = ?",
                    (_now(store.db), request.by, request.reason, row.id),
                )
                _count_anew(store, row.kiosk, row.begin, row.end)
        return [_read_strike(store.db, row.id) for row in strikes]


def _count_anew(store: Store, kiosk: str, begin: float, end: float) -> None:
    """Raise the revision of the hours and their days, so that they are forwarded again."""
    for table in ("hours", "shares"):
        store.db.execute(
            f"update {table} set revision = revision + 1"  # noqa: S608 - constants
            " where kiosk = ? and hour >= ? and hour < ?",
            (kiosk, begin, end),
        )
    store.refresh_days()


def _check_texts(request: StrikeRequest) -> None:
    for name, text, most in (("by", request.by, 64), ("reason", request.reason, MAX_REASON)):
        if not 1 <= len(text.strip()) <= most or not text.isprintable():
            raise StrikeError(name, str(most))


def _check_room(
    database: Database, settings: GatewaySettings, request: StrikeRequest, begin: float, end: float
) -> None:
    """Raise `StrikeError` if the hours hold nothing or are struck already, or if the kiosk has
    `MOST_STRIKES` strikes on that day."""
    (rows,) = database.execute(
        "select count(*) from hours where kiosk = ? and hour >= ? and hour < ?",
        (request.kiosk, begin, end),
    ).fetchone()
    if not rows:
        raise StrikeError("nothing", request.kiosk)
    day = read_strikes(database, *day_bounds(request.day, settings.zone))
    before = [row for row in day if row.kiosk == request.kiosk]
    if any(row.undone_at is None and row.begin <= begin and end <= row.end for row in before):
        raise StrikeError("struck", request.kiosk)
    if len(before) >= MOST_STRIKES:
        raise StrikeError("often", str(MOST_STRIKES))


def _open_existing(settings: GatewaySettings) -> Store:
    path = settings.path(settings.database)
    open_reader(path).close()  # raises where there is none; `Store` would create one
    return Store(path, settings.zone)


def _now(database: Database) -> float:
    """Return the time that the gateway uses (Unix time, s)."""
    state = clock_memory.last_state(database)
    return time.time() - (state.off_s if state and not state.believed else 0.0)


def _span(database: Database, settings: GatewaySettings, request: StrikeRequest) -> tuple[int, int]:
    """Return begin and end (Unix time, s) of the hours requested, at most up to the present hour,
    so that later readings of a new board with the same name count."""
    if not 0 <= request.begin < request.end <= 24:
        raise StrikeError("hours", f"{request.begin}-{request.end}")
    midnight = datetime(request.day.year, request.day.month, request.day.day)
    times = (midnight + timedelta(hours=hour) for hour in (request.begin, request.end))
    # In a zone that is off by half an hour, an hour belongs to the day in which it begins.
    begin, end = (
        int(-(-at.replace(tzinfo=settings.zone).timestamp() // HOUR_S) * HOUR_S) for at in times
    )
    upto = min(end, int(_now(database) // HOUR_S + 1) * HOUR_S)
    if begin >= upto:
        raise StrikeError("future", f"{request.day} {request.begin:02}:00")
    return begin, upto


def _revoked_since(folder: Path, kiosk: str, begin: float) -> bool:
    """Whether the kiosk's credential was revoked at or after `begin` (Unix time, s)."""
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


def _read_strike(database: Database, number: int) -> Strike:
    (row,) = database.query(f"{_SELECT} where s.id = ? group by s.id", (number,))
    return msgspec.convert(row, Strike)


_SELECT = """
    select s.*, coalesce(sum(h.normal + h.fever), 0) as people, coalesce(sum(h.fever), 0) as fevers
    from strikes s left join hours h
        on h.kiosk = s.kiosk and h.hour >= s.begin and h.hour < s."end" """
_STRIKES = f"{_SELECT} where s.begin >= ? and s.begin < ? group by s.id order by s.id"
