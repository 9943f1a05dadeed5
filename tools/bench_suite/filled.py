"""Fills a gateway's database with millions of readings through the shipped store."""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta

from fevergate.protocol.messages import Verdict
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.records import ReadingArrived
from fevergate.storage.store import Store
from harness.figures import progress
from harness.filled import commit_all
from harness.readings import made_reading

PER_DAY = 10_000
"""Readings per day of a campus of 3,500 people."""

FEVER_SHARE = 0.003
FLOOD_BOOT = 1_000_000
OPENS, OPEN_S = time(7), 12 * 3600


class Filled:
    """A gateway's database with `rows` readings of all kiosks in `settings`, up to yesterday
    (`day`). On that day the first kiosk adds a flood of `fevers` fevers, under a boot number of its
    own."""

    def __init__(self, settings: GatewaySettings, rows: int, fevers: int = 0) -> None:
        self.settings = settings
        self.kiosks = [(gate.name, kiosk) for gate in settings.gates for kiosk in gate.kiosks]
        self.day = datetime.now(settings.zone).date() - timedelta(days=1)
        with closing(Store(settings.path(settings.database), settings.zone)) as store:
            # Filling is not measured, so it need not wait for the disk.
            store.db.execute("pragma synchronous = off")
            commit_all(store, self._years(rows))
            commit_all(store, self._flood(fevers))
            store.db.execute("pragma wal_checkpoint(truncate)")

    def _years(self, rows: int) -> Iterator[ReadingArrived]:
        chance = random.Random(1)  # noqa: S311 - no secret
        first = self.day - timedelta(days=(rows - 1) // PER_DAY)
        opens_at = 0.0
        for number in range(rows):
            day, of_day = divmod(number, PER_DAY)
            if of_day == 0:
                progress(f"filling: {number:,} of {rows:,}")
                opens_at = self._opens_at(first + timedelta(days=day))
            at = opens_at + of_day * OPEN_S / PER_DAY
            yield self._reading(number, at, day + 1, chance, chance.random() < FEVER_SHARE)

    def _flood(self, fevers: int) -> Iterator[ReadingArrived]:
        chance = random.Random(2)  # noqa: S311 - no secret
        for number in range(fevers):
            at = self._opens_at(self.day) + number * OPEN_S / fevers
            yield self._reading(number * len(self.kiosks), at, FLOOD_BOOT, chance, fever=True)

    def _opens_at(self, day: date) -> float:
        return datetime.combine(day, OPENS, self.settings.zone).timestamp()

    def _reading(
        self, number: int, at: float, boot: int, chance: random.Random, fever: bool
    ) -> ReadingArrived:
        gate, kiosk = self.kiosks[number % len(self.kiosks)]
        body_c = round(chance.gauss(38.4 if fever else 36.5, 0.3), 2)
        seq = number // len(self.kiosks) + 1
        up_ms = number % PER_DAY * 4000
        verdict = Verdict.FEVER if fever else Verdict.NORMAL
        reading = made_reading(kiosk, boot, seq, at, verdict, body_c, up_ms=up_ms)
        return ReadingArrived(reading, at, gate, at if fever else None)
