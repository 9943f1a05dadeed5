"""Check of the running gateway, from the state that it writes about itself."""

from __future__ import annotations

from collections.abc import Iterator

from fevergate.command_line.finding import Finding, failed, ok
from fevergate.command_line.options import FOLDER
from fevergate.gateway.run_state import RunState, read_run_state
from fevergate.operations.doctor_storage import DISK_ZH
from fevergate.settings.gateway import GatewaySettings

CONNECTS_S = 30.0
"""Time after its start in which a gateway may still be without a connection."""

_ADVICE = ("查看 journalctl -u fevergate-gateway", "see journalctl -u fevergate-gateway")


def gateway(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether it runs, is connected, can write and believes its clock."""
    running = read_run_state(settings.folder)
    if running is None:
        if settings.folder.resolve() == FOLDER:
            yield _finding("网关未运行", "the gateway does not run")
        return
    if running.hangs:
        yield _finding(
            f"网关已 {running.age_s:.0f} 秒没有动静", f"it has hung for {running.age_s:.0f} s"
        )
        return
    wrong = list(_wrong(running))
    yield from wrong
    if not wrong:
        yield ok(
            "gateway",
            (
                f"{running.version} 运行中，消息线路、存储与时钟正常",
                f"{running.version} runs, with its line, its disk and a clock",
            ),
        )


def _wrong(running: RunState) -> Iterator[Finding]:
    if not running.line and running.boot_s - running.since_s > CONNECTS_S:
        yield _finding("网关没有连上消息服务器", "the gateway has no line to the broker")
    if running.disk:
        zh = DISK_ZH.get(running.disk, running.disk)
        yield _finding(f"网关没有保存：{zh}", f"the gateway stores nothing: {running.disk}")
    if not running.clock:
        yield _finding("网关不相信本机时钟", "the gateway does not believe the clock")


def _finding(zh: str, en: str) -> Finding:
    return failed("gateway", (zh, en), _ADVICE)
