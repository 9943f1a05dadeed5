"""Reads the TOML tables of `hardware/`; errors name the line."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from hardware_build.errors import HardwareError

HARDWARE = Path(__file__).resolve().parents[2] / "hardware"
Kind = TypeVar("Kind")
Words = Annotated[str, Meta(min_length=1)]


def between(low: float, high: float) -> Meta:
    """Limits of a number, for `Annotated`."""
    return Meta(ge=low, le=high)


@dataclass(frozen=True)
class Table:
    """A TOML file: its data, and its text, in which an error's line number is looked up."""

    path: Path
    text: str
    data: dict[str, Any]

    def line(self, *keys: str) -> int | None:
        """Line number (from 1) of the last of `keys`, as a key in its table or as a heading of its
        own; None if neither is found."""
        heading, name = ".".join(keys[:-1]), re.escape(keys[-1])
        heading_here = ""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if heading_line := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                heading_here = heading_line[1]
                if heading_here == ".".join(keys):
                    return number
            elif heading_here == heading and re.match(rf'\s*"?{name}"?\s*=', line):
                return number
        return None

    def error(self, expected: str, *keys: str) -> HardwareError:
        """An error that names file, line, field, and what was expected there."""
        line = self.line(*keys) if keys else None
        place = f"{self.path}, line {line}" if line else str(self.path)
        field = f": [{'.'.join(keys[:-1])}] {keys[-1]}" if keys else ""
        return HardwareError(f"{place}{field}: {expected}")

    def section(self, *keys: str) -> dict[str, Any]:
        """The table below `keys`. Raises `HardwareError` if there is none."""
        section: Any = self.data
        for depth, key in enumerate(keys, start=1):
            if not isinstance(section, dict) or not isinstance(section.get(key), dict):
                raise self.error(f"expected a table [{'.'.join(keys[:depth])}]")
            section = section[key]
        return section

    def value(self, kind: type[Kind], *keys: str) -> Kind:
        """The value below `keys`, as the type `kind`; msgspec checks the limits of that type.

        Raises `HardwareError` naming line, field and what was expected.
        """
        section = self.section(*keys[:-1])
        if keys[-1] not in section:
            raise self.error("missing, but required", *keys)
        try:
            return msgspec.convert(section[keys[-1]], kind)
        except msgspec.ValidationError as error:
            field = re.search(r"(?:at `\$\.|required field `)(\w+)", str(error))
            raise self.error(str(error), *keys, *(field.groups() if field else ())) from error


def read(path: Path) -> Table:
    """Read a table. Raises `HardwareError` if the file is missing or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        return Table(path, text, tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HardwareError(f"{path}: {error}") from error


def fill(path: Path, values: Mapping[str, object]) -> str:
    """Text of a template with each `${name}` replaced; comment lines become empty.

    Raises `HardwareError` naming the line.
    """
    text = ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HardwareError(f"{path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            text += ("" if line.startswith("#") else Template(line).substitute(values)) + "\n"
        except (KeyError, ValueError) as error:
            names = ", ".join(values)
            raise HardwareError(
                f"{path}, line {number}: {error}: expected ${{name}} with one of {names}"
            ) from error
    return text
