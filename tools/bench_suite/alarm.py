"""Measures the time from a fever's publication to the red lamp's pin, beside a bare subscriber.

The bare subscriber is measured twice: alone, and beside the running gateway. The kiosk that
publishes the fevers takes precedence over this machine's other programs, since a real kiosk has its
own processor. The bare subscriber takes it too, since the gateway's lamp thread has it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from statistics import median

from bench_suite import pages
from bench_suite.slow_disk import environment
from fevergate.alarm.gpio_pins import GATES
from fevergate.protocol.messages import Verdict
from fevergate.system import realtime_priority
from harness.admin import Admin
from harness.figures import percentile, progress
from harness.load import LoadKiosk
from harness.sink import bare_subscriber
from harness.site import LoadSite
from harness.worker import Worker

APART_S = 0.005
"""Pause between two fevers."""

WAIT_S = 120
WARM_S = 1.0
EVERYTHING = 10_000_000
ORDINARY = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
"""Scheduling policy that threads get back; only a user with CAP_SYS_NICE may clear the flag
(sched(7))."""


def measure(
    site: LoadSite,
    samples: int,
    rounds: int,
    load: int = 0,
    fsync_ms: float = 0.0,
    boards: int = 0,
) -> dict[str, float]:
    """In each round send `samples` fevers to the bare subscriber, as many to the gateway, and as
    many to both. With both, the arrival at the bare subscriber is timed.

    Meanwhile simulated kiosks publish `load` other readings per second, and `boards` guard's boards
    are open. Returns the medians over the rounds of each round's percentiles (ms). `precedence`:
    whether the kiosk, the broker, the bare subscriber and the gateway's lamp thread had precedence
    over other programs, as the systemd units grant it to broker and gateway.
    """
    took_ms: dict[str, list[list[float]]] = {"bare": [], "alarm": [], "beside": []}
    slow = environment(site.folder, fsync_ms)
    boot = 0
    preceding = _take_precedence(site.broker.pid)  # as the drop-in of its systemd unit grants it
    with ExitStack() as beside:
        if boards:
            beside.enter_context(pages.start_web(site))
            beside.enter_context(pages.boards(site, boards))
        for number in range(1, rounds + 1):
            for name, runs in took_ms.items():
                progress(f"{name}, round {number} of {rounds}")
                boot += 1
                with ExitStack() as stack:
                    kiosk = LoadKiosk(site.settings, site.kiosks[0], boot)
                    stack.callback(kiosk.close)
                    kiosk.wait_up()
                    preceding &= stack.enter_context(_own_processor())
                    lamp = bare = None
                    if name != "bare":
                        lamp = _Lamp(stack.enter_context(Admin(site)))
                        gateway = stack.enter_context(
                            site.start_gateway(environment=slow, heard=lamp.changes.put)
                        )
                        lamp.catch_up(kiosk)
                        preceding &= _has_precedence(gateway.pid)
                    if name != "alarm":
                        bare = stack.enter_context(
                            bare_subscriber(site.settings_path, "watch", '"fever"')
                        )
                        preceding &= _take_precedence(bare.pid)
                    if load:
                        forever = ("--rate", str(load), "--readings", str(EVERYTHING))
                        stack.enter_context(site.start_load(*forever))
                        time.sleep(WARM_S)
                    runs.append([_seen_ms(kiosk, bare, lamp) for _ in range(samples)])
    medians = {
        f"{name}_p{percent}_ms": round(median(percentile(times, percent, 9) for times in lists), 3)
        for name, lists in took_ms.items()
        for percent in (50, 99)
    }
    return medians | {
        "load_per_s": load,
        "fsync_ms": fsync_ms,
        "boards": boards,
        "precedence": preceding,
    }


def _take_precedence(pid: int) -> bool:
    """Let every thread of a process run before ordinary ones; returns whether that is permitted."""
    results = [
        realtime_priority.set_realtime_priority(int(task.name)) or not task.exists()
        for task in _threads(pid)
    ]
    return all(results)


@contextmanager
def _own_processor() -> Iterator[bool]:
    """Give this process precedence, as if the kiosk that runs in it had its own processor."""
    try:
        yield _take_precedence(os.getpid())
    finally:
        for task in _threads(os.getpid()):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setscheduler(int(task.name), ORDINARY, os.sched_param(0))


def _has_precedence(pid: int) -> bool:
    """Whether any thread of a process runs before ordinary ones, as the gateway's lamp thread does
    if it is permitted."""
    return any(
        os.sched_getscheduler(int(task.name)) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        for task in _threads(pid)
    )


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


class _Lamp:
    """Waits until the red lamp's pin is high, then acknowledges the alarm so that it is low
    again."""

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
        self.at()

    def _changes_to(self, level: int) -> float:
        while True:
            at, _, pin, now = self.changes.get(timeout=WAIT_S).split()
            if int(pin) == self._red and int(now) == level:
                return float(at)


def _seen_ms(kiosk: LoadKiosk, bare: Worker | None, lamp: _Lamp | None) -> float:
    """Publish one fever, and wait until the bare subscriber has it and the lamp has been lit.
    Returns the ms until the bare subscriber had it; without one, until the lamp was lit."""
    kiosk.reading(Verdict.FEVER, 38.2)
    seen_at = float(bare.line(WAIT_S)) if bare else 0.0
    lit_at = lamp.at() if lamp else 0.0
    time.sleep(APART_S)
    return ((seen_at or lit_at) - kiosk.published_at) * 1000
