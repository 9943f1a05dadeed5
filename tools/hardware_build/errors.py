"""Errors of the generators of `hardware/`, under one base."""

from fevergate.errors import FeverGateError


class HardwareError(FeverGateError, ValueError):
    """A table of `hardware/` cannot be built; names file, line, field and what was expected."""


class CircuitError(HardwareError):
    """A board breaks the electrical rules; each line below its title is a violation."""
