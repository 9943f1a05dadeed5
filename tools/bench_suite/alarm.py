"""Time from a fever's publication to the red lamp's pin, compared with a bare MQTT subscriber."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from queue import SimpleQueue
from statistics import median, quantiles

from bench_suite import pages
from bench_suite.sink import bare_subscriber
from bench_suite.slow_disk import environment
from fevergate.alarm.gpio_pins import GATES
from fevergate.protocol.messages import Verdict
from harness.admin import Admin
from harness.load import LoadKiosk
from harness.site import LoadSite
from harness.worker import Worker

KIOSKS = 10
APART_S = 0.005
"""Pause between two fevers."""

WAIT_S = 30
WARM_S = 1.0
EVERYTHING = 10_000_000

Progress = Callable[[str], None]


def measure(
    site: LoadSite,
    samples: int,
    rounds: int,
    load_per_s: int,
    fsync_ms: float,
    progress: Progress,
    boards: int = 0,
) -> dict[str, float]:
    """In each round send `samples` fevers to the bare subscriber, then as many to the gateway.

    `boards`: number of guard's boards open meanwhile. Returns medians over the rounds of each
    round's percentiles, in ms.
    """
    bare: list[list[float]] = []
    lit: list[list[float]] = []
    slow = environment(site.folder, fsync_ms)
    boot = 0
    with ExitStack() as beside:
        if boards:
            beside.enter_context(pages.start_web(site))
            beside.enter_context(pages.boards(site, boards))
        for number in range(1, rounds + 1):
            for name, kept in (("bare", bare), ("gateway", lit)):
                progress(f"{name}, round {number} of {rounds}")
                boot += 1
                with ExitStack() as stack:
                    kiosk = LoadKiosk(site.settings, site.kiosks[0], boot)
                    stack.callback(kiosk.close)
                    kiosk.wait_up()
                    if name == "bare":
                        watched = _Bare(
                            stack.enter_context(bare_subscriber(site, "watch", '"fever"'))
                        )
                    else:
                        guard = stack.enter_context(Admin(site))
                        watched = _Lamp(guard)
                        stack.enter_context(
                            site.start_gateway(environment=slow, heard=watched.changes.put)
                        )
                        watched.catch_up(kiosk)
                    if load_per_s:
                        stack.enter_context(site.start_load(*_load(load_per_s)))
                        time.sleep(WARM_S)
                    kept.append([_one(kiosk, watched) for _ in range(samples)])
    return {
        "bare_p50_ms": _percentile(bare, 50),
        "bare_p99_ms": _percentile(bare, 99),
        "alarm_p50_ms": _percentile(lit, 50),
        "alarm_p99_ms": _percentile(lit, 99),
        "load_per_s": load_per_s,
        "fsync_ms": fsync_ms,
        "boards": boards,
    }


class _Bare:
    """Waits until the bare subscriber has the message."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def at(self) -> float:
        return float(self._worker.line(WAIT_S))


class _Lamp:
    """Waits until the red lamp's pin is high, and acknowledges to make it low again."""

    def __init__(self, guard: Admin) -> None:
        self.changes: SimpleQueue[str] = SimpleQueue()
        """Lines of the gateway's standard output."""
        self._guard = guard
        self._red = GATES["gate1"]["red"]

    def at(self) -> float:
        lit_at = self._changes_to(1)
        self._guard.acknowledge()
        self._changes_to(0)
        return lit_at

    def catch_up(self, kiosk: LoadKiosk) -> None:
        """Publish a fever, wait until all is stored, and turn the lamp off."""
        kiosk.reading(Verdict.FEVER, 38.2)
        until = time.monotonic() + WAIT_S
        while kiosk.pending and time.monotonic() < until:
            kiosk.again()
            time.sleep(0.1)
        self._changes_to(1)
        self._guard.acknowledge()
        self._changes_to(0)

    def _changes_to(self, level: int) -> float:
        while True:
            at, _, pin, now = self.changes.get(timeout=WAIT_S).split()
            if int(pin) == self._red and int(now) == level:
                return float(at)


def _one(kiosk: LoadKiosk, watched: _Bare | _Lamp) -> float:
    """Publish one fever; returns the ms until it was seen."""
    kiosk.reading(Verdict.FEVER, 38.2)
    took_s = watched.at() - kiosk.published_at
    time.sleep(APART_S)
    return took_s * 1000


def _load(per_s: int) -> list[str]:
    return ["--rate", str(per_s), "--readings", str(EVERYTHING)]


def _percentile(rounds: list[list[float]], percent: int) -> float:
    """Median over the rounds of each round's percentile."""
    of_each = [quantiles(one, n=100, method="inclusive")[percent - 1] for one in rounds]
    return round(median(of_each), 3)
