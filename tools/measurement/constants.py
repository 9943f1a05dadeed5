"""Measures how the result on measured people changes with each constant of the decision.

No constant is set here. They come from physiology and the data sheet; the docstrings of
`kiosk.estimate`, `kiosk.baseline` and `kiosk.screening` state the sources. If a result depended on
one constant, it would be a result of tuning.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from fevergate.evaluation.people_file import Person, load_people
from fevergate.evaluation.replay import evaluate
from kiosk import baseline, estimate, screening
from kiosk.estimate import SITES, Site, body_c

CAMERAS = ("FLIR", "ICI")


@dataclass(frozen=True)
class Case:
    """A variation: of a constant, a site's terms, the threshold, or the measured people."""

    name: str
    module: ModuleType | None = None
    constant: str = ""
    value: Any = None
    oral_minus_skin_c: float = 0.0
    room_share: float = 1.0
    margin_share: float = 1.0
    threshold_c: float = screening.THRESHOLD_C
    warmer_c: float = 0.0
    skin_per_room_c: float | None = None


def _moved(module: ModuleType, constant: str, *values: float) -> list[Case]:
    now = getattr(module, constant)
    return [
        Case(f"{constant.lstrip('_')} {value:g} (is {now:g})", module, constant, value)
        for value in values
    ]


DAY_S = 24 * 3600
CASES = [
    Case("as shipped"),
    Case("threshold 37.1", threshold_c=37.1),
    Case("threshold 37.5", threshold_c=37.5),
    Case("oral minus skin -0.2", oral_minus_skin_c=-0.2),
    Case("oral minus skin +0.2", oral_minus_skin_c=0.2),
    Case("no margin of a site", margin_share=0.0),
    Case("margin of a site x 2", margin_share=2.0),
    Case("no room term", room_share=0.0),
    Case("room term x 1.5", room_share=1.5),
    *_moved(baseline, "MIDDLE_C", 36.4, 36.6),
    *_moved(baseline, "BOUND_C", 0.0, 0.4, 1.2),
    *_moved(baseline, "_STEP_C", 0.01, 0.04),
    *_moved(baseline, "_SLOW_C_PER_H", 0.1, 1.0),
    *_moved(baseline, "_WINDOW", 15, 61),
    *_moved(baseline, "_HALF_LIFE_S", 1 * DAY_S, 60 * DAY_S),
    *_moved(screening, "_BODY_MIN_C", 35.3, 35.9),
    Case("sensors that read 0.4 low", warmer_c=0.0, skin_per_room_c=-0.4),
    Case("sensors that read 0.4 high", warmer_c=0.0, skin_per_room_c=0.4),
    *(
        Case(f"rooms 5 °C warmer, skin +{share:.2f}/°C", warmer_c=5.0, skin_per_room_c=share)
        for share in (0.05, 0.10, 0.15, 0.20)
    ),
]


@contextmanager
def _in_force(case: Case, name: str) -> Iterator[None]:
    """Apply a case to its constant and to the site `name`; restores both at the end."""
    site = SITES[name]
    other = Site(
        site.skin_c,
        _oral_minus_skin_c(site) + case.oral_minus_skin_c,
        sweeps=site.sweeps,
        margin_c=case.margin_share * site.margin_c,
        room_share=case.room_share,
    )
    before = getattr(case.module, case.constant) if case.module else None
    SITES[name] = other
    if case.module:
        setattr(case.module, case.constant, case.value)
    try:
        yield
    finally:
        SITES[name] = site
        if case.module:
            setattr(case.module, case.constant, before)


def _oral_minus_skin_c(site: Site) -> float:
    """Oral minus skin temperature (°C) that was passed to the site's constructor."""
    healthy_c = body_c(site.skin_c, estimate.REFERENCE_ROOM_C, site)
    return healthy_c - estimate.ORAL_TO_AXILLARY_C - site.skin_c


def _elsewhere(people: list[Person], case: Case) -> list[Person]:
    """The same people in a warmer room, or before a sensor with an offset."""
    if case.skin_per_room_c is None:
        return people
    moved_c = case.skin_per_room_c * (case.warmer_c or 1.0)
    return [
        replace(
            person,
            rounds_c=tuple(value + moved_c for value in person.rounds_c),
            ambient_c=person.ambient_c + case.warmer_c,
        )
        for person in people
    ]


def table(path: Path, fever_c: float) -> list[dict[str, Any]]:
    """For each case, site and camera: sensitivity, specificity, retries."""
    assert estimate.SITES is SITES  # noqa: S101 - the sites changed are the sites evaluated
    people = {
        (site, camera): load_people(path, site, camera) for site in SITES for camera in CAMERAS
    }
    rows = []
    for case in CASES:
        row: dict[str, Any] = {"case": case.name}
        for (site, camera), crowd in people.items():
            with _in_force(case, site):
                result, _ = evaluate(
                    _elsewhere(crowd, case), site, camera, fever_c, case.threshold_c
                )
            row[f"{site} {camera}"] = {
                "sensitivity": result.sensitivity,
                "specificity": result.specificity,
                "retries": result.retries,
            }
        rows.append(row)
    return rows
