"""A lamp post's tower, siren and button, connected to a simulated board.

The tower has its own supply, and a relay's normally closed contact switches amber. So amber lights
if the board has no power, is in reset or is stuck (hardware/lamp-post.md).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from simulator.board import Board
from simulator.errors import SimulatorError

_POLL_S = 0.02
_TAIL = 20


@dataclass(frozen=True)
class Lit:
    """A change of the tower. `what`: its lamps ("red", "amber", "green") and "siren" if they are on
    after the change. `host_s` is time.monotonic(), `sim_ms` the world's time."""

    host_s: float
    sim_ms: int
    what: frozenset[str]


class Tower:
    """Tower, siren and button of `board`, which need not be on."""

    def __init__(self, board: Board) -> None:
        self.board = board
        pins = board.pins
        self._outputs = {
            pins.red: "red",
            pins.amber: "amber",
            pins.green: "green",
            pins.door: "siren",
        }
        self._button = pins.reader_tx

    @property
    def history(self) -> list[Lit]:
        """Each change so far. The first entry is amber, as with a board without power."""
        driven: set[str] = set()
        states = [Lit(0.0, 0, frozenset(("amber",)))]
        for change in self.board.pin_history:
            name = self._outputs.get(change.pin)
            if name is not None:
                (driven.add if change.level else driven.discard)(name)
                # Amber's output energises the relay, which opens the normally closed contact.
                states.append(Lit(change.host_s, change.sim_ms, frozenset(driven ^ {"amber"})))
        return states

    @property
    def lit(self) -> frozenset[str]:
        """The lamps that are on now, and "siren" if it sounds."""
        return self.history[-1].what

    def hold(self, down: bool = True) -> None:
        """Hold the button down, or release it."""
        self.board.world.short(self._button, down)

    def press(self, timeout: float) -> None:
        """Press the button until the program has seen it. Raises `SimulatorError` after `timeout`
        s."""
        lines_before = len(self.board.console)
        self.hold()
        try:
            self.board.wait_console("button", timeout, start=lines_before)
        finally:
            self.hold(False)

    def wait(self, *colours: str, timeout: float) -> None:
        """Wait until exactly these are on. Raises `SimulatorError` after `timeout` s."""
        self.wait_for(lambda: self.lit == frozenset(colours), timeout, f"not just {colours}")

    def wait_for(self, ready: Callable[[], bool], timeout: float, otherwise: str) -> None:
        """Wait until `ready()` is true, also while the board is off. Raises `SimulatorError` after
        `timeout` s."""
        until = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > until:
                tail = "\n".join(self.board.console[-_TAIL:])
                raise SimulatorError(f"after {timeout:g} s {otherwise}: {set(self.lit)}\n{tail}")
            time.sleep(_POLL_S)
