"""Plays faults at random instants with nights between them, then accounts for everything."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from faults import sd_card
from faults.judge import DayReported, Facts, Published, figures, wrong_days
from faults.kinds import Kinds
from faults.parts import Parts
from faults.school import PATIENCE_S, School
from fevergate.campus.database import CampusDatabase
from fevergate.campus.report_versions import Reports
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import CampusError
from harness.crowd import Crowd
from harness.load import Fleet

KIOSKS = 10
PER_S = 100
STRANGER = f"kiosk-{KIOSKS + 1}"
"""The kiosk whose credential the attacker has; its messages are in no figure."""

REST_S = (0.05, 2.0)
RECOVERED = 0.7
"""Share of faults that wait until the gateway has lit red for a fever since its last start."""

GUARD_S = 3.0
NIGHT_S = 45.0
MORNING_H = (0.1, 23.8)
"""Range of hours at which people come again. It stops short of midnight, so that a night ends one
day."""

DRAFTED_H = 9.0
"""Hour by which the report of the day before is drafted (`fevergate.campus.settings.Report`)."""

HOLIDAY = 0.15
"""Probability that two to four nights go by instead of one."""

Progress = Callable[[str], None]


class Chaos:
    """One run of faults at a school."""

    def __init__(self, school: School, seed: int, minutes: float, progress: Progress) -> None:
        self._school = school
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._seed = seed
        self._minutes = minutes
        self._progress = progress
        self._parts = Parts(school)
        self._guard_at = 0.0
        self.facts = Facts()

    def run(self, kinds: Sequence[str], count: int = 1) -> dict[str, Any]:
        """Play at least `count` faults, each kind once before any is repeated; returns the figures.
        Figures named in `judge.WRONG` must be 0. Raises `HarnessError` if something cannot be
        played."""
        self._parts.start()
        world = self._school.world
        fleet = Fleet(
            self._school.settings, KIOSKS, boot=self._seed + 1, seed=self._seed, clock=world.now
        )
        crowd = Crowd(fleet, PER_S)
        self._kinds = Kinds(self._school, self._parts, fleet, crowd, STRANGER, self._chance)
        crowd.start()
        try:
            faults = self._play(list(kinds), count, crowd)
            crowd.stop()
            self._settle(fleet)
        finally:
            crowd.stop()
            fleet.close()
            self._kinds.close()
            self._parts.close()
        self._gather(fleet)
        return (
            {"faults": dict(sorted(faults.items()))} | figures(self.facts) | self._by_kind(faults)
        )

    def _play(self, kinds: list[str], count: int, crowd: Crowd) -> Counter[str]:
        faults: Counter[str] = Counter()
        first = self._chance.sample(kinds, len(kinds))
        until = time.monotonic() + 60 * self._minutes
        night_at = time.monotonic() + NIGHT_S
        while time.monotonic() < until or faults.total() < count:
            self._rest()
            kind = first.pop() if first else self._chance.choice(kinds)
            faults[kind] += 1
            self._progress(f"fault {faults.total()}: {kind}")
            self._kinds.play(kind)
            if time.monotonic() > self._guard_at:
                self._guard_at = time.monotonic() + GUARD_S
                self._parts.acknowledge()
            if time.monotonic() > night_at:
                self._night(crowd)
                night_at = time.monotonic() + NIGHT_S
        return faults

    def _rest(self) -> None:
        """Pause before the next fault; mostly wait first until the gateway has lit red since its
        start."""
        if self._chance.random() < RECOVERED:
            witness = self._school.witness
            witness.wait(lambda: witness.life_red_at is not None, PATIENCE_S)
        time.sleep(self._chance.uniform(*REST_S))

    def _night(self, crowd: Crowd) -> None:
        """Play a night: people leave; the gateway stays on, is switched off, or loses its power."""
        self._progress("a night")
        crowd.go()
        gateway = self._chance.choice(("on", "off", "cut"))
        self._pass_a_night(gateway, self._chance.uniform(*MORNING_H))
        crowd.come()

    def _pass_a_night(self, gateway: str, hour: float) -> None:
        if gateway == "off":
            self._parts.stop("gateway")
        elif gateway == "cut":
            self._parts.kill("gateway")
        self._parts.stop("campus", "pages")  # their clocks are moved while they are off
        days = self._chance.randint(2, 4) if self._chance.random() < HOLIDAY else 1
        self._school.world.sleep_until(hour, days)
        self._school.world.gateway.set_right(synchronised=True)
        self._parts.start()

    def _settle(self, fleet: Fleet) -> None:
        """Wait until all readings are stored and all days reported, or nothing changes any more."""
        self._progress("waiting until all is stored")
        self._wait_while_it_moves(lambda: fleet.pending, fleet)
        self._pass_a_night("on", DRAFTED_H)
        self._progress("waiting until all is reported")
        self._publish(fleet)
        settings = self._school.campus_settings
        database = CampusDatabase(settings.url)
        try:
            vault = Vault(settings.path(KEY))
            reports = Reports(database, settings, vault, self._school.world.now)
            self._wait_while_it_moves(lambda: self._wrong(reports), fleet)
        finally:
            database.close()

    def _wait_while_it_moves(self, left: Callable[[], Any], fleet: Fleet) -> None:
        before, until = None, 0.0
        while now := left():
            if now != before:
                before, until = now, time.monotonic() + PATIENCE_S
            elif time.monotonic() > until:
                return
            for kiosk in fleet.kiosks:
                kiosk.again()
            time.sleep(0.5)

    def _wrong(self, reports: Reports) -> Any:
        try:
            self.facts.reported = _reported(reports)
        except CampusError:
            return "no database"
        return wrong_days(self.facts)

    def _publish(self, fleet: Fleet) -> None:
        world = self._school.world
        self.facts.published = {
            identity: Published(verdict, world.day(fleet.dates[identity]), fleet.sent_at[identity])
            for identity, verdict in fleet.published.items()
        }

    def _gather(self, fleet: Fleet) -> None:
        self.facts.pending = fleet.pending
        self.facts.cards = [
            *self._kinds.cards,
            sd_card.read_card(self._school.database, STRANGER),
        ]
        self.facts.red_at = self._school.witness.red_at
        self.facts.silent = self._kinds.silent
        self.facts.unlit = self._kinds.unlit

    def _by_kind(self, faults: Counter[str]) -> dict[str, Any]:
        by_kind: dict[str, dict[str, Any]] = {}
        for kind, count in sorted(faults.items()):
            row: dict[str, Any] = {"played": count}
            for name, times in (("red", self._kinds.red_s), ("amber", self._kinds.amber_s)):
                if seconds := times.get(kind):
                    row[f"{name}_ms_median"] = round(1000 * median(seconds))
                    row[f"{name}_ms_max"] = round(1000 * max(seconds))
            if kind == "campus":
                row["switched_over"] = self._kinds.switched
            if kind == "card":
                row |= self._kinds.replaced
            by_kind[kind] = row
        return {"by_kind": by_kind, "fell": self._parts.fallen}


def _reported(reports: Reports) -> dict[str, DayReported]:
    """Each day's figures in the newest version of its report, which the college hands in."""
    days: dict[str, DayReported] = {}
    for report, _ in reports.latest("2000-01-01", "2099-12-31"):
        (campus,) = report.campuses
        kiosks = [kiosk.figures for kiosk in campus.kiosks if kiosk.kiosk != STRANGER]
        days[report.date] = DayReported(
            campus.state,
            sum(figures.screened + figures.retries for figures in kiosks),
            sum(figures.fevers for figures in kiosks),
        )
    return days
