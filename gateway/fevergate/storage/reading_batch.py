"""Readings onto the disk, many at a time, and into the hourly counts, each once.

A batch is put into a temporary table, rid of what is known already, counted and copied, with a
handful of statements whatever its size: SQLite then works without Python's lock, beside the
thread that raises the alarm. Within the transaction of whoever calls.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from fevergate.clock.judge import LATE_S
from fevergate.protocol.messages import Reading
from fevergate.storage.schema import COUNTED, HOUR, TENTH

COLUMNS = (*Reading.__struct_fields__[1:], "received_at", "gate", "claimed_at")  # without `v`

CHUNKS = (32, 4, 1)
"""Rows in one statement: a few sizes, so that each is compiled once; more rows are hardly quicker,
and a statement of 256 takes a megabyte."""


class Arrivals:
    """Gathers rows of `COLUMNS`; belongs to the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        connection.execute("pragma temp_store = memory")
        connection.execute(
            f"create temp table arriving ({', '.join(COLUMNS)},"
            " primary key (kiosk, boot, seq)) without rowid"
        )

    def add(self, row: tuple[Any, ...]) -> None:
        """Gather one; where an identity comes twice the first one counts."""
        self._rows.append(row)

    def forget(self) -> None:
        """After a transaction that was taken back."""
        self._rows.clear()

    def flush(self) -> None:
        """Write what was gathered."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        at = 0
        for size in CHUNKS:
            while len(rows) - at >= size:
                values = [value for row in rows[at : at + size] for value in row]
                self._connection.execute(_STAGE[size], values)
                at += size
        for statement in _TAKE:
            self._connection.execute(statement)


_ROW = f"({', '.join('?' * len(COLUMNS))})"
_STAGE = {
    size: f"insert or ignore into arriving values {', '.join([_ROW] * size)}"  # noqa: S608 - no input
    for size in CHUNKS
}
_NAMES = ", ".join(COLUMNS)
_OWN_HOUR = HOUR.format(row="a")
_BITS = (
    "coalesce(sum(distinct case when at is not null and reason != 'sensor' {}"
    " then 1 << (cast(at / 60 as integer) % 60) end), 0)"
)
_LATE = _BITS.format(f"and received_at - at > {LATE_S}")
_IN_TIME = _BITS.format(f"and received_at - at <= {LATE_S}")

STAY_LATE = """
        late = (hours.late & ~(excluded.watched & ~excluded.late))
             | (excluded.late & ~(hours.watched & ~hours.late))"""
"""SQL: what of an hour's minutes is known by late words alone."""

_TAKE = (
    """
    delete from arriving where exists (
        select 1 from readings r where r.kiosk = arriving.kiosk
        and r.boot = arriving.boot and r.seq = arriving.seq)""",
    # Distinct powers of two: their sum sets each minute's bit.
    f"""
    insert into hours(kiosk, hour, gate, normal, fever, retry, watched, late, revision)
    select kiosk, {_OWN_HOUR}, max(gate), sum(verdict = 'normal'), sum(verdict = 'fever'),
        sum(verdict = 'retry'),
        {_BITS.format("")}, {_LATE} & ~{_IN_TIME}, 1
    from arriving a where true group by 1, 2
    on conflict(kiosk, hour) do update set
        normal = normal + excluded.normal, fever = fever + excluded.fever,
        retry = retry + excluded.retry, watched = watched | excluded.watched,{STAY_LATE},
        revision = revision + 1""",  # noqa: S608 - constants
    *(
        f"""
        insert into temperatures(kiosk, hour, tenth, {column})
        select kiosk, {_OWN_HOUR}, {TENTH.format(value=value.format(row="a"))}, count(*)
        from arriving a where {which.format(row="a")} group by 1, 2, 3
        on conflict(kiosk, hour, tenth) do update set {column} = {column} + excluded.{column}"""  # noqa: S608
        for column, value, which in COUNTED
    ),
    f"insert into readings({_NAMES}) select {_NAMES} from arriving",  # noqa: S608 - constants
    "delete from arriving",
)
