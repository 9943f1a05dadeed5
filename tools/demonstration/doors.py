"""Plays many doors at two gateways: where red is lit, how fast lamp posts are, and cut lines.

A feverish person comes to one door after the other, so that red anywhere else is wrong. Each alarm
is acknowledged at the button of the lamp that shows it. `harness.door_site` says what is real and
what is simulated.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from demonstration import kiosk_lines
from demonstration.arguments import Arguments
from demonstration.door_figures import DoorFigures
from demonstration.post_light import PostLight
from fevergate.evaluation.people_file import Person
from fevergate.protocol.messages import Identity, Verdict
from fevergate.storage.connection import open_reader
from harness.door_site import Door, DoorSite, gateways
from harness.errors import HarnessError
from harness.figures import percentile
from harness.store_contents import read_contents
from harness.worker import wait_until
from simulator import Board, SimulatorError, built_in_crowd

CAMPUSES = ("east", "west")
HANG_S = 120
"""Limit of every wait; only something that hangs reaches it."""

AMBER_S = 5.0
"""Longest permitted time from a cut line to amber, by the lamp post's own clock."""

MOST_RATIO = 3.0
"""Largest permitted ratio of a lamp post's p99 delay to a bare subscriber's."""

HEALTHY_EACH = 4
FEVERISH = Person("feverish", (37.4, 37.4, 37.4, 37.4), 22.0)


def real_doors(sites: list[list[Door]]) -> list[str]:
    """Names of the doors whose kiosk runs the firmware: the first of each kind at each gateway."""
    firsts = {
        (number, door.kind): door
        for number, site in reversed(list(enumerate(sites)))
        for door in reversed(site)
    }
    return [door.name for door in firsts.values()]


def play_doors(arguments: Arguments, folder: Path, say: Console) -> DoorFigures:
    """Play `arguments.doors` doors; returns the figures. Raises `HarnessError`."""
    sites = gateways(arguments.doors or 0)
    real = real_doors(sites)
    kinds = [door.kind for site in sites for door in site]
    figures = DoorFigures(
        len(kinds),
        len(sites),
        *(kinds.count(kind) for kind in ("pins", "post", "none")),
        real_kiosks=len(real),
    )
    with ExitStack() as stack:
        played = [
            stack.enter_context(
                DoorSite(
                    folder / campus,
                    campus,
                    site,
                    real=real,
                    speed=arguments.speed,
                    seed=arguments.seed,
                    language=arguments.language,
                )
            )
            for campus, site in zip(CAMPUSES, sites, strict=False)
        ]
        Doors(played, figures, say).play(arguments.seed)
    return figures


