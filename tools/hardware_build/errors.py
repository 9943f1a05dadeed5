"""Errors of the generators of `hardware/`, under one base."""

from fevergate.errors import FeverGateError


class HardwareError(FeverGateError, ValueError):
    """A table of `hardware/` cannot be built; names file, line, field and what was expected."""


class CircuitError(HardwareError):
    """A board breaks the electrical rules; each line below its title is a violation."""


class UnroutedError(HardwareError):
    """No way was found for the tracks of `net`; other places of parts may give one."""

    def __init__(self, net: str) -> None:
        super().__init__(f"no way for the tracks of net {net}: give its parts other places")
        self.net = net
