"""Checks the running gateway by the state that it writes about itself."""

from collections.abc import Iterator

from fevergate.command_line.finding import Finding, failed, ok
from fevergate.command_line.options import FOLDER
from fevergate.gateway.run_state import RunState, read_run_state
from fevergate.operations.doctor_storage import DISK
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, both

CONNECTS_S = 30.0
"""Time after its start during which a gateway may be without a connection."""

_JOURNAL = N_("see journalctl -u fevergate-gateway")


def gateway(settings: GatewaySettings) -> Iterator[Finding]:
    """Check that the gateway runs, is connected, can write and believes its clock."""
    running = read_run_state(settings.folder)
    if running is None:
        if settings.folder.resolve() == FOLDER:
            yield failed("gateway", "the gateway does not run", _JOURNAL)
        return
    if running.hangs:
        yield failed("gateway", "it has hung for {age_s:.0f} s", _JOURNAL, age_s=running.age_s)
        return
    wrong = list(_wrong(running))
    yield from wrong
    if not wrong:
        yield ok(
            "gateway",
            "{version} runs, with its line, its disk and a clock",
            version=running.version,
        )


def _wrong(running: RunState) -> Iterator[Finding]:
    if not running.line and running.boot_s - running.since_s > CONNECTS_S:
        yield failed("gateway", "the gateway has no line to the broker", _JOURNAL)
    if running.disk:
        why = both(DISK.get(running.disk, running.disk))
        yield failed("gateway", "the gateway stores nothing: {why}", _JOURNAL, why=why)
    if not running.clock:
        yield failed("gateway", "the gateway does not believe the clock", _JOURNAL)
