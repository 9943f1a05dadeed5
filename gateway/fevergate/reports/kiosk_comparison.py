"""Compares the kiosks of a gate with each other, to find drift and dirty lenses.

People spread over a gate's kiosks at random, so that the medians of sound kiosks differ by chance
only. The estimates compared are those of the firmware's fixed curve (`kiosk.estimate`): a kiosk's
own baseline would hide its drift.
"""

from statistics import median

from msgspec import Struct
from sqlite_utils import Database

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.schema import struck

MIN_PEOPLE = 30
"""A kiosk is compared only if it has seen this many people; with fewer, its median is mostly
chance."""

TOLERANCE_C = 0.2
"""Difference between two medians that is never reported: the accuracy of the sensor's medical
variant."""

BIN_C = 0.1
"""Width of the bins of the histogram in table `temperatures`."""

MIN_STANDARD_ERRORS = 3.0
"""A kiosk's median must differ from its neighbours' by this many standard errors to be reported."""


class Crowd(Struct, frozen=True, kw_only=True):
    """Distribution of one kiosk's estimates (°C, axillary equivalent, without its baseline)."""

    kiosk: str
    gate: str
    people: int
    median_c: float
    error_c: float
    """Standard error of the median."""


class DeviatingKiosk(Struct, frozen=True, kw_only=True):
    """A kiosk that reads higher or lower than its neighbours, with the figures.

    `alone`: it has only one neighbour, so that either of the two may be wrong.
    """

    kiosk: str
    gate: str
    people: int
    median_c: float
    others: tuple[str, ...]
    others_people: int
    others_median_c: float
    difference_c: float
    limit_c: float
    alone: bool

    def line(self) -> str:
        """The reason of the gate's amber light."""
        return f"differs by {self.difference_c:+.1f} C from {', '.join(self.others)}"


class Blind(Struct, frozen=True, kw_only=True):
    """A kiosk that saw hardly anybody while a neighbour was busy: covered lens or closed lane."""

    kiosk: str
    gate: str
    people: int
    busiest: str
    busiest_people: int


def crowds(database: Database, settings: GatewaySettings, begin: float, end: float) -> list[Crowd]:
    """The crowd of each kiosk from `begin` to `end` (Unix time, s; whole hours)."""
    gates = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    bins: dict[str, list[tuple[float, int]]] = {}
    for kiosk, tenth, count in database.execute(_SEEN, (begin, end)):
        bins.setdefault(kiosk, []).append((tenth / 10, count))
    return [_crowd(gates[kiosk], kiosk, bins[kiosk]) for kiosk in sorted(bins) if kiosk in gates]


_SEEN = f"""
    select kiosk, tenth, sum(factory) from temperatures t
    where hour >= ? and hour < ? and not {struck("t")}
    group by 1, 2 having sum(factory) > 0 order by 1, 2"""  # noqa: S608 - constants


def _crowd(gate: str, kiosk: str, bins: list[tuple[float, int]]) -> Crowd:
    people = sum(count for _, count in bins)
    middle_c = _median(bins, people)
    # Of a normal distribution: SD = 1.4826 MAD; standard error of the median = 1.2533 SD / sqrt(n).
    deviations = sorted((abs(value_c - middle_c), count) for value_c, count in bins)
    return Crowd(
        kiosk=kiosk,
        gate=gate,
        people=people,
        median_c=round(middle_c, 3),
        error_c=1.2533 * 1.4826 * max(0.0, _median(deviations, people)) / people**0.5,
    )


def _median(bins: list[tuple[float, int]], people: int) -> float:
    """Median of a histogram of (middle of the bin, people), evenly spread within each bin."""
    before = 0
    for value_c, count in bins:
        if before + count >= people / 2:
            return value_c + BIN_C * ((people / 2 - before) / count - 0.5)
        before += count
    return bins[-1][0]


def deviating_kiosks(crowds: list[Crowd]) -> list[DeviatingKiosk]:
    """Kiosks of each gate that read higher or lower than their neighbours, worst first.

    The kiosk that is farthest off is removed before the others are compared again, so that one bad
    kiosk does not make good ones look bad.
    """
    flagged: list[DeviatingKiosk] = []
    for gate in sorted({crowd.gate for crowd in crowds}):
        at_gate = [crowd for crowd in crowds if crowd.gate == gate and crowd.people >= MIN_PEOPLE]
        while len(at_gate) >= 2:
            worst = max((_compare(crowd, at_gate) for crowd in at_gate), key=_excess)
            if _excess(worst) <= 0:
                break
            flagged.append(worst)
            others = [crowd for crowd in at_gate if crowd.kiosk != worst.kiosk]
            if len(others) == 1:
                flagged.append(_compare(others[0], at_gate))
            at_gate = others
    return flagged


def _compare(crowd: Crowd, at_gate: list[Crowd]) -> DeviatingKiosk:
    others = [other for other in at_gate if other.kiosk != crowd.kiosk]
    others_c = median(other.median_c for other in others)
    error_c = (crowd.error_c**2 + median(other.error_c for other in others) ** 2) ** 0.5
    return DeviatingKiosk(
        kiosk=crowd.kiosk,
        gate=crowd.gate,
        people=crowd.people,
        median_c=crowd.median_c,
        others=tuple(other.kiosk for other in others),
        others_people=sum(other.people for other in others),
        others_median_c=round(others_c, 3),
        difference_c=round(crowd.median_c - others_c, 3),
        limit_c=round(max(TOLERANCE_C, MIN_STANDARD_ERRORS * error_c), 3),
        alone=len(others) == 1,
    )


def _excess(kiosk: DeviatingKiosk) -> float:
    return abs(kiosk.difference_c) - kiosk.limit_c


BUSY_PEOPLE = 100
IDLE_SHARE = 0.01


def blind(settings: GatewaySettings, crowds: list[Crowd]) -> list[Blind]:
    """Kiosks that saw at most `IDLE_SHARE` of the people whom a neighbour saw, if that neighbour
    saw at least `BUSY_PEOPLE`."""
    people = {crowd.kiosk: crowd.people for crowd in crowds}
    flagged = []
    for gate in settings.gates:
        busiest = max(gate.kiosks, key=lambda kiosk: people.get(kiosk, 0))
        most = people.get(busiest, 0)
        flagged += [
            Blind(
                kiosk=kiosk,
                gate=gate.name,
                people=people.get(kiosk, 0),
                busiest=busiest,
                busiest_people=most,
            )
            for kiosk in gate.kiosks
            if most >= BUSY_PEOPLE and people.get(kiosk, 0) <= most * IDLE_SHARE
        ]
    return flagged
