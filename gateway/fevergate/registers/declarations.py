"""Reads registers.toml as typed declarations; an error names file, line, key, what was expected."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from fevergate.errors import SettingsError
from fevergate.protocol.messages import Name
from fevergate.settings import last_good
from fevergate.settings.names import in_language

log = logging.getLogger(__name__)

FILE = "registers.toml"
"""Name of the file of a site's own declarations, beside its settings."""

Title = Annotated[str, Meta(min_length=1, max_length=32)]
OtherTitle = Annotated[str, Meta(max_length=32)]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
Kind = Literal["text", "choice", "number", "celsius", "time", "place", "person"]

MAX_REGISTERS = 32
MAX_FIELDS = 24
MAX_CHOICES = 200
LARGEST = 1e9


class Choice(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A value to choose; a sum at or below `low` is shown as low."""

    name: Name
    title: Title
    title_en: OtherTitle = ""
    low: float | None = None


class Field(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A field of a register.

    `personal` fields are stored encrypted and forgotten after `persons_days`; a `person` is always
    personal. A `place` is a gate or a lens (kiosk) of the site. `choices` are the values of a
    `choice`, or further places of a `place`. A `time` is a local date and time, stored as Unix time
    (s). `min` and `max` bound a number, whose unit is `unit`.
    """

    title: Title
    title_en: OtherTitle = ""
    type: Kind = "text"
    required: bool = False
    personal: bool = False
    choices: Annotated[list[Choice], Meta(max_length=MAX_CHOICES)] = []
    min: float = -LARGEST
    max: float = LARGEST
    unit: OtherTitle = ""

    @property
    def sealed(self) -> bool:
        """Whether its values are stored encrypted, and forgotten."""
        return self.personal or self.type == "person"


class RegisterDeclaration(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A register.

    gate: an entry belongs to `one` gate, to `any` (one or all), or to `none`
    for: who keeps it: `guards` (and administrators) or `administrators`
    open: an entry is open until somebody closes it by the button called `close`
    until: the time field after which an open entry is late
    closing: local time at which no entry should be open any more
    begin, end: time fields from and until which an entry holds; it is not closed by a button
    each: the field by which entries are summed or due
    sum: the number field whose sum is shown for `each`
    due: `daily` if each place or choice of `each` needs an entry every day
    lasts: names are kept while an entry is open or holds, and their age counts from its end
    """

    title: Title
    title_en: OtherTitle = ""
    gate: Literal["none", "one", "any"] = "none"
    keepers: Literal["guards", "administrators"] = msgspec.field(default="guards", name="for")
    open: bool = False
    close: OtherTitle = ""
    close_en: OtherTitle = ""
    until: str = ""
    closing: Clock | None = None
    begin: str = ""
    end: str = ""
    each: str = ""
    sum: str = ""
    due: Literal["", "daily"] = ""
    lasts: bool = False
    name: str = ""
    fields: dict[str, Field] = msgspec.field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether its entries hold for some time: until they are closed, or by their own times."""
        return self.open or bool(self.begin or self.end)

    def title_in(self, language: str) -> str:
        """Its name in a language."""
        return in_language(self, language)

    def closing_button(self, language: str) -> str:
        """The name of the button that closes an entry; empty without one."""
        return self.close_en or self.close if language == "en" else self.close or self.close_en

    @property
    def personal(self) -> list[str]:
        """Names of its fields that are stored encrypted."""
        return [name for name, field in self.fields.items() if field.sealed]


Registers = dict[str, RegisterDeclaration]
S = TypeVar("S", bound=Struct)


def shipped() -> Registers:
    """The registers that the product ships."""
    text = resources.files("fevergate.registers").joinpath(FILE).read_text("utf-8")
    return parse(text, FILE)


def read_registers(folder: Path) -> Registers:
    """The shipped registers, and the registers of the site's own file in `folder`, if there is one.
    Raises `SettingsError`."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return shipped()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as text in UTF-8: {error}") from error
    registers = shipped() | parse(text, str(path))
    if len(registers) > MAX_REGISTERS:
        raise SettingsError(f"{path}: expected at most {MAX_REGISTERS} registers with the shipped")
    return registers


def load_registers(folder: Path) -> Registers:
    """The registers of `read_registers`. If the site's file is damaged, its last intact copy is
    used, or else the shipped registers alone, so that the pages still work. The log and `fevergate
    doctor` report the damage."""
    try:
        registers = read_registers(folder)
    except SettingsError as error:
        try:
            registers = read_registers(folder / last_good.FOLDER)
        except SettingsError:
            registers = shipped()
        log.error("%s; the last sound registers are taken", error)
        return registers
    if (folder / FILE).exists():
        last_good.keep(folder / FILE, folder / last_good.FOLDER)
    else:
        last_good.forget(folder / last_good.FOLDER, FILE)
    return registers


def parse(text: str, file: str) -> Registers:
    """The registers that a TOML text declares; `file` is its name in errors. Raises
    `SettingsError`: file, line, key, what was expected."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error
    return {name: _DeclarationReader(text, file, name).read(raw) for name, raw in table.items()}


class _DeclarationReader:
    """Reads one register, and knows where in the file it is."""

    def __init__(self, text: str, file: str, name: str) -> None:
        self._text = text
        self._file = file
        self._name = name

    def read(self, raw: object) -> RegisterDeclaration:
        if not isinstance(raw, dict):
            raise self._error((), "expected a table, [NAME] with its keys below it")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", self._name):
            raise self._error((), "expected a name of [a-z0-9-], at most 32 characters")
        tables = raw.get("fields")
        if not isinstance(tables, dict) or not 0 < len(tables) <= MAX_FIELDS:
            raise self._error(
                ("fields",) if "fields" in raw else (), f"expected 1 to {MAX_FIELDS} fields"
            )
        if "name" in raw:  # it is the table's key
            raise self._error(("name",), "unknown key")
        fields = {name: self._field(name, value) for name, value in tables.items()}
        values = {key: value for key, value in raw.items() if key != "fields"}
        register = self._convert((), values, RegisterDeclaration)
        register = msgspec.structs.replace(register, name=self._name, fields=fields)
        self._check(register)
        return register

    def _field(self, name: str, raw: object) -> Field:
        place = ("fields", name)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
            raise self._error(place, "expected a name of [a-z0-9_], at most 32 characters")
        if not isinstance(raw, dict):
            raise self._error(place, "expected a table such as { title = ... }")
        field = self._convert(place, raw, Field)
        if field.type == "choice" and not field.choices:
            raise self._error(place, "a choice needs choices")
        if field.choices and field.type not in ("choice", "place"):
            raise self._error((*place, "choices"), "expected type choice or place")
        names = [choice.name for choice in field.choices]
        if len(set(names)) < len(names):
            raise self._error((*place, "choices"), "the same name is there twice")
        if not field.min <= field.max or not abs(field.min) <= LARGEST >= abs(field.max):
            raise self._error((*place, "max"), "expected min, max from -1e9 to 1e9, min first")
        return field

    def _check(self, register: RegisterDeclaration) -> None:
        """Refuse keys that do not fit each other."""
        for key in ("until", "begin", "end"):
            self._refers(register, key, ("time",))
        self._refers(register, "each", ("place", "choice"))
        self._refers(register, "sum", ("number",))
        if register.each and not register.fields[register.each].required:
            raise self._error(("each",), f"{register.each!r} must be a required field")
        for key in ("sum", "due"):
            if getattr(register, key) and not register.each:
                raise self._error((key,), "needs each, the field that it is by")
        for key in ("close", "close_en", "until", "closing"):
            if getattr(register, key) and not register.open:
                raise self._error((key,), "needs open = true")
        if register.open and (register.begin or register.end):
            raise self._error(("open",), "entries with begin or end are not closed by a button")
        low = any(choice.low is not None for f in register.fields.values() for choice in f.choices)
        if low and not register.sum:
            raise self._error((), "low needs sum")

    def _refers(self, register: RegisterDeclaration, key: str, kinds: Sequence[str]) -> None:
        name = getattr(register, key)
        if not name:
            return
        field = register.fields.get(name)
        if field is None:
            names = ", ".join(register.fields)
            raise self._error((key,), f"there is no field {name!r}; expected one of {names}")
        if field.type not in kinds or field.sealed:
            raise self._error((key,), f"{name!r} must be a {' or '.join(kinds)}, not personal")

    def _convert(self, place: tuple[str, ...], raw: Mapping[str, Any], kind: type[S]) -> S:
        try:
            return msgspec.convert(raw, kind, strict=True)
        except msgspec.ValidationError as error:
            problem, _, location = str(error).partition(" - at `$")
            key = location.rstrip("`").strip(".")
            if unknown := re.search(r"unknown field `(.+?)`", problem):
                key, problem = ".".join(filter(None, (key, unknown[1]))), "unknown key"
            elif missing := re.search(r"missing required field `(.+?)`", problem):
                key, problem = ".".join(filter(None, (key, missing[1]))), "missing, but required"
            expected = problem[0].lower() + problem[1:]
            raise self._error((*place, *filter(None, (key,))), expected) from error

    def _error(self, place: tuple[str, ...], expected: str) -> SettingsError:
        keys = (self._name, *place)
        line = _line(self._text, keys)
        return SettingsError(f"{self._file}: line {line}: {'.'.join(keys)}: {expected}")


def _line(text: str, keys: Sequence[str]) -> int:
    """The number of the line with which a key, or else the last of `keys` that exists, is complete.

    The TOML reader gives no line numbers. This is the last line of the shortest beginning of the
    file that has the key.
    """
    depth = _depth(text, keys)
    lines = text.splitlines()
    for number in range(1, len(lines) + 1):
        if _depth("\n".join(lines[:number]), keys) >= depth:
            return number
    return 1


def _depth(text: str, keys: Sequence[str]) -> int:
    """How many of the nested `keys` a text has; 0 if the text is not TOML."""
    try:
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return 0
    depth = 0
    for key in keys:
        if not isinstance(table, dict) or key not in table:
            break
        table, depth = table[key], depth + 1
    return depth
