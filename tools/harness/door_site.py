"""A gateway with doors of every kind: lamps on its pins, a lamp post, or no lamps of its own.

Lamp posts and chosen kiosks are simulated boards with the shipped firmware. The other kiosks are
`LoadKiosk`: this process publishes their readings through the real broker.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fevergate.alarm.gpio_pins import GATES as PINS
from harness import FIRMWARE
from harness.load import LoadKiosk
from harness.site import Site
from simulator import Board
from simulator.tower import Tower

Kind = Literal["pins", "post", "none"]
PINS_GATES, PINS_PER_GATEWAY = 3, 2
WIFI = {"wifi_ssid": "campus", "wifi_password": "long enough"}
POST_SPEED = 2.0


@dataclass(frozen=True)
class Door:
    """A gate with one kiosk. Its red is shown by lamps on the gateway's pins, by a lamp post, or at
    the gate `watched_by`."""

    name: str
    kind: Kind
    watched_by: str = ""

    @property
    def kiosk(self) -> str:
        return f"{self.name}-kiosk"

    @property
    def post(self) -> str:
        return f"{self.name}-post"


def gateways(doors: int) -> list[list[Door]]:
    """Spread doors over gateways; returns the doors of each gateway.

    Of 20 doors, three have lamps on pins, five a lamp post, and twelve no lamps; each of the twelve
    is watched by one of the others. Fewer doors have about the same shares.
    """
    on_pins = max(1, min(PINS_GATES, doors // 6))
    posts = doors // 4
    count = -(-on_pins // PINS_PER_GATEWAY)
    of_pins = [f"gate-{number + 1}" for number in range(on_pins)]
    sites: list[list[Door]] = [[] for _ in range(count)]
    for number, name in enumerate(of_pins):
        sites[number % count].append(Door(name, "pins"))
    for number in range(posts):
        sites[number % count].append(Door(f"hall-{number + 1}", "post"))
    for number in range(doors - on_pins - posts):
        site = sites[number % count]
        watchers = [door.name for door in site if door.kind != "none"]
        watcher = watchers[number // count % len(watchers)]
        site.append(Door(f"door-{number + 1}", "none", watcher))
    return sites


class DoorSite(Site):
    """Broker, gateway, lamp posts and kiosks of some doors, for a `with` statement."""

    def __init__(
        self,
        folder: Path,
        campus: str,
        doors: Iterable[Door],
        *,
        real: Iterable[str],
        speed: float,
        seed: int,
        language: str = "zh",
    ) -> None:
        """`real`: names of the doors whose kiosk runs the shipped firmware, at `speed`."""
        self.doors = list(doors)
        watched_by = {door.name: door.watched_by for door in self.doors if door.watched_by}
        super().__init__(
            folder,
            {door.name: [door.kiosk] for door in self.doors},
            campus=campus,
            language=language,
            watched_by=watched_by,
            posts={door.post: door.name for door in self.doors if door.kind == "post"},
        )
        self.towers: dict[str, Tower] = {}
        self.boards: dict[str, Board] = {}
        for door in self.doors:
            if door.kind == "post":
                self.towers[door.name] = Tower(self._board(door.post, POST_SPEED, changes=WIFI))
            if door.name in set(real):
                self.boards[door.name] = self._board(door.kiosk, speed, seed=seed, changes=WIFI)
        self.simulated: dict[str, LoadKiosk] = {}

    def begin(self) -> None:
        """Start gateway and boards, and connect the other kiosks."""
        self.start_gateway("--people-speed", "30", log=self.folder / "gateway.log")
        self.gateway.wait_for(self.database, 120)
        for board in self.all_boards():
            board.start()
        for door in self.doors:
            if door.name not in self.boards:
                self.simulated[door.name] = self.kiosk(door.kiosk)

    def __exit__(self, *_: object) -> None:
        for board in self.all_boards():
            board.stop()
        super().__exit__()

    def all_boards(self) -> list[Board]:
        """Every simulated board: lamp posts, then kiosks."""
        return [*(tower.board for tower in self.towers.values()), *self.boards.values()]

    def red(self) -> set[str]:
        """Names of the gates whose red lamp is on, on pins or on a lamp post."""
        return self.lit("red")

    def lit(self, lamp: str) -> set[str]:
        """Names of the gates whose `red` or `amber` lamp is on, on pins or on a lamp post."""
        pins = {door.name: self._pin(door, lamp) for door in self.doors if door.kind == "pins"}
        lit = {name for name, pin in pins.items() if pin is not None and self.lamps.lit(pin)}
        return lit | {name for name, tower in self.towers.items() if lamp in tower.lit}

    def press(self, gate: str, timeout_s: float) -> None:
        """Press the acknowledge button of a gate, on pins or at its lamp post."""
        (door,) = [door for door in self.doors if door.name == gate]
        if door.kind == "post":
            self.towers[gate].press(timeout_s)
        else:
            self.gateway.tell(f"press {self._pin(door, 'acknowledge')}")

    def _pin(self, door: Door, use: str) -> int | None:
        (gate,) = [gate for gate in self.settings.gates if gate.name == door.name]
        return PINS[gate.pins][use] if door.kind == "pins" else None

    def _board(
        self, name: str, speed: float, seed: int = 0, changes: dict[str, str] | None = None
    ) -> Board:
        board = Board(name, self.folder / "boards" / name, FIRMWARE, speed=speed, seed=seed)
        board.flash(self.board_files(name, **(changes or {})))
        return board
