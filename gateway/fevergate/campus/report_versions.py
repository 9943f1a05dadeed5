"""Versions of each day's report: drafted, corrected when data arrives late, signed, submitted.

A version's content never changes; its differences from the version before are stored with it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, update

from fevergate.campus.assemble import assemble
from fevergate.campus.database import CampusDatabase, put
from fevergate.campus.marks import apply_marks
from fevergate.campus.report import DayReport, keyed
from fevergate.campus.schema import changed, items, reports
from fevergate.campus.settings import CampusSettings
from fevergate.crypto.field_encryption import Vault
from fevergate.errors import ReportError
from fevergate.reports.tree_diff import Difference, differences

MOST_DIFFERENCES = 500
MAKING = 4_205_172
"""First key of an advisory lock (the second is the day's hash), so that only one server at a time
makes a day's report."""


class Version(Struct, kw_only=True):
    """One version without its content. `genuine`: its content matches its hash, and its signature
    is valid. Times are Unix time (s)."""

    date: str
    version: int
    made_at: float
    sha256: str
    differences: list[Difference]
    signed_at: float | None
    signed_by: str
    submitted_at: float | None
    submitted_by: str
    submitted_to: str
    genuine: bool
    latest: bool


@dataclass(frozen=True)
class Reports:
    """Reports in the campus server's database. Calls may come from any thread or process."""

    database: CampusDatabase
    settings: CampusSettings
    vault: Vault
    clock: Callable[[], float]
    """Unix time (s)."""
    believed: Callable[[], bool] = lambda: True

    def now(self, date: str) -> DayReport:
        """The report of a day from what is known now; it is not stored."""
        with self.database.read() as connection:
            return assemble(connection, self.settings, date, self.clock())

    def make(self, date: str) -> int | None:
        """Store a new version if it differs from the last; returns its number, else None."""
        with self.database.write() as connection:
            if not self.database.sqlite:
                key = func.hashtext(date)
                connection.execute(select(func.pg_advisory_xact_lock(MAKING, key)))
            # Before anything is read: data that arrives after this is noted again.
            connection.execute(delete(changed).where(changed.c.date == date))
            apply_marks(connection, self.settings, self.vault, date, self.clock)
            last = connection.execute(
                select(reports.c.version, reports.c.sha256, reports.c.document)
                .where(reports.c.date == date)
                .order_by(reports.c.version.desc())
                .limit(1)
            ).first()
            before = msgspec.json.decode(last.document, type=DayReport) if last else None
            report = assemble(connection, self.settings, date, self.clock(), before)
            document = msgspec.json.encode(report).decode()
            digest = hashlib.sha256(document.encode()).hexdigest()
            if last and last.sha256 == digest:
                return None
            changes: list[Difference] = []
            if before:
                changes = list(differences(keyed(before), keyed(report)))[:MOST_DIFFERENCES]
                if not changes:  # the same content, encoded by another version of this program
                    return None
            number = last.version + 1 if last else 1
            connection.execute(
                reports.insert().values(
                    date=date,
                    version=number,
                    made_at=self.clock(),
                    sha256=digest,
                    document=document,
                    differences=msgspec.json.encode(changes).decode(),
                )
            )
            return number

    def versions(self, date: str) -> list[Version]:
        """Versions of a day, the newest first."""
        of_day = select(reports).where(reports.c.date == date).order_by(reports.c.version.desc())
        versions: list[Version] = []
        with self.database.read() as connection:
            # One by one: each row has the whole content.
            for row in connection.execute(of_day.execution_options(yield_per=1)):
                newest = versions[0].version if versions else row.version
                versions.append(self._version(row, newest))
        return versions

    def read(self, date: str, version: int) -> tuple[DayReport, Version]:
        """One version. Raises `ReportError` where there is none."""
        newest = select(func.max(reports.c.version)).where(reports.c.date == date)
        of_day = select(reports, newest.scalar_subquery().label("newest"))
        for row in self.database.rows(of_day.where(_is(date, version))):
            return self._read(row, row.newest)
        raise ReportError("version")

    def latest(self, begin: str, end: str) -> list[tuple[DayReport, Version]]:
        """Newest version of each day from `begin` to `end` that has one, by day."""
        newest = (
            select(reports.c.date, func.max(reports.c.version).label("version"))
            .where(reports.c.date.between(begin, end))
            .group_by(reports.c.date)
            .subquery()
        )
        is_newest = _is(newest.c.date, newest.c.version)
        rows = self.database.rows(select(reports).join(newest, is_newest).order_by(reports.c.date))
        return [self._read(row, row.version) for row in rows]

    def sign(self, date: str, version: int, by: str) -> None:
        """Sign the newest version as user `by`. Raises `ReportError`, also for a clock in doubt."""
        self._check_clock()
        with self.database.write() as connection:
            row = self._newest(connection, date, version)
            if row.signed_at is not None:
                raise ReportError("signed")
            at = self.clock()
            connection.execute(
                update(reports)
                .where(_is(date, version))
                .values(signed_at=at, signed_by=by, signature=self._signature(row.sha256, by, at))
            )

    def submit(self, date: str, version: int, by: str, to: str) -> None:
        """Note that the newest version, once signed, was submitted. Raises `ReportError`."""
        self._check_clock()
        with self.database.write() as connection:
            row = self._newest(connection, date, version)
            if row.signed_at is None:
                raise ReportError("unsigned")
            if row.submitted_at is not None:
                raise ReportError("submitted")
            connection.execute(
                update(reports)
                .where(_is(date, version))
                .values(submitted_at=self.clock(), submitted_by=by, submitted_to=to)
            )

    def changed(self, most: int, last: str) -> list[str]:
        """Days up to `last` with data received since their report was made, the oldest first."""
        return self.database.scalars(
            select(changed.c.date)
            .where(changed.c.date <= last)
            .order_by(changed.c.date)
            .limit(most)
        )

    def note_change(self, day: date) -> None:
        """Note that marks of a day were changed here, so that its report is made anew."""
        with self.database.write() as connection:
            put(connection, changed, {"date": day.isoformat()}, {"at": self.clock()})

    def submitted(self, begin: str, end: str) -> set[str]:
        """Days from `begin` to `end` of which some version was submitted."""
        in_range = reports.c.date.between(begin, end) & reports.c.submitted_at.is_not(None)
        return set(self.database.scalars(select(reports.c.date).where(in_range)))

    def dated(self, begin: str, end: str) -> set[str]:
        """Days from `begin` to `end` that have a report."""
        in_range = reports.c.date.between(begin, end)
        return set(self.database.scalars(select(reports.c.date).where(in_range)))

    def first(self) -> str | None:
        """The earliest day with any data; None without data."""
        return self.database.scalars(select(func.min(items.c.date)).where(items.c.date > ""))[0]

    def _check_clock(self) -> None:
        if not self.believed():
            raise ReportError("clock")

    def _signature(self, digest: str, by: str, at: float) -> str:
        return self.vault.mac(f"{digest}\n{by}\n{at!r}")

    def _read(self, row: Row[Any], newest: int) -> tuple[DayReport, Version]:
        return msgspec.json.decode(row.document, type=DayReport), self._version(row, newest)

    def _version(self, row: Row[Any], newest: int) -> Version:
        values = {column.name: row._mapping[column.name] for column in reports.c}
        genuine = hashlib.sha256(values.pop("document").encode()).hexdigest() == row.sha256
        signature = values.pop("signature")
        if row.signed_at is not None:
            genuine &= signature == self._signature(row.sha256, row.signed_by, row.signed_at)
        changes = msgspec.json.decode(values.pop("differences"), type=list[Difference])
        return Version(**values, differences=changes, genuine=genuine, latest=row.version == newest)

    @staticmethod
    def _newest(connection: Connection, date: str, version: int) -> Row[Any]:
        rows = connection.execute(
            select(reports)
            .where(reports.c.date == date, reports.c.version >= version)
            .order_by(reports.c.version)
            .with_for_update()
        ).all()
        if not rows or rows[0].version != version:
            raise ReportError("version")
        if len(rows) > 1:
            raise ReportError("newer")
        return rows[0]


def _is(date: Any, version: Any) -> ColumnElement[bool]:
    return and_(reports.c.date == date, reports.c.version == version)
