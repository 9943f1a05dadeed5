"""Who was measured or excused at which gateway of a campus, by numbers of the list, for 30 days.

A gateway's word counts for people of its own campus alone; a strike of its token's rows takes it
back.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.schema import items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.campus.summary_store import MARKED
from fevergate.protocol.campus_messages import HeldMarks, MarkedDay, MarkIndex, MarksElsewhere
from fevergate.protocol.person_set import packed, unpacked


@dataclass(frozen=True)
class Marked:
    """Numbers of those who were measured, and of those who were excused and not measured."""

    measured: frozenset[int] = frozenset()
    excused: frozenset[int] = frozenset()


@dataclass(frozen=True)
class MarkExchange:
    """What gateways of one campus learn of each other's marks. Raises `CampusError` where the
    database refuses."""

    database: CampusDatabase
    settings: CampusSettings

    def index(self, campus: str, gateway: str, token: str, now: float) -> MarkIndex:
        """What is held of the days of which marks are kept, for a gateway with its present token
        (first digits of the digest)."""
        since = kept_since(self.settings, now)
        mine, elsewhere = {}, {}
        with self.database.read() as connection:
            for row in _rows(connection, campus, items.c.date >= since):
                if row["gateway"] != gateway:
                    elsewhere.setdefault(row["date"], []).append(row)
                elif row["token"] == token:
                    day = msgspec.json.decode(row["payload"], type=MarkedDay)
                    mine[day.date] = HeldMarks(revision=day.revision, digest=day.digest)
        return MarkIndex(
            since=since, mine=mine, elsewhere={date: _tag(rows) for date, rows in elsewhere.items()}
        )

    def elsewhere(self, campus: str, gateway: str, date: str) -> MarksElsewhere:
        """Who was marked on a day by the campus's other gateways."""
        with self.database.read() as connection:
            rows = [
                row
                for row in _rows(connection, campus, items.c.date == date)
                if row["gateway"] != gateway
            ]
        marked = _together(rows)
        return MarksElsewhere(
            date=date,
            tag=_tag(rows),
            measured=packed(marked.measured),
            excused=packed(marked.excused),
        )


def read_marked(connection: Connection, campus: str, date: str) -> Marked:
    """Who was marked on a day at any gateway of a campus."""
    return _together(_rows(connection, campus, items.c.date == date))


def kept_since(settings: CampusSettings, now: float) -> str:
    """The first day whose marks are not deleted yet."""
    oldest = datetime.fromtimestamp(now, settings.zone) - timedelta(days=settings.persons_days)
    return (oldest.date() + timedelta(days=1)).isoformat()


def _rows(connection: Connection, campus: str, when: Any) -> Iterator[dict[str, Any]]:
    """Rows of marks that are not struck, by gateway."""
    strikes = TokenStrikes(connection)
    names = ("gateway", "date", "revision", "payload")
    rows = connection.execute(
        select(*(items.c[name] for name in names), *CAME)
        .where(items.c.kind == MARKED, items.c.campus == campus, when)
        .order_by(items.c.date, items.c.gateway)
    ).mappings()
    for row in rows:
        if not strikes.strike(row["gateway"], *(row[column.name] for column in CAME)):
            yield dict(row)


def _together(rows: Iterable[dict[str, Any]]) -> Marked:
    measured: set[int] = set()
    excused: set[int] = set()
    for row in rows:
        day = msgspec.json.decode(row["payload"], type=MarkedDay)
        measured |= unpacked(day.measured)
        excused |= unpacked(day.excused)
    return Marked(frozenset(measured), frozenset(excused - measured))


def _tag(rows: Iterable[dict[str, Any]]) -> str:
    """A text that is another one after each change of the rows."""
    known = "\n".join(f"{row['gateway']} {row['epoch']} {row['revision']}" for row in rows)
    return hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""
