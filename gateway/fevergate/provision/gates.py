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
"""For gates without lamps, the gate whose lamps, lamp posts and button are theirs, too."""


def add_to_gate(
    document: tomlkit.TOMLDocument, path: Path, gate: str, kiosk: str, elsewhere: Container[str]
) -> None:
    """Assign a kiosk to one gate, removing it from others. A new gate gets the next set of pins for
    its lamps, and has none where all are taken, or the gate is one whose lamps are `elsewhere`.

    Raises `ProvisionError` if another gate would lose its only kiosk.
    """
    gates: Any = document.setdefault("gates", tomlkit.aot())
    for other in gates:
        if other["name"] != gate and kiosk in other["kiosks"]:
            if len(other["kiosks"]) == 1:
                raise ProvisionError(
                    f"{path}: gates: {kiosk!r} is the only kiosk of {other['name']!r}; expected"
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
    taken = {table.get("pins", PIN_SETS[0]) for table in gates if _lit(table)}
    free = [pins for pins in PIN_SETS if pins not in taken and gate not in elsewhere]
    table.update({"pins": free[0]} if free else {"lamps": "none"})
    gates.append(table)


def add_post(document: tomlkit.TOMLDocument, path: Path, gate: str, post: str) -> None:
    """Assign a lamp post to one gate, removing it from others. Raises `ProvisionError` where there
    is no such gate: a post measures nobody, so that a gate begins with a kiosk; and where another
    gate would lose its last lamps, on which a door's red is shown."""
    gates: Any = document.get("gates", [])
    if gate not in [table["name"] for table in gates]:
        known = ", ".join(str(table["name"]) for table in gates)
        raise ProvisionError(f"{path}: posts: gate {gate!r}: expected one of {known}")
    for table in gates:
        posts = table.get("posts", [])
        if table["name"] == gate and post not in posts:
            table.setdefault("posts", tomlkit.array()).append(post)
        elif table["name"] != gate and post in posts:
            _remove_post(table, post)
    if doors := _left_dark(gates):
        shown = ", ".join(repr(str(table["name"])) for table in doors)
        raise ProvisionError(
            f"{path}: posts: {post!r} is the only lamp of a gate that watches {shown}; expected"
            " another --watched-by for it first"
        )


def _remove_post(table: Any, post: str) -> None:
    table["posts"].remove(post)
    if not table["posts"]:
        del table["posts"]


def watch(document: tomlkit.TOMLDocument, path: Path, watched_by: Watchers) -> None:
    """Take the lamps from gates that another one watches. Raises `ProvisionError` where one is not
    there, or the other has no lamps and no lamp posts, or is watched itself."""
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
    """The doors that are watched by a gate without lamps and lamp posts."""
    dark = {table["name"] for table in gates if not _shows(table)}
    return [table for table in gates if table.get("watched_by") in dark]


def end_dark_watches(document: tomlkit.TOMLDocument) -> list[str]:
    """Take the watch from doors whose watching gate has lost its last lamp post; their names."""
    doors = _left_dark(document.get("gates", []))
    for table in doors:
        del table["watched_by"]
    return [str(table["name"]) for table in doors]


def take_from_gate(document: tomlkit.TOMLDocument, kiosk: str) -> str | None:
    """Remove a kiosk or lamp post from gateway.toml. If it is its gate's only kiosk it stays, and
    the gate, whose name is returned, shows amber for the silent kiosk."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        if kiosk in gate.get("posts", []):
            _remove_post(gate, kiosk)
        if kiosk in gate["kiosks"]:
            if len(gate["kiosks"]) == 1:
                return str(gate["name"])
            gate["kiosks"].remove(kiosk)
    return None


def drop_revoked(document: tomlkit.TOMLDocument, gone: set[str]) -> None:
    """Remove revoked kiosks that stayed as the only one of a gate which now has another."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        for kiosk in gone.intersection(gate["kiosks"]):
            if len(gate["kiosks"]) > 1:
                gate["kiosks"].remove(kiosk)
