"""One look at a person: the kiosk's scan, estimate and verdict, with a guard in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from fevergate.desk.sensor import DeskSensor, Sample
from kiosk import screening
from kiosk.baseline import Baseline
from kiosk.calibration import Calibration
from kiosk.estimate import SITES, through_emissivity
from kiosk.scan import Result, Scan
from kiosk.screening import Judgement, Screening

PATIENCE_S = 20.0
"""Somebody has to step up in that time."""

State = Literal["waiting", "scanning", "hot"]
"""Of the view: nobody there, somebody measured, too hot for anybody to be seen before it."""

Heard = Callable[[Sample, State], None]


class Look(Struct, frozen=True, kw_only=True):
    """What came of a scan. °C; `body_c` and `threshold_c` are axillary equivalents, `object_c` and
    `can_c` what the sensor read, at 3.0 V and before its calibration. The verdicts are the
    kiosk's; `normal` says that `body_c` is below the threshold, and of nobody's health anything.
    """

    sensor: str
    site: str
    calibrated: bool
    checked: bool
    """Whether the sensor passed its last check, within a day."""
    verdict: str
    reason: str
    threshold_c: float
    object_c: float
    can_c: float
    skin_c: float
    body_c: float
    samples: int
    scan_ms: int
    pec_errors: int
    bus_errors: int


class Looker:
    """Looks at people, one after the other; errors are `DeskSensor`'s."""

    def __init__(
        self,
        sensor: DeskSensor,
        calibration: Calibration,
        site: str,
        threshold_c: float,
        *,
        checked: Callable[[], bool],
    ) -> None:
        """`checked`: asked at each look, for somebody may watch all day."""
        self._sensor = sensor
        self._checked = checked
        self._calibration = calibration
        self._site = site
        self.threshold_c = threshold_c

    def once(self, heard: Heard) -> Look | None:
        """The next scan, or None where nobody stepped up in `PATIENCE_S`; `heard` is told each
        sample."""
        self._sensor.watch_for_life()
        scan = Scan(SITES[self._site].sweeps)
        samples = self._sensor.samples()
        first = sample = next(samples)
        while (result := scan.feed(*sample)) is None:
            heard(sample, _state(scan))
            waited_s = (sample.at_ms - first.at_ms) / 1000
            if waited_s > PATIENCE_S and not scan.scanning:
                break
            sample = next(samples)
        self._sensor.prove_alive()
        return self._look(result, self._screening(), sample.at_ms) if result else None

    def watch(self, heard: Heard) -> Iterator[Look]:
        """Every scan of whoever comes, as a kiosk does, until it is no longer asked for."""
        scan, judge = Scan(SITES[self._site].sweeps), self._screening()
        for sample in self._sensor.samples():
            before = scan.scanning
            result = scan.feed(*sample)
            heard(sample, _state(scan))
            if scan.scanning and not before:
                self._sensor.watch_for_life()
            if result is None:
                continue
            self._sensor.prove_alive()
            look = self._look(result, judge, sample.at_ms)
            if look.verdict == screening.RETRY:
                scan.ask_again()
            yield look

    def _screening(self) -> Screening:
        # The guard asks for the second scan; of a crowd the desk knows nothing.
        baseline = Baseline(0.0, fixed=True)
        return Screening(SITES[self._site], self.threshold_c, confirm_scans=0, baseline=baseline)

    def _look(self, result: Result, judge: Screening, at_ms: int) -> Look:
        air_c = self._calibration.air_c(result.ambient_c)
        skin_c = through_emissivity(self._calibration.object_c(result.object_c), air_c)
        judged = judge.judge(at_ms, skin_c, air_c, result.quality, result.stayed, result)
        one: Judgement = judged[-1]
        return Look(
            sensor=self._sensor.unit,
            site=self._site,
            calibrated=bool(self._calibration.sensor),
            checked=self._checked(),
            verdict=one.verdict,
            reason=one.reason,
            threshold_c=self.threshold_c,
            object_c=round(result.object_c, 2),
            can_c=round(result.ambient_c, 2),
            skin_c=round(skin_c, 2),
            body_c=round(one.body_c, 2),
            samples=result.samples,
            scan_ms=result.scan_ms,
            pec_errors=self._sensor.pec_errors,
            bus_errors=self._sensor.bus_errors,
        )


def _state(scan: Scan) -> State:
    if scan.scanning:
        return "scanning"
    return "hot" if scan.blinded else "waiting"
