"""Compares the desk's sensor with a reference: one measurement, one limit.

The reference should be a black body. A person and a clinical thermometer reveal gross errors only,
because people differ from each other by more than the sensor's permitted error.
"""

from collections.abc import Callable
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from msgspec import Struct

from fevergate.desk.sensor import DeskSensor
from fevergate.errors import DeskError
from fevergate.kiosks.calibration import AXILLA_C, REFERENCE_C, SCATTER_MAX_C
from fevergate.texts.translations import both
from kiosk.calibration import Calibration
from kiosk.estimate import ORAL_TO_AXILLARY_C
from kiosk.scan import CAN_MOVES_C, Median
from kiosk.sensor_checks import FROZEN_SAMPLES

Reference = Literal["blackbody", "axillary", "oral"]

TOLERANCE_C = 0.3
"""Maximum permissible error of a skin thermometer at 22 to 40 °C (ASTM E1965); most makers state
the same figure."""

PEOPLE_SD_C = {"canthus": 0.33, "face_max": 0.26, "forehead": 0.56}
"""SD between people of oral minus skin temperature at a site: Wang et al. 2023, FLIR camera."""


class Check(Struct, frozen=True, kw_only=True):
    """Result of a check: the reference's true and measured temperature (°C), and the verdict."""

    sensor: str
    reference: Reference
    reference_c: float
    measured_c: float
    tolerance_c: float
    can_c: float
    pec_errors: int
    bus_errors: int
    passed: bool

    @property
    def difference_c(self) -> float:
        """Measured minus reference temperature."""
        return self.measured_c - self.reference_c


class ObjectReading(NamedTuple):
    """Mean temperatures (°C, uncalibrated) of an object before the sensor, and of its can."""

    object_c: float
    can_c: float


def measure(sensor: DeskSensor, progress: Callable[[int, int], None]) -> ObjectReading:
    """Measure an object before the sensor for 15 s, long enough to detect a frozen sensor. Raises
    `DeskError` if the sensor fails or the temperature of the object or of the can is not stable."""
    median = Median()
    object_c, can_c = [], []
    began_ms = None
    for number, sample in enumerate(sensor.samples()):
        filtered = median.add(sample.object_c)
        progress(number, FROZEN_SAMPLES)
        began_ms = sample.at_ms if began_ms is None else began_ms
        if sample.at_ms - began_ms > sensor.settle_s * 1000:  # the filter has settled on the object
            object_c.append(filtered)
            can_c.append(sample.can_c)
        if number >= FROZEN_SAMPLES:
            break
    sensor.prove_alive()
    if (scatter_c := stdev(object_c)) > SCATTER_MAX_C:
        raise DeskError(
            both(
                "the reference is not at rest: SD {scatter_c:.2f} °C, at most {scatter_max_c:g}",
                scatter_c=scatter_c,
                scatter_max_c=SCATTER_MAX_C,
            ),
            both("hold it still, let it fill the view, try again"),
        )
    if (moved_c := max(can_c) - min(can_c)) > CAN_MOVES_C:
        raise DeskError(
            both("the sensor's own temperature moves: {moved_c:.2f} °C", moved_c=moved_c),
            both("hands off the sensor, out of the draught, and wait 20 minutes"),
        )
    return ObjectReading(fmean(object_c), fmean(can_c))


def of_black_body(
    sensor: DeskSensor, mean: ObjectReading, calibration: Calibration, reference_c: float
) -> Check:
    """Check against a black body of `reference_c`."""
    return _check(
        sensor, "blackbody", reference_c, calibration.object_c(mean.object_c), TOLERANCE_C, mean
    )


def of_person(
    sensor: DeskSensor,
    mean: ObjectReading,
    reference: Reference,
    clinical_c: float,
    body_c: float,
    site: str,
) -> Check:
    """Check a person's estimate (`body_c`) against a clinical thermometer (`clinical_c`). The limit
    combines the sensor's tolerance with two SD between people (95 %)."""
    axillary_c = clinical_c + (ORAL_TO_AXILLARY_C if reference == "oral" else 0.0)
    tolerance_c = ((2 * PEOPLE_SD_C[site]) ** 2 + TOLERANCE_C**2) ** 0.5
    return _check(sensor, reference, axillary_c, body_c, tolerance_c, mean)


def _check(
    sensor: DeskSensor,
    reference: Reference,
    reference_c: float,
    measured_c: float,
    tolerance_c: float,
    mean: ObjectReading,
) -> Check:
    measured_c, reference_c = round(measured_c, 2), round(reference_c, 2)
    return Check(
        sensor=sensor.unit,
        reference=reference,
        reference_c=reference_c,
        measured_c=measured_c,
        tolerance_c=round(tolerance_c, 2),
        can_c=round(mean.can_c, 2),
        pec_errors=sensor.pec_errors,
        bus_errors=sensor.bus_errors,
        passed=abs(measured_c - reference_c) <= round(tolerance_c, 2) + 1e-9,
    )


def limits_c(reference: Reference) -> tuple[float, float]:
    """Lowest and highest temperature (°C) that are accepted for a kind of reference."""
    if reference == "blackbody":
        return REFERENCE_C
    shift_c = -ORAL_TO_AXILLARY_C if reference == "oral" else 0.0
    return AXILLA_C[0] + shift_c, AXILLA_C[1] + shift_c
