"""Gateway and broker killed at random instants under load; then every reading is accounted for.

Real sockets, a real disk, SIGKILL. What was published is compared with what is stored, and for
each fever the red lamp's pin must have been high when the store says that it was raised.
"""

from __future__ import annotations

import random
import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from fevergate.database import open_reader
from fevergate.errors import FeverGateError
from fevergate.pins import GATES
from fevergate.protocol import Identity, Verdict
from harness.admin import Admin
from harness.errors import HarnessError
from harness.load import Fleet
from harness.stage import Stage, Worker

KIOSKS = 10
PER_S = 300
FEVER_SHARE = 0.02
LIVES_S = (0.05, 2.0)
"""How long it is left alive between two kills: shorter than a start takes, at times."""

GUARD_S = 3.0
SETTLE_S = 120
SURE_S = 0.002
"""Two clocks are compared: UTC of the store, and the pins' monotonic one."""

Progress = Callable[[str], None]

_SUM = "select coalesce(sum(normal + fever + retry), 0)"


def crash(stage: Stage, kills: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Returns the figures; `lost`, `doubled` and `dark` must be 0."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    lamp = Lamp()
    victims = Victims(stage, lamp)
    victims.start_gateway()
    fleet = Fleet(stage.settings, boot=seed + 1, seed=seed)
    crowd = Crowd(fleet)
    crowd.start()
    killed: dict[str, int] = {"gateway": 0, "broker": 0}
    guard_at = time.monotonic() + GUARD_S
    try:
        for number in range(1, kills + 1):
            progress(f"kill {number} of {kills}")
            time.sleep(chance.uniform(*LIVES_S))
            for name in chance.choice((("gateway",), ("broker",), ("gateway", "broker"))):
                killed[name] += 1
                victims.kill(name)
            time.sleep(chance.choice((0.0, chance.uniform(0, 0.5))))
            victims.revive()
            if time.monotonic() > guard_at:
                guard_at = time.monotonic() + GUARD_S
                victims.acknowledge()
        crowd.stop()
        progress("waiting until all is stored")
        complete = fleet.wait_stored(SETTLE_S)
        published = fleet.published
    finally:
        crowd.stop()
        fleet.close()
        victims.stop()
    lamp.close()
    return (
        {"kills": kills, "killed": killed, "seed": seed, "complete": complete}
        | {"pending": fleet.pending}
        | account(stage, published, lamp)
    )


class Crowd(threading.Thread):
    """People who go on whatever falls."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(name="crowd", daemon=True)
        self._fleet = fleet
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._fleet.publish(PER_S // 10, PER_S, FEVER_SHARE)
            for kiosk in self._fleet.kiosks:
                kiosk.again()

    def stop(self) -> None:
        self._stopping.set()
        if self.is_alive():
            self.join()


class Lamp:
    """When the red pin was high, by the machine's monotonic clock, over all gateways' lives."""

    def __init__(self) -> None:
        self._pin = GATES["gate1"]["red"]
        self._on: list[tuple[float, float]] = []
        self._since: float | None = None

    def heard(self, line: str) -> None:
        at, pin, level = line.split()
        if int(pin) != self._pin:
            return
        if int(level):
            self._since = float(at)
        else:
            self._ended(float(at))

    def died(self, at: float) -> None:
        """The gateway is gone; what it last showed is all that is known."""
        self._ended(at)

    def close(self) -> None:
        self._ended(time.monotonic())
        self._on.sort()

    def was_red(self, at: float) -> bool:
        begin = bisect_right(self._on, (at + SURE_S, float("inf"))) - 1
        return begin >= 0 and self._on[begin][1] >= at - SURE_S

    def _ended(self, at: float) -> None:
        if self._since is not None:
            self._on.append((self._since, at))
            self._since = None


class Victims:
    """The gateway and the broker, which fall and stand up."""

    def __init__(self, stage: Stage, lamp: Lamp) -> None:
        self._stage = stage
        self._lamp = lamp
        self._gateway: Worker | None = None
        self._broker = True

    def start_gateway(self) -> None:
        self._gateway = self._stage.gateway()

    def kill(self, name: str) -> None:
        if name == "broker":
            self._stage.broker.kill()
            self._broker = False
        elif self._gateway:
            self._gateway.kill()
            self.hear()

    def revive(self) -> None:
        if not self._broker:
            self._stage.broker.start()
            self._broker = True
        if self._gateway is None:
            self.start_gateway()

    def acknowledge(self) -> None:
        """A guard comes by; where there is no broker he comes again."""
        try:
            with Admin(self._stage) as guard:
                guard.acknowledge()
        except (FeverGateError, OSError):
            return

    def stop(self) -> None:
        if self._gateway:
            self._gateway.__exit__()
            self.hear()

    def hear(self) -> None:
        """Take what the dead gateway said of its pins."""
        assert self._gateway  # noqa: S101 - called where it is
        for line in self._gateway.last_lines():
            self._lamp.heard(line)
        self._lamp.died(time.monotonic())
        self._gateway = None


def account(stage: Stage, published: dict[Identity, Verdict], lamp: Lamp) -> dict[str, Any]:
    """What became of what was published."""
    database = open_reader(stage.database)
    try:
        (check,) = database.execute("pragma integrity_check").fetchone()
        if check != "ok":
            raise HarnessError(f"{stage.database}: {check}")
        stored = {
            Identity(*row[:3]): Verdict(row[3])
            for row in database.execute("select kiosk, boot, seq, verdict from readings")
        }
        fevers = {
            Identity(*row[:3]): row[3]
            for row in database.execute("select kiosk, boot, seq, raised_at from fevers")
        }
        (counted,) = database.execute(f"{_SUM} from hours").fetchone()
        (days,) = database.execute(f"{_SUM} from days").fetchone()
    finally:
        database.close()
    ill = {identity for identity, verdict in published.items() if verdict is Verdict.FEVER}
    skew_s = time.time() - time.monotonic()
    return {
        "published": len(published),
        "stored": len(stored),
        "fevers": len(ill),
        "lost": len(published.keys() - stored.keys()),
        "invented": len(stored.keys() - published.keys()),
        "doubled": max(abs(counted - len(stored)), abs(days - len(stored))),
        "dark": len(ill - fevers.keys())
        + sum(not lamp.was_red(raised_at - skew_s) for raised_at in fevers.values()),
    }
