"""Measures how many readings a second the gateway stores durably, and a bare subscriber takes.

Both take the same backlog from the broker, one after the other, as after an outage. A reading
counts as durable when its kiosk is told that it is stored. The time runs from the arrival of the
first reading to the last `stored` message.
"""

import threading
import time
from statistics import median

import msgspec

from bench_suite.slow_disk import environment
from fevergate.protocol.messages import Stored
from fevergate.protocol.topics import Topic, alarm_topic, parse_topic
from fevergate.storage.connection import open_reader
from harness.admin import Admin
from harness.errors import HarnessError
from harness.figures import progress
from harness.sink import bare_subscriber
from harness.site import CAMPUS, GATE, LoadSite

WAIT_S = 300
START_S = 120


def measure(site: LoadSite, readings: int, rounds: int, fsync_ms: float = 0.0) -> dict[str, float]:
    """Returns medians over the rounds: the bare subscriber's messages per second, readings per
    second stored durably, and the gateway's memory (MB). `fsync_ms`: time added to each of the
    gateway's fsyncs."""
    bare: list[float] = []
    durable: list[float] = []
    memory: list[float] = []
    slow = environment(site.folder, fsync_ms)
    _register(site)
    for number in range(1, rounds + 1):
        progress(f"filling the broker's queue, round {number} of {rounds}")
        site.fill_queue(readings, number)
        progress(f"bare, round {number} of {rounds}")
        with bare_subscriber(site.settings_path, "drain", str(readings)) as sink:
            first_at, last_at = map(float, sink.line(WAIT_S).split())
        bare.append(readings / (last_at - first_at))
        progress(f"gateway, round {number} of {rounds}")
        stored = _StoredMessages(site, number, readings)
        with (
            Admin(site, str(Topic(CAMPUS, "+", "stored")), heard=stored.heard),
            site.start_gateway(environment=slow) as gateway,
        ):
            if not stored.done.wait(WAIT_S):
                raise HarnessError(f"round {number}: not all was stored in {WAIT_S} s")
            memory.append(gateway.status_kb("VmRSS") / 1024)
        durable.append(readings / (stored.last_at - _first_arrival(site, number, readings)))
    return {
        "bare_per_s": round(median(bare)),
        "durable_per_s": round(median(durable)),
        "rss_mb": round(median(memory), 1),
        "fsync_ms": fsync_ms,
    }


class _StoredMessages:
    """Waits until each kiosk has been sent the `stored` message for its last reading of a round."""

    def __init__(self, site: LoadSite, boot: int, readings: int) -> None:
        self.done = threading.Event()
        self.last_at = 0.0
        self._boot = boot
        share, remainder = divmod(readings, len(site.kiosks))
        self._waiting = {kiosk: share + (n < remainder) for n, kiosk in enumerate(site.kiosks)}

    def heard(self, topic: str, payload: bytes | bytearray) -> None:
        stored = msgspec.json.decode(payload, type=Stored)
        kiosk = parse_topic(topic).name
        if stored.boot != self._boot or stored.gaps or stored.seq < self._waiting.get(kiosk, 0):
            return
        self._waiting.pop(kiosk, None)
        if not self._waiting and not self.done.is_set():
            self.last_at = time.time()
            self.done.set()


def _register(site: LoadSite) -> None:
    """Connect subscriber and gateway once, so that the broker queues messages for both."""
    with bare_subscriber(site.settings_path, "register"):
        pass
    up = threading.Event()
    # The gateway publishes its alarm state once it has subscribed.
    with (
        Admin(site, alarm_topic(CAMPUS, GATE), heard=lambda *_: up.set()),
        site.start_gateway(),
    ):
        if not up.wait(START_S):
            raise HarnessError(f"the gateway did not come up in {START_S} s")


def _first_arrival(site: LoadSite, boot: int, readings: int) -> float:
    with open_reader(site.database) as database:
        first_at, count = database.execute(
            "select min(received_at), count(*) from readings where boot = ?", (boot,)
        ).fetchone()
    if count != readings:
        raise HarnessError(f"{count} readings stored, {readings} published")
    return first_at
