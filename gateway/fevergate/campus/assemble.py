"""Assembles one day's report from the summaries that the gateways have sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.epoch_totals import KioskTotals
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
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    HourSummary,
    KioskCount,
)


class _Heard:
    """Summaries and fevers of one campus's day, as its gateways sent them."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], KioskTotals] = {}
        """By gateway and kiosk."""
        self.fevers: list[FeverDay] = []
        self.stating: set[str] = set()

    def hear(self, gateway: str, epoch: str, kind: str, payload: str) -> None:
        """Add one row of `items`."""
        if kind == "gateway_day":
            self.stating.add(gateway)
            for count in msgspec.json.decode(payload, type=GatewayDay).kiosks:
                self._of(gateway, count.kiosk).hear(epoch, count)
        elif kind == "day":
            day = msgspec.json.decode(payload, type=DaySummary)
            self._of(gateway, day.kiosk).hear(epoch, day)
        elif kind == "hour":
            hour = msgspec.json.decode(payload, type=HourSummary)
            self._of(gateway, hour.kiosk).hours.append((epoch, hour))
        else:
            event = msgspec.json.decode(payload, type=FeverEvent)
            self.fevers.append(_fever(gateway, event))

    def mark_struck(self) -> None:
        """Mark the fevers in hours that were struck at their gateway."""
        for fever in self.fevers:
            kiosk = self.told.get((fever.gateway, fever.kiosk))
            fever.struck = kiosk is not None and kiosk.strikes(fever.at)

    def kiosks(self) -> list[KioskFigures]:
        by_kiosk: dict[tuple[str, str], list[FeverDay]] = {}
        for fever in self.fevers:
            by_kiosk.setdefault((fever.gateway, fever.kiosk), []).append(fever)
        # A fever arrives at once, its kiosk's day some minutes later.
        early = {who: KioskCount(kiosk=who[1], gate=of[0].gate) for who, of in by_kiosk.items()}
        counts = {who: told.count(who[1]) for who, told in self.told.items()}
        return [
            KioskFigures(
                gateway=who[0],
                kiosk=who[1],
                gate=count.gate,
                figures=_figures(count, by_kiosk.get(who, [])),
            )
            for who, count in sorted((early | counts).items())
        ]

    def _of(self, gateway: str, kiosk: str) -> KioskTotals:
        return self.told.setdefault((gateway, kiosk), KioskTotals())


def assemble(connection: Connection, settings: CampusSettings, date: str) -> DayReport:
    """The report of `date` (YYYY-MM-DD) as it is known now."""
    strikes = TokenStrikes(connection)
    heard: dict[str, _Heard] = {}
    gone: dict[str, dict[int, _Heard]] = {}
    # The report that a day is over comes last: it replaces the kiosks' own days so far.
    order = (items.c.campus, items.c.gateway, items.c.kind == "gateway_day", items.c.key)
    for campus, gateway, kind, payload, *came in connection.execute(
        select(items.c.campus, items.c.gateway, items.c.kind, items.c.payload, *CAME)
        .where(items.c.date == date, items.c.kind.in_(("gateway_day", "day", "hour", "fever")))
        .order_by(*order)
    ):
        epoch = came[0]
        for strike in strikes.of(gateway, *came):
            of_strike = gone.setdefault(campus, {}).setdefault(strike.id, _Heard())
            of_strike.hear(gateway, epoch, kind, payload)
        if not strikes.strike(gateway, *came):
            heard.setdefault(campus, _Heard()).hear(gateway, epoch, kind, payload)
    _follow(connection, strikes, {campus: day.fevers for campus, day in heard.items()})
    campuses = [
        _campus(
            (campus, *titles),
            expected,
            heard.get(campus, _Heard()),
            {s: rows for s in strikes.all if (rows := gone.get(campus, {}).get(s.id))},
        )
        for campus, (*titles, expected) in _expected(connection, settings).items()
    ]
    return DayReport(
        date=date,
        timezone=settings.timezone,
        title=settings.title,
        title_en=settings.title_en,
        campuses=campuses,
        total=_sum(campus.figures for campus in campuses if campus.figures),
    )


