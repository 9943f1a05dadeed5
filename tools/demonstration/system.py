"""Broker, gateway, pages, campus server and four kiosks at two gates, in one private folder."""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from demonstration.fast_clock import FastClock
from demonstration.processes import Guard, Program
from demonstration.verdict import Shown, Summary, judge, lamp_spans
from fevergate.campus.store import received
from fevergate.database import open_reader
from fevergate.people import Person
from fevergate.pins import GATES as PINS
from fevergate.protocol import Identity
from fevergate.provision import provision
from fevergate.settings import GatewaySettings, load_gateway
from fevergate.web.accounts import Accounts
from fevergate.web.store import WebStore
from harness.broker import LocalBroker, free_port
from kiosk.address import STATE as ADDRESS
from kiosk.slots import Slots
from simulator import Board, Habits
from simulator.names import Mood

ROOT = Path(__file__).resolve().parents[2]
CAMPUS = "east"
BROKER_NAME = "gateway.campus.example"
GATES = {"north": ["north-1", "north-2"], "south": ["south-1", "south-2"]}
FORWARD_EVERY_S = 1.0
START_S = 120
SETTLE_S = 90
LEDS = ("green", "amber", "red")
PATIENCE_MS = 6000
DATED_S = 2.5
"""How far a date may be off: kiosks say whole seconds and leave what is one wrong; the rest is what
the host is late, times the kiosks' speed."""


