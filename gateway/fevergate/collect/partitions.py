"""Daily partitions of the table `readings`, created ahead and on demand.

Any number of collectors may create them at once. A partition is created as a separate table and
then attached, which does not block inserts; `create table ... partition of` would lock the whole
table (postgresql.org/docs/15/ddl-partitioning.html).
"""

import logging
import re
from collections.abc import Collection
from datetime import date, timedelta

from psycopg import Connection, sql

log = logging.getLogger(__name__)

LOCK = 0x46657665725F6472
"""Key of the advisory lock under which tables are created and dropped."""

DROP_LOCK_S = 2
"""Time that a drop waits for queries on the table, since later queries queue behind it."""

_NAME = re.compile(r"readings_(\d{4})_(\d\d)_(\d\d)", re.ASCII)


def name_of(day: date) -> str:
    """Name of a day's partition, such as `readings_2026_11_23`."""
    return f"readings_{day:%Y_%m_%d}"


class Partitions:
    """Creates, lists and drops partitions over one connection; remembers which it has created."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: set[date] = set()

    def forget(self) -> None:
        """Forget which partitions exist: another collector may have dropped one."""
        self._known.clear()

    def ensure(self, days: Collection[date]) -> None:
        """Create the missing partitions of `days`. Must not run within a transaction."""
        for day in sorted(set(days) - self._known):
            self._make(day)
            self._known.add(day)

    def drop_before(self, first: date) -> list[date]:
        """Drop the partitions of days before `first`, with their `reading_keys`; returns the days.

        Stops where another collector holds the lock.
        """
        dropped = []
        for day in sorted(day for day in self.days() if day < first):
            with self.connection.transaction():
                self.connection.execute(
                    "select set_config('lock_timeout', %s, true)", [f"{DROP_LOCK_S}s"]
                )
                self.connection.execute("set local statement_timeout = 0")  # a day's keys are many
                row = self.connection.execute(
                    "select pg_try_advisory_xact_lock(%s)", [LOCK]
                ).fetchone()
                if not row or not row[0]:
                    break
                # First the keys, since that takes long: only the drop locks the table.
                self.connection.execute("delete from reading_keys where day = %s", [day])
                self.connection.execute(
                    sql.SQL("drop table if exists {}").format(sql.Identifier(name_of(day)))
                )
            dropped.append(day)
            self._known.discard(day)
        return dropped

    def days(self) -> list[date]:
        """Days that have a partition, in order."""
        names = self.connection.execute(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'readings'::regclass"
        )
        matches = (_NAME.fullmatch(name) for (name,) in names)
        return sorted(date(*map(int, match.groups())) for match in matches if match)

    def _make(self, day: date) -> None:
        if day in self.days():
            return
        table = sql.Identifier(name_of(day))
        with self.connection.transaction():
            self.connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            if day in self.days():  # another collector has created it
                return
            self.connection.execute(sql.SQL("create table {} (like readings)").format(table))
            self.connection.execute(
                sql.SQL(
                    "alter table readings attach partition {} for values from ({}) to ({})"
                ).format(table, sql.Literal(day), sql.Literal(day + timedelta(days=1)))
            )
        log.info("made %s", name_of(day))
