"""Computes the figures of a run from what was published, stored, lit and reported; no I/O."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fevergate.protocol.messages import Identity, Verdict
from harness.store_contents import StoreContents

WRONG = ("lost", "doubled", "dark", "days_wrong", "silent")
"""Figures that must be 0. `doubled`: readings not counted exactly once, or stored but never
published; `dark`: fevers without a red light, and faults of an SD card during which no red was lit;
`days_wrong`: days that the campus server reports wrongly."""


class Published(NamedTuple):
    """A published reading: verdict, its day in the school's zone (YYYY-MM-DD), and when it was
    published (monotonic s)."""

    verdict: Verdict
    day: str
    sent_at: float


class DayReported(NamedTuple):
    """The campus server's report of a day."""

    state: str
    people: int
    fevers: int


@dataclass
class Facts:
    """Facts of one run. `pending`: number of readings that kiosks still hold; `cards`: final
    contents of each SD card that the gateway had; `red_at`: when red was lit for a fever (monotonic
    s); `reported`: the campus server's reports by day; `silent`: faults of an SD card for which
    amber was not lit; `unlit`: faults of an SD card during which no red was lit."""

    published: dict[Identity, Published] = field(default_factory=dict)
    pending: int = 0
    cards: list[StoreContents] = field(default_factory=list)
    red_at: dict[Identity, float] = field(default_factory=dict)
    reported: dict[str, DayReported] = field(default_factory=dict)
    silent: int = 0
    unlit: int = 0


def figures(facts: Facts) -> dict[str, Any]:
    """Figures of a run; the caller adds the figures of the faults that were played."""
    published = facts.published
    stored = set[Identity]().union(*(card.readings for card in facts.cards))
    raised = set[Identity]().union(*(card.fevers for card in facts.cards))
    ill = {identity for identity, reading in published.items() if reading.verdict is Verdict.FEVER}
    lit_s = sorted(
        facts.red_at[identity] - published[identity].sent_at for identity in ill & set(facts.red_at)
    )
    wrong = wrong_days(facts)
    return {
        "published": len(published),
        "stored": len(stored),
        "lost": max(len(published.keys() - stored), facts.pending),
        "doubled": sum(card.miscounted for card in facts.cards) + len(stored - published.keys()),
        "fevers": len(ill),
        "dark": len(ill - (raised & set(facts.red_at))) + facts.unlit,
        "light_ms_p99": round(1000 * lit_s[int(0.99 * (len(lit_s) - 1))], 1) if lit_s else 0,
        "days": len(_played(published)),
        "days_wrong": len(wrong),
        "silent": facts.silent,
    }


def wrong_days(facts: Facts) -> dict[str, tuple[DayReported | None, DayReported]]:
    """For each day that is reported wrongly: its report (None: it has none), and the right one."""
    wrong: dict[str, tuple[DayReported | None, DayReported]] = {}
    played = _played(facts.published)
    for day in sorted({*played, *facts.reported}):
        reported = facts.reported.get(day)
        if day in played:
            right = played[day]
        elif reported is None or (reported.people, reported.fevers) == (0, 0):
            continue  # nobody came, and nobody is reported
        else:
            right = DayReported("uncovered", 0, 0)
        if reported != right:
            wrong[day] = reported, right
    return wrong


def _played(published: dict[Identity, Published]) -> dict[str, DayReported]:
    people = Counter(reading.day for reading in published.values())
    fevers = Counter(
        reading.day for reading in published.values() if reading.verdict is Verdict.FEVER
    )
    return {day: DayReported("reported", count, fevers[day]) for day, count in people.items()}
