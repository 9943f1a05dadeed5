"""Finds the fevers of a period at all campuses by place, outcome and name, the newest first."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import islice

from msgspec import Struct
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.fever_reader import is_counted, read_fevers, struck_days
from fevergate.campus.report import FeverDay
from fevergate.campus.schema import items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.strikes import TokenStrikes
from fevergate.crypto.field_encryption import Vault
from fevergate.errors import PeriodError
from fevergate.web_common.dates import Period
from fevergate.web_common.tables import folded

OPEN = "open"
CHOICES = ("", OPEN, "released", "home", "clinic", "other")
"""Outcomes to search for: all, follow-ups that are not closed, or one outcome."""

MAX_NAMED = 5000
"""A search by name decrypts only this many of the newest follow-ups with a name, which takes a
second or a little more."""

MAX_NAME = 64

CampusFever = tuple[str, FeverDay]
"""A fever with its campus."""

CampusFevers = tuple[int, Callable[[], Iterator[CampusFever]]]
"""A number of fevers, and a function that reads them one by one."""


class CampusQuery(Struct, frozen=True, kw_only=True):
    """Conditions of a search; an empty text selects all. `place` is `CAMPUS`, `CAMPUS/GATE` or
    `CAMPUS/GATE/KIOSK`; `name` is a part of a person's name or of a class or unit."""

    period: Period
    place: str = ""
    outcome: str = ""
    name: str = ""


class CampusFeverPage(Struct, frozen=True):
    """A page of a list of `count` fevers. `cut` says that not all follow-ups with a name were
    searched, so there may be more fevers."""

    rows: list[CampusFever]
    count: int
    cut: bool = False


class CampusFeverSearch:
    """Searches the fevers of all campuses; struck fevers are not found. Each method may raise
    `CampusError`; a search by name raises `StoreError` if names were encrypted with another key."""

    def __init__(self, database: CampusDatabase, settings: CampusSettings, vault: Vault) -> None:
        self._database = database
        self._settings = settings
        self._vault = vault

    def query(self, period: Period, form: Mapping[str, str]) -> CampusQuery:
        """Read a query from a form or an address. Raises `PeriodError`."""
        place, outcome = form.get("place", ""), form.get("outcome", "")
        name = form.get("name", "").strip()
        if place.count("/") > 2 or len(place) > 3 * MAX_NAME:
            raise PeriodError("gate")
        if outcome not in CHOICES:
            raise PeriodError("choice")
        if len(name) > MAX_NAME:
            raise PeriodError("long")
        return CampusQuery(period=period, place=place, outcome=outcome, name=name)

    def page(self, query: CampusQuery, limit: int, skip: int = 0) -> CampusFeverPage:
        """Return at most `limit` of the fevers that a query finds, after the first `skip`."""
        with self._database.read() as connection:
            matches, cut = self._named(connection, query.name)
            rows = self._rows(connection, query, matches)
            page = list(islice(islice(rows, skip, None), limit))
            count = (
                skip + len(page) + sum(1 for _ in rows)
                if page
                else self._count(connection, query, matches)
            )
        return CampusFeverPage(page, count, cut)

    @contextmanager
    def whole(self, query: CampusQuery) -> Iterator[CampusFevers]:
        """Yield the number of fevers that a query finds, and a function that reads them one by one
        while the context lasts."""
        with self._database.read() as connection:
            matches, _ = self._named(connection, query.name)
            yield (
                self._count(connection, query, matches),
                partial(self._rows, connection, query, matches),
            )

    def _count(self, connection: Connection, query: CampusQuery, matches: set[str] | None) -> int:
        return sum(1 for _ in self._rows(connection, query, matches))

    def _rows(
        self, connection: Connection, query: CampusQuery, matches: set[str] | None
    ) -> Iterator[CampusFever]:
        strikes, zone = TokenStrikes(connection), self._settings.zone
        first, last = query.period.begin.isoformat(), query.period.end.isoformat()
        struck = struck_days(connection, strikes, first, last)
        for campus, fever, selecting in read_fevers(connection, strikes, first, last, newest=True):
            place = f"{campus}/{fever.gate}/{fever.kiosk}/"
            outcome = OPEN if not fever.closed else fever.outcome
            if not is_counted(selecting) or not place.startswith(f"{query.place}/".lstrip("/")):
                continue
            if query.outcome == OPEN and outcome != OPEN:
                continue
            if query.outcome not in ("", OPEN, fever.outcome):
                continue
            if matches is not None and f"{campus}/{fever.gateway}/{fever.identity}" not in matches:
                continue
            day = datetime.fromtimestamp(fever.at, zone).date().isoformat()
            hours = struck.get((campus, fever.gateway, fever.kiosk, day))
            if not (hours and hours.strikes(fever.at)):
                yield campus, fever

    def _named(self, connection: Connection, name: str) -> tuple[set[str] | None, bool]:
        """Return the fevers (`campus/gateway/kiosk/boot/seq`) whose person or unit contains `name`,
        and whether unsearched fevers may contain it, too. The fevers are None without a `name`."""
        if not name:
            return None, False
        part, looked_at, matches = folded(name), 0, set[str]()
        rows = connection.execute(
            select(items.c.campus, items.c.gateway, items.c.key, items.c.sealed)
            .where(items.c.kind == "follow_up", items.c.sealed != "")
            .order_by(items.c.received_at.desc())
            .limit(MAX_NAMED)
            .execution_options(yield_per=500)
        )
        for campus, gateway, key, sealed in rows:
            looked_at += 1
            fields = self._vault.open(sealed)
            if any(part in folded(fields.get(field, "")) for field in ("person", "unit")):
                matches.add(f"{campus}/{gateway}/{key.removeprefix('follow_up/')}")
        return matches, looked_at >= MAX_NAMED
