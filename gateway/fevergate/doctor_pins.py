"""What `fevergate doctor` says of the gates' lamps and the pins that they hang on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fevergate.errors import PinsError
from fevergate.findings import Finding, ok
from fevergate.lights import choose
from fevergate.machine import keeps_outputs, recognise
from fevergate.settings import GatewaySettings
from fevergate.web.troubles import line
from fevergate.web.words import translations

CONFIG = Path("/boot/firmware/config.txt")
STRICT = "dtparam=strict_gpiod"


def pins(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether lamps can be lit."""
    factory = settings.pins.factory
    machine = recognise()
    try:
        name = choose(factory, machine)
    except PinsError as error:
        text = f"no lamp can be lit: {error}"
        yield Finding(
            check="pins",
            state="failed" if machine.is_pi or factory != "auto" else "warning",
            text=(line(text, translations("zh").gettext), text),
            advice=(
                "在树莓派上再次运行 gateway/install；[pins] factory 应为 auto（试用可写 mock）",
                "run gateway/install again, on a Raspberry Pi; [pins] factory should be auto"
                " (mock to try it without lamps)",
            ),
        )
        return
    if name == "mock":
        yield Finding(
            check="pins",
            state="warning",
            text=("设置为 mock，灯不会亮", "the settings say mock: no lamp will be lit"),
            advice=("正式使用时改为 auto", "auto, where it is meant"),
        )
        return
    yield ok("pins", f"经由 {name}", f"through {name}")


def outputs(_: GatewaySettings) -> Iterator[Finding]:
    """Whether the kernel lets a dead program's lamps go out; on a Pi only."""
    if not recognise().is_pi:
        return
    if not keeps_outputs():
        yield ok("outputs", "程序退出后灯随之熄灭", "a dead program's lamps go out")
        return
    told = CONFIG.exists() and STRICT in CONFIG.read_text(errors="replace").splitlines()
    yield Finding(
        check="outputs",
        state="warning",
        text=(
            "内核保留已退出程序的输出：网关被杀死后绿灯仍亮，直到服务将其熄灭",
            "the kernel keeps a dead program's outputs: a killed gateway leaves green on",
        ),
        advice=(
            f"{CONFIG} 中已有 {STRICT}：重新启动后生效"
            if told
            else f"在 {CONFIG} 末尾加一行 {STRICT}，然后重新启动",
            f"{CONFIG} has {STRICT}: reboot, and it counts"
            if told
            else f"put {STRICT} at the end of {CONFIG}, then reboot",
        ),
    )
