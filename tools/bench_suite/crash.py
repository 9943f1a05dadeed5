"""Gateway and broker killed at random instants under load; then every reading is accounted for.

Real sockets, a real disk, SIGKILL. What was published is compared with what is stored, and for
each fever the red lamp's pin must have been high when the store says that it was raised.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from fevergate.alarm.gpio_pins import GATES
from fevergate.errors import FeverGateError
from fevergate.protocol.messages import Identity, Verdict
from fevergate.storage.connection import open_reader
from harness.admin import Admin
from harness.errors import HarnessError
from harness.load import Fleet
from harness.site import LoadSite
from harness.worker import Worker

KIOSKS = 10
PER_S = 300
FEVER_SHARE = 0.02
LIVES_S = (0.05, 2.0)
"""How long it is left alive between two kills: shorter than a start takes, at times."""

GUARD_S = 3.0
SETTLE_S = 120
SURE_S = 0.002
"""Two clocks are compared: UTC of the store, and the pins' monotonic one."""

RED = GATES["gate1"]["red"]

Progress = Callable[[str], None]

_SUM = "select coalesce(sum(normal + fever + retry), 0)"


def crash(site: LoadSite, kills: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Returns the figures; `lost`, `doubled` and `dark` must be 0."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    victims = Victims(site)
    victims.start_gateway()
    fleet = Fleet(site.settings, boot=seed + 1, seed=seed)
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
    return (
        {"kills": kills, "killed": killed, "seed": seed, "complete": complete}
        | {"pending": fleet.pending}
        | account(site, published)
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


class Victims:
    """The gateway and the broker, which fall and stand up."""

    def __init__(self, site: LoadSite) -> None:
        self._site = site
        self._gateway: Worker | None = None
        self._broker = True

    def start_gateway(self) -> None:
        self._gateway = self._site.start_gateway()

    def kill(self, name: str) -> None:
        if name == "broker":
            self._site.broker.kill()
            self._broker = False
        elif self._gateway:
            self._gateway.kill()
            self._gateway = None

    def revive(self) -> None:
        if not self._broker:
            self._site.broker.start()
            self._broker = True
        if self._gateway is None:
            self.start_gateway()

    def acknowledge(self) -> None:
        """A guard comes by; where there is no broker he comes again."""
        try:
            with Admin(self._site) as guard:
                guard.acknowledge()
        except (FeverGateError, OSError):
            return

    def stop(self) -> None:
        if self._gateway:
            self._gateway.stop()


def account(site: LoadSite, published: dict[Identity, Verdict]) -> dict[str, Any]:
    """What became of what was published."""
    database = open_reader(site.database)
    try:
        (check,) = database.execute("pragma integrity_check").fetchone()
        if check != "ok":
            raise HarnessError(f"{site.database}: {check}")
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
    return {
        "published": len(published),
        "stored": len(stored),
        "fevers": len(ill),
        "lost": len(published.keys() - stored.keys()),
        "invented": len(stored.keys() - published.keys()),
        "doubled": max(abs(counted - len(stored)), abs(days - len(stored))),
        "dark": len(ill - fevers.keys())
        + sum(not site.lamps.was_lit(RED, raised_at, SURE_S) for raised_at in fevers.values()),
    }
