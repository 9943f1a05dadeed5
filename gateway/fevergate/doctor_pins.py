"""What `fevergate doctor` says of the gates' lamps and the pins that they hang on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fevergate.errors import PinsError
from fevergate.findings import Finding, State, ok
from fevergate.lights import choose
from fevergate.machine import keeps_outputs, recognise
from fevergate.running import ask
from fevergate.settings import GatewaySettings
from fevergate.web.troubles import line
from fevergate.web.words import translations

CONFIG = Path("/boot/firmware/config.txt")
STRICT = "dtparam=strict_gpiod"


def pins(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether lamps are lit: what the running gateway has, or else what this machine offers."""
    running = ask(settings.folder)
    if running is None:
        yield from _offered(settings)
    elif running.dark:
        for gate, why in running.dark.items():
            yield _dark(f"{gate}: ", why, "failed")
    elif running.pins == "mock":
        yield _MOCK
    else:
        chip = f"{running.pins}, gpiochip{running.chip}"
        yield ok("pins", f"网关经由 {chip}", f"the gateway has {chip}")


def _offered(settings: GatewaySettings) -> Iterator[Finding]:
    machine = recognise()
    try:
        name = choose(settings.pins.factory, machine)
    except PinsError as error:
        asked = machine.is_pi or settings.pins.factory != "auto"
        yield _dark("", f"no lamp can be lit: {error}", "failed" if asked else "warning")
        return
    if name == "mock":
        yield _MOCK
        return
    yield ok("pins", f"将经由 {name}（网关未运行）", f"{name} would do; the gateway does not run")


def _dark(gate: str, why: str, state: State) -> Finding:
    return Finding(
        check="pins",
        state=state,
        text=(gate + line(why, translations("zh").gettext), gate + why),
        advice=(
            "在树莓派上再次运行 gateway/install；[pins] factory 应为 auto（试用可写 mock）",
            "run gateway/install again, on a Raspberry Pi; [pins] factory should be auto"
            " (mock to try it without lamps)",
        ),
    )


_MOCK = Finding(
    check="pins",
    state="warning",
    text=("设置为 mock，灯不会亮", "the settings say mock: no lamp will be lit"),
    advice=("正式使用时改为 auto", "auto, where it is meant"),
)


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
