"""Computes a sensor's calibration and its uncertainty from scans of a reference, or refuses it.

Three uncertainties are combined by the GUM (JCGM 100:2008): the uncertainty of the reference, the
standard error of the mean of the scans, and the resolution of the sensor. The result is expanded to
95 % (k = 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from fevergate.errors import CalibrationRefusedError
from kiosk.calibration import GAIN_MAX, GAIN_MIN, OFFSET_MAX_C, PIVOT_C, calibration_from
from kiosk.errors import CalibrationError
from kiosk.estimate import ORAL_TO_AXILLARY_C

SCANS = 3
"""Scans of each black body; fewer scans do not show the scatter."""

PEOPLE = 10
"""Least number of people for a calibration with a clinical thermometer."""

APART_C = 2.0
"""Least difference between two black bodies (°C); with less, the slope is mostly noise."""

SCATTER_MAX_C = 0.3
"""Largest standard deviation of the scans of one black body (°C)."""

PEOPLE_SCATTER_MAX_C = 0.7
"""Largest standard deviation of thermometer minus kiosk over the people (°C)."""

UNCERTAINTY_MAX_C = 0.4
"""A calibration that is less certain than this (°C, 95 %) is refused."""

RESOLUTION_C = 0.02
"""One step of the MLX90614's output (data sheet, "Temperature reading")."""

REFERENCE_C = (20.0, 45.0)
AXILLA_C = (35.0, 41.0)
"""Ranges (°C) of a black body and of an axilla; a value outside is a typing error."""


@dataclass(frozen=True)
class Point:
    """One black body: its temperature, and the sensor's uncalibrated reading in each scan (°C)."""

    reference_c: float
    read_c: Sequence[float]


@dataclass(frozen=True)
class CalibrationResult:
    """A plausible calibration; `uncertainty_c` is for 95 % at 37 °C."""

    method: str
    offset_c: float
    gain: float
    uncertainty_c: float


def from_black_bodies(points: Sequence[Point], reference_u_c: float) -> CalibrationResult:
    """Calibrate with one black body (an offset) or two (offset and gain: the line through both).

    The bodies are assumed to have an emissivity of 1. `reference_u_c` is the uncertainty of their
    temperature (°C, 95 %). Raises `CalibrationRefusedError`.
    """
    if not 1 <= len(points) <= 2:
        raise CalibrationRefusedError(f"{len(points)} points: expected one or two black bodies")
    for point in points:
        _check_point(point)
    first, last = (pick(points, key=lambda point: point.reference_c) for pick in (min, max))
    span_c = last.reference_c - first.reference_c
    gain = reach = 1.0
    if len(points) == 2:
        if span_c < APART_C:
            raise CalibrationRefusedError(
                f"black bodies of {first.reference_c:.2f} and {last.reference_c:.2f} °C:"
                f" expected at least {APART_C:g} °C between them"
            )
        gain = span_c / max(fmean(last.read_c) - fmean(first.read_c), 0.01)
        # The error of a line grows with the distance from the middle of its two points.
        middle_c = (first.reference_c + last.reference_c) / 2
        reach = max(1.0, abs(PIVOT_C - middle_c) * 2 / span_c)
    # The line is given by its gain and by its offset at the pivot (37 °C).
    nearest = min(points, key=lambda point: abs(point.reference_c - PIVOT_C))
    offset_c = nearest.reference_c - PIVOT_C - gain * (fmean(nearest.read_c) - PIVOT_C)
    scatter = max(stdev(point.read_c) for point in points)
    spread = scatter / min(len(point.read_c) for point in points) ** 0.5
    method = "two-point" if len(points) == 2 else "one-point"
    return _plausible(method, offset_c, gain, _combined(reference_u_c, spread * reach))


def from_people(
    pairs: Sequence[tuple[float, float]],
    reference_u_c: float,
    *,
    oral: bool = False,
) -> CalibrationResult:
    """Calibrate the offset with people whom a clinical thermometer measured beside the kiosk.

    Each pair has the temperature of the clinical thermometer and the axillary equivalent of the
    uncalibrated kiosk without a crowd baseline (°C). `oral`: the thermometer was in the mouth.
    `reference_u_c` is the thermometer's uncertainty (°C, 95 %). Raises `CalibrationRefusedError`.
    """
    if len(pairs) < PEOPLE:
        raise CalibrationRefusedError(f"{len(pairs)} people: expected at least {PEOPLE}")
    shift_c = ORAL_TO_AXILLARY_C if oral else 0.0
    for clinical_c, _ in pairs:
        if not AXILLA_C[0] <= clinical_c + shift_c <= AXILLA_C[1]:
            raise CalibrationRefusedError(
                f"clinical thermometer {clinical_c:.2f} °C: no living person has that"
            )
    differences = [clinical_c + shift_c - body_c for clinical_c, body_c in pairs]
    scatter_c = stdev(differences)
    if scatter_c > PEOPLE_SCATTER_MAX_C:
        raise CalibrationRefusedError(
            f"people differ by {scatter_c:.2f} °C (SD): expected at most {PEOPLE_SCATTER_MAX_C:g};"
            " were they at rest, indoors, and did all look at the mark?"
        )
    uncertainty_c = _combined(reference_u_c, scatter_c / len(pairs) ** 0.5)
    return _plausible("people", fmean(differences), 1.0, uncertainty_c)


def _check_point(point: Point) -> None:
    if not REFERENCE_C[0] <= point.reference_c <= REFERENCE_C[1]:
        raise CalibrationRefusedError(
            f"black body of {point.reference_c:.2f} °C:"
            f" expected {REFERENCE_C[0]:g} to {REFERENCE_C[1]:g}"
        )
    if len(point.read_c) < SCANS:
        raise CalibrationRefusedError(
            f"{len(point.read_c)} scans at {point.reference_c:.2f} °C: expected at least {SCANS}"
        )
    if (scatter_c := stdev(point.read_c)) > SCATTER_MAX_C:
        raise CalibrationRefusedError(
            f"scans at {point.reference_c:.2f} °C differ by {scatter_c:.2f} °C (SD): expected at"
            f" most {SCATTER_MAX_C:g}; is the body at rest, and does it fill the view?"
        )


def _combined(reference_u_c: float, spread_c: float) -> float:
    standard = (reference_u_c / 2) ** 2 + spread_c**2 + (RESOLUTION_C**2) / 12
    return 2 * standard**0.5


def _plausible(
    method: str, offset_c: float, gain: float, uncertainty_c: float
) -> CalibrationResult:
    result = CalibrationResult(method, round(offset_c, 3), round(gain, 4), round(uncertainty_c, 3))
    try:
        calibration_from({"offset_c": result.offset_c, "gain": result.gain})
    except CalibrationError as error:
        raise CalibrationRefusedError(
            f"{error}: no working sensor is so far off (offset up to {OFFSET_MAX_C:g} °C, gain"
            f" {GAIN_MIN:g} to {GAIN_MAX:g}); check the reference, the distance, the lens"
        ) from error
    if result.uncertainty_c > UNCERTAINTY_MAX_C:
        raise CalibrationRefusedError(
            f"uncertainty {result.uncertainty_c:.2f} °C: expected at most {UNCERTAINTY_MAX_C:g};"
            " take more scans or a better reference"
        )
    return result
