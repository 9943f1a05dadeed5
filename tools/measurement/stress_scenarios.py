"""Situations at a gate that do not occur in a laboratory: drift, sun, frost, crowds. `stress` plays
them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

from fevergate.reports.kiosk_comparison import Crowd, deviating_kiosks
from kiosk.estimate import REFERENCE_ROOM_C
from measurement.stress_gate import Gate, Shift
from measurement.stress_play import Play

DAY_S = 24 * 3600

DAY_PEOPLE = 150
HOUR_PEOPLE = 200
HOUR_PACE_MS = 3_600_000 // HOUR_PEOPLE
SUN_PEOPLE = HOUR_PEOPLE * 40 // 60
AFTER_SUN_PEOPLE = HOUR_PEOPLE * 20 // 60
DRIFT_C_PER_DAY = 0.05

FROST = ((0, -3.4), (60, -1.7), (180, -0.8), (300, -0.5), (3600, 0.0))
"""(seconds since coming in, skin below its usual level), Dzien 2020, n = 92."""

GATE_SPREAD_C = (0.58**2 - 0.42**2) ** 0.5
"""Added to each person (SD): three gates' logs spread by 0.53 to 0.64 °C, the laboratory 0.42."""

CHIN_C = -1.0
"""A chin's skin beside the canthus: what a kiosk sees of a child below its window."""


def _steady(play: Play) -> None:
    with play.counted() as gate:
        gate.queue(play.crowd(1500))


def _drift(play: Play, per_day_c: float, counted: range, people: int = DAY_PEOPLE) -> None:
    gate = play.gate()
    settled_days = 2 if people >= DAY_PEOPLE else 10
    for day in range(1 - settled_days, counted.stop):
        if day == 1:
            gate.watch_drift()
        shift_c = per_day_c * max(0, day)
        began_ms = gate.now_ms
        pace_ms = HOUR_PACE_MS if people >= DAY_PEOPLE else 8 * 3_600_000 // people
        gate.queue(play.crowd(people, shift_c, counted=day in counted), pace_ms)
        gate.wait(DAY_S - (gate.now_ms - began_ms) / 1000)
    play.count(gate)
    play.reported.append(gate.reported_after_days)


def _step(play: Play, step_c: float) -> None:
    gate = play.gate()
    for _ in range(2):
        gate.queue(play.crowd(HOUR_PEOPLE, counted=False), HOUR_PACE_MS)
        gate.wait(DAY_S)
    with play.counted(gate, drift=True):
        gate.queue(play.crowd(HOUR_PEOPLE, step_c), HOUR_PACE_MS)


def _mild_queue(play: Play) -> None:
    for _ in range(40):
        with play.counted() as gate:
            for _ in range(20):
                gate.visit(play.person(play.people.mild, counted=False))
            for _ in range(3):
                gate.visit(play.person(play.people.ill))
            gate.queue(play.crowd(6, fever_share=0.0))


