"""A date that passes as fast as the kiosks' ticks, for all who have to agree on it."""

from __future__ import annotations

import time


class FastClock:
    """UTC s: `begin` now, and `speed` times as fast as the host's from now on."""

    def __init__(self, begin: float, speed: float) -> None:
        self._begin = begin
        self._speed = speed
        self._since = time.monotonic()
        self._utc_of_host = time.time() - self._since

    def utc(self) -> float:
        """Now, by this clock."""
        return self._at(time.monotonic())

    def at_host(self, utc_of_host: float) -> float:
        """This clock's date at an instant of the host's."""
        return self._at(utc_of_host - self._utc_of_host)

    def options(self) -> list[str]:
        """By these `gateway_host` tells kiosks this date: CLOCK_MONOTONIC is one for all."""
        return ["--clock", *(str(value) for value in (self._begin, self._since, self._speed))]

    def _at(self, monotonic: float) -> float:
        return self._begin + (monotonic - self._since) * self._speed
