"""Decides stored scans again under other settings, and lists the verdicts that would change.

The decision is the kiosk's own code. A reading holds the sensor's values, the ambient temperature
and the crowd's baseline at that time; the calibration in force is in the database.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct
from sqlite_utils import Database

from kiosk import screening
from kiosk.baseline import Baseline
from kiosk.calibration import Calibration
from kiosk.estimate import SITES, through_emissivity
from kiosk.screening import REFERENCE, UNCONFIRMED, Screening

QUALITY = (screening.SHORT, screening.MOVING, screening.WAIT, screening.SENSOR)
"""Reasons that come from the scan's quality and are kept; all others are decided again."""

Answer = tuple[str, str]
"""Verdict and reason."""


@dataclass(frozen=True)
class Rules:
    """The settings to decide under; None keeps the kiosk's own."""

    threshold_c: float | None = None
    site: str | None = None
    baseline: Literal["recorded", "off"] = "recorded"
    confirm_scans: int | None = None


class Changed(Struct, frozen=True, kw_only=True):
    """A scan whose answers would change; `at` in Unix time (s), `body_c` under the new settings.

    A first positive that was not measured again has two answers: the request to measure again, then
    the alarm.
    """

    kiosk: str
    boot: int
    seq: int
    at: float
    skin_c: float | None
    body_c: float | None
    before: list[Answer]
    after: list[Answer]


class Rescreened(Struct, frozen=True, kw_only=True):
    """Result of a rescreening: number of scans, answers by verdict, scans that would change."""

    scans: int
    before: dict[str, int]
    after: dict[str, int]
    changed: list[Changed]


@dataclass
class _Scan:
    row: dict[str, Any]
    before: list[Answer]
    after: list[Answer]
    stayed: bool = False
    body_c: float | None = None


def rescreen(database: Database, begin: float, end: float, rules: Rules) -> Rescreened:
    """Decide the scans from `begin` to `end` (Unix time, s) again, kiosk by kiosk, in order."""
    kiosks: dict[str, list[_Scan]] = {}
    for row in database.query(_ROWS, (begin, end, REFERENCE)):
        scans = kiosks.setdefault(row["kiosk"], [])
        answer = (row["verdict"], row["reason"])
        first = next((scan for scan in reversed(scans) if scan.before == [_ASKED]), None)
        if row["reason"] == UNCONFIRMED and first:
            first.before.append(answer)
            continue
        # No alarm came in between: the kiosk took it for the same person's second scan.
        followed = bool(scans) and scans[-1].before == [_ASKED]
        scans.append(_Scan(row, [answer], [], stayed=followed))
    for kiosk, scans in kiosks.items():
        _judge_again(database, kiosk, scans, rules)
    every = [scan for scans in kiosks.values() for scan in scans]
    return Rescreened(
        scans=len(every),
        before=dict(Counter(verdict for scan in every for verdict, _ in scan.before)),
        after=dict(Counter(verdict for scan in every for verdict, _ in scan.after)),
        changed=[_changed(scan) for scan in every if scan.before != scan.after],
    )


_ASKED = (screening.RETRY, screening.CONFIRM)

# The alarm for a person who was not measured again is a reading of its own, after that scan's.
_ROWS = """
    select *, coalesce(at, received_at) as when_at from readings
    where coalesce(at, received_at) >= ? and coalesce(at, received_at) < ? and reason != ?
    order by kiosk, boot, seq"""


def _judge_again(database: Database, kiosk: str, scans: list[_Scan], rules: Rules) -> None:
    name, confirm_scans = database.execute(
        "select health ->> '$.site', health ->> '$.confirm_scans' from kiosks where kiosk = ?",
        (kiosk,),
    ).fetchone() or (None, None)
    site = SITES.get(str(rules.site or name)) or SITES["canthus"]
    if rules.confirm_scans is not None:
        confirm_scans = rules.confirm_scans
    units = list(
        database.query("select * from calibrations where kiosk = ? order by applied_at", (kiosk,))
    )
    judge = Screening(site, confirm_scans=1 if confirm_scans is None else int(confirm_scans))
    boot = None
    for scan in scans:
        row = scan.row
        if boot is not None and boot != row["boot"]:
            _append_answer(judge.overdue(_LATE_MS))
            judge = Screening(site, confirm_scans=judge.confirm_scans)
        boot = row["boot"]
        _append_answer(judge.overdue(row["up_ms"] - row["scan_ms"]))
        recorded = rules.baseline == "recorded"
        judge.baseline = Baseline((row["baseline_c"] or 0.0) if recorded else 0.0, fixed=True)
        threshold_c = rules.threshold_c or row["threshold_c"]
        judge.threshold_c = threshold_c or screening.THRESHOLD_C
        quality = row["reason"] if row["reason"] in QUALITY else ""
        skin_c = air_c = None
        if row["object_c"] is not None:
            unit = _in_force(units, row["when_at"])
            air_c = unit.air_c(row["ambient_c"])
            skin_c = through_emissivity(unit.object_c(row["object_c"]), air_c)
        answers = judge.judge(row["up_ms"], skin_c, air_c, quality, scan.stayed, scan)
        for judgement in answers:
            _append_answer(judgement)
        scan.body_c = answers[-1].body_c
    _append_answer(judge.overdue(_LATE_MS))


_LATE_MS = 2**60


def _append_answer(judgement: screening.Judgement | None) -> None:
    """Append an answer to the scan that it is about."""
    if judgement is not None:
        judgement.scan.after.append((judgement.verdict, judgement.reason))


def _in_force(units: list[dict[str, Any]], at: float) -> Calibration:
    """The calibration that the kiosk measured with at that time."""
    for unit in reversed(units):
        if unit["applied_at"] <= at:
            names = ("sensor", "offset_c", "gain", "can_over_air_c")
            return Calibration(**{name: unit[name] for name in names})
    return Calibration()


def _changed(scan: _Scan) -> Changed:
    row = scan.row
    return Changed(
        kiosk=row["kiosk"],
        boot=row["boot"],
        seq=row["seq"],
        at=row["when_at"],
        skin_c=row["skin_c"],
        body_c=None if scan.body_c is None else round(scan.body_c, 2),
        before=scan.before,
        after=scan.after,
    )
