"""Faults of many kinds at random instants under load; then everything is accounted for.

Real sockets, a small file system as the card, SIGKILL, torn files. Beside what `crash` counts: how
long each fever's red light took, over all faults, and whether each day's figures are those of what
was published.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from fevergate.bench.crash import GUARD_S, SETTLE_S, Crowd, Lamp, Progress, Victims, account
from fevergate.bench.load import Fleet, LoadKiosk
from fevergate.bench.stage import CAMPUS, Stage
from fevergate.broker_files import STORE
from fevergate.database import open_reader
from fevergate.errors import BenchError
from fevergate.protocol import Topic, Verdict

KIOSKS = 10
HOSTILE = f"kiosk-{KIOSKS + 1}"
"""Its credential is the attacker's; what it says is in no figure."""

CARD_MB = 256
REST_S = (0.05, 2.0)
FAULT_S = (0.5, 4.0)
FLOOD = 3000
"""Readings of a flood; people give a kiosk one in a second."""


class Chaos:
    """One stage and its faults, each a method named as its kind."""

    def __init__(self, stage: Stage, seed: int, minutes: float) -> None:
        self._stage = stage
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._minutes = minutes
        self._lamp = Lamp()
        self._victims = Victims(stage, self._lamp)
        self._attacker: LoadKiosk | None = None

    def run(
        self, kinds: list[str], seed: int, progress: Progress, count: int = 1
    ) -> dict[str, Any]:
        """At least `count` faults, one of each kind if that is as many. Returns the figures;
        `lost`, `doubled`, `dark` and `days_wrong` must be 0."""
        self._victims.start_gateway()
        fleet = Fleet(self._stage.settings, KIOSKS, boot=seed + 1, seed=seed)
        crowd = Crowd(fleet)
        crowd.start()
        faults: Counter[str] = Counter()
        every, kinds = kinds, self._chance.sample(kinds, len(kinds))
        until = time.monotonic() + 60 * self._minutes
        guard_at = time.monotonic() + GUARD_S
        try:
            while time.monotonic() < until or faults.total() < count:
                time.sleep(self._chance.uniform(*REST_S))
                kind = kinds.pop() if kinds else self._chance.choice(every)
                faults[kind] += 1
                progress(f"fault {faults.total()}: {kind}")
                getattr(self, f"_{kind}")()
                if time.monotonic() > guard_at:
                    guard_at = time.monotonic() + GUARD_S
                    self._victims.acknowledge()
            crowd.stop()
            progress("waiting until all is stored")
            fleet.wait_stored(SETTLE_S)
        finally:
            crowd.stop()
            fleet.close()
            if self._attacker:
                self._attacker.close()
            self._victims.stop()
        self._lamp.close()
        return self._figures(fleet, crowd, faults)

    def _figures(self, fleet: Fleet, crowd: Crowd, faults: Counter[str]) -> dict[str, Any]:
        found = account(self._stage, fleet.published, self._lamp, HOSTILE)
        skew_s = time.time() - time.monotonic()
        lit_s = [self._lamp.lit_after_s((one.at or 0.0) - skew_s) for one in crowd.fevers]
        took_s = sorted(seconds for seconds in lit_s if seconds is not None)
        days = self._days(fleet)
        return {
            "faults": dict(sorted(faults.items())),
            "published": found["published"],
            "stored": found["stored"],
            "lost": max(found["lost"], fleet.pending),
            "doubled": found["doubled"] + found["invented"],
            "fevers": found["fevers"],
            "dark": found["dark"] + lit_s.count(None),
            "light_ms_p99": round(1000 * took_s[int(0.99 * (len(took_s) - 1))], 1) if took_s else 0,
            "days": len(days),
            "days_wrong": sum(said != right for said, right in days.values()),
        }

    def _days(self, fleet: Fleet) -> dict[str, tuple[int, int]]:
        """For each day what the gateway's log says of it, and what was published."""
        zone = self._stage.settings.zone
        right = Counter(
            datetime.fromtimestamp(at, zone).date().isoformat() for at in fleet.dates.values()
        )
        database = open_reader(self._stage.database)
        try:
            said = dict(
                database.execute(
                    "select date, sum(normal + fever + retry) from days"
                    " where kiosk != ? group by date",
                    (HOSTILE,),
                ).fetchall()
            )
        finally:
            database.close()
        return {day: (said.get(day, 0), right[day]) for day in {*said, *right}}

    def _gateway(self) -> None:
        self._victims.kill("gateway")
        self._back()

    def _broker(self) -> None:
        self._victims.kill("broker")
        self._back()

    def _power(self) -> None:
        """Both are gone at once, and the broker's store is what the cut left of it."""
        store = self._stage.folder / "broker" / STORE
        os.kill(self._stage.broker.pid, signal.SIGUSR1)  # mosquitto(8): write it now
        time.sleep(self._chance.uniform(0.1, 0.5))
        self._victims.kill("broker")
        self._victims.kill("gateway")
        if store.exists():
            data = store.read_bytes()
            store.write_bytes(
                self._chance.choice((data, bytes(len(data)), data[: len(data) // 2], b""))
            )
        self._back()

    def _full(self) -> None:
        """The card is full, sometimes when the gateway starts, and has room again."""
        filler = self._card() / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if self._chance.random() < 0.5:
            self._gateway()
        time.sleep(self._chance.uniform(*FAULT_S))
        filler.unlink()

    def _readonly(self) -> None:
        """The card is read-only when the gateway starts, and can be written again."""
        self._victims.kill("gateway")
        self._mount("ro")
        self._back()
        time.sleep(self._chance.uniform(*FAULT_S))
        self._mount("rw")

    def _hostile(self) -> None:
        """A stolen kiosk says what no kiosk says."""
        topics = [str(Topic(CAMPUS, HOSTILE, kind)) for kind in ("reading", "health", "status")]
        health = {"kiosk": HOSTILE, "boot": 1, "state": "ok", "at": time.time()}
        texts = (
            json.dumps(health | {"up_ms": 2**53}),
            json.dumps({"kiosk": HOSTILE, "boot": 1, "seq": 2**31, "at": None, "up_ms": 1}),
            json.dumps({"kiosk": self._stage.kiosks[0], "boot": 1, "seq": 1}),
            "{",
            "\0" * 500,
        )
        for _ in range(200):
            self._stranger().say(self._chance.choice(topics), self._chance.choice(texts).encode())

    def _flood(self) -> None:
        """A stolen kiosk says far more than people could."""
        for _ in range(FLOOD):
            self._stranger().reading(Verdict.NORMAL, 36.5)

    def _stranger(self) -> LoadKiosk:
        if self._attacker is None:
            self._attacker = LoadKiosk(self._stage.settings, HOSTILE, 1)
            self._attacker.wait_up()
        return self._attacker

    def _back(self) -> None:
        time.sleep(self._chance.choice((0.0, self._chance.uniform(0, 0.5))))
        self._victims.revive()

    def _card(self) -> Path:
        if self._stage.card is None:
            raise BenchError("full, readonly: mounting a file system needs root")
        return self._stage.card

    def _mount(self, mode: str) -> None:
        command = ["mount", "-o", f"remount,{mode}", str(self._card())]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"{' '.join(command)}: {done.stderr.strip()}")
