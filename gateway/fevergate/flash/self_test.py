"""A board's self-test: memory, bus, sensor, display, lights, beeper, network. That of a lamp post
tests its lamps, siren and button in place of a kiosk's parts.

It calls functions of `on_board.py`, which is sent over the raw REPL and not stored on the board.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fevergate.command_line.finding import Finding, fails, not_shown, ok
from fevergate.errors import FlashError
from fevergate.flash import memory, post_self_test, self_test_line
from fevergate.flash.self_test_answers import WIRES, Ask, light, seen
from fevergate.kiosks.boards import BoardModel
from fevergate.kiosks.cable import Cable
from fevergate.texts.translations import N_, both

SENSOR, DISPLAY = 0x5A, 0x3C
NAMES = {SENSOR: "MLX90614", DISPLAY: "SSD1306"}
READINGS = 30
LOST_SHARE_MAX = 0.02
SLACK_S = 15

_NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""Errors that come of reading an answer that has not the expected form."""

_LIGHTS = {
    "green": N_("the green LED"),
    "amber": N_("the amber LED"),
    "red": N_("the red LED"),
}


def run(cable: Cable, ask: Ask, model: BoardModel | None = None) -> Iterator[Finding]:
    """Yield each result as it comes. The firmware must be on the board and not running. Raises
    `FlashError` if the board stops answering, or if its answer is not the firmware's."""
    try:
        yield from _all(cable, ask, model)
    except _NONSENSE as error:
        why = f"the self-test's answer is not understood: {type(error).__name__}: {error}"
        raise FlashError(f"{cable.port}: {why}") from error


def _all(cable: Cable, ask: Ask, model: BoardModel | None) -> Iterator[Finding]:
    yield memory.finding(memory.measure(cable), model)
    cable.run((Path(__file__).parent / "on_board.py").read_text(encoding="utf-8"))
    cable.ask(f"told(set_clock, {int(time.time())})")
    values = cable.ask("told(settings)")
    if values and values.get("role") == post_self_test.ROLE:
        yield from post_self_test.run(cable, ask)
    else:
        yield from _kiosk(cable, ask)
    yield from self_test_line.run(cable, values)


def _kiosk(cable: Cable, ask: Ask) -> Iterator[Finding]:
    bus = cable.ask("told(bus)")
    yield _bus(bus)
    addresses = bus.get("found", [])
    yield from _sensor(cable, SENSOR in addresses)
    yield _display(cable, DISPLAY in addresses, ask)
    for colour, english in _LIGHTS.items():
        name = both(english)
        yield light(cable, colour, name, both("Did {name} light up?", name=name), ask)
    yield _beeper(cable, ask)


def _bus(answer: dict[str, Any]) -> Finding:
    if "error" in answer:
        return fails("bus", answer["error"], WIRES)
    if not answer["sda"] or not answer["scl"]:
        low = "SDA" if not answer["sda"] else "SCL"
        return fails("bus", "{low} is low at rest", WIRES, low=low)
    names = [f"0x{address:02X} {NAMES.get(address, '?')}" for address in answer["found"]]
    text = ", ".join(names)
    missing = [address for address in (SENSOR, DISPLAY) if address not in answer["found"]]
    if missing:
        lost = ", ".join(f"0x{address:02X} {NAMES[address]}" for address in missing)
        return fails(
            "bus",
            "no answer: {lost}; there: {shown}",
            WIRES,
            lost=lost,
            shown=text or both("nobody"),
        )
    return ok("bus", text)


def _sensor(cable: Cable, present: bool) -> Iterator[Finding]:
    if not present:
        why = both("the sensor does not answer")
        yield not_shown("sensor", why)
        yield not_shown("readings", why)
        return
    about = cable.ask("told(sensor)")
    if "error" in about:
        yield fails("sensor", about["error"], WIRES)
    elif about["emissivity"]:
        yield fails(
            "sensor",
            "{id}: not as delivered: {emissivity}",
            "take a part that is set as it was delivered",
            id=about["id"],
            emissivity=about["emissivity"],
        )
    else:
        yield ok(
            "sensor",
            "number {id}, settles in {settle_ms} ms",
            id=about["id"],
            settle_ms=about["settle_ms"],
        )
    yield _readings(cable.ask(f"told(readings, {READINGS})", SLACK_S))


def _readings(answer: dict[str, Any]) -> Finding:
    if "error" in answer:
        return fails("readings", answer["error"], WIRES)
    lost = sum(answer["lost"].values())
    words = ", ".join(f"{count} {word}" for word, count in sorted(answer["lost"].items()))
    if answer["object_c"] is None:
        return fails("readings", "none is valid ({words})", WIRES, words=words)
    low, mean, high = answer["object_c"]
    spread = f"{mean:.2f} °C ({low:.2f}-{high:.2f})"
    can = f"{answer['ambient_c'][1]:.2f} °C"
    text = both(
        "{readings}: object {seen}, can {can}, lost {lost}",
        readings=READINGS,
        seen=spread,
        can=can,
        lost=lost,
    )
    if lost > READINGS * LOST_SHARE_MAX:
        return fails("readings", "{text} ({words})", WIRES, text=text, words=words)
    return ok("readings", text)


def _display(cable: Cable, present: bool, ask: Ask) -> Finding:
    if not present:
        why = both("the display does not answer")
        return not_shown("display", why)
    drawn = cable.ask("told(display)")
    if drawn is not True:
        error = drawn["error"] if isinstance(drawn, dict) else "no acknowledgement"
        return fails("display", "takes no picture: {error}", WIRES, error=error)
    answer = ask(both("Does the display show Fever Gate?"))
    return seen("display", both("the display"), answer)


def _beeper(cable: Cable, ask: Ask) -> Finding:
    wrong = cable.ask("told(beep)")
    if wrong:
        return fails("beeper", wrong["error"], WIRES)
    return seen("beeper", both("the beeper"), ask(both("Did you hear the beeper?")))
