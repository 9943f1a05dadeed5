"""The error of a check that cannot go on."""

from fevergate.errors import FeverGateError


class PiCheckError(FeverGateError, RuntimeError):
    """The check itself cannot go on: a tool is missing, a build failed, the machine is silent."""
