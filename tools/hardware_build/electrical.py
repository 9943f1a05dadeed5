"""Computes resistors, margins and times of kiosk and gate board from the parts' figures.

`compute` refuses a value outside a part's limits, so that no board is drawn that cannot work.
Formulae: NXP UM10204 7.1 for the I2C bus; otherwise Ohm's law with each figure at its worst case.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, log10, sqrt
from pathlib import Path

from hardware_build.errors import HardwareError
from hardware_build.optics import Sensor
from hardware_build.pins import PULLED_UP_AT_RESET, Pins
from hardware_build.table import HARDWARE, Table, read

TABLE = HARDWARE / "electrical.toml"
E12 = (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2, 10.0)
RISE = 0.8473
"""Rise time from 0.3 to 0.7 of the supply, in RC time constants: ln(0.7 / 0.3)."""

SUPPLY = "error by the sensor's supply"
I2C_CABLES = ("W2", "W3", "W4")
COLOURS = ("green", "amber", "red")


@dataclass(frozen=True)
class Figure:
    """A computed quantity, its unit, and the limits that it must keep."""

    group: str
    english: str
    chinese: str
    value: float
    unit: str
    low: float = -inf
    high: float = inf


@dataclass(frozen=True)
class Values:
    """Component values of the circuits (Ω, F)."""

    pull_up: float
    led: dict[str, float]
    piezo: float
    door_farad: float
    door_ohm: float
    door_base: float
    door_down: float
    gate_series: float
    gate_shunt: float
    gate_down: float


def compute(
    lengths_m: dict[str, float], pins: Pins, sensor: Sensor, path: Path = TABLE
) -> tuple[list[Figure], Values]:
    """All figures and component values. Raises `HardwareError` naming a figure outside limits."""
    table = read(path)
    figures: list[Figure] = []
    pull_up = _bus(table, figures, sum(lengths_m[name] for name in I2C_CABLES), sensor)
    leds = _lights(table, figures)
    _driver(table, figures, leds)
    _door(table, figures)
    _gate(table, figures, pins)
    for one in figures:
        if not one.low <= one.value <= one.high:
            raise HardwareError(
                f"{path}: [{one.group}] {one.english}: {written(one.value, one.unit)}, expected"
                f" {_limits(one)}"
            )
    values = Values(
        pull_up,
        leds,
        _n(table, "piezo", "parallel_ohm"),
        _n(table, "door", "farad"),
        _n(table, "door", "ohm"),
        _n(table, "door", "base_ohm"),
        _n(table, "door", "down_ohm"),
        _n(table, "gate_input", "series_ohm"),
        _n(table, "gate_input", "shunt_ohm"),
        _n(table, "gate_output", "gate_ohm"),
    )
    return figures, values


def e12(ohm: float, up: bool = False) -> float:
    """Nearest resistor of the E12 series (Ω); with `up`, the nearest that is not smaller."""
    decade = 10.0 ** int(log10(ohm) // 1)
    choices = [round(step * decade, 12) for step in E12]
    if up:
        return min(choice for choice in choices if choice >= ohm * (1 - 1e-9))
    return min(choices, key=lambda choice: abs(log10(choice / ohm)))


def _n(table: Table, group: str, name: str) -> float:
    return table.number(group, name, low=1e-12, high=1e9)


def _three(table: Table, group: str, name: str, count: int = 3) -> list[float]:
    values = table.section(group).get(name)
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
        or values != sorted(values)
    ):
        raise table.error(f"expected {count} rising numbers in brackets", group, name)
    return values


def _bus(table: Table, figures: list[Figure], wire_m: float, sensor: Sensor) -> float:
    def say(english: str, chinese: str, value: float, unit: str, *limits: float) -> None:
        figures.append(Figure("bus", english, chinese, value, unit, *limits))

    b, m = (lambda name: _n(table, "bus", name)), (lambda name: _n(table, "mlx90614", name))
    pf = wire_m * b("wire_pf_per_m") + b("parts") * b("pin_pf") + b("board_pf")
    say("capacitance of the bus", "总线电容", pf * 1e-12, "F", 0, b("bus_max_pf") * 1e-12)
    tolerance = _n(table, "ldo", "tolerance")
    out_v = _n(table, "ldo", "out_v")
    high_v, low_v = out_v * (1 + tolerance), out_v * (1 - tolerance)
    lowest = max(
        (high_v - b("low_v")) / b("sink_a"), (high_v - m("sensor_low_v")) / m("sensor_sink_a")
    )
    slow = b("rise_s") / (RISE * pf * 1e-12)
    rail_v = _n(table, "others", "rail_v") * (1 + _n(table, "others", "rail_tolerance"))
    needed_v = max(
        m("input_high_v"),
        rail_v * _n(table, "others", "esp32_input_high"),
        rail_v * _n(table, "others", "ssd1306_input_high"),
        _n(table, "others", "vl53l0x_input_high_v"),
    )
    leak_a = b("parts") * m("leak_a")
    weak = (low_v - needed_v) / leak_a
    highest = min(slow, weak)
    say("smallest pull-up (sink current)", "上拉电阻下限（灌电流）", lowest, "Ω", 0, highest)
    say("largest pull-up (rise time)", "上拉电阻上限（上升时间）", slow, "Ω")
    say("largest pull-up (leaks and the highest input)", "上拉电阻上限（漏电流）", weak, "Ω")
    if not 0 < lowest < highest:
        raise HardwareError(
            f"{table.path}: [bus] no pull-up fits: {lowest:.0f} Ω at least, {highest:.0f} Ω at most"
        )
    pull_up = e12(sqrt(lowest * highest))
    say("pull-up to 3.0 V, chosen", "上拉电阻（接 3.0 V），选用", pull_up, "Ω", lowest, highest)
    say("rise time with it", "相应上升时间", RISE * pull_up * pf * 1e-12, "s", 0, b("rise_s"))
    idle_v = low_v - pull_up * leak_a
    say("lowest high level on the bus", "总线最低高电平", idle_v, "V", needed_v)
    off_v = abs(out_v - sensor.supply_v) + out_v * tolerance
    say(SUPPLY, "供电误差", sensor.volt_c * off_v, "°C", 0, 0.05)
    load_a = m("supply_a") + 2 * high_v / pull_up
    heat_c = (
        (_three(table, "lights", "rail_v")[1] - out_v)
        * load_a
        * _n(table, "ldo", "thermal_c_per_w")
    )
    say("regulator's own warmth", "稳压器温升", heat_c, "°C", 0, 5)
    return pull_up


def _lights(table: Table, figures: list[Figure]) -> dict[str, float]:
    lowest_v, rail_v, highest_v = _three(table, "lights", "rail_v")
    least_v, usual_v, most_v = _three(table, "driver", "saturation_v")
    chinese = {"green": "绿灯", "amber": "黄灯", "red": "红灯"}
    chosen = {}
    for colour in COLOURS:
        low_v, typical_v, high_v = _three(table, "lights", f"{colour}_v")
        ideal = (rail_v - typical_v - usual_v) / _n(table, "lights", "wanted_a")
        if ideal <= 0:
            raise HardwareError(
                f"{table.path}: [lights] {colour}: {rail_v:g} V is too little for"
                f" {typical_v:g} V and the driver's {usual_v:g} V"
            )
        ohm = chosen[colour] = e12(ideal, up=True)
        brightest = (highest_v - low_v - least_v) / ohm
        darkest = (lowest_v - high_v - most_v) / ohm
        word = chinese[colour]
        figures += [
            Figure("lights", f"{colour}: resistor", f"{word}:电阻", ohm, "Ω", ideal),
            Figure(
                "lights", f"{colour}: most current", f"{word}:最大电流", brightest, "A",
                0, _n(table, "lights", "highest_a"),
            ),
            Figure(
                "lights", f"{colour}: least current", f"{word}:最小电流", darkest, "A",
                # Green at the worst of every tolerance is dimmer than the others, but visible.
                _n(table, "lights", "lowest_a") / (2 if colour == "green" else 1),
            ),
        ]  # fmt: skip
    return chosen


def _driver(table: Table, figures: list[Figure], leds: dict[str, float]) -> None:
    rail_v = _n(table, "others", "rail_v")
    pin_v = (
        rail_v
        * (1 - _n(table, "others", "rail_tolerance"))
        * (_n(table, "others", "esp32_output_high"))
    )
    needs_a = (rail_v - _n(table, "driver", "input_drop_v")) / _n(table, "driver", "input_ohm")
    base_a = rail_v / _n(table, "door", "base_ohm")
    discharge_s = _n(table, "piezo", "farad") * _n(table, "piezo", "parallel_ohm")
    half_s = 0.5 / _n(table, "piezo", "tone_hz")
    figures += [
        Figure(
            "driver", "level at the driver's input", "驱动器输入电平", pin_v, "V",
            _n(table, "driver", "input_v"),
        ),
        Figure(
            "driver", "current from a pin, lamp and door's transistor", "单个引脚电流",
            needs_a + base_a, "A", 0, _n(table, "driver", "pin_highest_a"),
        ),
        Figure(
            "driver", "beeper: five time constants", "蜂鸣片：五倍时间常数", 5 * discharge_s, "s",
            0, half_s,
        ),
    ]  # fmt: skip


def _door(table: Table, figures: list[Figure]) -> None:
    def d(name: str) -> float:
        return _n(table, "door", name)

    rail_v = _n(table, "others", "rail_v")
    pin_low_v = (
        rail_v
        * (1 - _n(table, "others", "rail_tolerance"))
        * (_n(table, "others", "esp32_output_high"))
    )
    easy_v, hard_v = _three(table, "door", "threshold_v", 2)
    less, more = (
        d("farad") * (1 + s * d("farad_tolerance")) * d("ohm") * (1 + s * d("ohm_tolerance"))
        for s in (-1, 1)
    )
    high_v = rail_v * (1 + _n(table, "others", "rail_tolerance"))
    pulled_v = high_v * d("down_ohm") / (d("down_ohm") + d("pin_pull_up_ohm"))
    figures += [
        Figure(
            "door", "step on its line by a pin's own pull-up", "引脚内部上拉造成的门控线电压",
            pulled_v, "V", 0, easy_v,
        ),
        Figure(
            "door", "one normal opens for at least", "一次正常至少开门",
            less * log(pin_low_v / hard_v), "s", d("open_shortest_s"),
        ),
        Figure(
            "door", "one normal, or its line stuck, for at most",
            "一次正常（或门控线卡死）至多开门",
            more * log(high_v / easy_v), "s", 0, min(d("open_longest_s"), d("watchdog_s")),
        ),
        Figure(
            "door", "coil's current", "继电器线圈电流",
            _three(table, "lights", "rail_v")[1] / d("coil_ohm"), "A", 0, 0.5,
        ),
    ]  # fmt: skip


def _gate(table: Table, figures: list[Figure], pins: Pins) -> None:
    def i(name: str) -> float:
        return _n(table, "gate_input", name)

    def o(name: str) -> float:
        return _n(table, "gate_output", name)

    weak_v, usual_v, strong_v = _three(table, "gate_input", "pin_v")
    least_v, _, most_v = _three(table, "gate_input", "forward_v")
    lit_a = (weak_v - most_v) / i("series_ohm") - most_v / i("shunt_ohm")
    drawn_a = (strong_v - least_v) / i("series_ohm")
    typical_a = (usual_v - 1.2) / i("series_ohm")
    supply_v = o("supply_v")
    gate_v = min(lit_a * i("transfer") * o("gate_ohm"), supply_v * (1 - o("supply_tolerance")))
    on_w = o("siren_a") ** 2 * o("on_ohm")
    shunt_v = strong_v * i("shunt_ohm") / (i("shunt_ohm") + i("series_ohm") + i("pull_up_ohm"))
    pulled = [
        f"{gate} {name}"
        for gate, numbers in pins.gateway.items()
        for name, number in numbers.items()
        if number in PULLED_UP_AT_RESET and name != "acknowledge"
    ]
    whose = ", ".join(pulled) or "none"
    figures += [
        Figure(
            "gate_input", "most from a pin of the Pi", "树莓派单脚最大电流", drawn_a, "A",
            0, i("pin_highest_a"),
        ),
        Figure(
            "gate_input", "two gates, all lit", "两个闸口全亮", typical_a * i("channels"), "A",
            0, i("all_highest_a"),
        ),
        Figure(
            "gate_input", f"a booting Pi's pull-up ({whose}) leaves on the opto",
            f"启动时上拉（{whose}）在光耦上的电压", shunt_v if pulled else 0.0, "V",
            0, i("dark_v") / 2,
        ),
        Figure(
            "gate_output", "gate's level, opto old and hot", "栅极电平（光耦老化）", gate_v, "V",
            o("gate_wanted_v"),
        ),
        Figure(
            "gate_output", "gate's level, highest", "栅极电平上限",
            supply_v * (1 + o("supply_tolerance")), "V", 0, o("gate_highest_v"),
        ),
        Figure(
            "gate_output", "transistor's warmth under the siren", "警笛晶体管温升",
            on_w * o("thermal_c_per_w"), "°C", 0, 20,
        ),
        Figure(
            "gate_output", "amber's relay, through its diode", "黄灯继电器电流（经二极管）",
            supply_v / o("coil_ohm"), "A", 0, o("diode_highest_a"),
        ),
        Figure(
            "gate_output", "everything lit, of the fuse", "全部点亮，保险丝电流",
            3 * o("lamp_a") + o("siren_a") + supply_v / o("coil_ohm"), "A", 0, 0.75 * o("fuse_a"),
        ),
    ]  # fmt: skip


_PREFIX = ((1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def written(value: float, unit: str) -> str:
    """A value with its SI prefix and unit, such as 5.6 kΩ."""
    if unit == "°C" or value == 0:
        return f"{value:.3g} {unit}"
    scale, letter = next((one for one in _PREFIX if abs(value) >= one[0] * (1 - 1e-9)), _PREFIX[-1])
    number = value / scale
    text = f"{number:.0f}" if number >= 100 else f"{number:.3g}"
    return f"{text} {letter}{unit}"


def _limits(figure: Figure) -> str:
    low = written(figure.low, figure.unit) if figure.low > 0 and figure.low != -inf else ""
    high = written(figure.high, figure.unit) if figure.high != inf else ""
    if low and high:
        return f"{low} to {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def markdown(figures: list[Figure], path: Path = TABLE) -> str:
    """Text of `hardware/electrical.md`: the figures, and their sources below."""
    text = "| what | 项目 | value 数值 | must be 要求 |\n| --- | --- | --- | --- |\n"
    for one in figures:
        cells = (one.english, one.chinese, written(one.value, one.unit), _limits(one))
        text += "| " + " | ".join(cells) + " |\n"
    text += "\nSources 数据来源：\n\n"
    table = read(path)
    for group in table.data:
        source = table.section(group).get("source")
        if not isinstance(source, str):
            raise table.error("expected where the figures are from, in quotes", group, "source")
        text += f"- {group}: {source}\n"
    return text
