"""What several tests of the hardware begin with: the kiosk as its tables have it."""

from hardware_build import circuit, electrical, harness, optics, pins

PINS = pins.load()
WIRING = harness.sources(PINS)
LENGTHS_M = harness.lengths_m(WIRING["kiosk"])
FIGURES, VALUES = electrical.compute(LENGTHS_M, PINS, optics.find("DCI"))


def board(name):
    """A board of its own, to be broken."""
    return circuit.load(name, PINS, VALUES)
