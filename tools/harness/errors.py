"""Errors of the harness itself, derived from the product's base class."""

from fevergate.errors import FeverGateError


class HarnessError(FeverGateError, RuntimeError):
    """A part did not start, answer or end, so the trial says nothing about the product."""


class DatabaseServerError(HarnessError):
    """PostgreSQL is not installed on this machine, or one of its commands failed."""
