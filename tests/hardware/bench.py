"""Shared by tests of the hardware: the kiosk's pins, wiring and figures as its tables give them."""

from hardware_build import circuit, electrical, harness, optics, pins

PINS = pins.load()
WIRING = harness.sources(PINS)
LENGTHS_M = harness.lengths_m(WIRING["kiosk"])
FIGURES, VALUES = electrical.compute(LENGTHS_M, PINS, optics.find("DCI"))


def board(name):
    """A fresh copy of a board, which a test may break."""
    return circuit.load(name, PINS, VALUES)
