"""People drawn from published statistics, in place of a file of measured people.

`SITE_STATISTICS` describe the 544 people of Wang et al. 2023 (PhysioNet, doi 10.13026/3bhc-9065):
FLIR camera, mean of four rounds, rooms of about 22 °C.
"""

import random
from dataclasses import dataclass

from fevergate.evaluation.people_file import ROUNDS, Person
from simulator.errors import SimulatorError

ROOM_C = 22.0  # room temperature of the statistics
FEVER_ORAL_C = (38.0, 39.5)
HEALTHY_BELOW_C = 37.5


@dataclass(frozen=True)
class SiteStatistics:
    """Statistics (°C) of one site of the face, for healthy people in a room at `ROOM_C`."""

    healthy_c: float
    oral_minus_skin_c: float
    oral_minus_skin_sd_c: float
    per_room_c: float
    """Change of the skin per °C of the room."""
    repeat_sd_c: float


SITE_STATISTICS = {
    "forehead": SiteStatistics(34.32, 2.55, 0.56, 0.20, 0.22),
    "forehead_max": SiteStatistics(35.22, 1.65, 0.39, 0.13, 0.13),
    "canthus": SiteStatistics(35.57, 1.30, 0.33, 0.10, 0.11),
    "face_max": SiteStatistics(35.90, 0.97, 0.26, 0.05, 0.38),
}
ORAL_SD_C = 0.25  # of healthy people's oral temperature


def built_in_crowd(
    n: int,
    seed: int = 0,
    *,
    fever_share: float = 0.035,
    ambient_c: float = ROOM_C,
    site: str = "canthus",
) -> list[Person]:
    """Draw `n` people by `SITE_STATISTICS`; equal arguments give equal people.

    The oral temperature is drawn first. For healthy people it is normally distributed around skin
    plus difference (SD 0.25 °C, below 37.5 °C), for feverish people uniformly from 38.0 to 39.5 °C.
    The skin temperature follows from it, the person's own difference, and the room. Exactly
    `fever_share` of the people are feverish (19 of the 544 were), at random places in the list.
    Raises `SimulatorError` for an unknown site, a negative `n`, or a share outside 0 to 1.
    """
    if site not in SITE_STATISTICS:
        raise SimulatorError(f"site: expected one of {', '.join(SITE_STATISTICS)}, not {site!r}")
    if n < 0 or not 0.0 <= fever_share <= 1.0:
        raise SimulatorError("expected n of 0 or more and a fever share of 0 to 1")
    statistics = SITE_STATISTICS[site]
    chance = random.Random(seed)  # noqa: S311
    fevers = set(chance.sample(range(n), round(n * fever_share)))
    return [
        _person(chance, f"{site}-{number + 1:05d}", statistics, number in fevers, ambient_c)
        for number in range(n)
    ]


def _person(
    chance: random.Random,
    subject: str,
    statistics: SiteStatistics,
    has_fever: bool,
    ambient_c: float,
) -> Person:
    if has_fever:
        oral_c = chance.uniform(*FEVER_ORAL_C)
    else:
        usual_c = statistics.healthy_c + statistics.oral_minus_skin_c
        oral_c = HEALTHY_BELOW_C
        while oral_c >= HEALTHY_BELOW_C:
            oral_c = chance.gauss(usual_c, ORAL_SD_C)
    difference_c = chance.gauss(statistics.oral_minus_skin_c, statistics.oral_minus_skin_sd_c)
    skin_c = oral_c - difference_c + statistics.per_room_c * (ambient_c - ROOM_C)
    rounds_c = tuple(round(chance.gauss(skin_c, statistics.repeat_sd_c), 2) for _ in range(ROUNDS))
    return Person(subject, rounds_c, ambient_c, round(oral_c, 2))
