"""One day over all campuses: what was screened, found and watched; zero stated, never implied.

A campus is `reported` when each of its gateways has said that the day is over. One of which nothing
is known is `missing`, and has no figures: that is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from fevergate.campus.settings import CampusSettings
from fevergate.campus.tables import gateways, items
from fevergate.campus.told import Told
from fevergate.summaries import (
    DaySummary,
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    HourSummary,
    KioskCount,
    StruckSpan,
)

State = Literal["reported", "partial", "uncovered", "missing"]

CONFIRMED_C = 37.3
"""Axillary, by a clinical thermometer: the threshold of China's gate checks."""

ABOVE_AXILLARY_C = {"": 0.0, "axillary": 0.0, "oral": 0.3, "ear": 0.3}
"""How much more is measured elsewhere: textbook oral normal range beside axillary."""


class Figures(Struct, kw_only=True):
    """People, fevers and minutes of one kiosk, gate or campus, or of all.

    Of the fevers, `confirmed` by a second measurement, `released` after it, `outstanding`: without
    a closed follow-up. Of the minutes watched, `late_minutes` were told long after.
    """

    screened: int = 0
    fevers: int = 0
    confirmed: int = 0
    released: int = 0
    outstanding: int = 0
    retries: int = 0
    watched_minutes: int = 0
    fault_minutes: int = 0
    late_minutes: int = 0

    def add(self, other: Figures) -> None:
        """Take another's figures to one's own."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class KioskDay(Struct, kw_only=True):
    """One kiosk's; two gateways of a campus may both have a kiosk of one name."""

    gateway: str
    kiosk: str
    gate: str
    figures: Figures


class FeverDay(Struct, kw_only=True):
    """One fever and what became of it, without a name. Times are UTC s."""

    gateway: str
    kiosk: str
    gate: str
    boot: int
    seq: int
    at: float
    body_c: float | None = None
    threshold_c: float | None = None
    raised_at: float | None = None
    acknowledged_at: float | None = None
    clinical_c: float | None = None
    clinical_site: str = ""
    outcome: str = ""
    closed: bool = False
    struck: bool = False
    """It is in no figure."""

    @property
    def identity(self) -> str:
        return f"{self.kiosk}/{self.boot}/{self.seq}"

    @property
    def delay_s(self) -> float | None:
        """From the red light to its acknowledgement."""
        if self.acknowledged_at is None or self.raised_at is None:
            return None
        return self.acknowledged_at - self.raised_at

    @property
    def confirmed(self) -> bool:
        """Whether a second measurement was a fever, too."""
        if self.clinical_c is None:
            return False
        return self.clinical_c >= round(CONFIRMED_C + ABOVE_AXILLARY_C[self.clinical_site], 2)


class Contradiction(Struct, kw_only=True):
    """A gateway said that a day is over with fewer people (`stated`) of a kiosk than its hours have
    (`held`); the greater number is reported."""

    gateway: str
    kiosk: str
    stated: int
    held: int


class StruckHours(StruckSpan, frozen=True, kw_only=True):
    """Hours of a kiosk that somebody at its gateway has struck, or taken back after."""

    gateway: str
    kiosk: str


class CampusDay(Struct, kw_only=True):
    """One campus's. `figures` is None where it is missing; `silent` are gateways that have not
    said that the day is over."""

    campus: str
    title: str
    title_en: str
    state: State
    figures: Figures | None
    kiosks: list[KioskDay]
    fevers: list[FeverDay]
    silent: list[str]
    contradictions: list[Contradiction] = []
    struck: list[StruckHours] = []

    def gates(self) -> dict[str, Figures]:
        """By gate, in order of their names."""
        found: dict[str, Figures] = {}
        for kiosk in sorted(self.kiosks, key=lambda one: one.gate):
            found.setdefault(kiosk.gate, Figures()).add(kiosk.figures)
        return found


class DayReport(Struct, kw_only=True):
    """All of a day. `total` is of the campuses that are not missing."""

    date: str
    timezone: str
    title: str
    title_en: str
    campuses: list[CampusDay]
    total: Figures

    @property
    def missing(self) -> list[CampusDay]:
        return [one for one in self.campuses if one.state == "missing"]

    @property
    def complete(self) -> bool:
        """Whether every campus has reported, and watched."""
        return bool(self.campuses) and all(one.state == "reported" for one in self.campuses)

    @property
    def zero(self) -> bool:
        """Whether this is a report of zero: complete, and no fever in it."""
        contradicted = any(one.contradictions for one in self.campuses)
        return self.complete and self.total.fevers == 0 and not contradicted


