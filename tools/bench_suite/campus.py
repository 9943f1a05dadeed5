"""Kills the campus server at random times under load, then accounts for every summary.

The trial has real processes, HTTPS, a real database and SIGKILL. Afterwards the server must hold
every summary that it acknowledged and no other, and each day's report must match the gateways' last
summaries.
"""

import logging
import random
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from fevergate.campus.database import CampusDatabase, database_url
from fevergate.campus.report_versions import Reports
from fevergate.campus.schema import items
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.protocol.campus_messages import (
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    KioskCount,
    Summary,
)
from harness.campus import CampusSite
from harness.errors import HarnessError
from harness.figures import progress

GATEWAYS = 4
DAYS = 10
BATCH = 20
LIVES_S = (0.05, 1.5)
"""Range of the time from the server's first answer to its kill; at times shorter than a
delivery."""

SETTLE_S = 600
FIRST = date(2026, 9, 1)


def crash(folder: Path, database: str, kills: int, seed: int) -> dict[str, Any]:
    """Run the trial; returns the figures, of which `lost`, `invented` and `wrong` must be 0.

    `database`: as in campus.toml. Raises `HarnessError` if the server does not come up again.
    """
    site = CampusSite(folder, campuses(), database)
    chance = random.Random(seed)  # noqa: S311 - no secret
    logging.getLogger("fevergate.forwarding.http_sender").disabled = True  # failures are intended
    server = site.start()
    gateways = [_Gateway(site, number, seed) for number in range(GATEWAYS)]
    for gateway in gateways:
        gateway.start()
    try:
        for number in range(1, kills + 1):
            progress(f"kill {number} of {kills}")
            time.sleep(chance.uniform(*LIVES_S))
            server.kill()
            server = site.start()
        progress("waiting until all is held")
        for gateway in gateways:
            gateway.finish()
    finally:
        for gateway in gateways:
            gateway.give_up()
        server.__exit__()
        logging.getLogger("fevergate.forwarding.http_sender").disabled = False
    return {"kills": kills, "seed": seed} | _account(site, gateways)


def campuses() -> dict[str, list[str]]:
    """Gateways by campus; each campus has one."""
    return {f"campus-{number}": [f"gw-{number}"] for number in range(GATEWAYS)}


class _Gateway(threading.Thread):
    """Sends new revisions of summaries, repeats old ones, and drops those that the server has
    acknowledged."""

    def __init__(self, site: CampusSite, number: int, seed: int) -> None:
        super().__init__(name=f"gw-{number}", daemon=True)
        self.settings = site.gateway_settings(
            f"campus-{number}", f"gw-{number}", {"gate": ["kiosk-1"]}
        )
        self.last: dict[str, Summary] = {}
        self.acknowledged: dict[str, int] = {}
        self.deliveries = 0
        self._chance = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        self._outbox: dict[str, Item] = {}
        self._old: list[Item] = []
        self._sender = SummarySender(self.settings)
        self._ending = threading.Event()
        self._given_up = threading.Event()

    def run(self) -> None:
        while not self._given_up.is_set():
            if not self._ending.is_set() and len(self._outbox) < 5 * BATCH:
                self._happen()
            elif self._ending.is_set() and not self._outbox:
                return
            self._send()
        self._sender.close()

    def finish(self) -> None:
        """Wait until the server holds every summary. Raises `HarnessError` after `SETTLE_S`."""
        self._ending.set()
        self.join(SETTLE_S)
        if self.is_alive():
            raise HarnessError(f"{self.name}: {len(self._outbox)} summaries are still not held")

    def give_up(self) -> None:
        self._given_up.set()
        self.join()

    def _happen(self) -> None:
        chance = self._chance
        day = (FIRST + timedelta(days=chance.randrange(DAYS))).isoformat()
        seq = chance.randint(1, 50)
        at = 1_788_220_800.0 + seq * 60  # on the first of the days
        key = chance.choice((f"gateway_day/{day}", f"fever/kiosk-1/1/{seq}"))
        before = self.last.get(key)
        revision = before.revision + 1 if before else 1
        if key.startswith("gateway_day"):
            count = KioskCount(
                kiosk="kiosk-1", gate="gate", normal=revision * 3, watched_minutes=600
            )
            self._say(GatewayDay(date=day, revision=revision, kiosks=[count]))
            return
        fields = {"kiosk": "kiosk-1", "boot": 1, "seq": seq, "revision": revision, "at": at}
        self._say(FeverEvent(**fields, gate="gate", body_c=38.0))
        self._say(FollowUpEvent(**fields, outcome="home", closed=revision % 2 == 0))

    def _say(self, summary: Summary) -> None:
        item = Item(summary.key, summary.revision, msgspec.json.encode(summary).decode())
        self.last[summary.key] = summary
        self._outbox[summary.key] = item
        self._old = [*self._old[-50:], item]

    def _send(self) -> None:
        chosen = self._chance.sample(list(self._outbox.values()), min(BATCH, len(self._outbox)))
        chosen += self._chance.choices(self._old, k=3) if self._old else []
        unique = {(item.key, item.revision): item for item in chosen}
        # A delivery has each key once, as from a gateway's outbox.
        result = self._sender.send(list({item.key: item for item in unique.values()}.values()))
        self.deliveries += bool(result.held)
        for item in result.held:
            self.acknowledged[item.key] = max(item.revision, self.acknowledged.get(item.key, 0))
            if self._outbox.get(item.key) == item:
                del self._outbox[item.key]
        if not result.held:
            time.sleep(0.02)


def _account(site: CampusSite, gateways: list[_Gateway]) -> dict[str, Any]:
    database = CampusDatabase(database_url(site.settings.database, site.folder))
    try:
        with database.read() as connection:
            held_rows = {
                (gateway, key): (revision, payload)
                for gateway, key, revision, payload in connection.execute(
                    select(items.c.gateway, items.c.key, items.c.revision, items.c.payload)
                )
            }
        reports = Reports(database, site.settings, Vault(site.settings.path(KEY)), time.time)
        days = [(FIRST + timedelta(days=n)).isoformat() for n in range(DAYS)]
        wrong = sum(_wrong(reports, day, gateways) for day in days)
    finally:
        database.close()
    published = {
        (gateway.name, key): summary
        for gateway in gateways
        for key, summary in gateway.last.items()
    }
    lost = sum(
        held_rows.get((gateway.name, key), (0, ""))[0] < revision
        for gateway in gateways
        for key, revision in gateway.acknowledged.items()
    )
    lost += sum(
        held_rows.get(item, (0, ""))[1] != msgspec.json.encode(summary).decode()
        for item, summary in published.items()
    )
    return {
        "deliveries": sum(gateway.deliveries for gateway in gateways),
        "summaries": sum(summary.revision for summary in published.values()),
        "held": len(held_rows),
        "lost": lost,
        "invented": len(held_rows.keys() - published.keys()),
        "wrong": wrong,
    }


def _wrong(reports: Reports, day: str, gateways: list[_Gateway]) -> int:
    """Number of campuses whose figures in a day's report differ from their last summaries."""
    by_campus = {campus.campus: campus for campus in reports.now(day).campuses}
    wrong = 0
    for gateway in gateways:
        last = gateway.last.get(f"gateway_day/{day}")
        fevers = [event for event in gateway.last.values() if isinstance(event, FeverEvent)]
        count = len(fevers) if day == FIRST.isoformat() else 0
        figures = by_campus[gateway.settings.campus].figures
        screened = figures.screened if figures else 0
        expected = last.kiosks[0].normal if isinstance(last, GatewayDay) else 0
        wrong += screened != expected + count
    return wrong
