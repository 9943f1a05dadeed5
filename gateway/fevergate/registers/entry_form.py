"""Checks what a person or a program entered against a register's declaration."""

from collections.abc import Container, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from fevergate.errors import EntryError
from fevergate.registers.declarations import Field, RegisterDeclaration

MAX_TEXT = 200
MAX_PERSON = 64
MIN_C, MAX_C = 30.0, 45.0
"""Range of people's temperatures that a clinical thermometer shows."""

Value = str | float
"""A field's value: a text, a number, °C, or a time (Unix time, s)."""


class NewEntry(Struct, frozen=True, kw_only=True):
    """Checked values of an entry: `public` ones, `personal` ones, and the gate (empty: all)."""

    public: dict[str, Value]
    personal: dict[str, Value]
    gate: str = ""


class EntryForm:
    """Reads entries of one site, which has these `gates` and `places` (ids) and this time zone."""

    def __init__(self, zone: ZoneInfo, gates: Container[str], places: Container[str]) -> None:
        self._zone = zone
        self._gates = gates
        self._places = places

    def read(
        self,
        register: RegisterDeclaration,
        form: Mapping[str, Value | None],
        gate: str = "",
        *,
        forgotten: bool = False,
    ) -> NewEntry:
        """The values that a form or a program gives; a field that is missing or empty has none. If
        an entry's names are `forgotten`, no personal value is required any more.

        Raises `EntryError` naming the field.
        """
        for name in form:
            if name not in register.fields:
                raise EntryError(name[:32], "field")
        if register.gate == "none":
            gate = ""
        elif (gate or register.gate == "one") and gate not in self._gates:
            raise EntryError("gate", "gate")
        public: dict[str, Value] = {}
        personal: dict[str, Value] = {}
        for name, field in register.fields.items():
            value = self._value(name, field, form.get(name))
            if value is not None:
                (personal if field.sealed else public)[name] = value
            elif field.required and not (forgotten and field.sealed):
                raise EntryError(name, "required")
        begin, end = public.get(register.begin), public.get(register.end)
        if isinstance(begin, float) and isinstance(end, float) and end <= begin:
            raise EntryError(register.end, "order")
        return NewEntry(public=public, personal=personal, gate=gate)

    def _value(self, name: str, field: Field, value: Value | None) -> Value | None:
        """A field's value; None if nothing was entered."""
        text = " ".join(str("" if value is None else value).split())
        if not text:
            return None
        if not text.isprintable():
            raise EntryError(name, "unprintable")
        match field.type:
            case "number":
                return _number(name, text, field.min, field.max)
            case "celsius":
                return _number(name, text, MIN_C, MAX_C, "clinical")
            case "time":
                return self._time(name, value if isinstance(value, float) else text)
            case "choice":
                if text not in _choices(field):
                    raise EntryError(name, "choice")
            case "place":
                if text not in _choices(field) and text not in self._places:
                    raise EntryError(name, "choice")
            case _:
                if len(text) > (MAX_PERSON if field.type == "person" else MAX_TEXT):
                    raise EntryError(name, "long")
        return text

    def _time(self, name: str, value: Value) -> float:
        """A Unix time (s), or a local time as HTML's datetime-local writes it."""
        try:
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            else:
                moment = datetime.fromtimestamp(value, self._zone)
            if not 2000 <= moment.year < 3000:
                raise EntryError(name, "time")
            return moment.timestamp()
        except (ValueError, OverflowError, OSError):
            raise EntryError(name, "time") from None


def _choices(field: Field) -> set[str]:
    return {choice.name for choice in field.choices}


def _number(name: str, text: str, least: float, most: float, reason: str = "number") -> float:
    try:
        value = round(float(text.replace(",", ".")), 3)
    except ValueError:
        raise EntryError(name, reason) from None
    if not least <= value <= most:  # this refuses NaN, too
        raise EntryError(name, reason)
    return value
