"""A board's self-test: memory, bus, sensor, display, lights, beeper, network.

It calls functions of `on_board.py`, which is sent over the raw REPL and not stored on the board.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fevergate.flash import self_test_line
from fevergate.flash.cable import Cable
from fevergate.flash.memory import Memory, in_words, measure
from fevergate.flash.models import Pair
from fevergate.flash.results import Result, State, both, fails
from fevergate.kiosks.boards import BoardModel

Ask = Callable[[Pair], bool | None]
"""Asks the person a question (Chinese, English); returns None if nobody is there."""

SENSOR, DISPLAY = 0x5A, 0x3C
NAMES = {SENSOR: "MLX90614", DISPLAY: "SSD1306", 0x29: "VL53L0X"}
READINGS = 30
LOST_SHARE_MAX = 0.02
SLACK_S = 15

_LIGHTS: dict[str, Pair] = {
    "green": ("绿灯", "the green LED"),
    "amber": ("黄灯", "the amber LED"),
    "red": ("红灯", "the red LED"),
}


def run(cable: Cable, ask: Ask, model: BoardModel | None = None) -> Iterator[Result]:
    """Yield each result as it comes. The firmware must be on the board and not running. Raises
    `FlashError` if the board stops answering."""
    yield memory(measure(cable), model)
    cable.define((Path(__file__).parent / "on_board.py").read_text(encoding="utf-8"))
    cable.ask(f"told(set_clock, {int(time.time())})")
    bus = cable.ask("told(bus)")
    yield _bus(bus)
    found = bus.get("found", [])
    yield from _sensor(cable, SENSOR in found)
    yield _display(cable, DISPLAY in found, ask)
    for colour, name in _LIGHTS.items():
        yield _light(cable, colour, name, ask)
    yield _beeper(cable, ask)
    yield from self_test_line.run(cable)


def memory(measured: Memory, model: BoardModel | None) -> Result:
    """Whether the board has enough memory for a kiosk."""
    text, advice = in_words(measured, model)
    state: State = "ok" if measured.enough else "fails"
    return Result(check="memory", state=state, text=text, advice=advice)


def _bus(answer: dict[str, Any]) -> Result:
    if "error" in answer:
        return fails("bus", *both(answer["error"]), _WIRES)
    if not answer["sda"] or not answer["scl"]:
        low = "SDA" if not answer["sda"] else "SCL"
        return fails("bus", f"{low} 一直为低电平", f"{low} is low at rest", _WIRES)
    names = [f"0x{one:02X} {NAMES.get(one, '?')}" for one in answer["found"]]
    shown = ", ".join(names)
    missing = [one for one in (SENSOR, DISPLAY) if one not in answer["found"]]
    if missing:
        lost = ", ".join(f"0x{one:02X} {NAMES[one]}" for one in missing)
        return fails(
            "bus",
            f"没有应答：{lost}；有应答：{shown or '无'}",
            f"no answer: {lost}; there: {shown or 'nobody'}",
            _WIRES,
        )
    return Result(check="bus", state="ok", text=(shown, shown))


def _sensor(cable: Cable, there: bool) -> Iterator[Result]:
    if not there:
        why = ("传感器没有应答", "the sensor does not answer")
        yield Result(check="sensor", state="not shown", text=why)
        yield Result(check="readings", state="not shown", text=why)
        return
    about = cable.ask("told(sensor)")
    if "error" in about:
        yield fails("sensor", *both(about["error"]), _WIRES)
    elif about["emissivity"]:
        yield fails(
            "sensor",
            f"{about['id']}：发射率或滤波不是出厂值（{about['emissivity']}）",
            f"{about['id']}: {about['emissivity']}",
            ("换一个出厂设置的传感器", "take a part that is set as it was delivered"),
        )
    else:
        yield Result(
            check="sensor",
            state="ok",
            text=(
                f"编号 {about['id']}，稳定时间 {about['settle_ms']} 毫秒",
                f"number {about['id']}, settles in {about['settle_ms']} ms",
            ),
        )
    yield _readings(cable.ask(f"told(readings, {READINGS})", SLACK_S))


def _readings(answer: dict[str, Any]) -> Result:
    if "error" in answer:
        return fails("readings", *both(answer["error"]), _WIRES)
    lost = sum(answer["lost"].values())
    words = ", ".join(f"{count} {word}" for word, count in sorted(answer["lost"].items()))
    if answer["object_c"] is None:
        return fails("readings", f"没有一次有效（{words}）", f"none is valid ({words})", _WIRES)
    low, mean, high = answer["object_c"]
    seen = f"{mean:.2f} °C ({low:.2f}-{high:.2f})"
    can = f"{answer['ambient_c'][1]:.2f} °C"
    zh = f"{READINGS} 次，目标 {seen}，管壳 {can}，丢失 {lost}"
    en = f"{READINGS}: object {seen}, can {can}, lost {lost}"
    if lost > READINGS * LOST_SHARE_MAX:
        return fails("readings", f"{zh}（{words}）", f"{en} ({words})", _WIRES)
    return Result(check="readings", state="ok", text=(zh, en))


def _display(cable: Cable, there: bool, ask: Ask) -> Result:
    if not there:
        why = ("显示屏没有应答", "the display does not answer")
        return Result(check="display", state="not shown", text=why)
    drawn = cable.ask("told(display)")
    if drawn is not True:
        said = drawn["error"] if isinstance(drawn, dict) else "no acknowledgement"
        return fails("display", f"不接受画面：{said}", f"takes no picture: {said}", _WIRES)
    seen = ask(("显示屏上有 Fever Gate 字样吗？", "Does the display show Fever Gate?"))
    return _seen("display", ("显示屏", "the display"), seen)


def _light(cable: Cable, colour: str, name: Pair, ask: Ask) -> Result:
    wrong = cable.ask(f"told(light, {colour!r}, True)")
    seen = None
    if not wrong:
        seen = ask((f"{name[0]}亮了吗？", f"Did {name[1]} light up?"))
        wrong = cable.ask(f"told(light, {colour!r}, False)")
    if wrong:
        return fails(colour, *both(wrong["error"]), _WIRES)
    return _seen(colour, name, seen)


def _beeper(cable: Cable, ask: Ask) -> Result:
    wrong = cable.ask("told(beep)")
    if wrong:
        return fails("beeper", *both(wrong["error"]), _WIRES)
    return _seen(
        "beeper", ("蜂鸣器", "the beeper"), ask(("听到蜂鸣声了吗？", "Did you hear the beeper?"))
    )


def _seen(check: str, name: Pair, seen: bool | None) -> Result:
    if seen is None:
        return Result(
            check=check,
            state="not shown",
            text=(f"{name[0]}已驱动，无人确认", f"{name[1]} was driven, nobody was asked"),
        )
    if seen:
        return Result(check=check, state="ok", text=("有人确认", "somebody confirmed it"))
    return fails(
        check,
        f"{name[0]}没有反应",
        f"nothing of {name[1]}",
        ("检查方向、电阻和引脚（hardware/pins.md）", "polarity, resistor, pin: hardware/pins.md"),
    )


_WIRES: Pair = (
    "检查接线、供电和上拉电阻（hardware/README.md）",
    "check wires, supply and pull-ups: hardware/README.md",
)
