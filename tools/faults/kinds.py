"""Plays the faults: each kind is a method of that name, which also repairs what it broke."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from faults import sd_card
from faults.parts import Parts
from faults.school import PATIENCE_S, School
from fevergate.backup.gateway import backup
from fevergate.mosquitto.broker_files import STORE
from fevergate.protocol.messages import Verdict
from fevergate.protocol.topics import Topic
from harness.crowd import Crowd
from harness.errors import HarnessError
from harness.load import Fleet, LoadKiosk
from harness.site import CAMPUS
from harness.store_contents import StoreContents
from harness.worker import wait_until

FAULT_S = (0.5, 4.0)
FLOOD = 3000
"""Readings in a flood; people cause about one a second at a kiosk."""

HEARD = "select max(heard_at) from gateways"

HOUR_S, DAY_S = 3600.0, 86_400.0
WRONG_S = (-3 * DAY_S, -2 * HOUR_S, -HOUR_S / 2, 3 * HOUR_S, 2 * DAY_S, 60 * DAY_S, 400 * DAY_S)
"""Errors of a wrong clock; a clock of 1970 is another."""

LIES = (1_735_776_000.0, 2_900_000_000.0)
"""Dates (Unix s) in 2025 and 2061. A time server may give them to a kiosk; no gateway believes
them."""

STATED_S = 60.0
"""Time within which a gateway that trusts its clock states a day that is over."""

FALLS = 5
"""A gateway that has ended by itself this many times counts as unable to start."""

SYNCHRONISED = 0.7
"""Probability that a time server sets a clock right; otherwise a person does."""


class Kinds:
    """Plays faults at a school; `stranger` is the kiosk whose credential was stolen."""

    def __init__(
        self,
        school: School,
        parts: Parts,
        fleet: Fleet,
        crowd: Crowd,
        stranger: str,
        chance: random.Random,
    ) -> None:
        self._school, self._parts, self._fleet, self._crowd = school, parts, fleet, crowd
        self._stranger = stranger
        self._chance = chance
        self._attacker: LoadKiosk | None = None
        self._backups = 0
        self.switched = 0
        """Number of times that the campus server's database was switched over."""
        self.replaced: Counter[str] = Counter()
        self.cards: list[StoreContents] = []
        """Contents of the cards that were taken out."""
        self.silent = self.unlit = 0
        """Number of card faults without amber for the disk (`silent`), and without red for a fever
        (`unlit`)."""
        self.red_s: dict[str, list[float]] = {}
        self.amber_s: dict[str, list[float]] = {}
        """Seconds by kind from a gateway's start to its first red (`red_s`), and to amber with the
        word "disk" (`amber_s`)."""

    def play(self, kind: str) -> None:
        """Play one fault. Raises `HarnessError` if it cannot be played or does not end."""
        getattr(self, f"_{kind}")()

    def close(self) -> None:
        if self._attacker:
            self._attacker.close()

    def _gateway(self) -> None:
        self._fall("gateway")

    def _broker(self) -> None:
        self._fall("broker")

    def _pages(self) -> None:
        self._fall("pages")

    def _campus(self) -> None:
        pair = self._school.pair
        if pair and self._chance.random() < 0.5:
            pair.switch_over(PATIENCE_S)
            self.switched += 1
            heard_before = pair.ask(HEARD)
            condition = "the campus server takes something after its database was switched over"
            wait_until(lambda: pair.ask(HEARD) != heard_before, PATIENCE_S, condition)
        else:
            self._fall("campus")

    def _power(self) -> None:
        store = self._school.folder / "broker" / STORE
        os.kill(self._school.broker.pid, signal.SIGUSR1)  # mosquitto(8): write the store now
        time.sleep(self._chance.uniform(0.1, 0.5))
        self._parts.kill("broker", "gateway")
        if store.exists():
            data = store.read_bytes()
            store.write_bytes(
                self._chance.choice((data, bytes(len(data)), data[: len(data) // 2], b""))
            )
        self._back()

    def _full(self) -> None:
        filler = self._card_folder() / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if self._chance.random() < 0.5:
            self._fall("gateway")
        self._go_on()
        filler.unlink()

    def _readonly(self) -> None:
        self._parts.kill("gateway")
        self._mount("ro")
        self._parts.start()
        self._wait_for_lamps("readonly")
        self._go_on()
        self._mount("rw")

    def _unset(self) -> None:
        clock = self._school.world.gateway
        self._parts.kill("gateway")
        self._mount("ro")
        clock.set_wrong(1000.0 - self._school.world.now())
        self._parts.start()
        self._wait_for_lamps("unset")
        healed: list[Callable[[], object]] = [self._clock_right, lambda: self._mount("rw")]
        for heal in self._chance.sample(healed, 2):
            self._go_on()
            heal()

    def _clock(self) -> None:
        world = self._school.world
        off_s = self._chance.choice((*WRONG_S, 1000.0 - world.now()))
        self._as_it_runs_or_starts(lambda: world.gateway.set_wrong(off_s))
        self._go_on()
        self._as_it_runs_or_starts(self._clock_right)

    def _date(self) -> None:
        kiosk = self._chance.choice(self._fleet.kiosks)
        self._crowd.go()
        kiosk.off_s = self._chance.choice(LIES) - self._school.world.now()
        self._crowd.come()
        self._go_on()
        self._crowd.go()
        condition = f"{kiosk.kiosk}, whose date is wrong, holds nothing any more"
        wait_until(lambda: not (kiosk.pending or kiosk.unsent), PATIENCE_S, condition)
        kiosk.off_s = 0.0
        self._crowd.come()

    def _card(self) -> None:
        school, witness = self._school, self._school.witness
        # A gateway that has just started may have no database to copy yet.
        witness.wait(lambda: witness.life_red_at is not None, PATIENCE_S)
        last = school.folder.parent / f"backup-{self._backups}"
        older = last if self._backups and self._chance.random() < 0.6 else None
        if older is None:
            self._backups += 1
            backup(school.settings, school.folder.parent / f"backup-{self._backups}")
            self._go_on()
        self._crowd.go()
        # Data on this card alone is lost with the card, so all of it must be forwarded first.
        try:
            wait_until(self._all_told, PATIENCE_S, "the card is all told")
        except HarnessError as error:
            refused = sd_card.refused(school.database)
            raise HarnessError(f"{error}: {self._untold()}, refused: {refused}") from error
        if not self._all_stated():
            self.replaced["kept"] += 1
            self._crowd.come()
            return
        self._parts.kill("gateway", "broker")
        self.cards.append(sd_card.read_card(school.database, self._stranger))
        school.forget_brokers_store()
        if older:
            sd_card.restore_from(school, older)
        else:
            sd_card.empty(school)
        self.replaced["backup" if older else "empty"] += 1
        self._back()
        wait_until(self._at_work, PATIENCE_S, "the new card is at work")
        self._crowd.come()

    def _hostile(self) -> None:
        stranger = self._stranger
        topics = [str(Topic(CAMPUS, stranger, kind)) for kind in ("reading", "health", "status")]
        health = {"kiosk": stranger, "boot": 1, "state": "ok", "at": self._school.world.now()}
        texts = (
            json.dumps(health | {"up_ms": 2**53}),
            json.dumps({"kiosk": stranger, "boot": 1, "seq": 2**31, "at": None, "up_ms": 1}),
            json.dumps({"kiosk": self._school.kiosks[0], "boot": 1, "seq": 1}),
            "{",
            "\0" * 500,
        )
        attacker = self._thief()
        for _ in range(200):
            attacker.say(self._chance.choice(topics), self._chance.choice(texts).encode())

    def _flood(self) -> None:
        attacker = self._thief()
        for _ in range(FLOOD):
            attacker.reading(Verdict.NORMAL, 36.5)

    def _thief(self) -> LoadKiosk:
        if self._attacker is None:
            world = self._school.world
            self._attacker = LoadKiosk(self._school.settings, self._stranger, 1, clock=world.now)
            self._attacker.wait_up()
        return self._attacker

    def _fall(self, name: str) -> None:
        self._parts.kill(name)
        self._back()

    def _back(self) -> None:
        time.sleep(self._chance.choice((0.0, self._chance.uniform(0, 0.5))))
        self._parts.start()

    def _go_on(self) -> None:
        time.sleep(self._chance.uniform(*FAULT_S))

    def _as_it_runs_or_starts(self, change: Callable[[], object]) -> None:
        starts = self._chance.random() < 0.5
        if starts:
            self._parts.kill("gateway")
        change()
        if starts:
            self._back()

    def _clock_right(self) -> None:
        synchronised = self._chance.random() < SYNCHRONISED
        self._school.world.gateway.set_right(synchronised=synchronised)

    def _wait_for_lamps(self, kind: str) -> None:
        """Wait until the gateway has lit amber with the word "disk" and red for a fever since its
        start."""
        parts, witness = self._parts, self._school.witness
        began, before = parts.gateway_began, parts.fallen

        def lit_or_fallen(lit: Callable[[], bool]) -> bool:
            return witness.wait(lambda: lit() or parts.fallen - before >= FALLS, PATIENCE_S)

        lit_or_fallen(lambda: witness.life_disk_at is not None)
        if witness.life_disk_at is None:
            self.silent += 1
        else:
            self.amber_s.setdefault(kind, []).append(witness.life_disk_at - began)
        lit_or_fallen(lambda: witness.life_red_at is not None)
        if witness.life_red_at is None:
            self.unlit += 1
        else:
            self.red_s.setdefault(kind, []).append(witness.life_red_at - began)

    def _all_told(self) -> bool:
        return not any(self._untold().values())

    def _all_stated(self) -> bool:
        """Whether the gateway has stated each day that is over. It states none while it doubts its
        clock; then its card is not replaced, since those days are on that card alone."""
        school = self._school
        with suppress(HarnessError):
            wait_until(
                lambda: not sd_card.unstated(school.database, school.world.today),
                STATED_S,
                "stated",
            )
            return True
        return False

    def _at_work(self) -> bool:
        """Whether the gateway has noted a new card's first day. If not, set its clock right, as a
        person who replaces a card does: the gateway states no day on which it never trusted its
        clock."""
        if sd_card.begun(self._school.database):
            return True
        self._school.world.gateway.set_right(synchronised=True)
        return False

    def _untold(self) -> dict[str, int]:
        """Number of kiosks whose readings are not all on the card, and of summaries that the campus
        server does not have."""
        school = self._school
        return {
            "readings": sum(bool(kiosk.pending or kiosk.unsent) for kiosk in self._fleet.kiosks),
            "summaries": sd_card.unsent(school.database),
        }

    def _card_folder(self) -> Path:
        if self._school.card is None:
            raise HarnessError("full, readonly, unset: mounting a file system needs root")
        return self._school.card

    def _mount(self, mode: str) -> None:
        """Remount the card as soon as the kernel has closed the files that a killed process
        wrote."""
        command = ["mount", "-o", f"remount,{mode}", str(self._card_folder())]

        def is_mounted() -> bool:
            result = subprocess.run(
                command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
            )
            if result.returncode and "busy" not in result.stderr:
                raise HarnessError(f"{' '.join(command)}: {result.stderr.strip()}")
            return not result.returncode

        wait_until(is_mounted, PATIENCE_S, "the card is mounted anew")