def _sun(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(16):
            gate.queue(play.crowd(SUN_PEOPLE, 0.6, counted=False), HOUR_PACE_MS)
            gate.queue(play.crowd(AFTER_SUN_PEOPLE, fever_share=0.2), HOUR_PACE_MS)
            gate.queue(play.crowd(200, counted=False), HOUR_PACE_MS)


def _sun_on(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(5):
            gate.queue(play.crowd(SUN_PEOPLE, 0.6), HOUR_PACE_MS)
            gate.queue(play.crowd(300, counted=False), HOUR_PACE_MS)


def _since_frost(seconds: float) -> float:
    for (begin, low), (end, high) in pairwise(FROST):
        if seconds <= end:
            return low + (high - low) * (seconds - begin) / (end - begin)
    return 0.0


def _from_frost(play: Play) -> Shift:
    inside_s = play.rng.uniform(15, 150)
    return lambda seconds: _since_frost(inside_s + seconds)


def _frost(play: Play) -> None:
    with play.counted(drift=True) as gate:
        gate.queue(play.crowd(600, shift_of=partial(_from_frost, play)))


def _frosty_days(play: Play, days: int) -> None:
    gate = play.gate()
    for _ in range(3):
        gate.queue(play.crowd(DAY_PEOPLE, counted=False), HOUR_PACE_MS)
        gate.wait(DAY_S)
    with play.counted(gate, drift=True):
        for _ in range(days):
            for _ in range(DAY_PEOPLE // 2):
                gate.visit(play.person(play.people.crowd, shift=_from_frost(play)), HOUR_PACE_MS)
            gate.queue(play.crowd(DAY_PEOPLE), HOUR_PACE_MS)
            gate.wait(DAY_S - 2 * 3600)


def _cold_person(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(120):
            gate.queue(play.crowd(6, fever_share=0.0, counted=False))
            gate.visit(play.person(play.people.well, shift=_from_frost(play), counted=False))
            gate.queue(play.crowd(7))


def _slip_in(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(400):
            gate.visit(play.person(play.people.ill, confirms=False))
            # The next person steps up at once, as in a queue without gaps.
            gate.visit(play.person(play.people.well), mean_ms=3500)
            gate.queue(play.crowd(2, fever_share=0.0, counted=False))


def _lingering(play: Play) -> None:
    with play.counted() as gate:
        gate.queue(play.crowd(500, lingers_s=20.0))


def _child(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(400):
            ill = play.rng.random() < 0.5
            gate.visit(play.person(play.people.ill if ill else play.people.well, CHIN_C))
            gate.queue(play.crowd(3, fever_share=0.0, counted=False))


def _gate_spread(play: Play) -> None:
    with play.counted(drift=True) as gate:
        gate.queue(play.crowd(1500, shift_of=lambda: play.rng.gauss(0, GATE_SPREAD_C)))


def _warming_hall(play: Play) -> None:
    with play.counted(play.settled(room_c=16 - REFERENCE_ROOM_C), drift=True) as gate:
        for number in range(800):
            room_c = 16 + 14 * number / 800 - REFERENCE_ROOM_C
            gate.queue(play.crowd(1, room_c=room_c), 9000)


def _heater(play: Play) -> None:
    with play.counted(drift=True) as gate:
        gate.queue(play.crowd(900, 0.4), 12_000)


def _few_people(play: Play) -> None:
    with play.counted(play.gate()) as gate:
        for _ in range(40):
            gate.queue(play.crowd(15), 1_900_000)
            gate.wait(DAY_S - 8 * 3600)


def _outbreak(play: Play) -> None:
    with play.counted() as gate:
        for day in range(7):
            share = 0.005 + 0.095 * day / 6
            for _ in range(300):
                kind = play.rng.random()
                people = play.people.crowd
                if kind < share:
                    people = play.people.ill
                elif kind < 3 * share:
                    people = play.people.mild
                gate.visit(play.person(people))
            gate.wait(DAY_S - 2400)


def _athletes(play: Play) -> None:
    with play.counted() as gate:
        for _ in range(20):
            gate.queue(play.crowd(25, 0.5, fever_share=0.0, counted=False))
            gate.queue(play.crowd(20))
            gate.queue(play.crowd(80, counted=False))


def _hot_drinks(play: Play) -> None:
    with play.counted() as gate:
        gate.queue(play.crowd(1200, shift_of=lambda: 0.4 if play.rng.random() < 0.1 else 0.0))


def _new_sensor(play: Play, off_c: float) -> None:
    for _ in range(3):
        with play.counted(play.gate(), drift=True) as gate:
            gate.queue(play.crowd(300, off_c), HOUR_PACE_MS)


def _two_kiosks(play: Play) -> None:
    gates = {"low": play.gate(), "high": play.gate()}
    offs_c = {"low": -0.3, "high": 0.3}
    for name, gate in gates.items():
        gate.queue(play.crowd(HOUR_PEOPLE, offs_c[name], counted=False), HOUR_PACE_MS)
        gate.normal_c.clear()
    people = 0
    while people < 600:
        for name, gate in gates.items():
            gate.queue(play.crowd(10, offs_c[name]), HOUR_PACE_MS)
        people += 20
        compared = [_compared(name, gate) for name, gate in gates.items()]
        if len(play.reported) == 0 and deviating_kiosks(compared):
            play.reported.append(people * HOUR_PACE_MS / 2 / 1000 / DAY_S)
    for gate in gates.values():
        play.count(gate)
    if not play.reported:
        play.reported.append(None)


def _compared(name: str, gate: Gate) -> Crowd:
    """A kiosk's crowd as the gateway compares it with its neighbour's."""
    middle_c = median(gate.normal_c)
    deviation_c = median(abs(value_c - middle_c) for value_c in gate.normal_c)
    error_c = 1.2533 * 1.4826 * deviation_c / len(gate.normal_c) ** 0.5
    people = len(gate.normal_c)
    return Crowd(kiosk=name, gate="gate", people=people, median_c=middle_c, error_c=error_c)


@dataclass(frozen=True)
class Scenario:
    """A situation at a gate: its `name`, a description for the table, and the function that plays
    it."""

    name: str
    what: str
    play: Callable[[Play], None]


SCENARIOS = (
    Scenario("steady", "steady queue", _steady),
    Scenario(
        "no_drift",
        "30 days without a drift",
        partial(_drift, per_day_c=0.0, counted=range(1, 31)),
    ),
    Scenario(
        "drift_down",
        "sensor drifts by -0.05 °C a day, days 35 to 39",
        partial(_drift, per_day_c=-DRIFT_C_PER_DAY, counted=range(35, 40)),
    ),
    Scenario(
        "drift_up",
        "sensor drifts by +0.05 °C a day, days 20 to 24",
        partial(_drift, per_day_c=DRIFT_C_PER_DAY, counted=range(20, 25)),
    ),
    Scenario(
        "few_drift_down",
        "the same -0.05 °C at 15 people a day, days 1 to 21",
        partial(_drift, per_day_c=-DRIFT_C_PER_DAY, counted=range(1, 22), people=15),
    ),
    Scenario("step_down", "-0.8 °C at once, the hour after", partial(_step, step_c=-0.8)),
    Scenario("step_up", "+0.8 °C at once, the hour after", partial(_step, step_c=0.8)),
    Scenario("mild_queue", "after 20 people of 37.5 to 38 in a row", _mild_queue),
    Scenario("sun", "the 20 min after 40 min of sun (+0.6)", _sun),
    Scenario("sun_on", "during 40 min of sun (+0.6)", _sun_on),
    Scenario("frost", "all in from the frost, 15 to 150 s", _frost),
    Scenario("frosty_day", "one frosty morning", partial(_frosty_days, days=1)),
    Scenario("frosty_fortnight", "14 frosty mornings", partial(_frosty_days, days=14)),
    Scenario("cold_person", "the 7 people after a cold one", _cold_person),
    Scenario("slip_in", "another steps up after a first positive", _slip_in),
    Scenario("lingering", "everybody stays for 20 s more", _lingering),
    Scenario("child", "children seen at the chin", _child),
    Scenario("gate_spread", "a gate's spread (0.58 °C)", _gate_spread),
    Scenario("warming_hall", "a hall from 16 to 30 °C in two hours", _warming_hall),
    Scenario("heater", "a heater by the kiosk (+0.4), 3 h", _heater),
    Scenario("few_people", "15 people a day", _few_people),
    Scenario("outbreak", "an outbreak, to a tenth in a week", _outbreak),
    Scenario("athletes", "after 25 athletes (+0.5)", _athletes),
    Scenario("hot_drinks", "one in ten from a hot drink (+0.4)", _hot_drinks),
    Scenario(
        "new_sensor_low", "a new sensor, -0.4 °C, first 300", partial(_new_sensor, off_c=-0.4)
    ),
    Scenario(
        "new_sensor_high", "a new sensor, +0.4 °C, first 300", partial(_new_sensor, off_c=0.4)
    ),
    Scenario("two_kiosks", "two kiosks, -0.3 and +0.3 °C", _two_kiosks),
)
