"""The clock's state in the gateway's store, and the correction of dates that a wrong clock gave.

Other processes (pages, doctor, desk) read the state here, and leave a person's confirmation that
the clock is right.
"""

from __future__ import annotations

import logging
import time
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.clock.judge import STEP_S, ClockState, Correction
from fevergate.storage import meta
from fevergate.storage.coverage_bits import HOUR_S, MINUTE_S

if TYPE_CHECKING:
    from fevergate.storage.store import Store

log = logging.getLogger(__name__)

AFTER_S = 0.001
"""Added to the last message's time, so that a doubt that begins now does not include it."""

MAX_DOUBTS = 1000
"""Most doubts that are kept; the oldest are deleted first."""


class Doubt(Struct, frozen=True, kw_only=True):
    """A span, `begin` to `end`, in which the gateway's clock was in doubt (Unix time in s, as the
    gateway used it then)."""

    begin: float
    end: float
    why: str


def believed_at(database: Database) -> float | None:
    """Return the newest time at which the gateway believed its clock (Unix time, s)."""
    row = database.execute(
        "select max(cast(value as real)) from meta where key in ('believed_at', 'housekept_at')"
    ).fetchone()
    return row[0] or None


def last_state(database: Database) -> ClockState | None:
    """Return the clock's state as the gateway stored it last; None if there is none, or it cannot
    be decoded."""
    return meta.load(database, "clock", ClockState)


def recall(database: Database) -> tuple[float | None, float]:
    """Return the newest time at which the clock was believed (Unix time in s, or None), and for how
    long it has been in doubt since (s)."""
    last = believed_at(database)
    state = last_state(database)
    if last is None or (state and state.believed):
        # The time is stored every few minutes only. Messages since then were dated by a clock that
        # was believed, so a doubt that begins now must not include them.
        (last_seen,) = database.execute("select max(last_seen) from kiosks").fetchone()
        last = max(last or 0.0, last_seen + AFTER_S if last_seen else 0.0) or None
    return last, state.doubted_s if state and not state.believed else 0.0


def remember(store: Store, state: ClockState) -> bool:
    """Store the clock's state; returns whether a person has confirmed that the clock is right."""
    connection = store.db.conn
    with store.transaction():
        meta.put(connection, "clock", msgspec.json.encode(state).decode())
        if state.believed:
            meta.put(connection, "believed_at", state.at)
        else:
            connection.execute(
                "insert into doubts values (?, ?, ?)"
                " on conflict(begin) do update set end = excluded.end, why = excluded.why",
                (round(state.at - state.doubted_s), state.at, state.why),
            )
            connection.execute(
                "delete from doubts where begin not in"
                " (select begin from doubts order by begin desc limit ?)",
                (MAX_DOUBTS,),
            )
        confirmed = connection.execute("delete from meta where key = 'clock_is_right'").rowcount
    return bool(confirmed)


def confirm_clock(database: Database) -> None:
    """Store a person's confirmation that the machine's clock is right; the gateway reads it within
    a minute."""
    meta.put(database.conn, "clock_is_right", 1)


def present(database: Database) -> ClockState | None:
    """Return the clock's state now, derived from the stored one; None if no gateway has run yet.

    A clock behind the last believed time is in doubt even if the gateway has not stored that doubt,
    or cannot store it.
    """
    state = last_state(database)
    if state is None:
        return None
    utc = time.time()
    if not state.believed:
        return msgspec.structs.replace(state, at=utc - state.off_s)
    if utc < state.at - STEP_S:
        return ClockState(at=state.at, believed=False, why="back", off_s=utc - state.at)
    return msgspec.structs.replace(state, at=utc)


def now(database: Database) -> float:
    """Return the time that the gateway uses (Unix time, s)."""
    state = present(database)
    return state.at if state else time.time()


def today(database: Database, zone: ZoneInfo) -> date:
    """Return the date by the time that the gateway uses."""
    return datetime.fromtimestamp(now(database), zone).date()


def doubts(database: Database, begin: float, end: float) -> list[Doubt]:
    """Return the doubts that overlap `begin` to `end` (Unix time, s)."""
    rows = database.query(
        "select * from doubts where begin < ? and end >= ? order by begin", (end, begin)
    )
    return [Doubt(**row) for row in rows]


