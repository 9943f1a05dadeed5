"""Gathers who was measured or excused at which gateway, by people's numbers in the list, for as
long as marks are kept.

A gateway's marks count for people of its own campus, and for people without a campus in the list.
They no longer count if the rows of its token are struck.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.delivered_rows import MARKED, ROLL
from fevergate.campus.held_marks import HeldDay
from fevergate.campus.schema import items, marks, people, people_list
from fevergate.campus.settings import CampusSettings
from fevergate.campus.statements import BoundStatements
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.crypto.field_encryption import Vault
from fevergate.people.marks import KnownMarks, Marks
from fevergate.protocol.campus_messages import HeldMarks, MarkIndex, MarksElsewhere, RollDay
from fevergate.protocol.people_messages import same_lineage
from fevergate.protocol.person_set import packed

APPLYING = 4_205_173
"""Key of PostgreSQL's advisory lock that lets only one server at a time gather marks."""


@dataclass(frozen=True)
class MarkExchange:
    """Tells gateways about each other's marks. Raises `CampusError` if the database fails."""

    database: CampusDatabase
    settings: CampusSettings
    vault: Vault
    now: Callable[[], float]
    """Unix time (s)."""

    def index(self, campus: str, gateway: str, token: str, since: str = "") -> MarkIndex:
        """Return what the server holds for each day from `since` on, without days whose marks are
        deleted.

        For the gateway itself, only items sent with `token` (first digits of the digest) count; the
        others' marks of a day are summed up in a tag that changes with them."""
        since = max(since, kept_since(self.settings, self.now()))
        own_marks: dict[str, HeldMarks] = {}
        others: dict[str, list[str]] = {}
        with self.database.read() as connection:
            for row in _rows(connection, items.c.date >= since, (MARKED, ROLL)):
                if (row["campus"], row["gateway"]) != (campus, gateway):
                    if row["kind"] == MARKED:
                        others.setdefault(row["date"], []).append(_version(row))
                elif row["token"] == token:
                    item = msgspec.json.decode(row["payload"], type=HeldDay | RollDay)
                    own_marks[item.key] = HeldMarks(revision=item.revision, digest=item.digest)
                    if isinstance(item, HeldDay) and (item.once_measured or item.once_excused):
                        others.setdefault(item.date, []).append(f"once {item.revision}")
            for day, *counts in connection.execute(
                select(marks.c.day, func.count(), func.sum(marks.c.revision))
                .where(marks.c.day >= since, marks.c.revision > 0)
                .group_by(marks.c.day)
            ):
                others.setdefault(day, []).append(f"here {counts}")
        tags = {day: _tag(versions) for day, versions in others.items()}
        return MarkIndex(since=since, mine=own_marks, elsewhere=tags)

    def elsewhere(self, campus: str, gateway: str, day: date) -> MarksElsewhere:
        """Return the people marked on a day by other gateways or at the campus server, and those
        whom the gateway itself marked but no longer mentions in its latest message."""
        with self.database.read() as connection:
            statements = BoundStatements(connection, self.now)
            marks = [Marks(statements, self.vault, self.settings.zone).own(day)]
            people_of = _People(connection, self.settings, day.isoformat())
            for row in _rows(connection, items.c.date == day.isoformat()):
                day_marks = msgspec.json.decode(row["payload"], type=HeldDay)
                asks = (row["campus"], row["gateway"]) == (campus, gateway)
                marks.append(people_of.marked(day_marks, row["campus"], once=asks))
        allowed = people_of.within(_together(marks), campus)
        return MarksElsewhere(
            date=day.isoformat(),
            list_id=people_of.list_id,
            measured=packed(allowed.measured),
            excused=packed(allowed.excused),
        )

    def apply(self, days: Iterable[str]) -> None:
        """Gather the gateways' marks of days (YYYY-MM-DD) again."""
        for day in sorted(days):
            with self.database.write() as connection:
                apply_marks(connection, self.settings, self.vault, day, self.now)


