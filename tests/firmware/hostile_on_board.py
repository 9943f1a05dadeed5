"""Runs under MicroPython: sends a board's own modules thousands of hostile messages.

Arguments: firmware folder, number of messages. The shipped code of link, commands, settings,
decision, outbox and update handles them; there are no pins and no connection.
"""

import asyncio
import gc
import json
import os
import random
import sys

sys.path.insert(0, sys.argv[1])


class Machine:
    class RTC:
        pass


sys.modules["machine"] = Machine

from kiosk import record
from kiosk.commands import Commands
from kiosk.errors import KioskError
from kiosk.decision import Decision
from kiosk.mqtt_link import MqttLink
from kiosk.outbox import Outbox
from kiosk.remote_settings import RemoteSettings
from kiosk.update import Update

OWN = {"kiosk": "a", "campus": "b", "broker_host": "c", "username": "d", "password": "e"}
CALIBRATION = {
    "sensor": "00000000000000ab",
    "at": 1800000000,
    "by": "x",
    "method": "blackbody",
    "offset_c": 0.1,
    "gain": 1.0,
    "can_over_air_c": 0.5,
    "uncertainty_c": 0.1,
}
VALID = (
    ("stored", {"boot": 7, "seq": 3, "gaps": [[1, 2]]}),
    ("settings", {"version": 3, "values": {"threshold_c": 37.2, "quiet_from": "22:00"}}),
    ("settings", {"version": 4, "values": {"notice": "ab", "notice_glyphs": "", "volume": 3}}),
    ("settings", {"calibration": CALIBRATION}),
    ("command", {"command": "reference", "on": True}),
    ("update", {"version": "9.9.9", "issued": 5, "size": 7, "sha256": "0" * 64, "abi": 6}),
    ("update", {"downgrade": True, "signature": "AAAA", "version": "1.2.3", "issued": 1}),
    ("update/piece", {}),
)
ODD = (None, True, -1, 0, 2**40, 1e300, -1e300, "", "x" * 80, "\u95e8", [], [[]], [1], {}, {"a": 1})


class App:
    """The parts of the firmware's `App` that `Commands` uses."""

    def __init__(self):
        self.settings = RemoteSettings(OWN, "remote").settings
        self.decision = Decision(self.settings, "crowd", "unit", "middle")
        self.scanner = self
        self.can_c = None
        self.fault = ""
        self.commands = Commands(self, OWN, 0, "remote")
        self.update = Update("a", "AAAA", self.commands, ".")
        self.outbox = Outbox("outbox")
        self.link = MqttLink(
            self.settings,
            self.outbox,
            None,
            lambda: True,
            {
                "settings": self.commands.settings,
                "command": self.commands.command,
                "update": self.update.offer,
            },
            {"update/piece": self.update.piece},
        )

    def calibrate(self, record):
        self.decision.calibrate(record, CALIBRATION["sensor"])

    def configure(self, settings):
        self.settings = settings
        self.decision.configure(settings)

    def refer(self, on):
        self.decision.begin_reference(0, on)


def mutated():
    """A message that is almost valid, or random bytes."""
    kind, message = random.choice(VALID)
    if random.randrange(5) == 0:
        return kind, os.urandom(random.randrange(200))
    message = json.loads(json.dumps(message))
    for _ in range(random.randrange(3)):
        place = message
        for key in ("values", "calibration"):
            if isinstance(place, dict) and isinstance(place.get(key), dict) and random.randrange(2):
                place = place[key]
        if isinstance(place, dict) and place:
            name = random.choice(list(place))
            place[name] = random.choice(ODD)
            if random.randrange(4) == 0:
                del place[name]
    text = json.dumps(message).encode()
    if random.randrange(6) == 0:
        text = text[: random.randrange(len(text) + 1)]
    return kind, text


def kept(outbox):
    values = {name: 36.6 for name in record.TEMPERATURES}
    values.update({"seq": 1, "at": None, "up_ms": 1, "samples": 1, "scan_ms": 1, "queued": 0})
    values.update({"fw": "0.1.0", "verdict": "fever", "reason": ""})
    outbox.add(9, record.pack(values))


async def main():
    random.seed(4)
    app = App()
    kept(app.outbox)
    took = asyncio.create_task(app.update.run())
    for number in range(int(sys.argv[2])):
        kind, payload = mutated()
        app.link._message("fevergate/v1/b/a/" + kind, payload)
        if number % 20 == 0:
            await asyncio.sleep(0)
        if number % 500 == 0:
            gc.collect()
    assert not took.done()
    # The board still works: it judges, has kept its reading, and its settings are valid.
    RemoteSettings(OWN, "remote")
    app.decision.sample(1000, 22.0, 22.0)
    assert 35 <= app.settings.threshold_c <= 40
    assert len(app.outbox) == 1 and app.outbox.waiting(())[:2] == (9, 1)
    assert not [name for name in ("a", "b", "update.a", "update.b") if name in os.listdir()]
    took.cancel()
    print("took", sys.argv[2])


try:
    asyncio.run(main())
except KioskError as error:
    print("fell:", error)
    raise
