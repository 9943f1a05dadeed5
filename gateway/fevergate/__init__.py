"""FeverGate's gateway: lights the red light first, then stores each reading once, then the rest."""

from importlib.metadata import version

__version__ = version("fevergate")
