"""Every error of the simulator, under one base."""

from fevergate.errors import FeverGateError


class SimulatorError(FeverGateError):
    """Base of all that the simulator raises on purpose."""


class BoardDiedError(SimulatorError):
    """The board's program ended by itself; the message has the end of its console."""


class NotAcknowledgedError(SimulatorError, OSError):
    """Nobody on the bus acknowledged the address or a byte."""


class BusTimeoutError(SimulatorError, TimeoutError):
    """A wire of the bus is held low."""
