"""The simulator's errors."""

from fevergate.errors import FeverGateError


class SimulatorError(FeverGateError):
    """Base of the simulator's errors."""


class BoardDiedError(SimulatorError):
    """The board's program ended by itself; the message quotes the console's last lines."""


class NotAcknowledgedError(SimulatorError, OSError):
    """No device on the bus acknowledged the address or a byte."""


class BusTimeoutError(SimulatorError, TimeoutError):
    """SDA or SCL is held low."""
