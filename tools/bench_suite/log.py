"""Measures the time to read a day's fever log and summaries from a large and a small database.

Both are filled through the shipped store. Only the last day is read; it has equally many readings
in both.
"""

import tempfile
from pathlib import Path
from statistics import median

from bench_suite.filled import Filled
from fevergate.reports.fever_log import read_day
from fevergate.settings.gateway import Gate, GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.storage.outbox import day_summary
from harness.errors import HarnessError
from harness.figures import median_ms, progress

SMALL = 100_000
KIOSKS = 10
SAMPLES = 20


def measure(folder: Path | None, rows: int, rounds: int) -> dict[str, float]:
    """Medians (ms) for reading the log as `fevergate log` does, and for all kiosks' summaries of
    the day.

    If `rows` is above `SMALL`, a database of `SMALL` rows is measured in alternation with it.
    """
    with tempfile.TemporaryDirectory(prefix="fevergate-bench-", dir=folder) as temporary:
        sizes = {"": rows} | ({"small_": SMALL} if rows > SMALL else {})
        stages = {name: _Years(Path(temporary), size) for name, size in sizes.items()}
        times: dict[str, list[float]] = {}
        for number in range(1, rounds + 1):
            progress(f"reading, round {number} of {rounds}")
            for name, filled in stages.items():
                for figure, read in (("log", filled.log), ("summary", filled.summary)):
                    times.setdefault(f"{name}{figure}_ms", []).append(median_ms(read, SAMPLES))
    figures: dict[str, float] = {f"{name}rows": size for name, size in sizes.items()}
    return figures | {name: round(median(values), 3) for name, values in times.items()}


class _Years:
    """A gateway's settings and a database of `rows` readings."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.kiosks = [f"kiosk-{number}" for number in range(1, KIOSKS + 1)]
        self.settings = GatewaySettings(
            campus="bench",
            gateway="gw-bench",
            gates=[Gate(name="gate-1", kiosks=self.kiosks)],
            database=f"{rows}.db",
        )
        self.settings.folder = folder
        self.path = self.settings.path(self.settings.database)
        self.day = Filled(self.settings, rows).day

    def log(self) -> None:
        """Read the log as the command does, including the opening of the database."""
        with open_reader(self.path) as database:
            log = read_day(database, self.settings, self.day)
        if len(log.kiosks) != KIOSKS or not log.covered:
            raise HarnessError(f"{self.path}: the log of {self.day} is not that of {KIOSKS} kiosks")

    def summary(self) -> None:
        """Compute the day's summaries for the campus server."""
        with open_reader(self.path) as database:
            for kiosk in self.kiosks:
                day_summary(database, kiosk, self.day.isoformat(), self.settings.zone, epoch=1)