def assemble(connection: Connection, settings: CampusSettings, date: str) -> DayReport:
    """The report of `date` (YYYY-MM-DD) as it is known now."""
    told: dict[str, dict[tuple[str, str], Told]] = {}
    fevers: dict[str, list[FeverDay]] = {}
    stating: dict[str, set[str]] = {}
    # A gateway's word that a day is over comes after what was said so far of single kiosks.
    order = (items.c.campus, items.c.gateway, items.c.kind == "gateway_day", items.c.key)
    for campus, gateway, epoch, kind, payload in connection.execute(
        select(items.c.campus, items.c.gateway, items.c.epoch, items.c.kind, items.c.payload)
        .where(items.c.date == date, items.c.kind.in_(("gateway_day", "day", "hour", "fever")))
        .order_by(*order)
    ):
        here = told.setdefault(campus, {})
        if kind == "gateway_day":
            stating.setdefault(campus, set()).add(gateway)
            for one in msgspec.json.decode(payload, type=GatewayDay).kiosks:
                here.setdefault((gateway, one.kiosk), Told()).hear(epoch, one)
        elif kind == "day":
            day = msgspec.json.decode(payload, type=DaySummary)
            here.setdefault((gateway, day.kiosk), Told()).hear(epoch, day)
        elif kind == "hour":
            hour = msgspec.json.decode(payload, type=HourSummary)
            here.setdefault((gateway, hour.kiosk), Told()).hours.append((epoch, hour))
        else:
            event = msgspec.json.decode(payload, type=FeverEvent)
            fevers.setdefault(campus, []).append(_fever(gateway, event))
    _follow(connection, fevers)
    for campus, some in fevers.items():
        for one in some:
            kiosk = told.get(campus, {}).get((one.gateway, one.kiosk))
            one.struck = kiosk is not None and kiosk.strikes(one.at)
    campuses = [
        _campus(
            (campus, *titles),
            {who: one.count(who[1]) for who, one in told.get(campus, {}).items()},
            fevers.get(campus, []),
            sorted(expected - stating.get(campus, set())),
            _contradictions(told.get(campus, {}), stating.get(campus, set())),
            _struck(told.get(campus, {})),
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


def keyed(report: DayReport) -> dict[str, Any]:
    """A report as a tree of dicts, so that two can be compared."""
    tree = msgspec.to_builtins(report)
    tree["campuses"] = {
        one["campus"]: one
        | {
            "kiosks": {f"{it['gateway']}/{it['kiosk']}": it for it in one["kiosks"]},
            "fevers": {
                f"{it['gateway']}/{it['kiosk']}/{it['boot']}/{it['seq']}": it
                for it in one["fevers"]
            },
            "silent": dict.fromkeys(one["silent"], "silent"),
            "contradictions": {
                f"{it['gateway']}/{it['kiosk']}": it for it in one["contradictions"]
            },
            "struck": {
                f"{it['gateway']}/{it['kiosk']}/{it['begin']:.0f}/{it['end']:.0f}/{it['at']:.0f}": (
                    it
                )
                for it in one.get("struck", [])
            },
        }
        for one in tree["campuses"]
    }
    return tree


def _expected(
    connection: Connection, settings: CampusSettings
) -> dict[str, tuple[str, str, set[str]]]:
    """Who must report, and by which gateways: as the settings say, else whoever ever did."""
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


def _contradictions(told: Mapping[tuple[str, str], Told], stating: set[str]) -> list[Contradiction]:
    return [
        Contradiction(gateway=who[0], kiosk=who[1], stated=one.stated, held=one.held)
        for who, one in sorted(told.items())
        if who[0] in stating and one.held > one.stated
    ]


def _struck(told: Mapping[tuple[str, str], Told]) -> list[StruckHours]:
    return [
        StruckHours(gateway=who[0], kiosk=who[1], **msgspec.structs.asdict(one.struck[key]))
        for who, one in sorted(told.items())
        for key in sorted(one.struck)
    ]


Counts = dict[tuple[str, str], KioskCount]
"""By gateway and kiosk."""


def _campus(
    names: tuple[str, ...],
    counts: Counts,
    fevers: list[FeverDay],
    silent: list[str],
    contradictions: list[Contradiction],
    struck: list[StruckHours],
) -> CampusDay:
    by_kiosk: dict[tuple[str, str], list[FeverDay]] = {}
    for fever in fevers:
        by_kiosk.setdefault((fever.gateway, fever.kiosk), []).append(fever)
    # A fever is told at once, its kiosk's day some minutes later.
    early = {who: KioskCount(kiosk=who[1], gate=some[0].gate) for who, some in by_kiosk.items()}
    kiosks = [
        KioskDay(
            gateway=who[0],
            kiosk=who[1],
            gate=one.gate,
            figures=_figures(one, by_kiosk.get(who, [])),
        )
        for who, one in sorted((early | counts).items())
    ]
    figures = Figures()
    for kiosk in kiosks:
        figures.add(kiosk.figures)
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
        contradictions=contradictions,
        struck=struck,
    )


def _figures(count: KioskCount, found: list[FeverDay]) -> Figures:
    found = [one for one in found if not one.struck]
    # Either may be the one that is late.
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


def _follow(connection: Connection, fevers: Mapping[str, list[FeverDay]]) -> None:
    """Put to each fever what became of it."""
    for campus, some in fevers.items():
        by_key = {(one.gateway, f"follow_up/{one.identity}"): one for one in some}
        for gateway, key, payload in connection.execute(
            select(items.c.gateway, items.c.key, items.c.payload).where(
                items.c.campus == campus, items.c.key.in_({key for _, key in by_key})
            )
        ):
            if fever := by_key.get((gateway, key)):
                after = msgspec.json.decode(payload, type=FollowUpEvent)
                for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                    setattr(fever, name, getattr(after, name))
