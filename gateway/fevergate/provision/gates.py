"""Assigns kiosks to gates in gateway.toml; comments and other edits there are kept."""

from pathlib import Path
from typing import Any

import tomlkit

from fevergate.errors import ProvisionError

PIN_SETS = ("gate1", "gate2")
"""Sets of GPIO pins in hardware/pins.toml, each for one gate's lights: a Pi's number of gates."""


def add_to_gate(document: tomlkit.TOMLDocument, path: Path, gate: str, kiosk: str) -> None:
    """Assign a kiosk to one gate, removing it from others; a new gate gets the next set of pins.

    Raises `ProvisionError` if another gate would lose its only kiosk, or all pins are taken.
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
    taken = {table.get("pins", PIN_SETS[0]) for table in gates}
    free = [pins for pins in PIN_SETS if pins not in taken]
    if not free:
        raise ProvisionError(f"{path}: gates: expected at most {len(PIN_SETS)} for one Pi")
    table = tomlkit.table()
    table.update({"name": gate, "kiosks": [kiosk], "pins": free[0]})
    gates.append(table)


def take_from_gate(document: tomlkit.TOMLDocument, kiosk: str) -> str | None:
    """Remove a kiosk from gateway.toml. If it is its gate's only one it stays, and the gate, whose
    name is returned, shows amber for the silent kiosk."""
    gates: Any = document.get("gates", [])
    for gate in gates:
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