def apply_marks(
    connection: Connection,
    settings: CampusSettings,
    vault: Vault,
    day: str,
    now: Callable[[], float],
) -> None:
    """Gather the gateways' marks of a day (YYYY-MM-DD) again, within a transaction."""
    if day < kept_since(settings, now()):
        return
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(APPLYING)))
    people_of = _People(connection, settings, day)
    marks = _together(
        people_of.marked(msgspec.json.decode(row["payload"], type=HeldDay), row["campus"])
        for row in _rows(connection, items.c.date == day)
    )
    marked = Marks(BoundStatements(connection, now), vault, settings.zone)
    marked.learn(date.fromisoformat(day), marks.measured, marks.excused)


def fevers_by_hand(connection: Connection, day: str) -> dict[str, int]:
    """Number of fevers measured by hand or at the desk that gateways stated, by campus."""
    fevers: dict[str, int] = {}
    for row in _rows(connection, items.c.date == day):
        count = msgspec.json.decode(row["payload"], type=HeldDay).fevers
        fevers[row["campus"]] = fevers.get(row["campus"], 0) + count
    return fevers


def campus_of(settings: CampusSettings, campus: str) -> str:
    """The campus of a person, from the campus that the list names. Empty (any campus) if the list
    names none or one that the server does not know; a server with one campus returns that one."""
    if len(settings.campuses) == 1:
        return next(iter(settings.campuses))
    return campus if not settings.campuses or campus in settings.campuses else ""


def kept_since(settings: CampusSettings, now: float) -> str:
    """The first day whose marks are not deleted yet."""
    oldest = datetime.fromtimestamp(now, settings.zone) - timedelta(days=settings.persons_days)
    return (oldest.date() + timedelta(days=1)).isoformat()


def _rows(
    connection: Connection, condition: ColumnElement[bool], kinds: Iterable[str] = (MARKED,)
) -> Iterator[dict[str, Any]]:
    """Rows that are not struck, by day, campus and gateway."""
    strikes = TokenStrikes(connection)
    names = ("campus", "gateway", "kind", "date", "revision", "payload")
    rows = connection.execute(
        select(*(items.c[name] for name in names), *CAME)
        .where(items.c.kind.in_(kinds), condition)
        .order_by(items.c.date, items.c.campus, items.c.gateway)
    ).mappings()
    for row in rows:
        if not strikes.strike(row["gateway"], *(row[column.name] for column in CAME)):
            yield dict(row)


class _People:
    """The people of the list, each with the campus on a day (YYYY-MM-DD), as one transaction reads
    them; empty without a list."""

    def __init__(self, connection: Connection, settings: CampusSettings, day: str) -> None:
        self.list_id: str = connection.execute(select(people_list.c.list)).scalar() or ""
        self._campuses: dict[int, str] = {}
        # A closed day keeps the campuses of that day.
        of_day = (marks.c.day == day, marks.c.expected == 1)
        for rows in (
            select(people.c.person, people.c.campus),
            select(marks.c.person, marks.c.campus).where(*of_day),
        ):
            for person, campus in connection.execute(rows).all():
                self._campuses[person] = campus_of(settings, campus)

    def marked(self, day_marks: HeldDay, campus: str, *, once: bool = False) -> KnownMarks:
        """Return the people whom a gateway of a campus marked; with `once`, only those whom its
        latest message does not mention."""
        if not same_lineage(self.list_id, day_marks.list_id):
            return KnownMarks()
        return self.within(day_marks.once if once else day_marks.known, campus)

    def within(self, marks: KnownMarks, campus: str) -> KnownMarks:
        """Return the marks without people of another campus and people who are not on the list."""
        return KnownMarks(
            measured={p for p in marks.measured if self._campuses.get(p, "-") in ("", campus)},
            excused={p for p in marks.excused if self._campuses.get(p, "-") in ("", campus)},
        )


def _together(parts: Iterable[KnownMarks]) -> KnownMarks:
    measured: set[int] = set()
    excused: set[int] = set()
    for marked in parts:
        measured |= marked.measured
        excused |= marked.excused
    return KnownMarks(measured=measured, excused=excused - measured)


def _version(row: dict[str, Any]) -> str:
    return f"{row['campus']} {row['gateway']} {row['epoch']} {row['revision']}"


def _tag(versions: list[str]) -> str:
    """A short digest that changes with each change of `versions`."""
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]
