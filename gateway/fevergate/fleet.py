"""Whether the kiosks of a gate see the same crowd: one that does not has drifted, or is dirty.

The same people spread over a gate's kiosks by chance, so their medians agree within what chance
allows. Compared is the estimate by the factory curve, before any kiosk's own baseline hides
what is wrong with it.
"""

from __future__ import annotations

from statistics import median

from msgspec import Struct
from sqlite_utils import Database

from fevergate.settings import GatewaySettings

LEAST = 30
"""People a kiosk must have seen: with fewer the median is chance."""

TOLERANCE_C = 0.2
"""What good sensors may differ by: the medical part's own tolerance."""

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


def crowds(database: Database, begin: float, end: float) -> list[Crowd]:
    """What each kiosk made of its people from `begin` to `end` (UTC s)."""
    values: dict[tuple[str, str], list[float]] = {}
    for kiosk, gate, body_c in database.execute(_ESTIMATES, (begin, end)):
        values.setdefault((gate, kiosk), []).append(body_c)
    return [_crowd(gate, kiosk, bodies) for (gate, kiosk), bodies in sorted(values.items())]


# Who was only asked again for how they stood is no evidence; who was too cold or too warm is.
_ESTIMATES = """
    select kiosk, gate, body_c + coalesce(baseline_c, 0) from readings
    where at >= ? and at < ? and body_c is not null and reason in ('', 'cold', 'confirm')"""


def _crowd(gate: str, kiosk: str, bodies: list[float]) -> Crowd:
    middle_c = median(bodies)
    # 1.4826 MAD is the SD of a bell curve, and the median's error 1.2533 SD / sqrt(n).
    spread_c = 1.4826 * median(abs(one - middle_c) for one in bodies)
    return Crowd(
        kiosk=kiosk,
        gate=gate,
        people=len(bodies),
        median_c=round(middle_c, 3),
        error_c=1.2533 * spread_c / len(bodies) ** 0.5,
    )


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


def blind_today(
    database: Database, settings: GatewaySettings, begin: float, end: float
) -> list[Blind]:
    """The gateway's own kiosks that saw hardly anybody while a neighbour saw at least `BUSY`."""
    people = {one.kiosk: one.people for one in crowds(database, begin, end)}
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


def unlike_today(
    database: Database, settings: GatewaySettings, begin: float, end: float
) -> list[Unlike]:
    """As `unlike`, of the gateway's own kiosks only."""
    known = {kiosk for gate in settings.gates for kiosk in gate.kiosks}
    return unlike([one for one in crowds(database, begin, end) if one.kiosk in known])
