"""Where the wires of a step run: each has a lane between the devices, or goes round them.

The order of the lanes is the one with the fewest crossings. Devices below are shifted a little if
that keeps two wires from covering each other.
"""

from dataclasses import dataclass
from itertools import combinations

from hardware_build.modules import Wire
from hardware_build.steps import layout
from hardware_build.steps.canvas import Box
from hardware_build.steps.layout import Device, Terminal

LANE = 19.0
"""Distance of wires that run beside one another."""


@dataclass
class Run:
    """A wire on its way: where it enters the channel between the devices, and where it leaves."""

    wire: Wire
    ends: tuple[Terminal, Terminal]
    xs: tuple[float, float]
    above: tuple[bool, bool]
    """Whether the end comes from the device above the channel."""

    def crosses(self, other: "Run", self_first: bool) -> float:
        """Cost of the crossings that make the drawing hard to read, if self's lane is above
        (`self_first`) or below the other's."""
        cost = 0.0
        for lane, crossing, upper in ((self, other, self_first), (other, self, not self_first)):
            low, high = sorted(lane.xs)
            for x, above in zip(crossing.xs, crossing.above, strict=True):
                # Does a vertical piece of `crossing` pass the horizontal piece of `lane`?
                if above != upper:
                    continue
                if low - 5 < x < high + 5:
                    cost += 1
        for x, above in zip(self.xs, self.above, strict=True):
            for y, below in zip(other.xs, other.above, strict=True):
                if abs(x - y) < 9 and above != below and above != self_first:
                    cost += 40
        return cost


def keys(wire: Wire, at: dict[str, str]) -> tuple[str, str]:
    """Keys of a wire's two terminals in their devices."""
    if wire.metres == "0":
        first, second = wire.mark.split()
        return first, second
    return layout.key(wire.here, at, wire.there), layout.key(wire.there, at, wire.here)


def own(wire: Wire, held: tuple[str, ...], at: dict[str, str]) -> list[str]:
    """Keys of those ends of a wire that are terminals of the main device."""
    return [
        key
        for end, key in zip((wire.here, wire.there), keys(wire, at), strict=True)
        if end.device in held
    ]


def is_up(kind: str, key: str) -> bool:
    return kind != "pi" and key.startswith("u")


def move(device: Device, right: float, down: float) -> None:
    box = device.box
    device.box = Box(box.left + right, box.top + down, box.right + right, box.bottom + down)
    device.terminals = {
        key: Terminal(t.x + right, t.y + down, t.name, t.up, t.beside)
        for key, t in device.terminals.items()
    }


def runs_of(
    wires: list[Wire], main: Device, below: list[Device], held: tuple[str, ...], at: dict[str, str]
) -> tuple[list[Run], list[Run]]:
    """The runs through the channel, and those between two terminals on the upper side."""
    sides = {True: main.box.left - 14, False: main.box.right + 14}
    used: dict[str, int] = {}
    runs, direct = [], []
    for wire in wires:
        ends, xs, above = [], [], []
        both_up = all(is_up(main.name, key) for key in own(wire, held, at))
        both_up &= len(own(wire, held, at)) == 2
        for end, key in zip((wire.here, wire.there), keys(wire, at), strict=True):
            if end.device not in held:
                name = "RELAY" if end.device in ("INPUT", "CONTACTS") else end.device
                terminal = next(d for d in below if d.name == name).terminals[key]
            else:
                name, terminal = main.name, main.terminals[key]
            turn = used.get(f"{name} {key}", 0)
            used[f"{name} {key}"] = turn + 1
            x = terminal.x + terminal.beside + 10 * turn
            if end.device in held and terminal.up and not both_up:
                left = terminal.x < (main.box.left + main.box.right) / 2
                x = sides[left]
                sides[left] += -LANE if left else LANE
            ends.append(terminal)
            xs.append(x)
            above.append(end.device in held)
        run = Run(wire, (ends[0], ends[1]), (xs[0], xs[1]), (above[0], above[1]))
        (direct if both_up else runs).append(run)
    return runs, direct


def best_order(runs: list[Run], below: list[Device]) -> list[int]:
    """The order of lanes, from above, with the fewest crossings. Devices below are shifted a little
    if that keeps two wires from covering each other."""
    best: tuple[float, float, list[int]] = (float("inf"), 0, [])
    for shift in (0, 5, -5, 10, -10, 15, -15, 20):
        moved = [Run(r.wire, r.ends, _shifted(r, shift), r.above) for r in runs]
        order = sorted(range(len(runs)), key=lambda n: min(moved[n].xs))
        cost = _cost(moved, order)
        improved = True
        while improved:
            improved = False
            for a, b in combinations(range(len(order)), 2):
                order[a], order[b] = order[b], order[a]
                new = _cost(moved, order)
                if new < cost:
                    cost, improved = new, True
                else:
                    order[a], order[b] = order[b], order[a]
        if cost < best[0]:
            best = (cost, shift, order)
    for device in below:
        move(device, best[1], 0)
    for run in runs:
        run.xs = _shifted(run, best[1])
        run.ends = (
            run.ends[0] if run.above[0] else _at(run.ends[0], run.xs[0]),
            run.ends[1] if run.above[1] else _at(run.ends[1], run.xs[1]),
        )
    return best[2]


def _at(terminal: Terminal, x: float) -> Terminal:
    return Terminal(x, terminal.y, terminal.name, terminal.up, terminal.beside)


def _shifted(run: Run, shift: float) -> tuple[float, float]:
    first, second = (x if above else x + shift for x, above in zip(run.xs, run.above, strict=True))
    return first, second


def _cost(runs: list[Run], order: list[int]) -> float:
    return sum(
        runs[order[a]].crosses(runs[order[b]], True) for a, b in combinations(range(len(order)), 2)
    )
