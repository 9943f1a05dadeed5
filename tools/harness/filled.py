"""Fills a gateway's database with a term of readings through its own store."""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice

from fevergate.protocol.messages import Applied, CalibrationRecord, Health, Verdict
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.records import (
    Acknowledged,
    HealthArrived,
    ReadingArrived,
    Record,
    SettingsApplied,
    StatusArrived,
)
from fevergate.storage.store import Store
from harness.readings import made_reading

OPENS, CLOSES = 7, 19
BATCH = 5000
FEVERS = 0.002
GUARDS = ("Zhang Wei", "王芳", "Li Na")


def fill(settings: GatewaySettings, days: int = 120, people: int = 40, seed: int = 1) -> None:
    """Write the last `days` days, up to this hour, with about `people` people per kiosk and day.

    Weekends are quiet, one kiosk has occasional faults, and one of 500 people has a fever."""
    with closing(Store(settings.path(settings.database), settings.zone)) as store:
        commit_all(store, _records(settings, days, people, random.Random(seed)))  # noqa: S311


def commit_all(store: Store, records: Iterable[Record]) -> None:
    """Store records, `BATCH` in each transaction."""
    left = iter(records)
    while batch := list(islice(left, BATCH)):
        store.commit(batch)


def _records(
    settings: GatewaySettings, days: int, people: int, chance: random.Random
) -> Iterator[Record]:
    now = datetime.fromtimestamp(time.time(), settings.zone)
    boot = 0
    kiosks = [(gate.name, kiosk) for gate in settings.gates for kiosk in gate.kiosks]
    for number, (gate, kiosk) in enumerate(kiosks):
        calibration = CalibrationRecord(
            sensor=f"{number + 1:016x}",
            at=time.time() - (40 if number else 400) * 86400,
            by="Chen Jing",
            method="two-point",
            offset_c=0.12,
            gain=1.0,
            uncertainty_c=0.14,
        )
        applied = Applied(kiosk=kiosk, at=None, version=3, calibration=calibration)
        yield SettingsApplied(applied, time.time(), gate)
    for back in range(days - 1, -1, -1):
        boot += 1
        day = (now - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
        busy = 0.1 if day.weekday() > 4 else 1.0
        for number, (gate, kiosk) in enumerate(kiosks):
            if chance.random() < 0.01:
                continue  # left off on this day
            for hour in range(OPENS, CLOSES):
                begin = (day + timedelta(hours=hour)).timestamp()
                if begin + 3600 > now.timestamp():
                    break
                fault = "sensor" if number == 1 and chance.random() < 0.02 else ""
                yield _health(gate, kiosk, number, boot, begin + 3599, fault)
            opened = day + timedelta(hours=OPENS)
            for seq in range(1, int(people * busy * chance.uniform(0.7, 1.3)) + 1):
                at = opened.timestamp() + chance.betavariate(1.3, 2.5) * (CLOSES - OPENS) * 3600
                if at < now.timestamp() - 60:
                    yield from _person(gate, kiosk, boot, seq, at, chance)
    for gate, kiosk in kiosks:
        yield StatusArrived(kiosk, "online", time.time(), gate)


def _person(
    gate: str, kiosk: str, boot: int, seq: int, at: float, chance: random.Random
) -> Iterator[Record]:
    fever, retry = chance.random() < FEVERS, chance.random() < 0.05
    verdict = Verdict.FEVER if fever else Verdict.RETRY if retry else Verdict.NORMAL
    body_c = round(chance.gauss(38.3 if fever else 36.5, 0.25), 2)
    fields = {"up_ms": int(at % 86400 * 1000), "reason": "moving" if verdict == "retry" else ""}
    reading = made_reading(kiosk, boot, seq, at, verdict, body_c, **fields)
    yield ReadingArrived(reading, at + 0.2, gate, at + 0.2 if fever else None)
    if fever:
        at_lamp = at + chance.uniform(5, 90)
        yield Acknowledged((reading.identity,), chance.choice(GUARDS), at_lamp)


def _health(gate: str, kiosk: str, number: int, boot: int, at: float, fault: str) -> HealthArrived:
    health = Health(
        kiosk=kiosk,
        boot=boot,
        at=at,
        up_ms=3_600_000,
        state="fault" if fault else "ok",
        fault=fault,
        watched_s=1500.0 if fault else 3599.0,
        heap_free=90_000,
        heap_low=61_000,
        scans=400,
        rssi=-58 - number,
        can_c=24.1,
        sensor=f"{number + 1:016x}",
        reset="power on",
        settings_version=3,
        site="canthus",
        fw="1.0.0",
    )
    return HealthArrived(health, at + 0.5, gate)
