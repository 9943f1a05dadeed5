"""What time it is at the school, and what the gateway's and the campus server's machines make of
it: real processes, whose clocks a shim before the C library moves."""

from __future__ import annotations

import struct
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which
from zoneinfo import ZoneInfo

from harness.errors import HarnessError

SOURCE = Path(__file__).with_name("wrong_clock.c")
SYNCHRONISED, UNSYNCHRONISED = 0, 5
"""ntp_gettime(3): TIME_OK, TIME_ERROR."""


class MachineClock:
    """The clock of one machine: a file that its processes' shim reads. `off_s` is how far its time
    of day is from the school's."""

    def __init__(self, path: Path, library: Path) -> None:
        self._path = path
        self._passed_s = 0.0
        self.off_s = 0.0
        self.synchronised = True
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(path)}
        path.write_bytes(bytes(24))
        self._tell()

    def set_wrong(self, off_s: float) -> None:
        """By a person, or at a boot without network: no time server has set it since then."""
        self.off_s, self.synchronised = off_s, False
        self._tell()

    def set_right(self, *, synchronised: bool) -> None:
        """By a time server, or (not `synchronised`) by a person."""
        self.off_s, self.synchronised = 0.0, synchronised
        self._tell()

    def let_pass(self, seconds: float) -> None:
        """Time goes by, for the machine's uptime too."""
        self._passed_s += seconds
        self._tell()

    def _tell(self) -> None:
        numbers = (
            round((self._passed_s + self.off_s) * 1e9),
            round(self._passed_s * 1e9),
            SYNCHRONISED if self.synchronised else UNSYNCHRONISED,
        )
        with self._path.open("r+b", buffering=0) as file:  # in place: it is mapped
            file.write(struct.pack("=3q", *numbers))


class World:
    """The school's time, which is right; a night takes an instant."""

    def __init__(self, folder: Path, zone: ZoneInfo) -> None:
        library = _shim(folder)
        self._zone = zone
        self._passed_s = 0.0
        self.gateway = MachineClock(folder / "gateway.clock", library)
        self.campus = MachineClock(folder / "campus.clock", library)

    def now(self) -> float:
        """UTC s."""
        return time.time() + self._passed_s

    @property
    def today(self) -> str:
        return self.day(self.now())

    def day(self, at: float) -> str:
        """The day (YYYY-MM-DD) of UTC s."""
        return datetime.fromtimestamp(at, self._zone).date().isoformat()

    def sleep_until(self, hour: float, days: int = 1) -> None:
        """Let time go by until an hour of the day after (or some `days` on)."""
        midnight = datetime.fromisoformat(self.today).replace(tzinfo=self._zone)
        until = midnight + timedelta(days=days, hours=hour)
        seconds = until.timestamp() - self.now()
        self._passed_s += seconds
        for machine in (self.gateway, self.campus):
            machine.let_pass(seconds)


def _shim(folder: Path) -> Path:
    """The compiled shim. Raises `HarnessError` where there is no C compiler."""
    compiler = which("cc")
    if compiler is None:
        raise HarnessError("a clock is moved by a C library: apt-get install gcc libc6-dev")
    library = folder / "wrong_clock.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HarnessError(f"{SOURCE.name}: {compiler}: {done.stderr.strip()[:500]}")
    return library