class System:
    """Use it in a `with` statement: whatever happens, all of it ends with the block."""

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
        on_answer: Callable[[Board, Shown], None] = lambda *_: None,
    ) -> None:
        self.folder = folder
        self.people = people
        self._silent_dns = silent_dns
        self._interpreter = interpreter
        self._fast_clock = FastClock(time.time(), speed) if clock_unset else None
        self.gates = gates
        self.shown: list[Shown] = []
        self._untold: Counter[str] = Counter()
        self._on_answer = on_answer
        # A host that stalls for a moment stalls the people `speed` times as long: it is not the
        # kiosk that they would walk away from.
        self._habits = replace(habits or Habits(), patience_ms=PATIENCE_MS * speed)
        self._lock = threading.Lock()
        self._utc = time.time() - time.monotonic()
        self.settings = self._provision(site, language)
        self.settings_path = folder / "gateway.toml"
        self.trace = folder / "lamps.trace"
        self.trace.touch()
        self.campus_database = folder / "campus.db"
        self.broker = LocalBroker(folder)
        kiosks = [kiosk for kiosks in gates.values() for kiosk in kiosks]
        self.boards = [
            self._board(kiosk, people[index :: len(kiosks)], speed, seed + index)
            for index, kiosk in enumerate(kiosks)
        ]
        self.gateway: Program | None = None
        self.campus: Program | None = None
        self.web: Program | None = None
        self.guard = Guard(self._lit_buttons, self._press, guard_after_s)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.guard.is_alive():
            self.guard.go_home()
        for board in self.boards:
            board.stop()
        for program in (self.web, self.gateway, self.campus):
            if program:
                program.end()
        self.broker.stop()

    def open_pages(self, name: str) -> tuple[str, str]:
        """Serve the board and the log, with an administrator; their address, the password."""
        password = secrets.token_urlsafe(9)
        store = WebStore(self.settings.path(self.settings.web.database))
        accounts = Accounts(store)
        accounts.begin(accounts.invite(), name, password)
        store.close()
        self.web = Program(
            "web",
            ["-m", "fevergate.cli", "web", "--settings", str(self.settings_path)],
            self.folder / "web.log",
        )
        return f"https://127.0.0.1:{self.settings.web.port}/", password

    def kill_broker(self) -> None:
        """SIGKILL the broker, take its memory away, and start it again."""
        self.broker.kill()
        for file in self.broker.persistence_files():
            file.unlink()
        self.broker.start()

    def kill_gateway(self) -> None:
        """SIGKILL the gateway, and start it again as systemd would."""
        assert self.gateway  # noqa: S101 - it runs within the block
        self.gateway.kill()
        self._start_gateway()

    def cut_power(self, board: Board, for_s: float = 0.0) -> None:
        """Pull a kiosk's plug for a while; an answer whose word that took is counted."""
        board.power_cut()
        self._untold[board.name] = self._answers()[board.name] - self._told()[board.name]
        time.sleep(for_s)
        board.start()

    def wait_crowd(self, timeout_s: float) -> None:
        """Wait until everybody was at a kiosk."""
        until = time.monotonic() + timeout_s
        for board in self.boards:
            board.wait_crowd(max(1.0, until - time.monotonic()))

    def settled(self) -> bool:
        """Whether all that was lit was said, all of that stored, and all of that at the campus."""
        if self._answers() - self._untold - self._told():
            return False
        with self._lock:
            shown = {one.identity for one in self.shown}
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            stored = {
                Identity(*row) for row in reader.execute("select kiosk, boot, seq from readings")
            }
            fevers = reader.execute("select count(*) from fevers").fetchone()[0]
        finally:
            reader.close()
        if self._fast_clock and math.inf in self.date_errors():
            return False
        arrived = received(self.campus_database)
        return shown <= stored and arrived.readings == len(stored) and arrived.fevers == fevers

    def judge(self) -> Summary:
        """Compare what was shown with what was lit, kept and forwarded."""
        summary = judge(
            [visit for board in self.boards for visit in board.visits],
            self._habits.approach_ms,
            self._answers(),
            list(self.shown),
            self.settings,
            self.trace,
            self.campus_database,
            time.time(),
        )
        wrong = [error for error in self.date_errors() if abs(error) > DATED_S]
        if self._fast_clock and wrong:
            summary.problems.append(f"dated wrong: {len(wrong)}, by {wrong[:5]} s")
        return summary

    def date_errors(self) -> list[float]:
        """How far each stored date is from when the person was answered (s); infinite: undated."""
        at_host = self._fast_clock.at_host if self._fast_clock else float
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            dates = {
                Identity(*row[:3]): row[3]
                for row in reader.execute("select kiosk, boot, seq, at from readings")
            }
        finally:
            reader.close()
        stored = [(dates[one.identity], one) for one in self.shown if one.identity in dates]
        return [
            math.inf if at is None else round(at - at_host(one.lit_at), 2) for at, one in stored
        ]

    def _provision(self, site: str, language: str) -> GatewaySettings:
        self.campus_address = f"https://127.0.0.1:{free_port()}"
        provision(
            self.folder,
            campus=CAMPUS,
            gateway="gw-east",
            gates=self.gates,
            broker_port=free_port(),
            campus_server_url=self.campus_address,
            language=language,
            site=site,
        )
        path = self.folder / "gateway.toml"
        text = path.read_text().replace(
            "[campus_server]", f"[campus_server]\nevery_s = {FORWARD_EVERY_S}"
        )
        text = text.replace("port = 8443", f"port = {free_port()}")
        path.write_text(text)
        return load_gateway(path)

    def _board(self, kiosk: str, people: list[Person], speed: float, seed: int) -> Board:
        options: dict[str, Any] = {"interpreter": self._interpreter}
        options |= self.board_options()
        board = Board(
            kiosk,
            self.folder / "boards" / kiosk,
            ROOT / "firmware",
            speed=speed,
            people=people,
            seed=seed,
            on_console=self._heard,
            habits=self._habits,
            **options,
        )
        given = self.folder / "kiosks" / kiosk
        settings = json.loads((given / "settings.json").read_text()) | self.board_settings()
        board.flash(
            {
                "settings.json": json.dumps(settings).encode(),
                "ca.der": (given / "ca.der").read_bytes(),
            }
        )
        if self._silent_dns:
            board.world.air.set_mood(Mood.SILENT)
            # As the last day left it on flash: a name that nobody ever told leads nowhere.
            kept = Slots(str(board.flash_dir / ADDRESS.lstrip("/")))
            kept.write({"host": BROKER_NAME, "address": self.settings.broker.host})
        return board

    def board_options(self) -> dict[str, Any]:
        """More of `Board`'s options, for who plays another world."""
        if self._fast_clock:
            return {"clock_set": False, "utc": self._fast_clock.utc}
        return {}

    def gateway_options(self) -> list[str]:
        """What `gateway_host` is told besides."""
        return self._fast_clock.options() if self._fast_clock else []

    def board_settings(self) -> dict[str, Any]:
        """What a kiosk's settings.json has otherwise than provisioned."""
        settings = {"ntp_host": ""} if self._fast_clock else {}
        if self._silent_dns:
            settings |= {
                "wifi_ssid": "campus",
                "wifi_password": "long enough",
                "broker_host": BROKER_NAME,
            }
        return settings

    def _start(self) -> None:
        self.broker.start()
        self.campus = Program(
            "campus",
            ["-m", "fevergate.cli", "campus", "--settings", str(self.folder / "campus.toml")],
            self.folder / "campus.log",
        )
        self._start_gateway()
        self.campus.wait_for(self.campus_database, START_S)
        for board in self.boards:
            board.start()
        self.guard.start()

    def _start_gateway(self) -> None:
        self.gateway = Program(
            "gateway",
            [
                *("-m", "demonstration.gateway_host", str(self.settings_path), str(self.trace)),
                *self.gateway_options(),
            ],
            self.folder / "gateway.log",
        )
        self.gateway.wait_for(self.settings.path(self.settings.database), START_S)

    def _heard(self, board: Board, line: str) -> None:
        """A board's console: each reading that it says is one that must not be lost."""
        if not line.startswith("reading "):
            return
        reading = json.loads(line.removeprefix("reading "))
        leds = {getattr(board.pins, colour) for colour in LEDS}
        lit = [change for change in board.pin_history if change.pin in leds and change.level]
        shown = Shown(
            Identity(reading["kiosk"], reading["boot"], reading["seq"]),
            reading["verdict"],
            lit[-1].host_s + self._utc,
            reading.get("reason", ""),
            len(lit) > self._told()[board.name],
        )
        with self._lock:
            self.shown.append(shown)
        self._on_answer(board, shown)

    def _answers(self) -> Counter[str]:
        """How often each kiosk's LED lit for a person."""
        lit: Counter[str] = Counter()
        for board in self.boards:
            leds = {getattr(board.pins, colour) for colour in LEDS}
            lit[board.name] = sum(
                change.pin in leds and bool(change.level) for change in board.pin_history
            )
        return lit

    def _told(self) -> Counter[str]:
        """How many readings with a light of their own each kiosk's console told of."""
        with self._lock:
            return Counter(one.identity.kiosk for one in self.shown if one.own_light)

    def _lit_buttons(self) -> list[int]:
        """The buttons of the gates whose red lamp burns now."""
        now = time.time() + 1
        return [
            PINS[gate.pins]["acknowledge"]
            for gate in self.settings.gates
            if any(end == now for _, end in lamp_spans(self.trace, PINS[gate.pins]["red"], now))
        ]

    def _press(self, button: int) -> None:
        if self.gateway and self.gateway.running:
            self.gateway.tell(f"press {button}")
