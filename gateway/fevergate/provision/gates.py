"""Assigns kiosks and lamp posts to gates in gateway.toml; comments and other edits are kept."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, cast

import tomlkit

from fevergate.errors import ProvisionError
from fevergate.settings.gateway import MAX_GATES

PIN_SETS = ("gate1", "gate2")
"""Sets of GPIO pins in hardware/pins.toml, each for one gate's lamps."""

Watchers = Mapping[str, str]
"""Maps a gate without lamps to the gate whose lamps, lamp posts and button serve it, too."""


def add_to_gate(
    document: tomlkit.TOMLDocument, path: Path, gate: str, kiosk: str, elsewhere: Container[str]
) -> None:
    """Assign a kiosk to one gate, removing it from others. A new gate gets the next free set of
    pins for its lamps. It gets none if all sets are taken, or if it is one of the gates whose lamps
    are `elsewhere`.

    Raises `ProvisionError` if another gate would lose its only kiosk.
    """
    gates: Any = document.setdefault("gates", tomlkit.aot())
    for other in gates:
        if other["name"] != gate and kiosk in other["kiosks"]:
            if len(other["kiosks"]) == 1:
                raise ProvisionError(
                    f"{path}: gates: {kiosk!r} is the only kiosk of {other['name']!r}; add"
                    " another one there first"
                )
            other["kiosks"].remove(kiosk)
    for table in gates:
        if table["name"] == gate:
            if kiosk not in table["kiosks"]:
                table["kiosks"].append(kiosk)
            return
    if len(gates) >= MAX_GATES:
        raise ProvisionError(f"{path}: gates: expected at most {MAX_GATES}")
    table = tomlkit.table()
    table.update({"name": gate, "kiosks": [kiosk]})
    used = {table.get("pins", PIN_SETS[0]) for table in gates if _lit(table)}
    free = [pins for pins in PIN_SETS if pins not in used and gate not in elsewhere]
    table.update({"pins": free[0]} if free else {"lamps": "none"})
    gates.append(table)


def add_post(document: tomlkit.TOMLDocument, path: Path, gate: str, post: str) -> None:
    """Assign a lamp post to one gate, removing it from others. Raises `ProvisionError` for an
    unknown gate, since a post measures nobody and a gate therefore begins with a kiosk. It is also
    raised if another gate would lose its last lamps while they show a door's red light."""
    gates: Any = document.get("gates", [])
    if gate not in [table["name"] for table in gates]:
        names = ", ".join(str(table["name"]) for table in gates)
        raise ProvisionError(f"{path}: posts: gate {gate!r}: expected one of {names}")
    for table in gates:
        posts = table.get("posts", [])
        if table["name"] == gate and post not in posts:
            table.setdefault("posts", tomlkit.array()).append(post)
        elif table["name"] != gate and post in posts:
            _remove_post(table, post)
    if doors := _left_dark(gates):
        door_names = ", ".join(repr(str(table["name"])) for table in doors)
        raise ProvisionError(
            f"{path}: posts: {post!r} is the only lamp of a gate that watches {door_names};"
            " give that door another --watched-by first"
        )


def _remove_post(table: Any, post: str) -> None:
    table["posts"].remove(post)
    if not table["posts"]:
        del table["posts"]


def watch(document: tomlkit.TOMLDocument, path: Path, watched_by: Watchers) -> None:
    """Let gates be watched by others, and remove the pins of the watched gates. Raises
    `ProvisionError` for an unknown gate, for a watching gate that has neither lamps nor lamp posts
    or is watched itself, and for a watched gate that watches another."""
    tables = {table["name"]: table for table in cast(Any, document.get("gates", []))}
    for door, watcher in watched_by.items():
        lit = [
            name
            for name, table in tables.items()
            if _shows(table) and not table.get("watched_by") and name not in watched_by
        ]
        if door not in tables or watcher not in lit:
            name, expected = (watcher, lit) if door in tables else (door, list(tables))
            raise ProvisionError(
                f"{path}: watched_by: gate {name!r}: expected one of {', '.join(expected)}"
            )
        if any(table.get("watched_by") == door for table in tables.values()):
            raise ProvisionError(f"{path}: watched_by: gate {door!r} watches another one itself")
        tables[door].pop("pins", None)
        tables[door].update({"lamps": "none", "watched_by": watcher})


def _lit(table: Any) -> bool:
    return bool(table.get("lamps", "pins") != "none")


def _shows(table: Any) -> bool:
    return _lit(table) or bool(table.get("posts"))


def _left_dark(gates: Any) -> list[Any]:
    """The doors that are watched by a gate with neither lamps nor lamp posts."""
    dark = {table["name"] for table in gates if not _shows(table)}
    return [table for table in gates if table.get("watched_by") in dark]


def end_dark_watches(document: tomlkit.TOMLDocument) -> list[str]:
    """Remove `watched_by` from doors whose watching gate has lost its last lamp post; returns the
    names of the doors."""
    doors = _left_dark(document.get("gates", []))
    for table in doors:
        del table["watched_by"]
    return [str(table["name"]) for table in doors]


def take_from_gate(document: tomlkit.TOMLDocument, kiosk: str) -> str | None:
    """Remove a kiosk or lamp post from gateway.toml. A gate's only kiosk stays: the gate then shows
    amber for the silent kiosk, and its name is returned."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        if kiosk in gate.get("posts", []):
            _remove_post(gate, kiosk)
        if kiosk in gate["kiosks"]:
            if len(gate["kiosks"]) == 1:
                return str(gate["name"])
            gate["kiosks"].remove(kiosk)
    return None


def drop_revoked(document: tomlkit.TOMLDocument, revoked: set[str]) -> None:
    """Remove the kiosks in `revoked` from gates that have another kiosk by now. Each of them
    had stayed as the only kiosk of its gate."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        for kiosk in revoked.intersection(gate["kiosks"]):
            if len(gate["kiosks"]) > 1:
                gate["kiosks"].remove(kiosk)
