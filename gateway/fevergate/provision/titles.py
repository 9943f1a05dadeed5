"""Names in Chinese and English for campuses, gates and kiosks: suggested, checked, written.

Pages, board, log, report, notices and labels show them in place of the ids.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import tomlkit

from fevergate.errors import ProvisionError
from fevergate.texts.translations import N_, both

MAX_LENGTH = 32

_GATES = {
    "north": N_("North gate"),
    "south": N_("South gate"),
    "east": N_("East gate"),
    "west": N_("West gate"),
    "main": N_("Main gate"),
    "front": N_("Front gate"),
    "back": N_("Back gate"),
    "side": N_("Side gate"),
}
_CAMPUSES = {
    "north": N_("North campus"),
    "south": N_("South campus"),
    "east": N_("East campus"),
    "west": N_("West campus"),
    "main": N_("Main campus"),
    "old": N_("Old campus"),
    "new": N_("New campus"),
}


class Titles(NamedTuple):
    """A name in Chinese and in English; None leaves it unchanged."""

    title: str | None = None
    title_en: str | None = None


Named = Mapping[str, Titles]
"""Names by id."""

UNCHANGED = Titles()
NONE_NAMED: Named = MappingProxyType({})


def suggested_campus(name: str) -> Titles:
    """A likely name for a campus with an id such as `east`; otherwise its id."""
    text = _CAMPUSES.get(name.removesuffix("-campus"))
    return Titles(*both(text)) if text else _from_id(name)


def suggested_gate(name: str) -> Titles:
    """A likely name for a gate with an id such as `north` or `gate-3`; otherwise its id."""
    if number := re.fullmatch(r"(?:gate-?)?(\d{1,3})", name):
        return Titles(*both("Gate {number}", number=int(number[1])))
    text = _GATES.get(name.removesuffix("-gate"))
    return Titles(*both(text)) if text else _from_id(name)


def _from_id(name: str) -> Titles:
    return Titles(name, name.replace("-", " ").capitalize())


def check_title(kind: str, title: str, most: int = MAX_LENGTH) -> str:
    """A name without blanks around it. Raises `ProvisionError` if it is too long, or has characters
    that cannot be printed."""
    title = title.strip()
    if len(title) > most or any(unicodedata.category(sign)[0] == "C" for sign in title):
        raise ProvisionError(f"{kind} {title!r}: expected at most {most} printable characters")
    return title


def set_titles(table: Any, titles: Titles) -> None:
    """Write names into a campus's, gate's or kiosk's table of a settings file."""
    for key, title in zip(Titles._fields, titles, strict=True):
        if title is not None and str(table.get(key, "")) != title:
            table[key] = title


def set_gate_titles(document: tomlkit.TOMLDocument, titles_by_gate: Named) -> None:
    """Write names of gates into gateway.toml. Raises `ProvisionError` for a gate that is not in
    it."""
    tables = {str(table["name"]): table for table in cast("Any", document.get("gates", []))}
    for gate, titles in titles_by_gate.items():
        if gate not in tables:
            raise ProvisionError(f"gate {gate!r}: expected one of {', '.join(tables)}")
        set_titles(tables[gate], titles)
    refuse_twins("gate", tables)


def set_kiosk_titles(document: tomlkit.TOMLDocument, kiosk: str, titles: Titles) -> None:
    """Write a kiosk's names into gateway.toml."""
    if titles == UNCHANGED:
        return
    tables: Any = document.setdefault("kiosk_titles", tomlkit.table(is_super_table=True))
    if kiosk not in tables:
        tables[kiosk] = tomlkit.table()
    set_titles(tables[kiosk], titles)
    refuse_twins("kiosk", tables)


def refuse_twins(kind: str, tables: Mapping[str, Any]) -> None:
    """Raise `ProvisionError` if two of a kind would have the same name."""
    for key in Titles._fields:
        owner: dict[str, str] = {}
        for name, table in tables.items():
            title = str(table.get(key, ""))
            if title and owner.setdefault(title, name) != name:
                raise ProvisionError(f"{kind} {name!r}: {title!r} is the name of {owner[title]!r}")
