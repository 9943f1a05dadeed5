"""Assembles one day's report from the summaries that the gateways have sent."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.day_rolls import read_rolls, together
from fevergate.campus.epoch_totals import KioskTotals
from fevergate.campus.fever_reader import is_counted, read_fevers
from fevergate.campus.report import (
    CampusDay,
    Contradiction,
    DayReport,
    FeverDay,
    Figures,
    KioskFigures,
    State,
    StruckHours,
    StruckRows,
    TokenStrike,
)
from fevergate.campus.schema import gateways, items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.protocol.campus_messages import (
    DaySummary,
    GatewayDay,
    HourSummary,
    KioskCount,
)

MAX_LISTED = 1000
"""Most fevers of a campus that a report lists. Struck fevers have a limit of the same size. All
fevers are counted."""


class _CampusRows:
    """Summaries and fevers of one campus's day, as its gateways sent them."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], KioskTotals] = {}
        """Each kiosk's totals, by gateway and kiosk."""
        self.fevers: dict[tuple[str, str], Figures] = {}
        """Counts of the fevers that are not struck, by gateway and kiosk."""
        self.gates: dict[tuple[str, str], str] = {}
        """Gates at which the fevers were seen, by gateway and kiosk."""
        self.listed: list[FeverDay] = []
        self.unlisted = 0
        self.stating: set[str] = set()
        self._listed: Counter[bool] = Counter()

    def hear(self, gateway: str, epoch: str, kind: str, payload: str) -> None:
        """Add one row of `items`."""
        if kind == "gateway_day":
            self.stating.add(gateway)
            for count in msgspec.json.decode(payload, type=GatewayDay).kiosks:
                self._of(gateway, count.kiosk).hear(epoch, count)
        elif kind == "day":
            day = msgspec.json.decode(payload, type=DaySummary)
            self._of(gateway, day.kiosk).hear(epoch, day)
        else:
            hour = msgspec.json.decode(payload, type=HourSummary)
            self._of(gateway, hour.kiosk).hours.append((epoch, hour))

    def strikes(self, fever: FeverDay) -> bool:
        """Whether a fever is in hours that were struck at its gateway."""
        kiosk = self.totals.get((fever.gateway, fever.kiosk))
        return kiosk is not None and kiosk.strikes(fever.at)

    def count(self, fever: FeverDay) -> None:
        """Add a fever to the counts, unless it is struck."""
        kiosk = (fever.gateway, fever.kiosk)
        self.gates.setdefault(kiosk, fever.gate)
        if not fever.struck:
            self.fevers.setdefault(kiosk, Figures()).add(
                Figures(
                    fevers=1,
                    confirmed=fever.confirmed,
                    released=fever.closed and fever.outcome == "released",
                    outstanding=not fever.closed,
                )
            )

    def enlist(self, fever: FeverDay) -> None:
        """List a fever if there is room. Struck fevers take no room from the others."""
        if self._listed[fever.struck] < MAX_LISTED:
            self._listed[fever.struck] += 1
            self.listed.append(fever)
        else:
            self.unlisted += 1

    def kiosks(self) -> list[KioskFigures]:
        # A fever arrives at once, the day's counts of its kiosk some minutes later.
        early = {kiosk: KioskCount(kiosk=kiosk[1], gate=gate) for kiosk, gate in self.gates.items()}
        counts = {kiosk: totals.count(kiosk[1]) for kiosk, totals in self.totals.items()}
        return [
            KioskFigures(
                gateway=kiosk[0],
                kiosk=kiosk[1],
                gate=count.gate,
                figures=_figures(count, self.fevers.get(kiosk, Figures())),
            )
            for kiosk, count in sorted((early | counts).items())
        ]

    def _of(self, gateway: str, kiosk: str) -> KioskTotals:
        return self.totals.setdefault((gateway, kiosk), KioskTotals())


