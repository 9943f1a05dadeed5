"""Draws the wires of one step in their colours, and the ends of earlier steps' wires in grey."""

from collections.abc import Iterable
from itertools import pairwise
from operator import itemgetter

from hardware_build.errors import HardwareError
from hardware_build.modules import LINK, End, Wire
from hardware_build.steps import layout
from hardware_build.steps.canvas import GROUND, INK, PALE, Box, Canvas, Point, width
from hardware_build.steps.layout import Device
from hardware_build.steps.routes import (
    LANE,
    Run,
    best_order,
    is_up,
    keys,
    move,
    own,
    runs_of,
)
from hardware_build.steps.source import Build, Step, devices, text_in

TOP = 58.0
"""Top of a device that has no wires above it."""

Drawings = dict[str, list[Wire]]
"""The wires of each drawing, by its name."""

_HELD = {"adapter": ("BOARD",), "relay": ("INPUT", "CONTACTS"), "pi": ("PI",)}
"""Connectors of the drawings whose terminals are on one device."""


def wires_of(step: Step, drawings: Drawings) -> list[Wire]:
    """The drawing's wires that a step puts in, and the parts that it puts under two screws."""
    if not step.wiring:
        return []
    wires = [
        wire
        for wire in drawings[step.wiring]
        if f"{wire.here.device}-{wire.there.device}" in step.wires
    ]
    rows = devices().adapter
    for part in step.between:
        near_end, far_end = (
            End("BOARD", 0, (rows.upper if end[0] == "u" else rows.lower)[int(end[1:]) - 1])
            for end in part.ends
        )
        wires.append(Wire(near_end, far_end, part.what, " ".join(part.ends), "0"))
    return wires


def picture(
    canvas: Canvas,
    step: Step,
    build: Build,
    drawings: Drawings,
    earlier: list[Wire],
    language: str,
) -> None:
    """Draw a step's wires."""
    at = build.at.get(step.wiring, {})
    wires = wires_of(step, drawings)
    kind = step.picture.on
    held = _HELD[kind]
    tops = sum(is_up(kind, key) for w in wires for key in own(w, held, at))
    main = layout.strip(kind, TOP + (tops and 12 + LANE * tops))
    below = _below(wires, held, at, main)
    floor = main.box.bottom + 30 + LANE * len(wires)
    for device in below:
        move(device, 0, floor + 16 - device.box.top)
    runs, direct = runs_of(wires, main, below, held, at)
    order = best_order(runs, below)
    _paint(canvas, main, runs, direct, order, below, language)
    lit = {key for wire in wires for key in own(wire, held, at)}
    layout.draw(canvas, main, lit, language, step.picture.board)
    _stubs(canvas, main, [key for wire in earlier for key in own(wire, held, at)], lit)
    for device in below:
        names = ("INPUT", "CONTACTS") if device.name == "RELAY" else (device.name,)
        now = {key for wire in wires for key in own(wire, names, at)}
        layout.draw(canvas, device, now, language)
        _stubs(canvas, device, [key for wire in earlier for key in own(wire, names, at)], now)


def _below(
    wires: list[Wire], held: tuple[str, ...], at: dict[str, str], main: Device
) -> list[Device]:
    """The devices at the wires' other ends, each with the terminals that its wires need."""
    labels: dict[str, dict[str, str]] = {}
    reach: dict[str, list[float]] = {}
    for wire in wires:
        ends = list(zip((wire.here, wire.there), keys(wire, at), strict=True))
        xs = [main.terminals[key].x for end, key in ends if end.device in held]
        for end, key in ends:
            if end.device in held:
                continue
            name = "RELAY" if end.device in ("INPUT", "CONTACTS") else end.device
            label = end.label
            if end.device == "TOWER":
                label = f"{wire.mark} {label}"
            elif name == "RELAY":
                label = label.split()[0]
            labels.setdefault(name, {})[key] = label
            reach.setdefault(name, []).extend(xs)
    if "CLAMP" in labels:
        name = next(iter(labels["CLAMP"].values()))
        labels["CLAMP"] = {str(n): name for n in range(1, 6)}
    devices_below = [
        layout.small(name, sorted(ends.items(), key=_place), 0, 0) for name, ends in labels.items()
    ]
    devices_below.sort(key=lambda device: _mean(reach[device.name]))
    gap = 22.0
    total = sum(d.box.right - d.box.left for d in devices_below) + gap * (len(devices_below) - 1)
    if total > layout.WIDE - 20:
        raise HardwareError(f"steps: {', '.join(labels)}: too wide for one picture ({total:.0f})")
    left = (layout.WIDE - total) / 2
    if len(devices_below) == 1 and any(wire.via for wire in wires):
        # Leave room in the wire for the part within it.
        left = 40 if _mean(next(iter(reach.values()))) > layout.WIDE / 2 else 720 - total
    for device in devices_below:
        move(device, left, 0)
        left += device.box.right - device.box.left + gap
    return devices_below


def _place(ends: tuple[str, str]) -> tuple[str, int]:
    key = ends[0]
    return (key[0], int(key[1:])) if key[0] in "ul" else ("", int(key))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else layout.WIDE


