"""Broker, gateway, pages, campus server and simulated kiosks, in one private folder."""

import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fevergate.alarm.gpio_pins import GATES as PINS
from fevergate.evaluation.people_file import Person
from fevergate.protocol.messages import Identity
from fevergate.storage.connection import open_reader
from harness import FIRMWARE
from harness.fast_clock import FastClock
from harness.guard import Guard
from harness.site import GATES, Site, names_of
from harness.store_contents import read_contents, received
from harness.verdict import Shown, Summary, judge, waits_ms
from kiosk.address import STATE as ADDRESS
from kiosk.safe_file import SafeFile
from simulator import Board, Habits, Taps, VirtualReader
from simulator.dns_server import ServerBehaviour

BROKER_NAME = "gateway.campus.example"
FORWARD_EVERY_S = 1.0
START_S = 120
SETTLE_S = 300
LEDS = ("green", "amber", "red")
PATIENCE_MS = 6000
FASTEST = "30"
"""Highest speed of a board's clock (`simulator.board.MAX_SPEED`); the gateway's flood guard admits
as many times more readings."""

DATED_S = 2.0
"""Tolerance (s) of a reading's date: kiosks keep whole seconds, and do not correct an error of
1 s."""

HOST_DELAY_S = 5.0
"""Longest time (s) by which a busy machine may delay a kiosk or an answer to it. The kiosks' speed
multiplies the error of their dates that such a delay causes."""


