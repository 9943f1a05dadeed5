"""Checks of the gates' lamps and of the GPIO pins that drive them."""

import time
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from fevergate.alarm.gpio import choose_library
from fevergate.command_line.finding import Finding, State, finding, ok, warning
from fevergate.errors import PinsError
from fevergate.gateway.run_state import read_run_state
from fevergate.operations.doctor_storage import stored
from fevergate.protocol.lamp_answer import DARK
from fevergate.settings.gateway import Gate, GatewaySettings
from fevergate.storage.coverage_bits import DAY_S
from fevergate.system.machine import Machine, keeps_outputs, recognise
from fevergate.texts.translations import Pair, both, translator
from fevergate.texts.trouble_text import line

CONFIGS = (Path("/boot/firmware/config.txt"), Path("/boot/config.txt"))
"""Files of the Pi firmware's settings. The first is used from Debian 12 on, the second on a system
upgraded from an earlier release. On a new system the second only refers to the first
(raspberrypi-sys-mods, get_fw_loc)."""
STRICT = "dtparam=strict_gpiod"
MAX_UNTESTED_DAYS = 31
"""Lamps that were not tested for longer than this cause a warning."""


def pins(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the pins can be driven by the running gateway or, if none runs, by this machine."""
    running = read_run_state(settings.folder)
    if not any(settings.has_lamps(gate.name) for gate in settings.gates):
        return
    if running is None:
        yield from _offered(settings)
    elif running.dark:
        for gate, why in running.dark.items():
            yield _dark(_gate(settings, gate), why, _grave(settings, recognise()))
    elif running.pins == "mock":
        yield _mock()
    else:
        chip = f"{running.pins}, gpiochip{running.chip}"
        yield ok("pins", "the gateway has {chip}", chip=chip)


def _offered(settings: GatewaySettings) -> Iterator[Finding]:
    machine = recognise()
    try:
        name = choose_library(settings.pins.factory, machine)
    except PinsError as error:
        yield _dark(("", ""), f"{DARK}{error}", _grave(settings, machine))
        return
    if name == "mock":
        yield _mock()
        return
    yield ok("pins", "{name} would do; the gateway does not run", name=name)


def _grave(settings: GatewaySettings, machine: Machine) -> State:
    """`failed` on a Pi or if [pins] names a factory; `warning` on a PC, which has no pins."""
    return "failed" if machine.is_pi or settings.pins.factory != "auto" else "warning"


def _title(settings: GatewaySettings, gate: str) -> Pair:
    return settings.in_both(lambda names: names.gate(gate))


def _gate(settings: GatewaySettings, gate: str) -> Pair:
    """A gate's title and a colon, to begin a sentence with."""
    chinese, english = _title(settings, gate)
    return chinese + "：", english + ": "


def _dark(gate: Pair, why: str, state: State) -> Finding:
    return finding(
        state,
        "pins",
        (gate[0] + line(why, translator("zh")), gate[1] + line(why, translator("en"))),
        "run gateway/install again, on a Raspberry Pi; [pins] factory should be"
        " auto (mock to try it without lamps)",
    )


def _mock() -> Finding:
    return warning("pins", "the settings say mock: no lamp will be lit", "for real use: auto")


@stored
def lamps(settings: GatewaySettings, reader: Database) -> Iterator[Finding]:
    """When each gate's lamps were last tested, and by whom."""
    rows = reader.execute("select gate, max(at), by from lamp_tests where whole group by gate")
    tests = {gate: (at, by) for gate, at, by in rows}
    for gate_settings in settings.gates:
        gate = gate_settings.name
        if gate_settings.lamps == "none":
            if not gate_settings.posts:
                yield from _unlit(settings, gate_settings)
            continue
        at, by = tests.get(gate, (None, ""))
        title = _title(settings, gate)
        advice = both("stand before them and run fevergate lamps test {gate} --by NAME", gate=gate)
        if at is None:
            yield warning("lamps", "{gate}: its lamps were never tried", advice, gate=title)
            continue
        days = (time.time() - at) / DAY_S
        tester = f", {by}" if by else ""
        text = both(
            "{gate}: its lamps were tried {days:.0f} days ago{who}",
            gate=title,
            days=days,
            who=tester,
        )
        late = days > MAX_UNTESTED_DAYS
        yield warning("lamps", text, advice) if late else ok("lamps", text)


def _unlit(settings: GatewaySettings, gate: Gate) -> Iterator[Finding]:
    """Where the red alarm of a gate without lamps can be seen."""
    title = _title(settings, gate.name)
    if gate.watched_by:
        watcher = _title(settings, gate.watched_by)
        yield ok(
            "lamps",
            "{gate}: has none; its red is on those of {watcher}",
            gate=title,
            watcher=watcher,
        )
    else:
        yield ok("lamps", "{gate}: has none; its red is on the kiosk and the pages", gate=title)


def outputs(_: GatewaySettings) -> Iterator[Finding]:
    """Whether the kernel resets the pins of a program that has died; checked only on a Pi."""
    if not recognise().is_pi:
        return
    if not keeps_outputs():
        yield ok("outputs", "a dead program's lamps go out")
        return
    config = next((path for path in CONFIGS if path.exists()), CONFIGS[0])
    set_already = config.exists() and STRICT in config.read_text(errors="replace").splitlines()
    yield warning(
        "outputs",
        "the kernel keeps a dead program's outputs: a killed gateway leaves green on",
        both("{config} has {line}: reboot, and it counts", config=config, line=STRICT)
        if set_already
        else both("put {line} at the end of {config}, then reboot", line=STRICT, config=config),
    )
