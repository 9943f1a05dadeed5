"""Plays the decision under the conditions of a gate: queues, seasons, drift, sun, crowds.

Each of `stress_scenarios` plays measured people through the shipped decision (`stress_gate`), some
times with other seeds. A fever counts as let through if no red light came for that person. The
intervals are those of the play (Wilson); they do not say how well so few measured fevers stand for
all people.
"""

import random
import zlib
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from fevergate.errors import NothingFoundError
from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.statistics import wilson
from measurement.stress_gate import People, Tally
from measurement.stress_play import Play
from measurement.stress_scenarios import SCENARIOS, Scenario

SITES = ("canthus", "face_max", "forehead")


def stress(
    path: Path, camera: str = "FLIR", seeds: int = 4, only: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Play the scenarios at each site. Raises `NothingFoundError` if a group of people is empty,
    and `PeopleFileError`."""
    rows = []
    for site in SITES:
        people = People(load_people(path, site, camera))
        for group in ("well", "mild", "ill"):
            if not getattr(people, group):
                raise NothingFoundError(f"{path}: nobody {group} at {site}, camera {camera}")
        rows += [
            _row(scenario, site, people, seeds)
            for scenario in SCENARIOS
            if not only or scenario.name in only
        ]
    order = [scenario.name for scenario in SCENARIOS]
    return sorted(rows, key=lambda row: order.index(row["scenario"]))


def _row(scenario: Scenario, site: str, people: People, seeds: int) -> dict[str, Any]:
    tally, reported = Tally(), []
    for seed in range(seeds):
        rng = random.Random(zlib.crc32(f"{scenario.name} {site} {seed}".encode()))  # noqa: S311
        with TemporaryDirectory() as folder:
            play = Play(site, people, rng, Path(folder), tally)
            scenario.play(play)
            reported += play.reported
    reports = [days for days in reported if days is not None]
    return {
        "scenario": scenario.name,
        "site": site,
        "let_through": _share(tally.let_through, tally.fevers),
        "alarmed": _share(tally.alarmed, tally.healthy),
        "cold": _share(tally.cold, tally.healthy),
        # The slowest of the seeds; None if one of them never reported.
        "reported_after_days": round(max(reports), 3)
        if len(reports) == len(reported) > 0
        else None,
        "let_through_interval": _interval(tally.let_through, tally.fevers),
        "alarmed_interval": _interval(tally.alarmed, tally.healthy),
        "cold_interval": _interval(tally.cold, tally.healthy),
        "passed": _share(tally.passed, tally.fevers),
        "reported": f"{len(reports)}/{len(reported)}" if reported else None,
        "reported_median_days": round(median(reports), 3) if reports else None,
        "readings_per_person": round(tally.readings / max(1, tally.visitors), 2),
        "fevers": tally.fevers,
        "healthy": tally.healthy,
        "seeds": seeds,
    }


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


def _interval(count: int, total: int) -> list[float]:
    return [round(bound, 4) for bound in wilson(count, total)]


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table: a line for each scenario, with canthus / face / forehead in %
    in each cell."""
    lines = [
        "| what | fevers let through | healthy alarmed | told cold | reported after |",
        "| --- | --- | --- | --- | --- |",
    ]
    for scenario in SCENARIOS:
        at = [row for row in rows if row["scenario"] == scenario.name]
        if not at:
            continue
        cells = [scenario.what]
        for key in ("let_through", "alarmed", "cold"):
            cells.append(" / ".join(percent(row[key]) for row in at))
        reported = [when(row) for row in at]
        cells.append(" / ".join(reported) if any(reported) else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def percent(share: float | None) -> str:
    """A share in %, or a dash."""
    return (
        "-" if share is None else f"{100 * share:.0f}" if share > 0.0995 else f"{100 * share:.1f}"
    )


def when(row: dict[str, Any]) -> str:
    """Time until the slowest play reported a drift, in days or hours; "" if none was watched."""
    if row["reported"] is None:
        return ""
    days = row["reported_after_days"]
    if days is None:
        return "no" if row["reported"].startswith("0/") else f"no ({row['reported']})"
    return f"{days:.0f} d" if days >= 1 else f"{24 * days:.1f} h"
