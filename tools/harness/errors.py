"""Errors of the trials' own machinery, below the product's base class."""

from fevergate.errors import FeverGateError


class HarnessError(FeverGateError, RuntimeError):
    """A part of a trial did not start, answer or end: the trial says nothing about the product."""


class DatabaseServerError(HarnessError):
    """A PostgreSQL server of this machine is missing, or does not do what it is asked."""
