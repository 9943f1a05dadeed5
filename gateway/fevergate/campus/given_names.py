"""Names of gates and kiosks at the campus server, as each gateway sends them.

Reports and their versions keep the ids; names are inserted only in text for people.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase, put
from fevergate.campus.schema import given_names
from fevergate.protocol.campus_messages import GivenNames
from fevergate.settings.names import Names
from fevergate.texts.translations import LANGUAGES, Pair

CampusNames = Mapping[str, Names]
"""Names in one language, by campus."""


def keep_names(connection: Connection, sender: dict[str, str], names: GivenNames) -> None:
    """Store the names that a gateway sent; `sender` has its campus and gateway."""
    put(connection, given_names, sender, {"names": msgspec.json.encode(names).decode()})


def read_names(database: CampusDatabase, language: str) -> CampusNames:
    """The names of all campuses. Raises `CampusError`."""
    half = LANGUAGES.index(language)
    names: dict[str, Names] = {}
    for campus, given in _told(database):
        before = names.get(campus, Names())
        gates = {gate: pair[half] for gate, pair in given.gates.items()}
        kiosks = {kiosk: pair[half] for kiosk, pair in given.kiosks.items()}
        names[campus] = Names("", {**before.gates, **gates}, {**before.kiosks, **kiosks})
    return names


def pair_of(
    database: CampusDatabase, campus: str, kind: Literal["gate", "kiosk"], name: str
) -> Pair:
    """Return a gate's or kiosk's name in Chinese and English; its id if it has no name. Raises
    `CampusError`."""
    for owner, given in _told(database):
        pairs = given.gates if kind == "gate" else given.kiosks
        if owner == campus and name in pairs:
            chinese, english = pairs[name]
            return chinese or name, english or name
    return name, name


def _told(database: CampusDatabase) -> list[tuple[str, GivenNames]]:
    rows = database.rows(
        select(given_names.c.campus, given_names.c.names).order_by(given_names.c.gateway)
    )
    return [(campus, msgspec.json.decode(text, type=GivenNames)) for campus, text in rows]
