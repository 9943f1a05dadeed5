"""How long a day's fever log and its summaries take after years, beside the first days'.

Two databases, filled through the shipped store with the same days, one after the other: what is
measured is the last day of each, whose size is the same.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

from fevergate.database import open_reader
from fevergate.errors import BenchError
from fevergate.fever_log import read_day
from fevergate.forward import day_summary
from fevergate.protocol import Reading, Verdict
from fevergate.records import ReadingArrived, Record
from fevergate.settings import Gate, GatewaySettings
from fevergate.store import Store

SMALL = 100_000
PER_DAY = 10_000
"""What a campus of 3,500 people makes of a day."""

KIOSKS = 10
FEVER_SHARE = 0.003
BATCH = 5000
SAMPLES = 20
FIRST_DAY = date(2023, 9, 1)
OPEN_S = 12 * 3600
OPENS_S = 7 * 3600

Progress = Callable[[str], None]


def measure(folder: Path | None, rows: int, rounds: int, progress: Progress) -> dict[str, float]:
    """Medians in ms: the log as `fevergate log` reads it, and the summaries of all kiosks' day.

    Where `rows` is more than `SMALL`, the same of so many beside it, by turns.
    """
    with tempfile.TemporaryDirectory(prefix="fevergate-bench-", dir=folder) as own:
        sizes = {"": rows} | ({"small_": SMALL} if rows > SMALL else {})
        stages = {name: _Filled(Path(own), size, progress) for name, size in sizes.items()}
        took: dict[str, list[float]] = {}
        for number in range(1, rounds + 1):
            progress(f"reading, round {number} of {rounds}")
            for name, filled in stages.items():
                for what, read in (("log", filled.log), ("summary", filled.summary)):
                    took.setdefault(f"{name}{what}_ms", []).append(_median_ms(read))
    figures: dict[str, float] = {f"{name}rows": size for name, size in sizes.items()}
    return figures | {name: round(median(of), 3) for name, of in took.items()}


class _Filled:
    """A gateway's database with so many readings."""

    def __init__(self, folder: Path, rows: int, progress: Progress) -> None:
        self.kiosks = [f"kiosk-{number}" for number in range(1, KIOSKS + 1)]
        self.settings = GatewaySettings(
            campus="bench",
            gateway="gw-bench",
            gates=[Gate(name="gate-1", kiosks=self.kiosks)],
        )
        self.path = folder / f"{rows}.db"
        self.day = FIRST_DAY + timedelta(days=(rows - 1) // PER_DAY)
        store = Store(self.path, self.settings.zone)
        try:
            # Filling is not what is measured: the disk may take its time.
            store.db.execute("pragma synchronous = off")
            for done, batch in self._batches(rows):
                store.commit(batch)
                progress(f"filling: {done:,} of {rows:,}")
            store.db.execute("pragma wal_checkpoint(truncate)")
        finally:
            store.close()

    def log(self) -> None:
        """As the command does it, from the opening on."""
        database = open_reader(self.path)
        try:
            log = read_day(database, self.settings, self.day)
        finally:
            database.close()
        if len(log.kiosks) != KIOSKS or not log.covered:
            raise BenchError(f"{self.path}: the log of {self.day} is not that of {KIOSKS} kiosks")

    def summary(self) -> None:
        """What the campus server is sent of the day."""
        database = open_reader(self.path)
        try:
            for kiosk in self.kiosks:
                day_summary(database, kiosk, self.day.isoformat())
        finally:
            database.close()

    def _batches(self, rows: int) -> Iterator[tuple[int, list[Record]]]:
        chance = random.Random(1)  # noqa: S311 - no secret
        batch: list[Record] = []
        opens_at = 0.0
        for number in range(rows):
            of_day = number % PER_DAY
            if of_day == 0:
                day = FIRST_DAY + timedelta(days=number // PER_DAY)
                midnight = datetime(day.year, day.month, day.day, tzinfo=self.settings.zone)
                opens_at = midnight.timestamp() + OPENS_S
            batch.append(self._reading(number, opens_at + of_day * OPEN_S / PER_DAY, chance))
            if len(batch) >= BATCH or number == rows - 1:
                yield number + 1, batch
                batch = []

    def _reading(self, number: int, at: float, chance: random.Random) -> ReadingArrived:
        fever = chance.random() < FEVER_SHARE
        body_c = round(chance.gauss(38.4 if fever else 36.5, 0.3), 2)
        reading = Reading(
            kiosk=self.kiosks[number % KIOSKS],
            boot=number // PER_DAY + 1,
            seq=number // KIOSKS + 1,
            at=at,
            up_ms=number % PER_DAY * 4000,
            verdict=Verdict.FEVER if fever else Verdict.NORMAL,
            object_c=round(body_c - 3, 2),
            ambient_c=24.0,
            skin_c=round(body_c - 2, 2),
            body_c=body_c,
            threshold_c=37.3,
            baseline_c=0.0,
            samples=12,
            scan_ms=700,
            fw="1.0.0",
        )
        return ReadingArrived(reading, at, "gate-1", at if fever else None)


def _median_ms(read: Callable[[], None]) -> float:
    took = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        read()
        took.append((time.perf_counter() - began) * 1000)
    return median(took)
