"""Fills a gateway's database with millions of readings through the shipped store."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from fevergate.protocol.messages import Reading, Verdict
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.records import ReadingArrived, Record
from fevergate.storage.store import Store

PER_DAY = 10_000
"""Readings per day of a campus of 3,500 people."""

FEVER_SHARE = 0.003
BATCH = 5000
FLOOD_BOOT = 1_000_000
OPEN_S = 12 * 3600
OPENS_S = 7 * 3600

Progress = Callable[[str], None]


class Filled:
    """`rows` readings of all kiosks in `settings`, the last of them from yesterday (`day`), and on
    that day a flood of `fevers` by one kiosk."""

    def __init__(
        self, settings: GatewaySettings, rows: int, progress: Progress, fevers: int = 0
    ) -> None:
        self.settings = settings
        self.kiosks = [(gate.name, kiosk) for gate in settings.gates for kiosk in gate.kiosks]
        self.path = settings.path(settings.database)
        self.day = datetime.now(settings.zone).date() - timedelta(days=1)
        self._first = self.day - timedelta(days=(rows - 1) // PER_DAY)
        store = Store(self.path, settings.zone)
        try:
            # Filling is not measured, so it need not wait for the disk.
            store.db.execute("pragma synchronous = off")
            for done, batch in self._batches(rows):
                store.commit(batch)
                progress(f"filling: {done:,} of {rows:,}")
            for batch in self._flood(fevers):
                store.commit(batch)
            store.db.execute("pragma wal_checkpoint(truncate)")
        finally:
            store.close()

    def _batches(self, rows: int) -> Iterator[tuple[int, list[Record]]]:
        chance = random.Random(1)  # noqa: S311 - no secret
        batch: list[Record] = []
        opens_at = 0.0
        for number in range(rows):
            of_day = number % PER_DAY
            if of_day == 0:
                day = self._first + timedelta(days=number // PER_DAY)
                midnight = datetime(day.year, day.month, day.day, tzinfo=self.settings.zone)
                opens_at = midnight.timestamp() + OPENS_S
            batch.append(self._reading(number, opens_at + of_day * OPEN_S / PER_DAY, chance))
            if len(batch) >= BATCH or number == rows - 1:
                yield number + 1, batch
                batch = []

    def _flood(self, fevers: int) -> Iterator[list[Record]]:
        """Fevers of the first kiosk, in a boot of their own."""
        chance = random.Random(2)  # noqa: S311 - no secret
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=self.settings.zone)
        opens_at = midnight.timestamp() + OPENS_S
        for begin in range(0, fevers, BATCH):
            yield [
                self._reading(
                    number * len(self.kiosks),
                    opens_at + number * OPEN_S / fevers,
                    chance,
                    FLOOD_BOOT,
                )
                for number in range(begin, min(fevers, begin + BATCH))
            ]

    def _reading(
        self, number: int, at: float, chance: random.Random, flood_boot: int = 0
    ) -> ReadingArrived:
        gate, kiosk = self.kiosks[number % len(self.kiosks)]
        fever = bool(flood_boot) or chance.random() < FEVER_SHARE
        body_c = round(chance.gauss(38.4 if fever else 36.5, 0.3), 2)
        reading = Reading(
            kiosk=kiosk,
            boot=flood_boot or number // PER_DAY + 1,
            seq=number // len(self.kiosks) + 1,
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
        return ReadingArrived(reading, at, gate, at if fever else None)
