"""From skin temperature to a verdict: pure, the same under MicroPython and CPython.

No I/O, no clock, no state. The scale of `body_c` and `threshold_c` is the axillary
equivalent, in which gate checks are stated (37.3 °C); a mouth reads about 0.3 °C more.
It screens and does not diagnose: `fever` means "measure again with a clinical thermometer".
"""

NORMAL = "normal"
FEVER = "fever"
RETRY = "retry"

THRESHOLD_C = 37.3

# Reasons of a retry; each has words on the display.
SHORT = "short"  # left before the sensor settled
MOVING = "moving"  # never held still
COLD = "cold"  # too cold for a person of this site: fresh from a winter street, fringe, far away
HOT = "hot"  # too hot for skin: a cup, a lamp
SENSOR = "sensor"  # the sensor failed during the scan

SKIN_MAX_C = 42.0
"""Plausible skin of a person ends here."""

BODY_MIN_C = 35.0
"""An estimate below this says something of the skin, not of the person."""

ORAL_TO_AXILLARY_C = -0.3

REFERENCE_AMBIENT_C = 22.0


class Site:
    """Where the kiosk looks.

    `oral_minus_skin_c` at a room of 22 °C, and how many °C the skin there rises for each °C
    of the room; from 544 people in Wang et al. 2023 (PhysioNet, doi 10.13026/3bhc-9065).
    """

    def __init__(self, oral_minus_skin_c, per_room_c):
        self.oral_minus_skin_c = oral_minus_skin_c
        self.per_room_c = per_room_c


SITES = {
    "canthus": Site(1.30, 0.10),
    "face_max": Site(0.97, 0.05),
    "forehead": Site(2.55, 0.20),
}


def body_c(skin_c, ambient_c, site):
    """Axillary equivalent (°C) of a skin temperature at a site, in a room.

    An offset with a slope of exactly 1 in the skin's temperature: a hotter face never reads
    cooler, and nothing is pulled towards normal.
    """
    room_c = site.per_room_c * (ambient_c - REFERENCE_AMBIENT_C)
    return skin_c + site.oral_minus_skin_c - room_c + ORAL_TO_AXILLARY_C


def decide(skin_c, estimate_c, quality, threshold_c=THRESHOLD_C):
    """Return (verdict, reason).

    `quality` is what the scan found wrong with itself, or "". Heat is not excused by it: skin
    that reads feverish although the scan was poor is a fever, never a retry that can pass by.
    """
    if quality == SENSOR:
        return RETRY, SENSOR
    if skin_c > SKIN_MAX_C:
        return RETRY, HOT
    if estimate_c >= threshold_c:
        return FEVER, ""
    if quality:
        return RETRY, quality
    if estimate_c < BODY_MIN_C:
        return RETRY, COLD
    return NORMAL, ""
