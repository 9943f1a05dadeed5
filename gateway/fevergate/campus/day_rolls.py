"""Who was expected and who was measured on a day, by campus, for the day's report.

If the campus server keeps a campus's list, the marks are counted. If a campus's gateways have their
own lists, their stated figures are taken. A day whose marks have been deleted keeps the figures of
its last report.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from fevergate.campus.delivered_rows import ROLL
from fevergate.campus.marks import campus_of, fevers_by_hand, kept_since
from fevergate.campus.report import DayReport
from fevergate.campus.schema import items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.statements import BoundStatements
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.people.roll import DayRoll, Rolls
from fevergate.people.roll_keeper import RollKeeper
from fevergate.protocol.campus_messages import RollDay
from fevergate.storage.statements import Statements

MISSED_DAYS = 31
"""A gateway is expected to state a day's figures if it stated any in this many days before."""


class DayRolls(Struct):
    """Figures of a day by campus. `anywhere` counts people whom the list expects at any campus.
    `silent` names, by campus, gateways that stated figures for earlier days but not for this one.
    """

    campuses: dict[str, DayRoll]
    silent: dict[str, list[str]]
    anywhere: DayRoll | None = None


class DayKeeper:
    """Closes the days of the campus server's own list, and deletes marks that are too old."""

    def __init__(self, statements: Statements, settings: CampusSettings) -> None:
        self._keeper = RollKeeper(statements, settings.zone)
        self._settings = settings

    def close(self) -> None:
        """Close the days that are over. Raises `CampusError`."""
        self._keeper.close_days(self._settings.persons_days)

    def forget(self, before: float) -> None:
        """Delete marks of days that began before a Unix time (s). Raises `CampusError`."""
        oldest = datetime.fromtimestamp(before, self._settings.zone).date()
        self._keeper.forget(oldest + timedelta(days=1))


def read_rolls(
    connection: Connection,
    settings: CampusSettings,
    strikes: TokenStrikes,
    day: str,
    now: float,
    before: DayReport | None = None,
) -> DayRolls:
    """Read the figures of a day (YYYY-MM-DD) as they are known at `now` (Unix time, s); `before` is
    the last report of the day, if any."""
    rolls = DayRolls(*_stated(connection, strikes, day))
    if day < kept_since(settings, now):
        if before:
            rolls.anywhere = before.anywhere
            rolls.campuses |= {c.campus: c.roll for c in before.campuses if c.roll}
        return rolls
    counted = _counted(connection, settings, day, now)
    rolls.anywhere = counted.pop("", None)
    rolls.campuses |= counted
    for campus in counted:
        rolls.silent.pop(campus, None)
    return rolls


def _counted(
    connection: Connection, settings: CampusSettings, day: str, now: float
) -> dict[str, DayRoll]:
    """Figures by campus from the server's own list; the key "" has people without a campus."""
    statements = BoundStatements(connection, lambda: now)
    figures: dict[str, DayRoll] = {}
    for unit in Rolls(statements, settings.zone).units(date.fromisoformat(day)) or ():
        campus = campus_of(settings, unit.campus)
        figures[campus] = figures.get(campus, DayRoll()) + unit.figures
    for campus, fevers in fevers_by_hand(connection, day).items() if figures else ():
        figures[campus] = figures.get(campus, DayRoll()) + DayRoll(fevers=fevers)
    return figures


def together(rolls: Iterable[DayRoll | None]) -> DayRoll | None:
    """Add up figures; None if there are none."""
    stated = [roll for roll in rolls if roll is not None]
    return sum(stated, DayRoll()) if stated else None


def _stated(
    connection: Connection, strikes: TokenStrikes, day: str
) -> tuple[dict[str, DayRoll], dict[str, list[str]]]:
    """Return, by campus, the figures that gateways stated for a day, and the gateways that were
    expected to and did not."""
    earliest = (date.fromisoformat(day) - timedelta(days=MISSED_DAYS)).isoformat()
    names = ("campus", "gateway", "date", "payload")
    rows = connection.execute(
        select(*(items.c[name] for name in names), *CAME).where(
            items.c.kind == ROLL, items.c.date.between(earliest, day)
        )
    ).mappings()
    figures: dict[str, list[DayRoll]] = {}
    gateways_of: dict[str, set[str]] = {}
    stating: set[tuple[str, str]] = set()
    for row in rows:
        if strikes.strike(row["gateway"], *(row[column.name] for column in CAME)):
            continue
        gateways_of.setdefault(row["campus"], set()).add(row["gateway"])
        if row["date"] == day:
            stating.add((row["campus"], row["gateway"]))
            figures.setdefault(row["campus"], []).append(_roll(row["payload"]))
    silent = {
        campus: sorted(gateway for gateway in gateways if (campus, gateway) not in stating)
        for campus, gateways in gateways_of.items()
    }
    return (
        {campus: sum(rolls, DayRoll()) for campus, rolls in figures.items()},
        {campus: gateways for campus, gateways in silent.items() if gateways},
    )


def _roll(payload: str) -> DayRoll:
    stated: Any = msgspec.json.decode(payload, type=RollDay)
    return DayRoll(**{name: getattr(stated, name) for name in DayRoll.__struct_fields__})
