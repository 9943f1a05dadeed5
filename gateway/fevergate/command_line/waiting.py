"""Lets a command wait for an answer that comes through the broker or the database."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.2


def until(look: Callable[[], T | None], patience_s: float) -> T | None:
    """Call `look` until it returns something; None if it does not within `patience_s`."""
    end = time.monotonic() + patience_s
    while (result := look()) is None and time.monotonic() < end:
        time.sleep(POLL_S)
    return result
