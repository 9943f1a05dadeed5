"""Whether the kiosks of a gate see the same crowd: one that does not has drifted, or is dirty.

The same people spread over a gate's kiosks by chance, so their medians agree within what chance
allows. Compared is the estimate by the factory curve, before any kiosk's own baseline hides
what is wrong with it.
"""

from __future__ import annotations

from statistics import median

from msgspec import Struct
from sqlite_utils import Database

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.schema import struck

LEAST = 30
"""People a kiosk must have seen: with fewer the median is chance."""

TOLERANCE_C = 0.2
"""What good sensors may differ by: the medical part's own tolerance."""

BIN_C = 0.1
"""Width of the histogram's bins."""

SURE = 3.0
"""And so many standard errors."""


class Crowd(Struct, frozen=True, kw_only=True):
    """What one kiosk made of its people on a day (°C, axillary equivalent, factory curve)."""

    kiosk: str
    gate: str
    people: int
    median_c: float
    error_c: float
    """Standard error of the median."""


class Unlike(Struct, frozen=True, kw_only=True):
    """A kiosk whose crowd differs from its neighbours', with the evidence.

    `alone`: there is one neighbour only, so that either may be the wrong one.
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
        """For the guard's amber light."""
        return f"reads {self.difference_c:+.1f} C beside {', '.join(self.others)}"


class Blind(Struct, frozen=True, kw_only=True):
    """A kiosk that saw hardly anybody while its neighbours were busy: a lens that is covered, or
    a lane that is closed."""

    kiosk: str
    gate: str
    people: int
    busiest: str
    busiest_people: int


def crowds(database: Database, settings: GatewaySettings, begin: float, end: float) -> list[Crowd]:
    """What each of the gateway's kiosks made of its people from `begin` to `end` (UTC s), by whole
    hours, from the histograms of its readings."""
    gates = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    bins: dict[str, list[tuple[float, int]]] = {}
    for kiosk, tenth, seen in database.execute(_SEEN, (begin, end)):
        bins.setdefault(kiosk, []).append((tenth / 10, seen))
    return [_crowd(gates[kiosk], kiosk, bins[kiosk]) for kiosk in sorted(bins) if kiosk in gates]


_SEEN = f"""
    select kiosk, tenth, sum(factory) from temperatures t
    where hour >= ? and hour < ? and not {struck("t")}
    group by 1, 2 having sum(factory) > 0 order by 1, 2"""  # noqa: S608 - constants


def _crowd(gate: str, kiosk: str, bins: list[tuple[float, int]]) -> Crowd:
    people = sum(seen for _, seen in bins)
    middle_c = _median(bins, people)
    # 1.4826 MAD is the SD of a bell curve, and the median's error 1.2533 SD / sqrt(n).
    off = sorted((abs(value_c - middle_c), seen) for value_c, seen in bins)
    return Crowd(
        kiosk=kiosk,
        gate=gate,
        people=people,
        median_c=round(middle_c, 3),
        error_c=1.2533 * 1.4826 * max(0.0, _median(off, people)) / people**0.5,
    )


def _median(bins: list[tuple[float, int]], people: int) -> float:
    """The median of (middle of a bin, people in it), as if they lay evenly within each bin."""
    before = 0
    for value_c, seen in bins:
        if before + seen >= people / 2:
            return value_c + BIN_C * ((people / 2 - before) / seen - 0.5)
        before += seen
    return bins[-1][0]


def unlike(found: list[Crowd]) -> list[Unlike]:
    """The kiosks of each gate that do not see what their neighbours see, worst first.

    Of several neighbours the one farthest off is taken out before the next is looked at, so
    that one bad kiosk does not make the others look bad.
    """
    flagged: list[Unlike] = []
    for gate in sorted({crowd.gate for crowd in found}):
        here = [crowd for crowd in found if crowd.gate == gate and crowd.people >= LEAST]
        while len(here) >= 2:
            worst = max((_beside(one, here) for one in here), key=_excess)
            if _excess(worst) <= 0:
                break
            flagged.append(worst)
            if len(here) == 2:
                (other,) = (one for one in here if one.kiosk != worst.kiosk)
                flagged.append(_beside(other, here))
                break
            here = [one for one in here if one.kiosk != worst.kiosk]
    return flagged


def _beside(one: Crowd, here: list[Crowd]) -> Unlike:
    others = [other for other in here if other.kiosk != one.kiosk]
    others_c = median(other.median_c for other in others)
    error_c = (one.error_c**2 + median(other.error_c for other in others) ** 2) ** 0.5
    return Unlike(
        kiosk=one.kiosk,
        gate=one.gate,
        people=one.people,
        median_c=one.median_c,
        others=tuple(other.kiosk for other in others),
        others_people=sum(other.people for other in others),
        others_median_c=round(others_c, 3),
        difference_c=round(one.median_c - others_c, 3),
        limit_c=round(max(TOLERANCE_C, SURE * error_c), 3),
        alone=len(others) == 1,
    )


def _excess(one: Unlike) -> float:
    return abs(one.difference_c) - one.limit_c


BUSY = 100
IDLE_SHARE = 0.01


def blind(settings: GatewaySettings, crowds: list[Crowd]) -> list[Blind]:
    """The kiosks that saw hardly anybody while a neighbour saw at least `BUSY`."""
    people = {one.kiosk: one.people for one in crowds}
    found = []
    for gate in settings.gates:
        busiest = max(gate.kiosks, key=lambda kiosk: people.get(kiosk, 0))
        most = people.get(busiest, 0)
        found += [
            Blind(
                kiosk=kiosk,
                gate=gate.name,
                people=people.get(kiosk, 0),
                busiest=busiest,
                busiest_people=most,
            )
            for kiosk in gate.kiosks
            if most >= BUSY and people.get(kiosk, 0) <= most * IDLE_SHARE
        ]
    return found
