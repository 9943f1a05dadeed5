"""The school's time, and its machines' clocks, which a preloaded library (LD_PRELOAD) sets."""

import struct
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from harness.preload import compiled

SOURCE = Path(__file__).with_name("wrong_clock.c")
SYNCHRONISED, UNSYNCHRONISED = 0, 5
"""TIME_OK and TIME_ERROR of ntp_gettime(3)."""


class MachineClock:
    """The clock of one machine, in a file that its processes' preloaded library reads; `off_s` is
    its error against the school's time."""

    def __init__(self, path: Path, library: Path) -> None:
        self._path = path
        self._passed_s = 0.0
        self.off_s = 0.0
        self.synchronised = True
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(path)}
        path.write_bytes(bytes(24))
        self._tell()

    def set_wrong(self, off_s: float) -> None:
        """Set the clock wrong, as by a person or a boot without network: not synchronised."""
        self.off_s, self.synchronised = off_s, False
        self._tell()

    def set_right(self, *, synchronised: bool) -> None:
        """Set the clock right, by a time server or (not `synchronised`) by a person."""
        self.off_s, self.synchronised = 0.0, synchronised
        self._tell()

    def let_pass(self, seconds: float) -> None:
        """Advance the clock and the machine's uptime."""
        self._passed_s += seconds
        self._tell()

    def _tell(self) -> None:
        numbers = (
            round((self._passed_s + self.off_s) * 1e9),
            round(self._passed_s * 1e9),
            SYNCHRONISED if self.synchronised else UNSYNCHRONISED,
        )
        with self._path.open("r+b", buffering=0) as file:  # in place: processes have it mapped
            file.write(struct.pack("=3q", *numbers))


class World:
    """The school's true time; `sleep_until` skips a night in an instant."""

    def __init__(self, folder: Path, zone: ZoneInfo) -> None:
        library = compiled(SOURCE, folder)
        self._zone = zone
        self._passed_s = 0.0
        self.gateway = MachineClock(folder / "gateway.clock", library)
        self.campus = MachineClock(folder / "campus.clock", library)

    def now(self) -> float:
        """The school's Unix time (s)."""
        return time.time() + self._passed_s

    @property
    def today(self) -> str:
        return self.day(self.now())

    def day(self, at: float) -> str:
        """Local date (YYYY-MM-DD) of a Unix time (s)."""
        return datetime.fromtimestamp(at, self._zone).date().isoformat()

    def sleep_until(self, hour: float, days: int = 1) -> None:
        """Advance time to an hour of the day that is `days` days after today."""
        midnight = datetime.fromisoformat(self.today).replace(tzinfo=self._zone)
        until = midnight + timedelta(days=days, hours=hour)
        seconds = until.timestamp() - self.now()
        self._passed_s += seconds
        for machine in (self.gateway, self.campus):
            machine.let_pass(seconds)
