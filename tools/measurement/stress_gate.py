"""A gate with a queue at a realistic pace: the shipped decision judges visitors sample by sample.

Measured people are drawn at random. Each scan draws four of the person's measured rounds anew, so
that two scans of one person differ as they did in the laboratory. Samples go through the firmware's
scan, calibration, estimate and screening; confirmation and `retry` are as on a board.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fevergate.evaluation.people_file import Person
from kiosk import screening
from kiosk.decision import Decision
from kiosk.scan import peak_of
from kiosk.screening import CONFIRM, FEVER, NORMAL, RETRY

HEALTHY_BELOW_C = 37.5
FEVER_FROM_C = 38.0
"""Oral temperatures (°C). People between the two are in the queue, but counted as neither healthy
nor feverish."""

EMISSIVITY = 0.98
SAMPLE_MS = 100
GONE_SAMPLES = 4
PATIENCE_SAMPLES = 80
SCANS_BEFORE_GIVING_UP = 3
PACE_MIN_MS = 3000
PACE_MEAN_MS = 8000
STEP_UP_MS = 1000
"""Pace of a queue: people arrive at least 3 s apart, 8 s on average. A person steps up no sooner
than 1 s after the one before has left."""

STAYS_SHARE = 0.85
STEPS_BACK_SHARE = 0.10
"""Shares of visitors after "again: stay!": most stay in view, some step back and up again, the rest
walk on."""

Shift = Callable[[float], float]
"""Function that returns the change of a visitor's skin (°C) at a time (s) after their arrival."""


@dataclass
class Visitor:
    """One person at the kiosk, and the kiosk's answer."""

    rounds_c: Sequence[float]
    air_c: float
    oral_c: float
    shift: Shift = lambda _: 0.0
    counted: bool = True
    confirms: bool = True
    lingers_s: float = 0.0
    alarmed: bool = False
    answer: str = ""
    readings: int = 0

    @property
    def ill(self) -> bool:
        """Whether the oral temperature is a fever."""
        return self.oral_c >= FEVER_FROM_C

    @property
    def well(self) -> bool:
        """Whether the oral temperature is below `HEALTHY_BELOW_C`, so not even a mild fever."""
        return self.oral_c < HEALTHY_BELOW_C


@dataclass
class People:
    """Measured people of one site and camera, grouped by their oral temperature."""

    everybody: list[Person]
    well: list[Person] = field(init=False)
    mild: list[Person] = field(init=False)
    ill: list[Person] = field(init=False)
    crowd: list[Person] = field(init=False)

    def __post_init__(self) -> None:
        measured = [
            (person, person.oral_c) for person in self.everybody if person.oral_c is not None
        ]
        self.well = [person for person, oral_c in measured if oral_c < HEALTHY_BELOW_C]
        self.mild = [p for p, oral_c in measured if HEALTHY_BELOW_C <= oral_c < FEVER_FROM_C]
        self.ill = [person for person, oral_c in measured if oral_c >= FEVER_FROM_C]
        self.crowd = self.well + self.mild


