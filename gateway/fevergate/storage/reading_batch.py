"""Stores readings in batches, and counts each exactly once in its hour.

A batch is put into a temporary table, where known readings are deleted and the others counted and
copied by a fixed number of statements. SQLite runs them without Python's global lock, so the thread
that raises the alarm is not delayed. All of it belongs to the caller's transaction.
"""

import sqlite3
from typing import Any

from fevergate.clock.judge import LATE_S
from fevergate.protocol.messages import STORED_FIELDS
from fevergate.storage.schema import COUNTED, EPOCH, HOUR, SHARE, TENTH, WATCHED

COLUMNS = (*STORED_FIELDS, "received_at", "gate", "claimed_at")

COUNTED_COLUMNS = ("kiosk", "hour", "gate", "normal", "fever", "retry", "watched", "late")

CHUNKS = (32, 4, 1)
"""Rows per insert statement. There are few sizes, so that each statement is compiled once; more
rows are hardly faster, and a statement of 256 rows takes 1 MB."""


class ReadingBatch:
    """Gathers rows of `COLUMNS` for the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        connection.execute("pragma temp_store = memory")
        connection.execute(
            f"create temp table arriving ({', '.join(COLUMNS)},"
            " primary key (kiosk, boot, seq)) without rowid"
        )
        connection.execute(f"create temp table counted ({', '.join(COUNTED_COLUMNS)})")

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row; of two with the same identity the first is stored."""
        self._rows.append(row)

    def forget(self) -> None:
        """Drop the rows gathered, after a rollback."""
        self._rows.clear()

    def flush(self) -> None:
        """Store and count the rows gathered."""
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
    f"coalesce(sum(distinct case when {WATCHED.format(row='a')} {{}}"
    " then 1 << (cast(at / 60 as integer) % 60) end), 0)"
)
_LATE = _BITS.format(f"and received_at - at > {LATE_S}")
_IN_TIME = _BITS.format(f"and received_at - at <= {LATE_S}")

STAY_LATE = """
        late = (hours.late & ~(excluded.watched & ~excluded.late))
             | (excluded.late & ~(hours.watched & ~hours.late))"""
"""SQL assignment: a minute stays `late` as long as only late messages cover it."""

_TAKE = (
    """
    delete from arriving where exists (
        select 1 from readings r where r.kiosk = arriving.kiosk
        and r.boot = arriving.boot and r.seq = arriving.seq)""",
    # The sum of distinct powers of two sets each minute's bit.
    f"""
    insert into counted
    select kiosk, {_OWN_HOUR}, max(gate), sum(verdict = 'normal'), sum(verdict = 'fever'),
        sum(verdict = 'retry'), {_BITS.format("")}, {_LATE} & ~{_IN_TIME}
    from arriving a group by 1, 2""",  # noqa: S608 - constants
    f"""
    insert into hours({", ".join(COUNTED_COLUMNS)}, revision) select *, 1 from counted where true
    on conflict(kiosk, hour) do update set
        normal = normal + excluded.normal, fever = fever + excluded.fever,
        retry = retry + excluded.retry, watched = watched | excluded.watched,{STAY_LATE},
        revision = revision + 1""",  # noqa: S608 - constants
    f"""
    insert into shares(kiosk, hour, epoch, normal, fever, retry, revision)
    select kiosk, hour, {EPOCH}, normal, fever, retry, 1 from counted where true {SHARE}""",  # noqa: S608
    "delete from counted",
    *(
        f"""
        insert into temperatures(kiosk, hour, tenth, {column})
        select kiosk, {_OWN_HOUR}, {TENTH.format(value=value.format(row="a"))}, count(*)
        from arriving a where {condition.format(row="a")} group by 1, 2, 3
        on conflict(kiosk, hour, tenth) do update set {column} = {column} + excluded.{column}"""  # noqa: S608
        for column, value, condition in COUNTED
    ),
    f"insert into readings({_NAMES}, epoch) select {_NAMES}, {EPOCH} from arriving",  # noqa: S608
    "delete from arriving",
)