def _expected(
    connection: Connection, settings: CampusSettings
) -> dict[str, tuple[str, str, set[str]]]:
    """Titles and gateways of campuses that must report: by the settings, else all known."""
    if settings.campuses:
        return {
            name: (*settings.titles(name), set(campus.gateways))
            for name, campus in settings.campuses.items()
        }
    known: dict[str, tuple[str, str, set[str]]] = {}
    for campus, gateway in connection.execute(
        select(gateways.c.campus, gateways.c.gateway).order_by(gateways.c.campus)
    ):
        known.setdefault(campus, (campus, campus, set()))[2].add(gateway)
    return known


def _contradictions(heard: _Heard) -> list[Contradiction]:
    return [
        Contradiction(gateway=gateway, kiosk=kiosk, stated=told.stated, held=told.held)
        for (gateway, kiosk), told in sorted(heard.told.items())
        if gateway in heard.stating and told.held > told.stated
    ]


def _struck(heard: _Heard) -> list[StruckHours]:
    return [
        StruckHours(gateway=gateway, kiosk=kiosk, **msgspec.structs.asdict(told.struck[key]))
        for (gateway, kiosk), told in sorted(heard.told.items())
        for key in sorted(told.struck)
    ]


def _campus(
    names: tuple[str, ...],
    expected: set[str],
    heard: _Heard,
    gone: Mapping[TokenStrike, _Heard],
) -> CampusDay:
    """One campus's day from the rows that count (`heard`) and those of each strike (`gone`)."""
    heard.mark_struck()
    fevers = list(heard.fevers)
    rows_struck = []
    for strike, rows in gone.items():
        figures = _sum(kiosk.figures for kiosk in rows.kiosks())
        values = msgspec.structs.asdict(strike)
        rows_struck.append(StruckRows(people=figures.screened, fevers=figures.fevers, **values))
        known = {(fever.gateway, fever.identity) for fever in fevers}
        for fever in rows.fevers:
            if (fever.gateway, fever.identity) not in known:
                fever.struck = True
                fevers.append(fever)
    kiosks = heard.kiosks()
    figures = _sum(kiosk.figures for kiosk in kiosks)
    silent = sorted(expected - heard.stating)
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
        fevers=sorted(fevers, key=lambda fever: (fever.at, fever.identity)),
        silent=silent,
        contradictions=_contradictions(heard),
        struck=_struck(heard),
        rows_struck=rows_struck,
    )


def _sum(parts: Iterable[Figures]) -> Figures:
    figures = Figures()
    for part in parts:
        figures.add(part)
    return figures


def _figures(count: KioskCount, events: list[FeverDay]) -> Figures:
    fevers = [fever for fever in events if not fever.struck]
    # Either the count or the fever events may arrive late.
    number = max(count.fever, len(fevers))
    closed = sum(fever.closed for fever in fevers)
    return Figures(
        screened=count.normal + number,
        fevers=number,
        confirmed=sum(fever.confirmed for fever in fevers),
        released=sum(fever.closed and fever.outcome == "released" for fever in fevers),
        outstanding=number - closed,
        retries=count.retry,
        watched_minutes=count.watched_minutes,
        fault_minutes=count.fault_minutes,
        late_minutes=count.late_minutes,
    )


def _fever(gateway: str, event: FeverEvent) -> FeverDay:
    names = set(FeverDay.__struct_fields__) & set(FeverEvent.__struct_fields__)
    return FeverDay(gateway=gateway, **{name: getattr(event, name) for name in names})


def _follow(
    connection: Connection, strikes: TokenStrikes, fevers: Mapping[str, list[FeverDay]]
) -> None:
    """Add to each fever the result of its follow-up."""
    for campus, of_campus in fevers.items():
        by_key = {(fever.gateway, f"follow_up/{fever.identity}"): fever for fever in of_campus}
        for gateway, key, payload, *came in connection.execute(
            select(items.c.gateway, items.c.key, items.c.payload, *CAME).where(
                items.c.campus == campus, items.c.key.in_({key for _, key in by_key})
            )
        ):
            fever = by_key.get((gateway, key))
            if fever and not strikes.strike(gateway, *came):
                after = msgspec.json.decode(payload, type=FollowUpEvent)
                for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                    setattr(fever, name, getattr(after, name))