def correct(store: Store, correction: Correction, now: float) -> int:
    """Move all dates that a wrong clock gave, and let days that were forwarded too early be
    forwarded again; returns how many readings moved.

    `now` is Unix time (s) by the right clock. A kiosk's own date moves, too, if it lies in the
    wrong span, because the kiosk had it from the gateway.
    """
    begin, end, delta = correction
    connection = store.db.conn
    span = {"begin": begin, "end": end, "delta": delta}
    with store.transaction():
        moved = connection.execute(_READINGS, span).rowcount
        for table, column in _MOVED:
            grows = ", revision = revision + 1" if table == "fevers" else ""
            connection.execute(
                f"update {table} set {column} = {column} + :delta{grows}"  # noqa: S608 - constants
                f" where {column} >= :begin and {column} <= :end",
                span,
            )
        _move_coverage(store, begin, end, delta)
        today = datetime.fromtimestamp(now, store.zone).date().isoformat()
        connection.execute("delete from stated where date >= ?", (today,))
        connection.execute(
            "delete from outbox where key >= ? and key < 'gateway_day0'",
            (f"gateway_day/{today}",),
        )
        connection.execute(
            "delete from meta where key in ('believed_at', 'housekept_at')"
            " and cast(value as real) > ?",
            (now,),
        )
        store.refresh_days()
    store.forget()
    log.warning("the clock was %.0f s wrong: %d readings dated anew", -delta, moved)
    return moved


_READINGS = """
    update readings set received_at = received_at + :delta,
        at = case when at >= :begin - 2 and at <= :end + 2 then at + :delta else at end
    where received_at >= :begin and received_at <= :end"""
"""SQL to move readings. The 2 s are needed because a kiosk dates in whole seconds and may be 1.5 s
off."""

_MOVED = (
    ("fevers", "raised_at"),
    ("fevers", "acknowledged_at"),
    ("kiosks", "last_seen"),
    ("rejected", "received_at"),
    ("applied", "answered_at"),
)


def _move_coverage(store: Store, begin: float, end: float, delta: float) -> None:
    """Move the coverage of the minutes from `begin` to `end` by `delta` s."""
    connection = store.db.conn
    rows = connection.execute(
        "select kiosk, hour, gate, watched, fault, late from hours"
        " where hour >= ? and hour <= ? and (watched or fault)",
        (begin // HOUR_S * HOUR_S, min(end, 2**53)),
    ).fetchall()
    shift = round(delta / MINUTE_S)
    removed: list[tuple[int, int, int, str, int]] = []
    added: dict[tuple[str, int], list[int]] = {}
    gates: dict[str, str] = {}
    for kiosk, hour, gate, *masks in rows:
        gates[kiosk] = gate
        moving = 0
        for minute in range(60):
            at = hour + minute * MINUTE_S
            if not begin - MINUTE_S < at <= end or not any(mask >> minute & 1 for mask in masks):
                continue
            moving |= 1 << minute
            to_hour, to_minute = divmod(hour // MINUTE_S + minute + shift, 60)
            moved = added.setdefault((kiosk, to_hour * HOUR_S), [0, 0, 0])
            for number, mask in enumerate(masks):
                moved[number] |= (mask >> minute & 1) << to_minute
        if moving:
            removed.append((~moving, ~moving, ~moving, kiosk, hour))
    connection.executemany(
        "update hours set watched = watched & ?, fault = fault & ?, late = late & ?,"
        " revision = revision + 1 where kiosk = ? and hour = ?",
        removed,
    )
    connection.executemany(
        "insert into hours(kiosk, hour, gate, watched, fault, late, revision)"
        " values (?, ?, ?, ?, ?, ?, 1) on conflict(kiosk, hour) do update set"
        " watched = watched | excluded.watched, fault = fault | excluded.fault,"
        " late = late | excluded.late, revision = revision + 1",
        [(kiosk, hour, gates[kiosk], *masks) for (kiosk, hour), masks in added.items()],
    )
