"""Errors of the generators of `hardware/`, under one base."""

from fevergate.errors import FeverGateError


class HardwareError(FeverGateError, ValueError):
    """A table of `hardware/` cannot be used; the text names file, line, field and what was
    expected."""


class CircuitError(HardwareError):
    """A board breaks the electrical rules; each line of the text after the first is a violation."""


class UnroutedError(HardwareError):
    """No route was found for the tracks of `net`; other places for its parts may allow one."""

    def __init__(self, net: str) -> None:
        super().__init__(f"no way for the tracks of net {net}: give its parts other places")
        self.net = net
