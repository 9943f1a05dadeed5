"""What is particular to a build of modules: its wires as a table, and what it does worse."""

from collections.abc import Iterator
from typing import Any

import yaml

from hardware_build.optics import Sensor

RAIL_V = 3.3
SENSOR_SINK_A = 0.001
"""What the sensor sinks at a low of 0.25 V (Melexis 3901090614 rev. 13)."""

MODULE_PULL_UP_OHM = 4700
"""Pull-up on each of the two modules; some have 10 kΩ."""


def wires(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Each wire of a filled-in harness, as (from, to, colour or number, length in m)."""
    drawn = yaml.safe_load(text)
    for row in drawn["connections"]:
        entries = [entry for entry in row if isinstance(entry, dict)]
        (here, mine), (cable, cores) = (next(iter(entry.items())) for entry in entries[:2])
        there, theirs = next(iter(entries[-1].items()))
        made = drawn["cables"][cable]
        via = "".join(
            f" ({drawn['connectors'][e[:-1]]['type']})" for e in row if isinstance(e, str)
        )
        for a, core, b in zip(_spread(mine), _spread(cores), _spread(theirs), strict=True):
            mark = made.get("wirelabels", made["colors"])[core - 1]
            ends = (_end(drawn, here, a), _end(drawn, there, b) + via)
            yield *ends, mark, f"{made['length']:g}"
    for name, connector in drawn["connectors"].items():
        for a, b in connector.get("loops", ()):
            yield _end(drawn, name, a), _end(drawn, name, b), "link 短接", "0.1"


def _end(drawn: dict[str, Any], name: str, pin: int) -> str:
    connector = drawn["connectors"][name]
    numbers = connector.get("pins") or list(range(1, len(connector["pinlabels"]) + 1))
    return f"{name} {connector['pinlabels'][numbers.index(pin)]}"


def _spread(pins: list[Any]) -> Iterator[int]:
    for pin in pins:
        if isinstance(pin, str):
            first, last = map(int, pin.split("-"))
            yield from range(first, last + 1)
        else:
            yield pin


def differences(sensor: Sensor) -> dict[str, float]:
    """Figures of what such a build does worse."""
    return {
        "supply_c": sensor.volt_c * (RAIL_V - sensor.supply_v),
        "pull_up_ohm": MODULE_PULL_UP_OHM / 2,
        "sink_a": RAIL_V / (MODULE_PULL_UP_OHM / 2),
        "sensor_sink_a": SENSOR_SINK_A,
        "tolerance_c": sensor.tolerance_c,
    }
