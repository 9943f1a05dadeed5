"""Places devices in a picture of wires, and their terminals."""

import re
from dataclasses import dataclass, field

from hardware_build.errors import HardwareError
from hardware_build.modules import End
from hardware_build.steps.canvas import INK, LIT, PALE, SOFT, Box, Canvas, width
from hardware_build.steps.source import devices, text_in

WIDE = 760
PITCH = {"adapter": 27.0, "relay": 44.0, "pi": 29.0, "": 52.0}
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Terminal:
    """A screw or pin: its middle, the name beside it, and which way its wire leaves."""

    x: float
    y: float
    name: str
    up: bool
    beside: float = 0
    """How far to the side a wire passes on its way down, where another pin is in the way."""


@dataclass
class Device:
    """A device in the picture, with its terminals by their key."""

    name: str
    box: Box
    terminals: dict[str, Terminal] = field(default_factory=dict)


def in_language(label: str, language: str) -> str:
    """The words of a drawing's label in a language, and those that are the same in both."""
    words = label.split()
    chinese = [word for word in words if _CHINESE.search(word)]
    if language == "en":
        return " ".join(word for word in words if word not in chinese)
    words_left = [word for word in words if word not in chinese and not re.search(r"[a-z]", word)]
    return (
        " ".join([*(word for word in words_left if word not in "+-"), *chinese])
        if chinese
        else label
    )


def key(end: End, at: dict[str, str], other: End) -> str:
    """Key of the terminal at a wire's end; `at` says which one, if several have the same name."""
    if end.device == "BOARD":
        name = re.sub(r"^GPIO", "", end.label.split()[0])
        rows = devices().adapter
        places = [f"l{n}" for n, label in enumerate(rows.lower, 1) if label == name]
        places += [f"u{n}" for n, label in enumerate(rows.upper, 1) if label == name]
        if len(places) == 1:
            return places[0]
        terminal_key = at.get(f"{other.device} {other.label}", "")
        if terminal_key not in places:
            raise HardwareError(
                f"steps: {end} to {other}: expected in `at` one of {', '.join(places)}"
            )
        return terminal_key
    if end.device in ("INPUT", "CONTACTS"):
        words = end.label.split()
        name = " ".join(words[:2]) if end.device == "CONTACTS" else words[0]
        rows = devices().relay
        for row, names in (("u", rows.upper), ("l", rows.lower)):
            if name in names:
                return f"{row}{names.index(name) + 1}"
        raise HardwareError(f"steps: {end}: the relay module of devices.toml has no {name}")
    return str(end.pin)


def strip(kind: str, top: float, middle: float = WIDE / 2) -> Device:
    """The device on which the wires of a step end: `adapter`, `relay` or `pi`."""
    pitch = PITCH[kind]
    if kind == "pi":
        return _pi(top, middle, pitch)
    rows = getattr(devices(), kind)
    wide = len(rows.lower) * pitch
    high = 150 if kind == "adapter" else 168
    left = middle - wide / 2
    device = Device(kind, Box(left - 10, top, left + wide + 10, top + high))
    for row, names in (("u", rows.upper), ("l", rows.lower)):
        for n, name in enumerate(names):
            x = left + (n + 0.5) * pitch
            y = top + 12 if row == "u" else top + high - 12
            device.terminals[f"{row}{n + 1}"] = Terminal(x, y, name, row == "u")
    return device


