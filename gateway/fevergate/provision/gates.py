"""Which kiosk stands at which gate, changed in gateway.toml; what a person wrote there stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit

from fevergate.errors import ProvisionError

PIN_SETS = ("gate1", "gate2")
"""Of hardware/pins.toml: how many gates' lights one Pi has pins for."""


def add_to_gate(document: tomlkit.TOMLDocument, path: Path, gate: str, kiosk: str) -> None:
    """Let a kiosk stand at a gate and at no other; a new gate takes the next set of pins.

    Raises `ProvisionError` where that leaves a gate without a kiosk, or the Pi without pins.
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
    for one in gates:
        if one["name"] == gate:
            if kiosk not in one["kiosks"]:
                one["kiosks"].append(kiosk)
            return
    taken = {one.get("pins", PIN_SETS[0]) for one in gates}
    free = [pins for pins in PIN_SETS if pins not in taken]
    if not free:
        raise ProvisionError(f"{path}: gates: expected at most {len(PIN_SETS)} for one Pi")
    table = tomlkit.table()
    table.update({"name": gate, "kiosks": [kiosk], "pins": free[0]})
    gates.append(table)


def take_from_gate(document: tomlkit.TOMLDocument, kiosk: str) -> str | None:
    """Take a kiosk out of gateway.toml; returns the gate that would be left without any, where it
    therefore stays: amber, which is what a gate without a kiosk is."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        if kiosk in gate["kiosks"]:
            if len(gate["kiosks"]) == 1:
                return str(gate["name"])
            gate["kiosks"].remove(kiosk)
    return None


def drop_revoked(document: tomlkit.TOMLDocument, gone: set[str]) -> None:
    """Take out whoever was revoked and stayed as the last of a gate, once another stands there."""
    gates: Any = document.get("gates", [])
    for gate in gates:
        for kiosk in [one for one in gate["kiosks"] if one in gone]:
            if len(gate["kiosks"]) > 1:
                gate["kiosks"].remove(kiosk)
