"""Daily report over all campuses: people screened, fevers, minutes watched.

A campus is `reported` once each of its gateways has reported the day as over. A campus without any
data is `missing` and has no figures, which is not the same as zero.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from fevergate.people.roll import DayRoll
from fevergate.protocol.campus_messages import StruckSpan
from fevergate.reports.confirmation import is_confirmed

State = Literal["reported", "partial", "uncovered", "missing"]


class Figures(Struct, kw_only=True):
    """People, fevers and minutes of one kiosk, gate or campus, or of all.

    Of the fevers, `confirmed` counts those confirmed by a second measurement, `released` those
    released after it, `outstanding` those without a closed follow-up. `late_minutes` counts the
    watched minutes that were reported long afterwards.
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
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class KioskFigures(Struct, kw_only=True):
    """One kiosk's day; kiosks of two gateways of a campus may have the same name."""

    gateway: str
    kiosk: str
    gate: str
    figures: Figures


class FeverDay(Struct, kw_only=True):
    """One fever and its follow-up, without personal data. Times are Unix time (s)."""

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
    """Not counted in any figure."""

    @property
    def identity(self) -> str:
        return f"{self.kiosk}/{self.boot}/{self.seq}"

    @property
    def delay_s(self) -> float | None:
        """Time (s) from the red light to its acknowledgement."""
        if self.acknowledged_at is None or self.raised_at is None:
            return None
        return self.acknowledged_at - self.raised_at

    @property
    def confirmed(self) -> bool:
        """Whether the second measurement was a fever, too."""
        return is_confirmed(self.clinical_c, self.clinical_site)


class Contradiction(Struct, kw_only=True):
    """For a kiosk's day, a gateway reported fewer people (`stated`) than the kiosk's hours contain
    (`held`); the report uses the greater number."""

    gateway: str
    kiosk: str
    stated: int
    held: int


class StruckHours(StruckSpan, frozen=True, kw_only=True):
    """Hours of a kiosk that were struck at its gateway, including strikes taken back."""

    gateway: str
    kiosk: str


class TokenStrike(Struct, frozen=True, kw_only=True):
    """A strike of the rows received with a gateway's token from `since` on (Unix time, s). It
    covers one epoch, or all epochs if `epoch` is None."""

    id: int
    gateway: str
    token: str
    epoch: str | None
    since: float
    at: float
    by: str
    reason: str
    undone_at: float | None = None
    undone_by: str = ""
    undone_reason: str = ""


class StruckRows(TokenStrike, frozen=True, kw_only=True):
    """A strike made at this server, which may have been taken back. `people` and `fevers` are the
    numbers in the day's struck rows."""

    people: int
    fevers: int


class CampusDay(Struct, kw_only=True):
    """One campus's day. `figures` is None if the campus is missing; `silent` lists gateways that
    have not reported the day as over."""

    campus: str
    title: str
    title_en: str
    state: State
    figures: Figures | None
    kiosks: list[KioskFigures]
    fevers: list[FeverDay]
    silent: list[str]
    unlisted: int = 0
    """Number of fevers beyond the limit of the list `fevers`; the figures count them."""
    contradictions: list[Contradiction] = []
    struck: list[StruckHours] = []
    rows_struck: list[StruckRows] = []
    roll: DayRoll | None = None
    """People expected and measured; None if the campus has no list of people."""
    roll_silent: list[str] = []
    """Gateways with a list of their own that have not stated who was measured."""

    @property
    def unexplained(self) -> int:
        """Number of fevers that the campus's gateways counted but sent no details of."""
        count = sum(not fever.struck for fever in self.fevers) + self.unlisted
        return max(self.figures.fevers - count, 0) if self.figures else 0

    def gates(self) -> dict[str, Figures]:
        """Figures by gate, in order of names."""
        gates: dict[str, Figures] = {}
        for kiosk in sorted(self.kiosks, key=lambda kiosk: kiosk.gate):
            gates.setdefault(kiosk.gate, Figures()).add(kiosk.figures)
        return gates


class DayReport(Struct, kw_only=True):
    """The report of one day. `total` sums the campuses that are not missing. `roll` is None if
    there is no list of people; `anywhere` is the part of `roll` that belongs to no campus."""

    date: str
    timezone: str
    title: str
    title_en: str
    campuses: list[CampusDay]
    total: Figures
    roll: DayRoll | None = None
    anywhere: DayRoll | None = None

    @property
    def missing(self) -> list[CampusDay]:
        return [campus for campus in self.campuses if campus.state == "missing"]

    @property
    def complete(self) -> bool:
        """Whether every campus has reported, with at least one minute watched."""
        return bool(self.campuses) and all(c.state == "reported" for c in self.campuses)

    @property
    def fevers(self) -> int:
        """Number of fevers at kiosks, by hand and at the desk."""
        return self.total.fevers + (self.roll.fevers if self.roll else 0)

    @property
    def watched(self) -> bool:
        """Whether every campus reported, no fever was seen and no gateway contradicts itself. A
        report of zero also requires that nobody is unmeasured."""
        contradicted = any(campus.contradictions for campus in self.campuses)
        return self.complete and self.fevers == 0 and not contradicted

    @property
    def unmeasured(self) -> int:
        """Number of expected people who were neither measured nor excused."""
        return self.roll.unmeasured if self.roll else 0

    @property
    def zero(self) -> bool:
        """Whether this is a report of zero: complete, no fever, no contradiction, nobody expected
        is unmeasured, and every gateway with a list of its own stated who was measured."""
        unknown = any(campus.roll_silent for campus in self.campuses)
        return self.watched and not self.unmeasured and not unknown


def keyed(report: DayReport) -> dict[str, Any]:
    """A report as a tree of dicts, for `tree_diff.differences`."""
    tree = msgspec.to_builtins(report)
    for campus in tree["campuses"]:
        for name in ("silent", "roll_silent"):
            campus[name] = dict.fromkeys(campus[name], "silent")
        for name, key in _KEYS.items():
            campus[name] = {key.format(**part): part for part in campus.get(name, [])}
    tree["campuses"] = {campus["campus"]: campus for campus in tree["campuses"]}
    return tree


_KIOSK = "{gateway}/{kiosk}"
_KEYS = {
    "kiosks": _KIOSK,
    "fevers": f"{_KIOSK}/{{boot}}/{{seq}}",
    "contradictions": _KIOSK,
    "rows_struck": "{id}",
    "struck": f"{_KIOSK}/{{begin:.0f}}/{{end:.0f}}/{{at:.0f}}",
}
"""Formats of the keys in `keyed`, by list of a campus's day."""
