"""What differs in a build of modules: its wires as a table, and figures in which it is worse."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import yaml

from hardware_build.optics import Sensor

RAIL_V = 3.3
SENSOR_SINK_A = 0.001
"""Current that the sensor sinks at a low level of 0.25 V (Melexis 3901090614 rev. 13)."""

MODULE_PULL_UP_OHM = 4700
"""Pull-up on each of the two modules; some modules have 10 kΩ."""


class End(NamedTuple):
    """Where a wire ends: a connector of the drawing, and the terminal's number and name."""

    device: str
    pin: int
    label: str

    def __str__(self) -> str:
        return f"{self.device} {self.label}"


class Wire(NamedTuple):
    """A wire of a drawing. `via`: a part within the wire, such as a fuse; `mark`: the letters of
    the wire's colour, the number of its core, or `LINK`."""

    here: End
    there: End
    via: str
    mark: str
    metres: str


LINK = "link 短接"


@cache
def wires(text: str) -> tuple[Wire, ...]:
    """Each wire of a filled-in harness; of a wire's pieces, the longest gives colour and length."""
    return tuple(_wires(text))


def _wires(text: str) -> Iterator[Wire]:
    drawn = yaml.safe_load(text)
    for row in drawn["connections"]:
        entries = [next(iter(entry.items())) for entry in row if isinstance(entry, dict)]
        (near_part, near_pins), (far_part, far_pins) = entries[0], entries[-1]
        cable, cores = max(entries[1:-1], key=lambda entry: drawn["cables"][entry[0]]["length"])
        cable_drawn = drawn["cables"][cable]
        via = "".join(drawn["connectors"][e[:-1]]["type"] for e in row if isinstance(e, str))
        for a, core, b in zip(_spread(near_pins), _spread(cores), _spread(far_pins), strict=True):
            mark = cable_drawn.get("wirelabels", cable_drawn["colors"])[core - 1]
            ends = (_end(drawn, near_part, a), _end(drawn, far_part, b))
            yield Wire(*ends, via, mark, f"{cable_drawn['length']:g}")
    for name, connector in drawn["connectors"].items():
        for a, b in connector.get("loops", ()):
            yield Wire(_end(drawn, name, a), _end(drawn, name, b), "", LINK, "0.1")


def rows(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Each wire as a table's row of texts: from, to, colour or number, length in m."""
    for wire in wires(text):
        via = f" ({wire.via})" if wire.via else ""
        yield str(wire.here), f"{wire.there}{via}", wire.mark, wire.metres


def _end(drawn: dict[str, Any], name: str, pin: int) -> End:
    connector = drawn["connectors"][name]
    numbers = connector.get("pins") or list(range(1, len(connector["pinlabels"]) + 1))
    return End(name, pin, str(connector["pinlabels"][numbers.index(pin)]))


def _spread(pins: list[Any]) -> Iterator[int]:
    for pin in pins:
        if isinstance(pin, str):
            first, last = map(int, pin.split("-"))
            yield from range(first, last + 1)
        else:
            yield pin


def differences(sensor: Sensor) -> dict[str, float]:
    """Figures in which a build of modules is worse."""
    return {
        "supply_c": sensor.volt_c * (RAIL_V - sensor.supply_v),
        "pull_up_ohm": MODULE_PULL_UP_OHM / 2,
        "sink_a": RAIL_V / (MODULE_PULL_UP_OHM / 2),
        "sensor_sink_a": SENSOR_SINK_A,
        "tolerance_c": sensor.tolerance_c,
    }