def assemble(
    connection: Connection,
    settings: CampusSettings,
    date: str,
    now: float,
    before: DayReport | None = None,
) -> DayReport:
    """Assemble the report of `date` (YYYY-MM-DD) from what is known at `now` (Unix time, s).

    `before` is the previous version of the report; it holds the figures of marks that have been
    deleted since."""
    strikes = TokenStrikes(connection)
    summaries: dict[str, _CampusRows] = {}
    struck: dict[str, dict[int, _CampusRows]] = {}
    # The row received last prevails. Within one delivery, `gateway_day` prevails: it reports that
    # the day is over and replaces the kiosks' partial days.
    last = (items.c.received_at, items.c.kind == "gateway_day", items.c.key)
    order = (items.c.campus, items.c.gateway, *last)
    for campus, gateway, kind, payload, *origin in connection.execute(
        select(items.c.campus, items.c.gateway, items.c.kind, items.c.payload, *CAME)
        .where(items.c.date == date, items.c.kind.in_(("gateway_day", "day", "hour")))
        .order_by(*order)
    ):
        epoch = origin[0]
        for strike in strikes.of(gateway, *origin):
            of_strike = struck.setdefault(campus, {}).setdefault(strike.id, _CampusRows())
            of_strike.hear(gateway, epoch, kind, payload)
        if not strikes.strike(gateway, *origin):
            summaries.setdefault(campus, _CampusRows()).hear(gateway, epoch, kind, payload)
    for campus, fever, selecting in read_fevers(connection, strikes, date, date):
        for strike in selecting:
            struck.setdefault(campus, {}).setdefault(strike.id, _CampusRows()).count(fever)
        day = summaries.setdefault(campus, _CampusRows())
        if is_counted(selecting):
            fever.struck = day.strikes(fever)
            day.count(fever)
        else:
            fever.struck = True
        day.enlist(fever)
    campuses = [
        _campus(
            (campus, *titles),
            expected,
            summaries.get(campus, _CampusRows()),
            {s: rows for s in strikes.all if (rows := struck.get(campus, {}).get(s.id))},
        )
        for campus, (*titles, expected) in _expected(connection, settings).items()
    ]
    rolls = read_rolls(connection, settings, strikes, date, now, before)
    for campus in campuses:
        campus.roll = rolls.campuses.get(campus.campus)
        campus.roll_silent = rolls.silent.get(campus.campus, [])
    return DayReport(
        date=date,
        timezone=settings.timezone,
        title=settings.title,
        title_en=settings.title_en,
        campuses=campuses,
        total=_sum(campus.figures for campus in campuses if campus.figures),
        roll=together([*(campus.roll for campus in campuses), rolls.anywhere]),
        anywhere=rolls.anywhere,
    )


def _expected(
    connection: Connection, settings: CampusSettings
) -> dict[str, tuple[str, str, set[str]]]:
    """Titles and gateways of the campuses that must report: those in the settings, or all known
    campuses if the settings name none."""
    if settings.campuses:
        return {
            name: (*settings.titles(name), set(campus.gateways))
            for name, campus in settings.campuses.items()
        }
    gateways_of: dict[str, tuple[str, str, set[str]]] = {}
    for campus, gateway in connection.execute(
        select(gateways.c.campus, gateways.c.gateway).order_by(gateways.c.campus)
    ):
        gateways_of.setdefault(campus, (campus, campus, set()))[2].add(gateway)
    return gateways_of


def _contradictions(summaries: _CampusRows) -> list[Contradiction]:
    return [
        Contradiction(gateway=gateway, kiosk=kiosk, stated=totals.stated, held=totals.held)
        for (gateway, kiosk), totals in sorted(summaries.totals.items())
        if gateway in summaries.stating and totals.held > totals.stated
    ]


def _struck(summaries: _CampusRows) -> list[StruckHours]:
    return [
        StruckHours(gateway=gateway, kiosk=kiosk, **msgspec.structs.asdict(totals.struck[key]))
        for (gateway, kiosk), totals in sorted(summaries.totals.items())
        for key in sorted(totals.struck)
    ]


def _campus(
    names: tuple[str, ...],
    expected: set[str],
    summaries: _CampusRows,
    struck: Mapping[TokenStrike, _CampusRows],
) -> CampusDay:
    """Build one campus's day from the rows that count (`summaries`) and the rows that each strike
    removed (`struck`)."""
    rows_struck = []
    for strike, rows in struck.items():
        figures = _sum(kiosk.figures for kiosk in rows.kiosks())
        values = msgspec.structs.asdict(strike)
        rows_struck.append(StruckRows(people=figures.screened, fevers=figures.fevers, **values))
    kiosks = summaries.kiosks()
    figures = _sum(kiosk.figures for kiosk in kiosks)
    silent = sorted(expected - summaries.stating)
    state: State = "reported"
    if not kiosks and silent:
        state = "missing"
    elif silent:
        state = "partial"
    elif not figures.watched_minutes:
        state = "uncovered"
    return CampusDay(
        campus=names[0],
        title=names[1],
        title_en=names[2],
        state=state,
        figures=None if state == "missing" else figures,
        kiosks=kiosks,
        fevers=sorted(summaries.listed, key=lambda fever: (fever.at, fever.identity)),
        unlisted=summaries.unlisted,
        silent=silent,
        contradictions=_contradictions(summaries),
        struck=_struck(summaries),
        rows_struck=rows_struck,
    )


def _sum(parts: Iterable[Figures]) -> Figures:
    figures = Figures()
    for part in parts:
        figures.add(part)
    return figures


def _figures(count: KioskCount, events: Figures) -> Figures:
    # Either the count or the fever events may arrive late.
    number = max(count.fever, events.fevers)
    return Figures(
        screened=count.normal + number,
        fevers=number,
        confirmed=events.confirmed,
        released=events.released,
        outstanding=number - (events.fevers - events.outstanding),
        retries=count.retry,
        watched_minutes=count.watched_minutes,
        fault_minutes=count.fault_minutes,
        late_minutes=count.late_minutes,
    )
