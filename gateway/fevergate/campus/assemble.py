"""Assembles one day's report from the summaries that the gateways have sent."""

from __future__ import annotations

from collections.abc import Mapping

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
)
from fevergate.campus.schema import gateways, items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.strikes import CAME, TokenStrike, TokenStrikes
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
        early = {who: KioskCount(kiosk=who[1], gate=some[0].gate) for who, some in by_kiosk.items()}
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
    _follow(connection, strikes, {campus: some.fevers for campus, some in heard.items()})
    campuses = [
        _campus(
            (campus, *titles),
            expected,
            heard.get(campus, _Heard()),
            {one: some for one in strikes.all if (some := gone.get(campus, {}).get(one.id))},
        )
        for campus, (*titles, expected) in _expected(connection, settings).items()
    ]
    total = Figures()
    for one in campuses:
        if one.figures:
            total.add(one.figures)
    return DayReport(
        date=date,
        timezone=settings.timezone,
        title=settings.title,
        title_en=settings.title_en,
        campuses=campuses,
        total=total,
    )


def _expected(
    connection: Connection, settings: CampusSettings
) -> dict[str, tuple[str, str, set[str]]]:
    """Titles and gateways of campuses that must report: by the settings, else all known."""
    if settings.campuses:
        return {
            name: (one.title or name, one.title_en or one.title or name, set(one.gateways))
            for name, one in settings.campuses.items()
        }
    found: dict[str, tuple[str, str, set[str]]] = {}
    for campus, gateway in connection.execute(
        select(gateways.c.campus, gateways.c.gateway).order_by(gateways.c.campus)
    ):
        found.setdefault(campus, (campus, campus, set()))[2].add(gateway)
    return found


def _contradictions(heard: _Heard) -> list[Contradiction]:
    return [
        Contradiction(gateway=who[0], kiosk=who[1], stated=one.stated, held=one.held)
        for who, one in sorted(heard.told.items())
        if who[0] in heard.stating and one.held > one.stated
    ]


def _struck(told: Mapping[tuple[str, str], KioskTotals]) -> list[StruckHours]:
    return [
        StruckHours(gateway=who[0], kiosk=who[1], **msgspec.structs.asdict(one.struck[key]))
        for who, one in sorted(told.items())
        for key in sorted(one.struck)
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
    for strike, some in gone.items():
        figures = _sum(some.kiosks())
        values = {name: getattr(strike, name) for name in _STRIKE}
        rows_struck.append(
            StruckRows(number=strike.id, people=figures.screened, fevers=figures.fevers, **values)
        )
        known = {(fever.gateway, fever.identity) for fever in fevers}
        for fever in some.fevers:
            if (fever.gateway, fever.identity) not in known:
                fever.struck = True
                fevers.append(fever)
    kiosks = heard.kiosks()
    figures = _sum(kiosks)
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
        fevers=sorted(fevers, key=lambda one: (one.at, one.identity)),
        silent=silent,
        contradictions=_contradictions(heard),
        struck=_struck(heard.told),
        rows_struck=rows_struck,
    )


_STRIKE = set(StruckRows.__struct_fields__) & set(TokenStrike.__struct_fields__)


def _sum(kiosks: list[KioskFigures]) -> Figures:
    figures = Figures()
    for kiosk in kiosks:
        figures.add(kiosk.figures)
    return figures


def _figures(count: KioskCount, found: list[FeverDay]) -> Figures:
    found = [one for one in found if not one.struck]
    # Either the count or the fever events may arrive late.
    number = max(count.fever, len(found))
    closed = sum(one.closed for one in found)
    return Figures(
        screened=count.normal + number,
        fevers=number,
        confirmed=sum(one.confirmed for one in found),
        released=sum(one.closed and one.outcome == "released" for one in found),
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
    for campus, some in fevers.items():
        by_key = {(one.gateway, f"follow_up/{one.identity}"): one for one in some}
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