class Gate:
    """A kiosk with the shipped decision, and a clock that only visits and `wait` advance."""

    def __init__(self, site: str, rng: random.Random, folder: Path) -> None:
        settings = SimpleNamespace(
            site=site,
            threshold_c=screening.THRESHOLD_C,
            confirm_scans=1,
            baseline="auto",
            baseline_c=0.0,
        )
        self.rng = rng
        self.now_ms = 0
        self.seen: list[Visitor] = []
        self.reported_ms: int | None = None
        self.normal_c: list[float] = []  # estimates without the baseline, of normal verdicts
        self._air_c = 22.0
        self._came_ms = 0
        files = (str(folder / name) for name in ("crowd", "calibration", "middle"))
        self._decision = Decision(settings, *files)
        self._watched_from_ms: int | None = None

    @property
    def reported_after_days(self) -> float | None:
        """Days from `watch_drift` until the kiosk reported a drift; None if it did not."""
        if self.reported_ms is None or self._watched_from_ms is None:
            return None
        return (self.reported_ms - self._watched_from_ms) / 86_400_000

    def watch_drift(self) -> None:
        """Measure the time from now until the kiosk reports a drift."""
        self._watched_from_ms, self.reported_ms = self.now_ms, None

    @property
    def reports_drift(self) -> bool:
        """Whether the kiosk reports a drift now."""
        return self._decision.screening.baseline.drifting

    def wait(self, seconds: float) -> None:
        """Let a time pass in which nobody comes."""
        self._empty()
        self.now_ms += round(seconds * 1000)
        self._came_ms = self.now_ms
        self._empty()

    def queue(self, visitors: Iterator[Visitor], mean_ms: int = PACE_MEAN_MS) -> None:
        """Let people come at a queue's pace."""
        for visitor in visitors:
            self.visit(visitor, mean_ms)

    def visit(self, visitor: Visitor, mean_ms: int = PACE_MEAN_MS) -> None:
        """One person steps up, is scanned until answered, and leaves."""
        apart_ms = PACE_MIN_MS + self.rng.expovariate(1 / max(1, mean_ms - PACE_MIN_MS))
        self._empty()
        # A person who is due while another is still being scanned steps up afterwards.
        self._came_ms = max(self.now_ms + STEP_UP_MS, self._came_ms + round(apart_ms))
        self.now_ms = self._came_ms
        self._air_c = visitor.air_c
        self._empty()
        if visitor.counted:
            self.seen.append(visitor)
        self._stand(visitor)
        self._empty()
        self._note_drift()

    def _stand(self, visitor: Visitor) -> None:
        began_ms = self.now_ms
        scans = 0
        read_c = self._read_c(visitor, began_ms)
        waited = 0
        while waited < PATIENCE_SAMPLES:
            waited += 1
            judgement = self._sample(read_c, visitor)
            if judgement is None:
                continue
            waited = 0
            scans += 1
            read_c = self._read_c(visitor, began_ms)
            if judgement.verdict != RETRY:
                self._linger(visitor, began_ms)
                return
            self._decision.scan.ask_again()
            if judgement.reason == CONFIRM:
                chance = self.rng.random()
                if not visitor.confirms or chance > STAYS_SHARE + STEPS_BACK_SHARE:
                    return
                if chance > STAYS_SHARE:
                    for _ in range(15):
                        self._sample(None, visitor)
            elif scans >= SCANS_BEFORE_GIVING_UP:
                return

    def _linger(self, visitor: Visitor, began_ms: int) -> None:
        until_ms = self.now_ms + visitor.lingers_s * 1000
        read_c = self._read_c(visitor, began_ms)
        while self.now_ms < until_ms:
            scanning = self._decision.scan.scanning
            judgement = self._sample(read_c, visitor)
            if scanning and not self._decision.scan.scanning:
                read_c = self._read_c(visitor, began_ms)  # one draw for each scan, as in `_stand`
            if judgement is not None and judgement.verdict == RETRY:
                self._decision.scan.ask_again()

    def _read_c(self, visitor: Visitor, began_ms: int) -> float:
        """Temperature (°C) that a sensor set to emissivity 1 reads of this person in one scan."""
        skin_c = peak_of(self.rng.choices(visitor.rounds_c, k=4))
        skin_c += visitor.shift((self.now_ms - began_ms) / 1000)
        reflected_k4 = (1 - EMISSIVITY) * (visitor.air_c + 273.15) ** 4
        return (EMISSIVITY * (skin_c + 273.15) ** 4 + reflected_k4) ** 0.25 - 273.15

    def _empty(self) -> None:
        for _ in range(GONE_SAMPLES):
            self._sample(None, None)

    def _sample(self, read_c: float | None, visitor: Visitor | None) -> Any:
        """One sample; returns the answer to the person in view, or None."""
        self.now_ms += SAMPLE_MS
        wall_c = self._air_c if read_c is None else read_c
        answer = None
        for judgement in self._decision.sample(self.now_ms, wall_c, self._air_c):
            person = getattr(judgement.scan, "visitor", None)
            if person is None:
                person = judgement.scan.visitor = visitor
                answer = judgement
            if person is None:
                continue
            person.readings += 1
            if judgement.verdict == NORMAL:
                self.normal_c.append(judgement.body_c + judgement.baseline_c)
            person.alarmed = person.alarmed or judgement.verdict == FEVER
            person.answer = judgement.verdict if judgement.verdict != RETRY else judgement.reason
        return answer

    def _note_drift(self) -> None:
        if self.reported_ms is None and self._watched_from_ms is not None and self.reports_drift:
            self.reported_ms = self.now_ms


@dataclass
class Tally:
    """Counts of visitors by outcome. `let_through`: fevers without an alarm; `passed`: those of
    them whose last answer was normal. `cold`: healthy people told that they are cold or too far."""

    fevers: int = 0
    let_through: int = 0
    passed: int = 0
    healthy: int = 0
    alarmed: int = 0
    cold: int = 0
    visitors: int = 0
    readings: int = 0

    def add(self, visitors: Sequence[Visitor]) -> None:
        """Count visitors whose visits are over."""
        for visitor in visitors:
            self.visitors += 1
            self.readings += visitor.readings
            if visitor.ill:
                self.fevers += 1
                self.let_through += not visitor.alarmed
                self.passed += not visitor.alarmed and visitor.answer == NORMAL
            elif visitor.well:
                self.healthy += 1
                self.alarmed += visitor.alarmed
                self.cold += not visitor.alarmed and visitor.answer in (
                    screening.COLD,
                    screening.FAR,
                )
