"""A clock that runs as fast as the kiosks' simulated time, shared by several processes."""

import time


class FastClock:
    """A clock that shows `begin` (Unix s) now and runs `speed` times as fast as the host's."""

    def __init__(self, begin: float, speed: float) -> None:
        self._begin = begin
        self._speed = speed
        self._since = time.monotonic()
        self._utc_of_host = time.time() - self._since

    def utc(self) -> float:
        """The present time by this clock, Unix s."""
        return self._at(time.monotonic())

    def at_host(self, utc_of_host: float) -> float:
        """Time of this clock when the host's clock shows `utc_of_host`; both Unix s."""
        return self._at(utc_of_host - self._utc_of_host)

    def options(self) -> list[str]:
        """Options by which `gateway_host` gives kiosks this time. It can compute the time because
        all processes share CLOCK_MONOTONIC."""
        return ["--clock", *(str(value) for value in (self._begin, self._since, self._speed))]

    def _at(self, monotonic: float) -> float:
        return self._begin + (monotonic - self._since) * self._speed
