"""Replays measured people through the kiosk's own decision, and counts right and wrong verdicts.

People come in order of time if their times are known. A person's rounds are the successive samples
of one scan. The crowd's baseline starts unknown and follows the people. After a first positive
result the person is scanned again with the same samples, like a person who stays in front of the
kiosk.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from fevergate.errors import NothingFoundError
from fevergate.evaluation.people_file import Person
from fevergate.evaluation.statistics import auc, wilson
from kiosk.baseline import Baseline
from kiosk.estimate import REFERENCE_ROOM_C, SITES, Site, body_c
from kiosk.scan import peak_of
from kiosk.screening import CONFIRM, FEVER, RETRY, THRESHOLD_C, Screening

RAW_RULE_C = 37.3
"""The usual rule of hobby kiosks: an alarm at this skin temperature (°C) or above."""

NEXT_MS = 60_000
"""Time between two people (ms) if the file does not say when they came."""

AGAIN_MS = 3000
"""Time (ms) between two scans of one person."""


@dataclass(frozen=True)
class Judged:
    """One person with the kiosk's verdict.

    `skin_c` is the peak of the scan (°C), `score_c` the estimate (axillary equivalent, °C). `ill`
    says whether the temperature in the mouth was a fever.
    """

    person: Person
    skin_c: float
    score_c: float
    verdict: str
    reason: str
    ill: bool


class Interval(Struct, frozen=True):
    """A proportion and its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float


class Rule(Struct, frozen=True):
    """A simple rule for comparison, an alarm at `skin_c` (°C) or above, and its results."""

    skin_c: float
    sensitivity: float | None
    specificity: float | None
    sensitivity_interval: Interval
    specificity_interval: Interval


class Evaluation(Struct, frozen=True, kw_only=True):
    """The figures that `fevergate evaluate --json` prints.

    Only the verdict `fever` is an alarm. A person who is only asked to be scanned again counts as
    missed if ill, and as correctly passed if well. `fever_c` is a temperature in the mouth,
    `threshold_c` an axillary equivalent (°C).
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
    people: Sequence[Person], site: Site, fever_c: float, threshold_c: float = THRESHOLD_C
) -> tuple[list[Judged], Baseline]:
    """Judge everybody; return the verdicts, and the baseline at the end.

    Each of `people` must have `oral_c`. They are judged in order of time if all have a time,
    otherwise in the given order. A person without a time comes a minute after the previous person.
    """
    if all(person.at for person in people):
        people = sorted(people, key=lambda person: person.at or datetime.min)
    screening = Screening(site, threshold_c, baseline=Baseline())
    judged = []
    now_ms, before = 0, None
    for person in people:
        gone_ms = NEXT_MS
        if person.at and before and before.at:
            gone_ms = int((person.at - before.at).total_seconds() * 1000)
        now_ms += max(gone_ms, AGAIN_MS)
        before = person
        skin_c = peak_of(person.rounds_c)
        *_, judgement = screening.judge(now_ms, skin_c, person.ambient_c)
        while judgement.reason == CONFIRM:
            now_ms += AGAIN_MS
            *_, judgement = screening.judge(now_ms, skin_c, person.ambient_c, stayed=True)
        assert person.oral_c is not None  # noqa: S101 - the caller has checked it
        judged.append(
            Judged(
                person,
                skin_c,
                judgement.body_c,
                judgement.verdict,
                judgement.reason,
                person.oral_c >= fever_c,
            )
        )
    return judged, screening.baseline


def evaluate(
    people: Sequence[Person],
    site_name: str,
    camera: str,
    fever_c: float,
    threshold_c: float = THRESHOLD_C,
) -> tuple[Evaluation, list[Judged]]:
    """Replay and count. Raises `NothingFoundError` if nobody has a temperature in the mouth."""
    measured = [person for person in people if person.oral_c is not None]
    if not measured:
        raise NothingFoundError(f"nobody with a reference for site {site_name}, camera {camera}")
    site = SITES[site_name]
    judged, baseline = replay(measured, site, fever_c, threshold_c)
    ill = [person for person in judged if person.ill]
    well = [person for person in judged if not person.ill]
    detected = sum(person.verdict == FEVER for person in ill)
    false_alarms = sum(person.verdict == FEVER for person in well)
    retries = Counter(person.reason for person in judged if person.verdict == RETRY)
    area = auc([person.score_c for person in ill], [person.score_c for person in well])
    evaluation = Evaluation(
        site=site_name,
        camera=camera,
        fever_c=fever_c,
        threshold_c=threshold_c,
        n=len(judged),
        fevers=len(ill),
        auc=area and round(area[0], 4),
        auc_interval=area and (round(area[1], 4), round(area[2], 4)),
        sensitivity=round(detected / len(ill), 4) if ill else None,
        specificity=round(1 - false_alarms / len(well), 4) if well else None,
        sensitivity_interval=_interval(detected, len(ill)),
        specificity_interval=_interval(len(well) - false_alarms, len(well)),
        true_positive=detected,
        false_negative=len(ill) - detected,
        false_positive=false_alarms,
        true_negative=len(well) - false_alarms,
        retries=retries.total(),
        retry_reasons=dict(retries),
        raw_rule=_rule(RAW_RULE_C, ill, well),
        fixed_rule=_rule(fixed_skin_c(site, threshold_c), ill, well),
        baseline_c=round(baseline.offset_c, 3),
        drift=baseline.drifting,
        skipped=len(people) - len(measured),
    )
    return evaluation, judged


def fixed_skin_c(site: Site, threshold_c: float) -> float:
    """The skin temperature (°C) that reaches the threshold in the reference room while the crowd's
    baseline is unknown."""
    return round(threshold_c - body_c(0.0, REFERENCE_ROOM_C, site), 2)


def _interval(successes: int, trials: int) -> Interval:
    low, high = wilson(successes, trials)
    return Interval(round(successes / trials, 4) if trials else 0.0, round(low, 4), round(high, 4))


def _rule(skin_c: float, ill: Sequence[Judged], well: Sequence[Judged]) -> Rule:
    detected = _interval(sum(person.skin_c >= skin_c for person in ill), len(ill))
    passed = _interval(sum(person.skin_c < skin_c for person in well), len(well))
    return Rule(
        skin_c,
        detected.share if ill else None,
        passed.share if well else None,
        detected,
        passed,
    )