class System(Site):
    """A site whose kiosks are simulated boards with the shipped firmware, and people at them."""

    def __init__(
        self,
        folder: Path,
        people: list[Person],
        *,
        site: str = "canthus",
        speed: float = 1.0,
        seed: int = 1,
        language: str = "zh",
        gates: dict[str, list[str]] = GATES,
        habits: Habits | None = None,
        guard_after_s: float = 0.0,
        silent_dns: bool = False,
        interpreter: str | None = None,
        clock_unset: bool = False,
        clock: FastClock | None = None,
        titles: bool = False,
        readers: Mapping[str, Mapping[str, Taps]] | None = None,
        prepare: Callable[["System"], None] = lambda _: None,
        on_answer: Callable[[Board, Shown], None] = lambda *_: None,
    ) -> None:
        """Provision the site and its boards; nothing is started yet.

        - `clock`: the true time, for boards that start with an unset clock; only the gateway tells
          boards this time.
        - `clock_unset`: make such a clock, which runs as fast as the boards.
        - `titles`: give campus and gates the names that `provision` proposes.
        - `readers`: by kiosk with a card reader, the cards that people tap; these kiosks ask for
          permits.
        - `prepare` is called before the kiosks start.
        """
        super().__init__(
            folder,
            gates,
            campus_server=True,
            forward_every_s=FORWARD_EVERY_S,
            site=site,
            language=language,
            **(names_of(gates) if titles else {}),
        )
        self.people = people
        self._silent_dns = silent_dns
        self._readers = readers or {}
        self._prepare = prepare
        self._interpreter = interpreter
        self.clock = FastClock(time.time(), speed) if clock_unset else clock
        self.shown: list[Shown] = []
        self._untold: Counter[str] = Counter()
        self._on_answer = on_answer
        # A pause of the host is `speed` times as long in simulated time: people must wait longer.
        self._habits = replace(habits or Habits(), patience_ms=PATIENCE_MS * speed)
        self._lock = threading.Lock()
        self._utc = time.time() - time.monotonic()
        self.campus_database = folder / "campus.db"
        kiosks = [kiosk for kiosks in gates.values() for kiosk in kiosks]
        self.boards = [
            self._board(kiosk, people[index :: len(kiosks)], speed, seed + index)
            for index, kiosk in enumerate(kiosks)
        ]
        self.guard = Guard(self._lit_buttons, self._press, guard_after_s)

    def begin(self) -> None:
        """Start campus server, gateway, boards and guard, in this order."""
        self.campus_server = self.start_campus(log=self.folder / "campus.log")
        self.run_gateway()
        self.campus_server.wait_for(self.campus_database, START_S)
        self._prepare(self)
        for board in self.boards:
            board.start()
        self.guard.start()

    def __exit__(self, *_: object) -> None:
        self.guard.stop()
        for board in self.boards:
            board.stop()
        super().__exit__()

    def run_gateway(self) -> None:
        """Start the gateway, for the first time or, as systemd does, after a kill."""
        self.start_gateway(
            *("--people-speed", FASTEST, *self.gateway_options()), log=self.folder / "gateway.log"
        )
        self.gateway.wait_for(self.database, START_S)

    def kill_broker(self) -> None:
        """Kill the broker (SIGKILL), delete its store, and start it again."""
        self.broker.kill()
        for file in self.broker.persistence_files():
            file.unlink()
        self.broker.start()

    def kill_gateway(self) -> None:
        """Kill the gateway (SIGKILL) and start it again."""
        self.gateway.kill()
        self.run_gateway()

    def cut_power(self, board: Board, for_s: float = 0.0) -> None:
        """Cut a kiosk's power for `for_s` s, and count the answers lit but not yet printed."""
        board.power_cut()
        self._untold[board.name] = self._answers()[board.name] - self._told()[board.name]
        time.sleep(for_s)
        board.start()

    def wait_crowd(self, timeout_s: float) -> None:
        """Wait until all people have been served. Raises `SimulatorError` after `timeout_s`."""
        until = time.monotonic() + timeout_s
        for board in self.boards:
            board.wait_crowd(max(1.0, until - time.monotonic()))

    def settled(self) -> bool:
        """Whether every answer that lit an LED is printed, stored, and at the campus server."""
        if self._answers() - self._untold - self._told():
            return False
        with self._lock:
            identities = {answer.identity for answer in self.shown}
        stored = read_contents(self.database)
        if self.clock and math.inf in self.date_errors():
            return False
        arrived = received(self.campus_database)
        counts = (len(stored.readings), len(stored.fevers))
        return identities <= stored.readings and (arrived.readings, arrived.fevers) == counts

    def judge(self) -> Summary:
        """Compare the kiosks' answers with what the gateway lit, stored and forwarded."""
        summary = judge(
            [visit for board in self.boards for visit in board.visits],
            self._habits.approach_ms,
            self._answers(),
            list(self.shown),
            self.settings,
            self.lamps,
            self.campus_database,
        )
        wrong = self.misdated()
        if self.clock and wrong:
            summary.problems.append(f"dated wrong: {len(wrong)}, by {wrong[:5]} s")
        return summary

    def waits_ms(self, kiosk: str) -> list[float]:
        """Simulated ms from standing still to the first answer, for each person at a kiosk."""
        (visits,) = (board.visits for board in self.boards if board.name == kiosk)
        return waits_ms(visits, self._habits.approach_ms)

    def misdated(self) -> list[float]:
        """Errors (s) of stored dates that neither rounding nor this machine's delays explain."""
        tolerance_s = DATED_S + HOST_DELAY_S * self.boards[0].speed
        return [error for error in self.date_errors() if not abs(error) <= tolerance_s]

    def date_errors(self) -> list[float]:
        """Error (s) of each stored date against the answer's time; infinite if undated."""
        at_host = self.clock.at_host if self.clock else float
        with open_reader(self.database) as database:
            dates = {
                Identity(*row[:3]): row[3]
                for row in database.execute("select kiosk, boot, seq, at from readings")
            }
        stored = [
            (dates[answer.identity], answer.lit_at)
            for answer in self.shown
            if answer.identity in dates
        ]
        return [math.inf if at is None else round(at - at_host(lit), 2) for at, lit in stored]

    def _board(self, kiosk: str, people: list[Person], speed: float, seed: int) -> Board:
        options: dict[str, Any] = {"interpreter": self._interpreter}
        settings = self.board_settings()
        if kiosk in self._readers:
            options |= {"reader": VirtualReader(), "taps": self._readers[kiosk]}
            settings |= {"card": "permit"}
        options |= self.board_options()
        board = Board(
            kiosk,
            self.folder / "boards" / kiosk,
            FIRMWARE,
            speed=speed,
            people=people,
            seed=seed,
            on_console=self._heard,
            habits=self._habits,
            **options,
        )
        board.flash(self.board_files(kiosk, **settings))
        if self._silent_dns:
            board.world.air.set_mood(ServerBehaviour.SILENT)
            # The broker's address as an earlier connection saved it, because DNS does not answer.
            address_file = SafeFile(str(board.flash_dir / ADDRESS.lstrip("/")))
            address_file.write({"host": BROKER_NAME, "address": self.settings.broker.host})
        return board

    def board_options(self) -> dict[str, Any]:
        """Further options of `Board`; a subclass may replace them."""
        if self.clock:
            return {"clock_set": False, "utc": self.clock.utc}
        return {}

    def gateway_options(self) -> list[str]:
        """Further options of `gateway_host`."""
        return self.clock.options() if self.clock else []

    def board_settings(self) -> dict[str, Any]:
        """Changes to a kiosk's provisioned settings.json."""
        settings = {"ntp_host": ""} if self.clock else {}
        if self._silent_dns:
            settings |= {
                "wifi_ssid": "campus",
                "wifi_password": "long enough",
                "broker_host": BROKER_NAME,
            }
        return settings

    def _heard(self, board: Board, line: str) -> None:
        """Take a console line of a board; note a printed reading, which must not be lost."""
        if not line.startswith("reading "):
            return
        reading = json.loads(line.removeprefix("reading "))
        leds = {getattr(board.pins, colour) for colour in LEDS}
        lit = [change for change in board.pin_history if change.pin in leds and change.level]
        answer = Shown(
            Identity(reading["kiosk"], reading["boot"], reading["seq"]),
            reading["verdict"],
            lit[-1].host_s + self._utc,
            reading.get("reason", ""),
            len(lit) > self._told()[board.name],
            lit[-1].sim_ms,
        )
        with self._lock:
            self.shown.append(answer)
        self._on_answer(board, answer)

    def _answers(self) -> Counter[str]:
        """Number of answers lit, by kiosk."""
        lit: Counter[str] = Counter()
        for board in self.boards:
            leds = {getattr(board.pins, colour) for colour in LEDS}
            lit[board.name] = sum(
                change.pin in leds and bool(change.level) for change in board.pin_history
            )
        return lit

    def _told(self) -> Counter[str]:
        """Number of printed readings for which an LED lit (`Shown.own_light`), by kiosk."""
        with self._lock:
            return Counter(answer.identity.kiosk for answer in self.shown if answer.own_light)

    def _lit_buttons(self) -> list[int]:
        """Acknowledge buttons of the gates whose red lamp is on."""
        of_gates = [PINS[gate.pins] for gate in self.settings.gates]
        return [pins["acknowledge"] for pins in of_gates if self.lamps.lit(pins["red"])]

    def _press(self, button: int) -> None:
        if not self.gateway.ended:
            self.gateway.tell(f"press {button}")
