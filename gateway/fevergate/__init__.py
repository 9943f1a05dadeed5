"""FeverGate's gateway: red light first, then every reading stored once, then the rest."""

from importlib.metadata import version

__version__ = version("fevergate")
