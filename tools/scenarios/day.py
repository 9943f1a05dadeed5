"""A bad day at a campus, faster than real time: is every reading kept once, in order, dated right?

The broker is away for hours, the Wi-Fi comes and goes, the gateway restarts, and the kiosks lose
power; after each power cut their clocks are wrong. The firmware is the shipped one; sockets, TLS,
broker, gateway and database are real.
"""

import argparse
import math
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fevergate.evaluation.people_file import Person
from fevergate.storage.connection import open_reader
from harness.errors import HarnessError
from harness.fast_clock import FastClock
from harness.figures import show
from harness.system import System
from harness.worker import wait_until
from simulator import Habits, built_in_crowd

NTP_EPOCH = 2_208_988_800
SHARE_AWAY = 0.5  # share of the day without the broker
KIOSKS = ["north-1", "north-2"]


@dataclass(frozen=True)
class Plan:
    """Parameters of the day; hours are simulated."""

    people: int
    hours: float
    speed: float
    seed: int


class Clock(FastClock):
    """The day's simulated time, and an SNTP server that serves it.

    `silent`: the server does not answer. `wrong_s`: error of its answers.
    """

    def __init__(self, begin: float, speed: float) -> None:
        super().__init__(begin, speed)
        self.silent = False
        self.wrong_s = 0.0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.port = self._udp.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            request, client = self._udp.recvfrom(64)
            if self.silent:
                continue
            now = self.utc() + NTP_EPOCH + self.wrong_s
            stamp = struct.pack(">II", int(now), int(now % 1 * 2**32))
            head = struct.pack(">BBbb", 0x24, 2, 6, -20) + bytes(20)
            self._udp.sendto(head + request[40:48] + stamp + stamp, client)


class Day(System):
    """A system whose kiosks run on the day's clock, with Wi-Fi that comes and goes."""

    clock: Clock

    def __init__(self, folder: Path, people: list[Person], plan: Plan) -> None:
        clock = Clock(time.time() - plan.hours * 3600, plan.speed)
        # Spread the people over the day.
        each_ms = plan.hours * 3_600_000 / max(1, plan.people / len(KIOSKS))
        habits = Habits(gap_ms=max(Habits().gap_ms, each_ms - 4000))
        super().__init__(
            folder,
            people,
            speed=plan.speed,
            seed=plan.seed,
            gates={"north": KIOSKS},
            habits=habits,
            clock=clock,
        )

    def gateway_options(self) -> list[str]:
        return ["--no-clock"]  # kiosks get the day's date by SNTP only

    def board_settings(self) -> dict[str, Any]:
        return {
            "wifi_ssid": "campus",
            "wifi_password": "long enough",
            "ntp_host": "127.0.0.1",
            "ntp_port": self.clock.port,
        }

    def wifi(self, on: bool) -> None:
        """Switch the kiosks' access points."""
        for board in self.boards:
            board.wifi(on)


def play(plan: Plan, folder: Path, say: Any) -> dict[str, Any]:
    """Play the day; returns the figures."""
    crowd = built_in_crowd(plan.people, plan.seed, fever_share=0.02)
    with Day(folder, crowd, plan) as day:
        _disturb(day, plan, say)
        say("waiting for the last people")
        day.wait_crowd(plan.hours * 3600 / plan.speed + 600)
        with suppress(HarnessError):  # `judge` reports what is missing then
            wait_until(day.settled, 600, "everything is stored")
        time.sleep(1)
        summary = day.judge()
        for problem in summary.problems:
            say(problem)
        return {
            "people": summary.people,
            "readings": summary.readings,
            "lost": summary.lost,
            "duplicated": summary.duplicated,
            "fevers": summary.fevers,
            "red_lights": summary.red_lights,
            "boots": sum(board.boots for board in day.boards),
            "hours": plan.hours,
            "speed": plan.speed,
        } | _dates(day)


