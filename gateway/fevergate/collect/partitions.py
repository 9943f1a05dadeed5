"""The days of which `readings` is made: one partition each, made ahead and on demand.

Any number of collectors may do so at once. A new day is made as a table of its own and then
attached, which keeps nobody from inserting; `create table ... partition of` would lock all of it
(postgresql.org/docs/15/ddl-partitioning.html).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from datetime import date, timedelta

from psycopg import Connection, sql

log = logging.getLogger(__name__)

LOCK = 0x46657665725F6472
"""The advisory lock of whoever changes tables."""

DROP_LOCK_S = 2
"""So long a drop waits for a reader of the table; behind it everybody would wait."""

_NAME = re.compile(r"readings_(\d{4})_(\d\d)_(\d\d)$")


def name_of(day: date) -> str:
    """The table of a day: `readings_2026_11_23`."""
    return f"readings_{day:%Y_%m_%d}"


class Partitions:
    """What one connection knows of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: set[date] = set()

    def forget(self) -> None:
        """Look again: somebody may have dropped one."""
        self._known.clear()

    def ensure(self, days: Collection[date]) -> None:
        """Have a partition for each of `days`. Not within a transaction."""
        for day in sorted(set(days) - self._known):
            self._make(day)
            self._known.add(day)

    def drop_before(self, first: date) -> list[date]:
        """Drop the days before `first`, with what is remembered of their readings; returns which.

        Only one collector at a time; another one's turn is left to it.
        """
        dropped = []
        for day in sorted(day for day in self.days() if day < first):
            with self._connection.transaction():
                self._connection.execute(
                    "select set_config('lock_timeout', %s, true)", [f"{DROP_LOCK_S}s"]
                )
                self._connection.execute("set local statement_timeout = 0")  # a country's day
                mine = self._connection.execute(
                    "select pg_try_advisory_xact_lock(%s)", [LOCK]
                ).fetchone()
                if not mine or not mine[0]:
                    break
                # The long part first: the table is locked for the drop alone.
                self._connection.execute("delete from reading_keys where day = %s", [day])
                self._connection.execute(
                    sql.SQL("drop table if exists {}").format(sql.Identifier(name_of(day)))
                )
            dropped.append(day)
            self._known.discard(day)
        return dropped

    def days(self) -> list[date]:
        """All that there are."""
        names = self._connection.execute(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'readings'::regclass"
        )
        found = (_NAME.match(name) for (name,) in names)
        return sorted(date(*map(int, match.groups())) for match in found if match)

    def _make(self, day: date) -> None:
        if day in self.days():
            return
        table = sql.Identifier(name_of(day))
        with self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            if day in self.days():  # another collector was quicker
                return
            self._connection.execute(sql.SQL("create table {} (like readings)").format(table))
            self._connection.execute(
                sql.SQL(
                    "alter table readings attach partition {} for values from ({}) to ({})"
                ).format(table, sql.Literal(day), sql.Literal(day + timedelta(days=1)))
            )
        log.info("made %s", name_of(day))
