"""Reads the boards of `hardware/circuit`, checks their electrical rules, and writes netlists.

SKiDL checks the boards and writes the netlists. It takes the parts from our tables, so KiCad's
libraries are not needed; SKiDL's warnings count as errors. In addition, no two parts may share an
I2C address.
"""

import contextlib
import logging
import os
import re
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from hardware_build.errors import CircuitError, HardwareError
from hardware_build.pins import Pins
from hardware_build.quantity import written
from hardware_build.table import HARDWARE, fill

BOARDS = ("carrier", "gate")
FOLDER = HARDWARE / "circuit"
ROLES = {
    "in": "INPUT",
    "out": "OUTPUT",
    "both": "BIDIR",
    "open": "OPENCOLL",
    "passive": "PASSIVE",
    "power": "PWROUT",
    "supply": "PWRIN",
}


@dataclass
class Kind:
    """A kind of part; `pins` maps names to roles, in the order of pin numbers."""

    name: str
    footprint: str
    pins: dict[str, str]
    address: int | None = None


@dataclass
class Board:
    """A board: parts by reference, nets as lists of `reference.pin`, pins left open on purpose."""

    title: str
    kinds: dict[str, Kind]
    parts: dict[str, dict[str, str]]
    nets: dict[str, list[str]]
    left_open: list[str] = field(default_factory=list)

    def kind(self, reference: str) -> Kind:
        """Kind of a part."""
        return self.kinds[self.parts[reference]["kind"]]


def load(name: str, pins: Pins, values: dict[str, float], folder: Path = FOLDER) -> Board:
    """Read a board with pins and values filled in. Raises `HardwareError` naming what is wrong."""
    path = folder / f"{name}.toml"
    words: dict[str, object] = {"board": pins.board, **pins.kiosk}
    for value, amount in values.items():
        words[value] = written(amount, "F" if value.endswith("farad") else "Ω")
    try:
        data = tomllib.loads(fill(path, words))
    except tomllib.TOMLDecodeError as error:
        raise HardwareError(f"{path}: {error}") from error
    try:
        kinds = {kind: Kind(**rows) for kind, rows in data["kinds"].items()}
        board = Board(data["title"], kinds, data["parts"], data["nets"], data["open"]["pins"])
        for part in board.parts:
            board.kind(part)
    except (KeyError, TypeError) as error:
        raise HardwareError(
            f"{path}: {error}; expected [kinds], [parts], [nets] and [open] as in its head"
        ) from error
    for kind in kinds.values():
        for pin, role in kind.pins.items():
            if role not in ROLES:
                raise HardwareError(
                    f"{path}: {kind.name} {pin}: {role!r}, not of {', '.join(ROLES)}"
                )
    return board


def complaints(board: Board) -> list[str]:
    """Violations of the electrical rules; none if the board can be built."""
    if unreal := _unreal(board):
        return unreal
    with _skidl() as (skidl, messages):
        circuit = _circuit(skidl, board)
        circuit.ERC()
        violations = [*messages]
    at = Counter(board.kind(part).address for part in board.parts)
    violations += [
        f"address {address:#x} is taken by {times} parts"
        for address, times in at.items()
        if address is not None and times > 1
    ]
    return sorted(violations)


def netlist(board: Board) -> str:
    """Netlist for KiCad, without date and tags. Raises `CircuitError` for violations."""
    if wrong := complaints(board):
        raise CircuitError(f"{board.title}:\n  " + "\n  ".join(wrong))
    with _skidl() as (skidl, _):
        circuit = _circuit(skidl, board)
        text = circuit.generate_netlist(tool=skidl.KICAD9, do_backup=False, track_src=False)
    for pattern in (
        r'\n\s*\(date "[^"]*"\)',
        r"\n\s*\(field\s*\(name \"SKiDL (Tag|Line)\"\)? ?\"[^\"]*\"\)",
        r"\n\s*\(comment\s*\(number \"\d\"\)\s*\(value \"\"\)\)",
        r'\n\s*\(source "[^"]*"\)',
    ):
        text = re.sub(pattern, "", text)
    return text.rstrip() + "\n"


def _unreal(board: Board) -> list[str]:
    """Violations within the table: references to unknown parts or pins, pins on two nets."""
    violations = []
    counts: Counter[str] = Counter()
    for net, places in [*board.nets.items(), ("[open]", board.left_open)]:
        for place in places:
            part, _, pin = place.partition(".")
            if part not in board.parts or pin not in board.kind(part).pins:
                violations.append(f"net {net}: no pin {place}")
            counts[place] += 1
    return violations + [
        f"{place} is on {times} nets" for place, times in counts.items() if times > 1
    ]


def _circuit(skidl: Any, board: Board) -> Any:
    circuit = skidl.Circuit()
    circuit.no_files = True
    parts = {}
    for reference, part in board.parts.items():
        kind = board.kind(reference)
        parts[reference] = skidl.Part(
            tool=skidl.SKIDL,
            name=kind.name,
            ref=reference,
            ref_prefix=re.sub(r"\d", "", reference),
            value=part.get("value", kind.name),
            footprint=kind.footprint,
            tag=reference,
            dest=skidl.NETLIST,
            circuit=circuit,
            pins=[
                skidl.Pin(num=str(number), name=name, func=getattr(skidl.Pin.types, ROLES[role]))
                for number, (name, role) in enumerate(kind.pins.items(), start=1)
            ],
        )
    for name, places in board.nets.items():
        net = skidl.Net(name, circuit=circuit, tag=name)
        net += [_pin(parts, board, place) for place in places]
    for place in board.left_open:
        _pin(parts, board, place).do_erc = False
    return circuit


def _pin(parts: dict[str, Any], board: Board, place: str) -> Any:
    reference, _, name = place.partition(".")
    return parts[reference].pins[list(board.kind(reference).pins).index(name)]


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _skidl() -> Iterator[tuple[Any, list[str]]]:
    """SKiDL, and the list of its messages about rules; it runs in a temporary folder, since it
    leaves files."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with open(os.devnull, "w") as away, contextlib.redirect_stderr(away):  # noqa: PTH123
            import skidl
            from skidl import circuit, logger, node
            from skidl.logger import active_logger, erc_logger
        ear = _Ear()
        quiet = [
            (handler, handler.level)
            for logger in (active_logger, erc_logger)
            for handler in logger.handlers
        ]
        for handler, _ in quiet:
            handler.setLevel(logging.CRITICAL + 1)
        erc_logger.addHandler(ear)
        try:
            with contextlib.ExitStack() as untraced:
                # Otherwise each part and net records the whole call stack, with source text.
                for module in (circuit, logger, node):
                    untraced.enter_context(mock.patch.object(module, "get_skidl_trace", list))
                yield skidl, ear.messages
        finally:
            erc_logger.removeHandler(ear)
            for handler, level in quiet:
                handler.setLevel(level)