def _disturb(day: Day, plan: Plan, say: Any) -> None:
    """Cause the day's faults, each at its hour."""
    chance = random.Random(plan.seed)  # noqa: S311 - repeatable
    away = plan.hours * SHARE_AWAY
    begin = plan.hours * 0.1
    events = [
        (begin, "broker away", day.broker.kill),
        (begin + away, "broker back", day.broker.start),
        (plan.hours * 0.05, "gateway restarted", day.kill_gateway),
        (begin + away + plan.hours * 0.1, "gateway restarted", day.kill_gateway),
    ]
    for share in (0.2, 0.45, 0.75):
        board = chance.choice(day.boards)
        events.append(
            (plan.hours * share, f"power cut at {board.name}", lambda b=board: day.cut_power(b))
        )
    for share in (0.68, 0.7, 0.72, 0.8, 0.82, 0.84):
        events.append((plan.hours * share, "Wi-Fi gone", lambda: day.wifi(False)))
        events.append((plan.hours * (share + 0.01), "Wi-Fi back", lambda: day.wifi(True)))
    since = day.clock.utc()
    for hour, title, act in sorted(events, key=lambda event: event[0]):
        wait_s = (since + hour * 3600 - day.clock.utc()) / plan.speed
        time.sleep(max(0.0, wait_s))
        say(f"{hour:6.2f} h  {title}; {len(day.shown)} readings so far")
        act()


def _dates(day: Day) -> dict[str, Any]:
    """Errors (s) of the stored dates against the answers' times, and dates out of order."""
    with open_reader(day.database) as database:
        rows = database.execute("select kiosk, at from readings order by kiosk, boot, seq")
        stored = rows.fetchall()
    errors = [error for error in day.date_errors() if error != math.inf]
    disorder = 0
    last: dict[str, float] = {}
    for kiosk, at in stored:
        if at is not None:
            disorder += at < last.get(kiosk, 0.0) - 1
            last[kiosk] = at
    return {
        "undated": sum(at is None for _, at in stored),
        "disorder": disorder,
        "date_error_s_min": min(errors, default=0.0),
        "date_error_s_max": max(errors, default=0.0),
        "dated_within_2_s": sum(abs(error) <= 2 for error in errors),
        "misdated": len(day.misdated()),
        "dated": len(errors),
    }


def main() -> int:
    """Run `tools/day`; exit code 1 if a reading was lost, duplicated, out of order or misdated."""
    parser = argparse.ArgumentParser(
        prog="tools/day",
        description="Plays a bad day at a campus, faster than real time, with the shipped firmware,"
        " a real broker over TLS, the gateway and its database. The broker fails for hours, the"
        " Wi-Fi comes and goes, the gateway restarts, and the kiosks lose power, after which their"
        " clocks are wrong. Then it checks that every reading is stored once, in order and under"
        " the right time.",
        epilog="Example: tools/day --people 500 --hours 2 --json. Exit code 1: a check failed.",
    )
    add = parser.add_argument
    add("--people", type=int, default=5000, help="people who pass (default %(default)s)")
    add("--hours", type=float, default=12, help="length of the day (default %(default)s)")
    add(
        "--speed",
        type=float,
        default=30,
        help="speed of the clocks, at most 30 (default %(default)s)",
    )
    add("--seed", type=int, default=1, help="seed of people and faults (default %(default)s)")
    add("--json", action="store_true", help="print one JSON line instead of a table")
    arguments = parser.parse_args()
    plan = Plan(arguments.people, arguments.hours, arguments.speed, arguments.seed)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="fevergate-day-") as folder:
        figures = play(plan, Path(folder) / "site", say)
    counts = ("lost", "duplicated", "undated", "disorder")
    wrong = {name: figures[name] for name in counts if figures[name]}
    if figures["red_lights"] != figures["fevers"]:
        wrong["red_lights"] = figures["red_lights"]
    if figures["dated_within_2_s"] != figures["readings"]:
        wrong["dated_within_2_s"] = figures["dated_within_2_s"]
    show(figures, arguments.json)
    if wrong:
        say(f"wrong: {wrong}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
