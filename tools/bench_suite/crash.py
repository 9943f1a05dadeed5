"""Kills gateway and broker at random times under load, then accounts for every reading.

The trial has real sockets, a real disk and SIGKILL. The published readings are compared with the
stored ones. For each fever, the red lamp's pin must have been high at the stored time of the alarm.
"""

import random
import time
from typing import Any

from fevergate.alarm.gpio_pins import GATES
from fevergate.backup.gateway import check_copy
from fevergate.protocol.messages import Identity, Verdict
from harness.admin import acknowledge_if_up
from harness.crowd import Crowd
from harness.figures import progress
from harness.load import Fleet
from harness.site import LoadSite
from harness.store_contents import read_contents

PER_S = 300
LIVES_S = (0.05, 2.0)
"""Range of the time between two kills; at times shorter than a start takes."""

GUARD_S = 3.0
SETTLE_S = 600
SURE_S = 0.002
"""Tolerance between the store's clock (UTC) and the pins' (monotonic)."""

RED = GATES["gate1"]["red"]


def measure(site: LoadSite, kills: int, seed: int) -> dict[str, Any]:
    """Run the trial; returns the figures, of which `lost`, `doubled` and `dark` must be 0."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    site.start_gateway()
    fleet = Fleet(site.settings, boot=seed + 1, seed=seed)
    crowd = Crowd(fleet, PER_S)
    crowd.start()
    killed: dict[str, int] = {"gateway": 0, "broker": 0}
    guard_at = time.monotonic() + GUARD_S
    try:
        for number in range(1, kills + 1):
            progress(f"kill {number} of {kills}")
            time.sleep(chance.uniform(*LIVES_S))
            victims = chance.choice((("gateway",), ("broker",), ("gateway", "broker")))
            for name in victims:
                killed[name] += 1
                getattr(site, name).kill()
            time.sleep(chance.choice((0.0, chance.uniform(0, 0.5))))
            if "broker" in victims:
                site.broker.start()
            if "gateway" in victims:
                site.start_gateway()
            if time.monotonic() > guard_at:
                guard_at = time.monotonic() + GUARD_S
                acknowledge_if_up(site)
        crowd.stop()
        progress("waiting until all is stored")
        complete = fleet.wait_stored(SETTLE_S)
        published = fleet.published
    finally:
        crowd.stop()
        fleet.close()
        site.gateway.stop()
    return (
        {"kills": kills, "killed": killed, "seed": seed, "complete": complete}
        | {"pending": fleet.pending}
        | account(site, published)
    )


def account(site: LoadSite, published: dict[Identity, Verdict]) -> dict[str, Any]:
    """Compare the database and the lamp with the readings published."""
    check_copy(site.database)
    stored = read_contents(site.database)
    ill = {identity for identity, verdict in published.items() if verdict is Verdict.FEVER}
    return {
        "published": len(published),
        "stored": len(stored.readings),
        "fevers": len(ill),
        "lost": len(published.keys() - stored.readings),
        "invented": len(stored.readings - published.keys()),
        "doubled": stored.miscounted,
        "dark": len(ill - stored.fevers.keys())
        + sum(not site.lamps.was_lit(RED, at, SURE_S) for _, at in stored.fevers.values()),
    }
