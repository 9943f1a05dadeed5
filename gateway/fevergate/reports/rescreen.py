"""Decides stored scans again under other settings, and lists the verdicts that would change.

The kiosk's own code decides. A reading holds the sensor's values, the ambient temperature and the
crowd's baseline at that time; the calibration in force is in the database.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
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

OPEN_SCANS = 16
"""How many scans back the scan of an alarm may lie: the alarm may come before or after the answer
to the next scan."""

STAYS_MS = 1650
"""Longest time (ms) from a retry to the next scan of a person who stays: `kiosk.scan._AGAIN_MS`,
and the time of a late sample."""

MAX_CHANGED = 20_000
"""Most scans listed that would change."""

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

    If a person with a first positive scan was not measured again, that scan has two answers: the
    request to measure again, then the alarm.
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
    """Result of a rescreening: number of scans, answers by verdict, scans that would change.

    `changed` holds at most `MAX_CHANGED` of the `changed_count` scans.
    """

    scans: int
    before: dict[str, int]
    after: dict[str, int]
    changed: list[Changed]
    changed_count: int


@dataclass
class _Scan:
    row: dict[str, Any]
    before: list[Answer]
    after: list[Answer]
    stayed: bool
    body_c: float | None = None


def rescreen(database: Database, begin: float, end: float, rules: Rules) -> Rescreened:
    """Decide the scans from `begin` to `end` (Unix time, s) again, kiosk by kiosk, in order."""
    scans = changed_count = 0
    before, after = Counter[str](), Counter[str]()
    changed: list[Changed] = []
    for kiosk, rows in groupby(database.query(_ROWS, (begin, end, REFERENCE)), itemgetter("kiosk")):
        for scan in _decided_again(rows, _Judge(database, kiosk, rules)):
            scans += 1
            before.update(verdict for verdict, _ in scan.before)
            after.update(verdict for verdict, _ in scan.after)
            if scan.before != scan.after:
                changed_count += 1
                if len(changed) < MAX_CHANGED:
                    changed.append(_changed(scan))
    return Rescreened(
        scans=scans,
        before=dict(before),
        after=dict(after),
        changed=changed,
        changed_count=changed_count,
    )


_ASKED = (screening.RETRY, screening.CONFIRM)

# The alarm for a person who was not measured again is a reading of its own, after the scan's
# reading.
_ROWS = """
    select *, coalesce(at, received_at) as when_at from readings
    where coalesce(at, received_at) >= ? and coalesce(at, received_at) < ? and reason != ?
    order by kiosk, boot, seq"""


def _decided_again(rows: Iterable[dict[str, Any]], judge: _Judge) -> Iterator[_Scan]:
    """The scans of a kiosk, each with its answers before and now."""
    open_scans: deque[_Scan] = deque()
    for row in rows:
        answer = (row["verdict"], row["reason"])
        if row["reason"] == UNCONFIRMED:
            scan_asked = next(
                (scan for scan in reversed(open_scans) if scan.before == [_ASKED]), None
            )
            if scan_asked:
                scan_asked.before.append(answer)
                continue
        # If no alarm came in between, the kiosk took this scan for the same person's second one.
        followed = bool(open_scans) and open_scans[-1].before == [_ASKED]
        stayed = bool(open_scans) and _is_again(open_scans[-1].row, row)
        scan = _Scan(row, [answer], [], stayed=followed or stayed)
        judge.decide(scan)
        open_scans.append(scan)
        if len(open_scans) > OPEN_SCANS:
            yield open_scans.popleft()
    judge.finish()
    yield from open_scans


def _is_again(before: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether a scan after a cold one began so soon that the same person may have stayed in
    view."""
    apart_ms = row["up_ms"] - row["scan_ms"] - before["up_ms"]
    return (
        before["boot"] == row["boot"]
        and before["reason"] == screening.COLD
        and apart_ms <= STAYS_MS
    )


class _Judge:
    """Decides the scans of a kiosk in order, by the kiosk's own code under some rules."""

    def __init__(self, database: Database, kiosk: str, rules: Rules) -> None:
        name, confirm_scans = database.execute(
            "select health ->> '$.site', health ->> '$.confirm_scans' from kiosks where kiosk = ?",
            (kiosk,),
        ).fetchone() or (None, None)
        if rules.confirm_scans is not None:
            confirm_scans = rules.confirm_scans
        recorded = SITES.get(str(name)) or SITES["canthus"]
        self._site = SITES[rules.site] if rules.site else recorded
        self._other_margin_c = recorded.margin_c - self._site.margin_c
        self._confirm_scans = 1 if confirm_scans is None else int(confirm_scans)
        self._units = list(
            database.query(
                "select * from calibrations where kiosk = ? order by applied_at", (kiosk,)
            )
        )
        self._rules = rules
        self._boot = None
        self._screening = self._booted()

    def decide(self, scan: _Scan) -> None:
        """Decide a scan. Each answer is appended to the scan that it is about: this one or an
        earlier one."""
        row = scan.row
        if self._boot not in (None, row["boot"]):
            self.finish()
            self._screening = self._booted()
        self._boot = row["boot"]
        judge = self._screening
        _append_answer(judge.overdue(row["up_ms"] - row["scan_ms"]))
        recorded = self._rules.baseline == "recorded"
        judge.baseline = Baseline((row["baseline_c"] or 0.0) if recorded else 0.0, fixed=True)
        judge.set_threshold(self._rules.threshold_c or screening.THRESHOLD_C)
        if self._rules.threshold_c is None and row["threshold_c"] is not None:
            # The threshold as it was compared; at another site, with that site's margin.
            judge.alarm_c = row["threshold_c"] + self._other_margin_c
        quality = row["reason"] if row["reason"] in QUALITY else ""
        skin_c = air_c = None
        if row["object_c"] is not None:
            unit = _in_force(self._units, row["when_at"])
            air_c = unit.air_c(row["ambient_c"])
            skin_c = through_emissivity(unit.object_c(row["object_c"]), air_c)
        scanned = (row["up_ms"], skin_c, air_c, quality)
        # Under other rules the visit may have had its verdict by then: the scan then begins a new
        # visit.
        answers = judge.judge(*scanned, scan.stayed, scan) or judge.judge(*scanned, False, scan)
        for judgement in answers:
            _append_answer(judgement)
        scan.body_c = answers[-1].body_c

    def finish(self) -> None:
        """Append the answer that is due if nobody else comes."""
        _append_answer(self._screening.overdue(_LATE_MS))

    def _booted(self) -> Screening:
        return Screening(self._site, confirm_scans=self._confirm_scans)


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
