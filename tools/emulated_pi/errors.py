"""What can go wrong before anything was judged."""

from __future__ import annotations

from fevergate.errors import FeverGateError


class PiCheckError(FeverGateError, RuntimeError):
    """The check itself cannot go on: a tool is missing, a build failed, the machine is silent."""
