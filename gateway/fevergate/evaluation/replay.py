"""Replays measured people through the kiosk's own decision and counts what it got right.

In order of time, the rounds of each person as the successive samples of one scan, the
crowd's baseline cold at the start and living through the file. A first positive is scanned
again with the same samples, as somebody who stays would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from fevergate.errors import NothingFoundError
from fevergate.evaluation.people_file import Person
from fevergate.evaluation.statistics import auc, wilson
from kiosk.baseline import Baseline
from kiosk.estimate import REFERENCE_ROOM_C, SITES, Site, body_c
from kiosk.scan import peak_of
from kiosk.screening import CONFIRM, FEVER, RETRY, THRESHOLD_C, Screening

RAW_RULE_C = 37.3
"""What hobby kiosks compare the raw temperature with."""

NEXT_MS = 60_000
"""From one person to the next where the file does not say when they came."""

AGAIN_MS = 3000


@dataclass(frozen=True)
class Judged:
    """One person: what the kiosk made of them (°C, axillary equivalent) and what the mouth said."""

    person: Person
    skin_c: float
    score_c: float
    verdict: str
    reason: str
    ill: bool


class Interval(Struct, frozen=True):
    """A share and its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float


class Rule(Struct, frozen=True):
    """A rule beside which ours is put: alarm from so much skin on."""

    skin_c: float
    sensitivity: float | None
    specificity: float | None
    sensitivity_interval: Interval
    specificity_interval: Interval


class Evaluation(Struct, frozen=True, kw_only=True):
    """What `fevergate evaluate --json` prints.

    `specificity` counts everybody well who was not alarmed for, retries included; `sensitivity`
    counts nobody ill who was only asked again. `fever_c` is in the mouth, `threshold_c` an
    axillary equivalent.
    """

    site: str
    camera: str
    fever_c: float
    threshold_c: float
    n: int
    fevers: int
    auc: float | None
    auc_interval: tuple[float, float] | None
    sensitivity: float | None
    specificity: float | None
    sensitivity_interval: Interval
    specificity_interval: Interval
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    retries: int
    retry_reasons: dict[str, int]
    raw_rule: Rule
    fixed_rule: Rule
    baseline_c: float
    drift: bool
    skipped: int


def replay(
    people: Sequence[Person],
    site: Site,
    fever_c: float,
    threshold_c: float = THRESHOLD_C,
    baseline: Literal["auto", "off"] = "auto",
) -> tuple[list[Judged], Baseline]:
    """Judge everybody in order of time; also the baseline as it was left.

    `people` all have `oral_c`. Whoever has no time comes a minute after the one before.
    """
    if all(person.at for person in people):
        people = sorted(people, key=lambda person: person.at or datetime.min)
    screening = Screening(site, threshold_c, baseline=Baseline(fixed=baseline == "off"))
    judged = []
    now_ms, before = 0, None
    for person in people:
        gone_ms = NEXT_MS
        if person.at and before and before.at:
            gone_ms = int((person.at - before.at).total_seconds() * 1000)
        now_ms += max(gone_ms, AGAIN_MS)
        before = person
        skin_c = peak_of(person.rounds_c)
        *_, one = screening.judge(now_ms, skin_c, person.ambient_c)
        while one.reason == CONFIRM:
            now_ms += AGAIN_MS
            *_, one = screening.judge(now_ms, skin_c, person.ambient_c, stayed=True)
        assert person.oral_c is not None  # noqa: S101 - the caller's part
        judged.append(
            Judged(person, skin_c, one.body_c, one.verdict, one.reason, person.oral_c >= fever_c)
        )
    return judged, screening.baseline


def evaluate(
    people: Sequence[Person],
    site_name: str,
    camera: str,
    fever_c: float,
    threshold_c: float = THRESHOLD_C,
) -> tuple[Evaluation, list[Judged]]:
    """Replay and count. Raises `NothingFoundError` where nobody has a reference."""
    known = [person for person in people if person.oral_c is not None]
    if not known:
        raise NothingFoundError(f"nobody with a reference for site {site_name}, camera {camera}")
    site = SITES[site_name]
    judged, baseline = replay(known, site, fever_c, threshold_c)
    ill = [one for one in judged if one.ill]
    well = [one for one in judged if not one.ill]
    seen = sum(one.verdict == FEVER for one in ill)
    cried = sum(one.verdict == FEVER for one in well)
    retries = Counter(one.reason for one in judged if one.verdict == RETRY)
    area = auc([one.score_c for one in ill], [one.score_c for one in well])
    evaluation = Evaluation(
        site=site_name,
        camera=camera,
        fever_c=fever_c,
        threshold_c=threshold_c,
        n=len(judged),
        fevers=len(ill),
        auc=area and round(area[0], 4),
        auc_interval=area and (round(area[1], 4), round(area[2], 4)),
        sensitivity=round(seen / len(ill), 4) if ill else None,
        specificity=round(1 - cried / len(well), 4) if well else None,
        sensitivity_interval=_interval(seen, len(ill)),
        specificity_interval=_interval(len(well) - cried, len(well)),
        true_positive=seen,
        false_negative=len(ill) - seen,
        false_positive=cried,
        true_negative=len(well) - cried,
        retries=retries.total(),
        retry_reasons=dict(retries),
        raw_rule=_rule(RAW_RULE_C, ill, well),
        fixed_rule=_rule(fixed_skin_c(site, threshold_c), ill, well),
        baseline_c=round(baseline.offset_c, 3),
        drift=baseline.drifting,
        skipped=len(people) - len(known),
    )
    return evaluation, judged


def fixed_skin_c(site: Site, threshold_c: float) -> float:
    """The skin at which the threshold is reached in the reference room, crowd unknown."""
    return round(threshold_c - body_c(0.0, REFERENCE_ROOM_C, site), 2)


def _interval(successes: int, trials: int) -> Interval:
    low, high = wilson(successes, trials)
    return Interval(round(successes / trials, 4) if trials else 0.0, round(low, 4), round(high, 4))


def _rule(skin_c: float, ill: Sequence[Judged], well: Sequence[Judged]) -> Rule:
    seen = _interval(sum(one.skin_c >= skin_c for one in ill), len(ill))
    quiet = _interval(sum(one.skin_c < skin_c for one in well), len(well))
    return Rule(skin_c, seen.share if ill else None, quiet.share if well else None, seen, quiet)