def _paint(
    canvas: Canvas,
    main: Device,
    runs: list[Run],
    direct: list[Run],
    order: list[int],
    below: list[Device],
    language: str,
) -> None:
    over = main.box.top - 16
    for run in direct:
        (x1, y1), (x2, y2) = ((t.x, t.y) for t in run.ends)
        points = [(x1, y1), (x1, over), (x2, over), (x2, y2)]
        _wire(canvas, run.wire, points, main.name, language, [])
        over -= LANE
    # The outermost wire around the device lies highest.
    round_about: list[tuple[float, Run, int]] = []
    for run in runs:
        for n in (0, 1):
            if run.above[n] and run.ends[n].up:
                round_about.append((abs(run.xs[n] - layout.WIDE / 2), run, n))
    heights: dict[tuple[int, int], float] = {}
    for _, run, n in sorted(round_about, key=itemgetter(0)):
        heights[id(run), n] = over
        over -= LANE
    ends = [x for run in runs for x, above in zip(run.xs, run.above, strict=True) if not above]
    for lane, n in enumerate(order):
        run = runs[n]
        y = main.box.bottom + 30 + LANE * lane
        points = [*_way(run, 0, heights), (run.xs[0], y), (run.xs[1], y)]
        points += reversed(_way(run, 1, heights))
        others = [x for other in runs if other is not run for x in other.xs]
        colour = _wire(canvas, run.wire, points, main.name, language, others)
        _tag(canvas, run, below, colour, ends)


def _way(run: Run, n: int, heights: dict[tuple[int, int], float]) -> list[Point]:
    """Points from a terminal to where its wire enters its lane."""
    terminal, x = run.ends[n], run.xs[n]
    if not run.above[n]:
        return [(x, terminal.y)]
    if terminal.up:
        high = heights[id(run), n]
        return [(terminal.x, terminal.y), (terminal.x, high), (x, high)]
    if terminal.beside:
        return [(terminal.x + 8, terminal.y + 8), (x, terminal.y + 15)]
    return [(x, terminal.y + 10)]


def _wire(
    canvas: Canvas, wire: Wire, points: list[Point], kind: str, language: str, others: list[float]
) -> str:
    """Draw a wire and the parts within it, away from the x of other wires (`others`). Returns the
    name of the wire's colour."""
    word, colour = _colour(wire, language)
    symbols = _symbols(wire, kind)
    if not symbols:
        canvas.wire(points, colour)
        return word
    stretches = list(pairwise(points))
    n = max(
        (n for n, (a, b) in enumerate(stretches) if a[1] == b[1]),
        key=lambda n: abs(stretches[n][0][0] - stretches[n][1][0]),
    )
    (x1, y), (x2, _) = stretches[n]
    wides = [width(label, 11) + 12 if label else 16 for label in symbols]
    total = sum(wides) + 3 * (len(wides) - 1)
    if abs(x2 - x1) < total + 6:
        raise HardwareError(f"steps: no room for {wire.via} in the wire of {wire.here}")
    low, high = min(x1, x2) + 4, max(x1, x2) - 4 - total
    places = [low + (high - low) * n / 40 for n in range(41)]
    middle = (low + high) / 2

    def clear(left: float) -> tuple[float, float]:
        away = [max(left - x, x - left - total) for x in others]
        return min([*away, 14.0]), -abs(left - middle)

    left = max(places, key=clear)
    right = left + total
    near, far = (left, right) if x1 < x2 else (right, left)
    if x1 > x2:
        symbols, wides = symbols[::-1], wides[::-1]
    canvas.wire([*points[: n + 1], (near, y)], colour)
    canvas.wire([(far, y), *points[n + 1 :]], colour)
    for label, wide in zip(symbols, wides, strict=True):
        box = Box(left, y - 9, left + wide, y + 9)
        if label:
            canvas.rect(box, GROUND, INK, 1.8, 3)
            canvas.text((left + wide / 2, y + 4), label, 11, "middle")
        else:
            canvas.rect(box, "#c9d2de", INK, 1.5, 2)
            canvas.rect(Box(left + 3, y - 9, left + wide - 3, y - 2), "#f58a07", INK, 1.2, 1)
        left += wide + 3
    return word


def _colour(wire: Wire, language: str) -> tuple[str, str]:
    colours = devices().colours
    if wire.mark in colours:
        return text_in(colours[wire.mark][:2], language), colours[wire.mark][2]
    return ("", colours["GY"][2]) if wire.metres == "0" else ("", colours["BK"][2])


def _symbols(wire: Wire, kind: str) -> list[str]:
    """Labels of the parts within a wire, from its first end on; "" is a lever clamp."""
    via = wire.via
    if "Ω" in via:
        alone = via
        if wire.metres == "0":
            return [alone]
        return ["", alone, ""] if kind == "pi" else [alone, ""]
    if via.startswith("fuse"):
        return [via.split()[-1]]
    return [""] if via else []


def _tag(canvas: Canvas, run: Run, below: list[Device], word: str, ends: list[float]) -> None:
    """Write a wire's colour beside its end at a device below."""
    if not word or run.wire.mark == LINK:
        return
    for n in (1, 0):
        end = (run.wire.here, run.wire.there)[n]
        if run.above[n] or end.device == "CLAMP":
            continue
        device = next(d for d in below if d.box.left <= run.xs[n] <= d.box.right)
        near = [x for x in ends if abs(x - run.xs[n]) < 12]
        if run.xs[n] == max(near):
            canvas.text((run.xs[n] + 6, device.box.top - 8), word, 11)
        return


def _stubs(canvas: Canvas, main: Device, keys: Iterable[str], lit: set[str]) -> None:
    """Draw grey ends of the wires that earlier steps have put in."""
    for key in sorted(set(keys)):
        if key in lit or key not in main.terminals:
            continue
        terminal = main.terminals[key]
        if main.name == "pi":
            canvas.disc((terminal.x, terminal.y), 5, PALE, PALE)
            continue
        out = -1 if terminal.up else 1
        start = terminal.y + out * 10
        canvas.line([(terminal.x, start), (terminal.x, start + out * 15)], PALE, 5)
