"""One measurement of a person at the desk, with the kiosk's scan, estimate and verdict."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
"""Time (s) within which a person must step up to the sensor."""

State = Literal["waiting", "scanning", "hot"]
"""State of a scan: nobody is in view, a person is measured, or the view is too hot to detect
anybody."""

Heard = Callable[[Sample, State], None]


class Look(Struct, frozen=True, kw_only=True):
    """Result of a scan, in °C. `body_c` and `threshold_c` are axillary equivalents; `object_c` and
    `can_c` are readings corrected to a supply of 3.0 V, without calibration. Verdicts are the
    kiosk's: `normal` means that `body_c` is below the threshold, and says nothing about health.
    """

    sensor: str
    site: str
    calibrated: bool
    checked: bool
    """Whether the sensor passed a check within the last day."""
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


@dataclass
class Looker:
    """Measures people one after the other. Raises `DeskError` as `DeskSensor` does."""

    sensor: DeskSensor
    calibration: Calibration
    site: str
    threshold_c: float
    checked: Callable[[], bool]
    """Returns `Look.checked`; called for each look, since --watch may run all day."""

    def once(self, on_sample: Heard) -> Look | None:
        """Measure the next person; None if nobody stepped up within `PATIENCE_S`. `on_sample` gets
        all samples except the one that ends the scan."""
        self.sensor.watch_for_life()
        scan = Scan(SITES[self.site].sweeps)
        samples = self.sensor.samples()
        first = sample = next(samples)
        while (result := scan.feed(*sample)) is None:
            on_sample(sample, _state(scan))
            waited_s = (sample.at_ms - first.at_ms) / 1000
            if waited_s > PATIENCE_S and not scan.scanning:
                break
            sample = next(samples)
        self.sensor.prove_alive()
        return self._look(result, self._screening(), sample.at_ms) if result else None

    def watch(self, on_sample: Heard) -> Iterator[Look]:
        """Yield the result of each scan, one person after another as on a kiosk, without end."""
        scan, judge = Scan(SITES[self.site].sweeps), self._screening()
        for sample in self.sensor.samples():
            before = scan.scanning
            result = scan.feed(*sample)
            on_sample(sample, _state(scan))
            if scan.scanning and not before:
                self.sensor.watch_for_life()
            if result is None:
                continue
            self.sensor.prove_alive()
            look = self._look(result, judge, sample.at_ms)
            if look.verdict == screening.RETRY:
                scan.ask_again()
            yield look

    def _screening(self) -> Screening:
        # The kiosk's scan was the first, so no further scan must confirm this one. The baseline is
        # fixed, since the desk has no crowd to learn it from.
        baseline = Baseline(0.0, fixed=True)
        judge = Screening(SITES[self.site], confirm_scans=0, baseline=baseline)
        judge.alarm_c = self.threshold_c  # this threshold already includes the site's margin
        return judge

    def _look(self, result: Result, judge: Screening, at_ms: int) -> Look:
        air_c = self.calibration.air_c(result.ambient_c)
        skin_c = through_emissivity(self.calibration.object_c(result.object_c), air_c)
        # If a person stays, the next scan counts as a new look, not as the same visit.
        judged = judge.judge(at_ms, skin_c, air_c, result.quality, False, result)
        last: Judgement = judged[-1]
        return Look(
            sensor=self.sensor.unit,
            site=self.site,
            calibrated=bool(self.calibration.sensor),
            checked=self.checked(),
            verdict=last.verdict,
            reason=last.reason,
            threshold_c=self.threshold_c,
            object_c=round(result.object_c, 2),
            can_c=round(result.ambient_c, 2),
            skin_c=round(skin_c, 2),
            body_c=round(last.body_c, 2),
            samples=result.samples,
            scan_ms=result.scan_ms,
            pec_errors=self.sensor.pec_errors,
            bus_errors=self.sensor.bus_errors,
        )


def _state(scan: Scan) -> State:
    if scan.scanning:
        return "scanning"
    return "hot" if scan.blinded else "waiting"