class Doors:
    """Plays people, lamps and cut lines at the doors of running sites, and fills in `figures`."""

    def __init__(self, sites: list[DoorSite], figures: DoorFigures, say: Console) -> None:
        self._sites = sites
        self._figures = figures
        self._say = say
        self._published: dict[DoorSite, set[Identity]] = {site: set() for site in sites}

    def play(self, seed: int) -> None:
        """Play everything once. Raises `HarnessError` if a site does not come up."""
        self.wait_ready()
        self.healthy(seed)
        self.fevers()
        self.lights()
        self.cut_lines()
        self.cut_kiosk_lines()
        self.compare()

    def wait_ready(self) -> None:
        """Wait until every kiosk is connected and the gateway hears it; then all lamp posts are
        green."""
        for site in self._sites:
            for board in site.boards.values():
                _wait(lambda board=board: _said(board, "link up"), f"{board.name} connected", site)
            self._healthy_kiosks(site)
            for name, tower in site.towers.items():
                _wait(lambda tower=tower: tower.lit == {"green"}, f"{name}'s post is green", site)
        self._say.print("every door is watched")

    def healthy(self, seed: int) -> None:
        """Let healthy people come to all doors at once."""
        for site in self._sites:
            for number, board in enumerate(site.boards.values()):
                board.admit(built_in_crowd(HEALTHY_EACH, seed + number, fever_share=0.0))
            for kiosk in site.simulated.values():
                for _ in range(HEALTHY_EACH):
                    self._published[site].add(kiosk.reading(Verdict.NORMAL, 36.5).identity)
        for site in self._sites:
            for board in site.boards.values():
                board.wait_crowd(HANG_S)
            red = site.red()
            if red:  # a healthy person was warm
                for gate in red:
                    self._acknowledge(site, gate)
        self._say.print("healthy people went in")

    def fevers(self) -> None:
        """Let a feverish person come to each door in turn."""
        for site in self._sites:
            for door in site.doors:
                self._healthy_kiosks(site)
                self._fever(site, door)
            self._say.print(f"{site.campus}: {len(site.doors)} fevers")

    def _fever(self, site: DoorSite, door: Door) -> None:
        figures = self._figures
        gate = door.watched_by or door.name
        board = site.boards.get(door.name)
        changes_before = len(board.pin_history) if board else 0
        if board:
            board.admit([FEVERISH])
        else:
            reading = site.simulated[door.name].reading(Verdict.FEVER, 38.4)
            self._published[site].add(reading.identity)
        figures.fevers += 1
        try:
            _wait(lambda: gate in site.red(), f"{door.name}: red at {gate}", site)
        except HarnessError as error:
            figures.dark += 1
            figures.notes.append(f"dark: {error}")
            return
        elsewhere = [name for other in self._sites for name in other.red() if name != gate]
        if elsewhere:
            figures.misplaced += 1
            figures.notes.append(f"{door.name}: red also at {', '.join(elsewhere)}")
        else:
            figures.shown += 1
        if board:
            figures.own_red += any(
                change.pin == board.pins.red and change.level
                for change in board.pin_history[changes_before:]
            )
            board.wait_crowd(HANG_S)
        self._acknowledge(site, gate)

    def _acknowledge(self, site: DoorSite, gate: str) -> None:
        try:
            site.press(gate, HANG_S)
            _wait(lambda: gate not in site.red(), f"{gate}: the press ends it", site)
            tower = site.towers.get(gate)
            if tower:
                _wait(lambda: tower.lit == {"green"}, f"{gate}: the gateway answers", site)
            _wait(lambda: _all_seen(site), f"{gate}: the log knows the press", site)
            self._figures.acknowledged += 1
        except (HarnessError, SimulatorError) as error:
            self._figures.notes.append(str(error))

    def lights(self) -> None:
        """Measure the time from a message's publication to a lamp post's red light."""
        lit_ms: list[float] = []
        bare_ms: list[float] = []
        for site in self._sites:
            self._healthy_kiosks(site)
            with PostLight(site) as light:
                light.play(lit_ms, bare_ms, HANG_S)
        figures = self._figures
        figures.post_lights = len(lit_ms)
        figures.post_light_p50_ms = percentile(lit_ms, 50, 2)
        figures.post_light_p99_ms = percentile(lit_ms, 99, 2)
        figures.bare_p50_ms = percentile(bare_ms, 50, 2)
        figures.bare_p99_ms = percentile(bare_ms, 99, 2)
        figures.ratio = round(figures.post_light_p99_ms / figures.bare_p99_ms, 2)
        if figures.ratio > MOST_RATIO:
            figures.notes.append(
                f"lamp posts lit {figures.ratio} times as late as a bare subscriber heard, expected"
                f" {MOST_RATIO:g} at most: is this machine busy?"
            )

    def cut_lines(self) -> None:
        """Cut each lamp post's line, and measure by its own clock how soon it lights amber."""
        cut_s: list[float] = []
        for site in self._sites:
            self._healthy_kiosks(site)
            cuts = {}
            for name, tower in site.towers.items():
                cuts[name] = tower.board.world.now_ms
                tower.board.wifi(False)
            for name, tower in site.towers.items():
                try:
                    _wait(lambda tower=tower: "amber" in tower.lit, f"{name}: amber", site)
                except HarnessError as error:
                    self._figures.dark += 1
                    self._figures.notes.append(str(error))
                    continue
                after = [lit for lit in tower.history if lit.sim_ms >= cuts[name]]
                first = next(lit for lit in after if "amber" in lit.what)
                cut_s.append((first.sim_ms - cuts[name]) / 1000)
            for name, tower in site.towers.items():
                tower.board.wifi(True)
                _wait(lambda tower=tower: tower.lit == {"green"}, f"{name}: green again", site)
        self._figures.cut_amber_s = max(cut_s, default=0.0)
        if self._figures.cut_amber_s > AMBER_S:
            self._figures.notes.append(f"a cut line was amber after {max(cut_s)} s")

    def cut_kiosk_lines(self) -> None:
        """Cut the line of one kiosk at each kind of gate, and measure how soon amber is lit."""
        figures, times_s = self._figures, [0.0]
        for doors in kiosk_lines.kiosk_cuts(self._sites):
            for site in self._sites:
                self._healthy_kiosks(site)
            after_s, wrong = kiosk_lines.cut(doors, _wait)
            times_s += after_s
            figures.dark += len(doors) - len(after_s)
            figures.notes += [wrong] if wrong else []
        figures.kiosk_cut_amber_s = round(max(times_s), 1)
        if max(times_s) > kiosk_lines.MOST_S:
            figures.notes.append(f"a cut kiosk line was amber after {max(times_s):.0f} s")

    def compare(self) -> None:
        """Compare the published readings with those that the gateways stored."""
        for site in self._sites:
            self._compare(site, self._published[site])

    def _compare(self, site: DoorSite, identities: set[Identity]) -> None:
        identities |= {identity for board in site.boards.values() for identity in _printed(board)}
        try:
            _wait(lambda: identities <= read_contents(site.database).readings, "all stored", site)
        except HarnessError as error:
            self._figures.notes.append(str(error))
        stored = read_contents(site.database).readings
        self._figures.readings += len(identities)
        self._figures.lost += len(identities - stored)
        self._figures.duplicated += len(stored - identities)

    def _healthy_kiosks(self, site: DoorSite) -> None:
        for kiosk in site.simulated.values():
            kiosk.health(1.0)


def _wait(ready: Callable[[], bool], condition: str, site: DoorSite) -> None:
    def stepped() -> bool:
        for board in site.all_boards():
            board.check()
        for kiosk in site.simulated.values():
            kiosk.again()
        return ready()

    wait_until(stepped, HANG_S, condition)


def _said(board: Board, text: str) -> bool:
    return any(text in line for line in board.console)


def _printed(board: Board) -> list[Identity]:
    readings = [
        json.loads(line.removeprefix("reading "))
        for line in list(board.console)
        if line.startswith("reading ")
    ]
    return [Identity(board.name, reading["boot"], reading["seq"]) for reading in readings]


def _all_seen(site: DoorSite) -> bool:
    """Whether the database says of each fever who acknowledged it."""
    with open_reader(site.database) as reader:
        (count,) = reader.execute(
            "select count(*) from fevers where acknowledged_by is null"
        ).fetchone()
    return count == 0
