"""Reads `hardware/steps/`: what stands where, and the steps of a build, in English and Chinese."""

from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE

FOLDER = HARDWARE / "steps"
LANGUAGES = ("en", "zh")
Pair = tuple[str, str]
"""A text in English and in Chinese."""


class Rows(Struct, frozen=True, forbid_unknown_fields=True):
    """Terminals of a device, from left to right."""

    upper: tuple[str, ...]
    lower: tuple[str, ...]


class Devices(Struct, frozen=True, forbid_unknown_fields=True):
    """Terminals of devices, names of all devices, and wires' colours (English, Chinese, as
    drawn)."""

    adapter: Rows
    relay: Rows
    names: dict[str, Pair]
    colours: dict[str, tuple[str, str, str]]


class Measure(Struct, frozen=True, forbid_unknown_fields=True):
    """What a meter has to show between two terminals."""

    ends: tuple[str, str]
    want: Pair
    why: Pair
    names: tuple[Pair, Pair] | None = None
    """Names of the two ends, if they differ from those on their terminals."""


class Between(Struct, frozen=True, forbid_unknown_fields=True):
    """A part under two screws of the adapter; `ends` has names such as `u21` (upper row, the
    21st)."""

    ends: tuple[str, str]
    what: str


class Picture(Struct, frozen=True, forbid_unknown_fields=True):
    """What is drawn: `kind` is a scene's name, the other fields are what that scene needs."""

    kind: str
    on: str = ""
    lamps: tuple[str, ...] = ()
    captions: tuple[Pair, ...] = ()
    board: bool = False
    """Whether the board is in its adapter already."""


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step: what is done, what for, and what is there afterwards."""

    id: str
    title: Pair
    text: Pair
    picture: Picture
    part: Pair = ("", "")
    """Heading of the part of the build that begins with this step."""

    wiring: str = ""
    wires: tuple[str, ...] = ()
    """Pairs of connectors, such as `BOARD-SENSOR`; the step puts in all wires between them."""

    between: tuple[Between, ...] = ()
    takes: tuple[str, ...] = ()
    """Parts of the parts list, by the first words of their English name."""

    measure: tuple[Measure, ...] = ()
    commands: str = ""
    after: Pair = ("", "")
    optional: bool = False


class Build(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole build: assemblies of parts.csv whose parts it takes, tools, terminals, steps."""

    title: Pair
    intro: Pair
    assemblies: tuple[str, ...]
    at: dict[str, dict[str, str]]
    """Which of several terminals with the same name is meant, by wiring and the wire's other
    end."""

    tools: tuple[Pair, ...]
    step: tuple[Step, ...]


BUILDS = ("modules", "lamp-post")
Kind = TypeVar("Kind")
Language = Literal["en", "zh"]


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise HardwareError(f"{path}: {error}") from error


@cache
def devices(path: Path = FOLDER / "devices.toml") -> Devices:
    """The devices. Raises `HardwareError`."""
    return _read(path, Devices)


def build(name: str, folder: Path = FOLDER) -> Build:
    """A build of `BUILDS`. Raises `HardwareError`."""
    result = _read(folder / f"{name}.toml", Build)
    names = [step.id for step in result.step]
    for doubled in {name for name in names if names.count(name) > 1}:
        raise HardwareError(f"{folder / name}.toml: two steps with the id {doubled}")
    return result


def text_in(pair: Any, language: str) -> str:
    """A pair's text in a language."""
    return pair[LANGUAGES.index(language)]
