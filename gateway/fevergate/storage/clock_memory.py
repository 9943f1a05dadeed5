"""What the gateway's store remembers of its clock, and dates that are put right afterwards.

Other processes (pages, doctor, desk) read here what the gateway thinks of its clock; a person's
word that it is right is left here for it.
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
from fevergate.storage.coverage_bits import HOUR_S, MINUTE_S

if TYPE_CHECKING:
    from fevergate.storage.store import Store

log = logging.getLogger(__name__)

AFTER_S = 0.001
"""Later than what was dated at an instant."""

MOST_DOUBTS = 1000
"""Doubts that are remembered; the oldest go first."""


class Doubt(Struct, frozen=True, kw_only=True):
    """From `begin` to `end` (UTC s, by the time that was used) the gateway's clock was in doubt."""

    begin: float
    end: float
    why: str


def believed(database: Database) -> float | None:
    """When the gateway last believed its clock (UTC s)."""
    row = database.execute(
        "select max(cast(value as real)) from meta where key in ('believed_at', 'housekept_at')"
    ).fetchone()
    return row[0] or None


def last_state(database: Database) -> ClockState | None:
    """What the gateway thought of its clock last; None where none has run yet, or nobody can tell
    what it wrote."""
    row = database.execute("select value from meta where key = 'clock'").fetchone()
    try:
        return msgspec.json.decode(row[0], type=ClockState) if row else None
    except msgspec.MsgspecError as error:
        log.error("what was thought of the clock cannot be read: %s", error)
        return None


def recall(database: Database) -> tuple[float | None, float]:
    """(the newest time that was believed, UTC s, or None; for how long it has been in doubt, s)."""
    last = believed(database)
    state = last_state(database)
    if last is None or (state and state.believed):
        # It is kept now and then alone, and what came after that was dated by a clock that was
        # believed: a doubt that begins now must not take it for its own.
        (heard,) = database.execute("select max(last_seen) from kiosks").fetchone()
        last = max(last or 0.0, heard + AFTER_S if heard else 0.0) or None
    return last, state.doubted_s if state and not state.believed else 0.0


def remember(store: Store, state: ClockState) -> bool:
    """Keep what the clock is worth; returns whether a person has said that it is right."""
    connection = store.db.conn
    with store.transaction():
        text = msgspec.json.encode(state).decode()
        connection.execute("insert or replace into meta values ('clock', ?)", (text,))
        if state.believed:
            connection.execute(
                "insert or replace into meta values ('believed_at', ?)", (str(state.at),)
            )
        else:
            connection.execute(
                "insert into doubts values (?, ?, ?)"
                " on conflict(begin) do update set end = excluded.end, why = excluded.why",
                (round(state.at - state.doubted_s), state.at, state.why),
            )
            connection.execute(
                "delete from doubts where begin not in"
                " (select begin from doubts order by begin desc limit ?)",
                (MOST_DOUBTS,),
            )
        asked = connection.execute("delete from meta where key = 'clock_is_right'").rowcount
    return bool(asked)


def say_right(database: Database) -> None:
    """A person's word that the machine's clock is right: the gateway takes it within a minute."""
    database.conn.execute("insert or replace into meta values ('clock_is_right', '1')")


def present(database: Database, utc: float | None = None) -> ClockState | None:
    """What the gateway would say of its clock now; `utc`: the machine's clock, s. None where no
    gateway has run yet.

    A clock that is behind the last believed time is in doubt even where the gateway has not said so
    yet, or cannot.
    """
    state = last_state(database)
    if state is None:
        return None
    utc = time.time() if utc is None else utc
    if not state.believed:
        return msgspec.structs.replace(state, at=utc - state.off_s)
    if utc < state.at - STEP_S:
        return ClockState(at=state.at, believed=False, why="back", off_s=utc - state.at)
    return msgspec.structs.replace(state, at=utc)


def now(database: Database) -> float:
    """The time that the gateway goes by, UTC s."""
    state = present(database)
    return state.at if state else time.time()


def today(database: Database, zone: ZoneInfo) -> date:
    """The day that it is by that time."""
    return datetime.fromtimestamp(now(database), zone).date()


def doubts(database: Database, begin: float, end: float) -> list[Doubt]:
    """The doubts from `begin` to `end` (UTC s)."""
    rows = database.query(
        "select * from doubts where begin < ? and end >= ? order by begin", (end, begin)
    )
    return [Doubt(**row) for row in rows]


def correct(store: Store, correction: Correction, now: float) -> int:
    """Move what was dated by a clock that was wrong, and have days stated again that were stated
    too early; returns how many readings moved. `now`: UTC s by the right clock.

    A kiosk's own date moves where it lies within the wrong time: the kiosk was told it.
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
"""Kiosks say whole seconds, and what is less than 1.5 s wrong stays."""

_MOVED = (
    ("fevers", "raised_at"),
    ("fevers", "acknowledged_at"),
    ("kiosks", "last_seen"),
    ("rejected", "received_at"),
    ("applied", "answered_at"),
)


def _move_coverage(store: Store, begin: float, end: float, delta: float) -> None:
    """Move the minutes that lie within a wrong time."""
    connection = store.db.conn
    rows = connection.execute(
        "select kiosk, hour, gate, watched, fault, late from hours"
        " where hour >= ? and hour <= ? and (watched or fault)",
        (begin // HOUR_S * HOUR_S, min(end, 2**53)),
    ).fetchall()
    shift = round(delta / MINUTE_S)
    gone: list[tuple[int, int, int, str, int]] = []
    come: dict[tuple[str, int], list[int]] = {}
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
            there = come.setdefault((kiosk, to_hour * HOUR_S), [0, 0, 0])
            for number, mask in enumerate(masks):
                there[number] |= (mask >> minute & 1) << to_minute
        if moving:
            gone.append((~moving, ~moving, ~moving, kiosk, hour))
    connection.executemany(
        "update hours set watched = watched & ?, fault = fault & ?, late = late & ?,"
        " revision = revision + 1 where kiosk = ? and hour = ?",
        gone,
    )
    connection.executemany(
        "insert into hours(kiosk, hour, gate, watched, fault, late, revision)"
        " values (?, ?, ?, ?, ?, ?, 1) on conflict(kiosk, hour) do update set"
        " watched = watched | excluded.watched, fault = fault | excluded.fault,"
        " late = late | excluded.late, revision = revision + 1",
        [(kiosk, hour, gates[kiosk], *bits) for (kiosk, hour), bits in come.items()],
    )