def _pi(top: float, middle: float, pitch: float) -> Device:
    left = middle - 10 * pitch
    device = Device("pi", Box(left - 10, top, left + 20 * pitch + 60, top + 96))
    for n in range(40):
        x = left + (n // 2 + 0.5) * pitch
        upper = n % 2 == 1
        y = top + (44 if upper else 72)
        device.terminals[str(n + 1)] = Terminal(x, y, str(n + 1), False, pitch / 2 if upper else 0)
    return device


def small(name: str, labels: list[tuple[str, str]], left: float, top: float) -> Device:
    """A device at the bottom of a picture, with its terminals (key, name) on its upper edge."""
    pitch = 74.0 if name == "TOWER" else PITCH[""]
    title = max(width(text_in(devices().names[name], language), 12) for language in ("en", "zh"))
    wide = max(len(labels) * pitch, title + 16)
    device = Device(name, Box(left, top, left + wide, top + 58))
    start = left + (wide - len(labels) * pitch) / 2
    for n, (key, label) in enumerate(labels):
        device.terminals[key] = Terminal(start + (n + 0.5) * pitch, top + 10, label, True)
    return device


def draw(canvas: Canvas, device: Device, lit: set[str], language: str, board: bool = False) -> None:
    """Draw a device; the terminals in `lit`, which the step is about, stand out."""
    canvas.rect(device.box, SOFT, round_by=8)
    big = device.name in PITCH
    for key, terminal in device.terminals.items():
        on = key in lit
        at = (terminal.x, terminal.y)
        if device.name == "pi":
            canvas.disc(at, 10, LIT if on else "#ffffff", INK if on else PALE, 2.2 if on else 1.2)
        else:
            half = 8.5
            box = Box(at[0] - half, at[1] - half, at[0] + half, at[1] + half)
            canvas.rect(box, LIT if on else "#ffffff", INK if on else PALE, 2.2 if on else 1.2, 3)
            slot = [(at[0] - 4, at[1] + 4), (at[0] + 4, at[1] - 4)]
            canvas.line(slot, INK if on else PALE, 1.6)
        _name(canvas, device, terminal, on, big, language)
    if not big:
        middle = (device.box.left + device.box.right) / 2
        words = text_in(devices().names[device.name], language)
        canvas.text((middle, device.box.bottom - 9), words, 12, "middle")
    elif device.name == "adapter":
        board_in(canvas, device, language, board)
    elif device.name == "relay":
        _relay(canvas, device, language)
    else:
        words = text_in(devices().names["PI"], language)
        canvas.text((device.box.left + 14, device.box.top + 20), words, 12)


def _name(
    canvas: Canvas, device: Device, terminal: Terminal, on: bool, big: bool, language: str
) -> None:
    below = terminal.up
    place = terminal.y + (22 if below else -14)
    if device.name == "pi":
        place = terminal.y + 3.5
    words = terminal.name if big else in_language(terminal.name, language)
    size = 10 if big else 11
    canvas.text((terminal.x, place), words, size, "middle", INK if on else "#66758a", bold=on)


def board_in(canvas: Canvas, device: Device, language: str, present: bool) -> None:
    """The board in its adapter, or the place where it will be."""
    box = device.box
    inner = Box(box.left + 14, box.top + 42, box.right - 14, box.bottom - 42)
    canvas.rect(inner, "#cfd9e6" if present else "#ffffff", PALE, 1.5, 4, dashed=not present)
    middle = ((inner.left + inner.right) / 2, (inner.top + inner.bottom) / 2 + 4)
    if not present:
        canvas.text(middle, text_in(devices().names["EMPTY"], language), 13, "middle", "#66758a")
        return
    canvas.rect(Box(inner.left + 4, inner.top + 10, inner.left + 124, inner.bottom - 10), "#ffffff")
    canvas.text((inner.left + 64, middle[1] - 3), "ESP32-S3", 12, "middle")
    canvas.text((inner.left + 64, middle[1] + 13), "N8R2", 12, "middle", bold=True)
    sockets(canvas, inner)


def sockets(canvas: Canvas, board: Box) -> None:
    """The two USB sockets at a board's right end; the one to use stands out."""
    middle = (board.top + board.bottom) / 2
    for name, top in (("USB", middle - 27), ("UART", middle + 5)):
        on = name == "UART"
        box = Box(board.right - 24, top, board.right + 4, top + 22)
        canvas.rect(box, LIT if on else "#ffffff", INK if on else PALE, 2.2 if on else 1.2, 3)
        colour = INK if on else "#66758a"
        canvas.text((board.right - 30, top + 15), name, 11, "end", colour, bold=on)


def _relay(canvas: Canvas, device: Device, language: str) -> None:
    uses = {"en": ("red", "amber", "green", "siren"), "zh": ("红", "黄", "绿", "警笛")}[language]
    box = device.box
    for n, use in enumerate(uses):
        left = box.left + 10 + (3 * n + 0.25) * PITCH["relay"]
        right = left + 2.5 * PITCH["relay"]
        canvas.rect(Box(left, box.top + 52, right, box.bottom - 52), "#d7e3f4")
        canvas.text(((left + right) / 2, box.top + 72), f"{n + 1}  {use}", 13, "middle")
        canvas.text(((left + right) / 2, box.top + 99), "H", 11, "middle", bold=True)
        mark = Box((left + right) / 2 - 9, box.top + 87, (left + right) / 2 + 9, box.top + 104)
        canvas.rect(mark, "none", INK, 1.2, 3)
    words = text_in(devices().names["RELAY"], language)
    canvas.text((box.right - 8, box.top + 24), words, 11, "end")
