"""Compares the kiosks' answers with what the gateway lit, stored and forwarded.

The readings that the kiosks printed and the LEDs that they lit count as the truth; gateway,
database and campus server are compared with them.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fevergate.alarm.gpio_pins import GATES
from fevergate.protocol.messages import Identity
from fevergate.settings.gateway import GatewaySettings
from harness.figures import percentile
from harness.lamps import Lamps
from harness.store_contents import read_contents, received
from kiosk.screening import UNCONFIRMED
from simulator import Visit

CLOCK_S = 5.0
"""Longest time between the stored time of an alarm and the lamp's change, because a busy machine
may delay the gateway."""


@dataclass(frozen=True)
class Shown:
    """One answer of a kiosk: its identity, verdict, and when (Unix s) the LED lit.

    `own_light`: whether the LED lit for this answer alone. A kiosk raises an alarm if a person does
    not come back; if the next person is answered at that moment, the LED shows that answer.
    `lit_ms`: when the LED lit, in simulated ms of the board's world.
    """

    identity: Identity
    verdict: str
    lit_at: float
    reason: str = ""
    own_light: bool = True
    lit_ms: float = 0.0


@dataclass
class Summary:
    """The figures that `--json` prints, and the problems found.

    `dark`: fevers without a red lamp at their gate. `unanswered`: people for whom no LED lit.
    `wait_ms_p95`: simulated ms from standing still in view to the first answer, 95th percentile.
    """

    people: int = 0
    readings: int = 0
    retries: int = 0
    fevers: int = 0
    red_lights: int = 0
    dark: int = 0
    unanswered: int = 0
    logged: int = 0
    forwarded: int = 0
    lost: int = 0
    duplicated: int = 0
    alarm_ms_p50: float | None = None
    alarm_ms_p99: float | None = None
    wait_ms_p95: float | None = None
    problems: list[str] = field(default_factory=list)

    def line(self, **extra: object) -> str:
        """All figures but `problems`, and those in `extra`, as a JSON line."""
        figures = {key: value for key, value in vars(self).items() if key != "problems"}
        return json.dumps(figures | extra)


def waits_ms(visits: Sequence[Visit], approach_ms: float) -> list[float]:
    """Simulated ms from standing still to the first answer, for each person answered."""
    return [
        answered_ms - visit.arrived_ms - approach_ms
        for visit in visits
        if (answered_ms := visit.answered_ms[0]) is not None
    ]


def _judge_people(summary: Summary, visits: Sequence[Visit], approach_ms: float) -> None:
    summary.people = len(visits)
    summary.unanswered = sum(set(visit.answered_ms) <= {None} for visit in visits)
    waits = waits_ms(visits, approach_ms)
    if waits:
        summary.wait_ms_p95 = round(percentile(waits, 95))


def judge(
    visits: Sequence[Visit],
    approach_ms: float,
    answers: Mapping[str, int],
    shown: list[Shown],
    settings: GatewaySettings,
    lamps: Lamps,
    campus_database: Path,
) -> Summary:
    """Compare everything; `approach_ms` is the time until people stand still, `answers` the number
    of answers lit, by kiosk.

    After a power cut an answer may be lit and stored but not printed. Such a reading is not counted
    as a duplicate; a stored reading whose LED never lit is.
    """
    summary = Summary(readings=len(shown))
    _judge_people(summary, visits, approach_ms)
    summary.retries = sum(answer.verdict == "retry" for answer in shown)
    printed = {answer.identity: answer for answer in shown}
    stored = read_contents(settings.path(settings.database))
    rows, raised = stored.readings, stored.fevers
    summary.logged = len(printed.keys() & rows)
    arrived = received(campus_database)
    summary.forwarded = arrived.readings
    missing = printed.keys() - rows
    own_answers = [answer for answer in shown if answer.own_light]
    lit, printed_counts = Counter(answers), Counter(answer.identity.kiosk for answer in own_answers)
    extra = [
        reading
        for reading in sorted(rows - printed.keys())
        if not _explained(reading, lit, printed_counts)
    ]
    summary.lost = len(missing) + max(0, len(rows) - arrived.readings)
    summary.duplicated = len(extra) + max(0, arrived.readings - len(rows))
    _judge_alarms(summary, printed, raised, settings, lamps)
    if len(printed) != len(shown):
        summary.problems.append("a kiosk gave two readings the same identity")
    unconfirmed = sum(answer.reason == UNCONFIRMED for answer in shown)
    if lit.total() != len(own_answers) or len(shown) - len(own_answers) > unconfirmed:
        summary.problems.append(f"{lit.total()} answers were lit for {len(shown)} readings")
    if missing:
        summary.problems.append(f"not stored: {sorted(missing)[:5]}")
    if extra:
        summary.problems.append(f"stored, but never shown: {extra[:5]}")
    if arrived.readings != len(rows):
        summary.problems.append(f"{len(rows)} stored, {arrived.readings} at the campus server")
    if arrived.fevers != len(raised):
        summary.problems.append(f"{len(raised)} fevers, {arrived.fevers} at the campus server")
    return summary


def _explained(reading: Identity, lit: Mapping[str, int], printed_counts: Counter[str]) -> bool:
    """Whether the kiosk lit more answers than it printed; counts one of them as printed."""
    explained = lit[reading.kiosk] > printed_counts[reading.kiosk]
    printed_counts[reading.kiosk] += explained
    return explained


def _judge_alarms(
    summary: Summary,
    printed: dict[Identity, Shown],
    raised: dict[Identity, tuple[str, float]],
    settings: GatewaySettings,
    lamps: Lamps,
) -> None:
    """Check that every fever is stored, and that a red lamp was on when its alarm was raised."""
    red = {gate.name: GATES[gate.pins]["red"] for gate in settings.gates}
    delays_ms: list[float] = []
    for answer in printed.values():
        if answer.verdict != "fever":
            continue
        summary.fevers += 1
        gate, raised_at = raised.get(answer.identity, ("", 0.0))
        if gate in red and lamps.was_lit(red[gate], raised_at, CLOCK_S):
            summary.red_lights += 1
            delays_ms.append((raised_at - answer.lit_at) * 1000)
        else:
            summary.dark += 1
            summary.problems.append(f"dark: {answer.identity}")
    if delays_ms:
        summary.alarm_ms_p50 = percentile(delays_ms, 50, 2)
        summary.alarm_ms_p99 = percentile(delays_ms, 99, 2)
