"""The errors of what builds `hardware/`, under one base."""

from fevergate.errors import FeverGateError


class HardwareError(FeverGateError, ValueError):
    """A table of `hardware/` says what cannot be built: file, line, field, what was expected."""


class CircuitError(HardwareError):
    """The electrical rules are broken; each line is a complaint."""
