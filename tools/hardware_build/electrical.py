"""Computes resistors, margins and times of kiosk and gate board from the parts' figures.

`compute` refuses a value outside a part's limits, so that no board is drawn that cannot work.
Formulae: NXP UM10204 7.1 for the I2C bus; otherwise Ohm's law with each figure at its worst case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, log, log10, pi, sqrt
from pathlib import Path
from typing import Annotated, Any

from hardware_build.errors import HardwareError
from hardware_build.optics import Sensor
from hardware_build.pages import rendered
from hardware_build.pins import PULLED_UP_AT_RESET, Pins
from hardware_build.quantity import written
from hardware_build.table import HARDWARE, Table, between, read

TABLE = HARDWARE / "electrical.toml"
Positive: Any = Annotated[float, between(1e-12, 1e9)]
E12 = (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2, 10.0)
RISE = 0.8473
"""Rise time from 0.3 to 0.7 of the supply, in RC time constants: ln(0.7 / 0.3)."""

SUPPLY = "error by the sensor's supply"
I2C_CABLES = ("W2", "W3")
COLOURS = {"green": "绿灯", "amber": "黄灯", "red": "红灯"}


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


_VALUES = {
    "piezo": ("piezo", "parallel_ohm"),
    "door_farad": ("door", "farad"),
    "door_ohm": ("door", "ohm"),
    "door_base": ("door", "base_ohm"),
    "door_down": ("door", "down_ohm"),
    "reader_series": ("reader", "series_5_ohm"),
    "reader_down": ("reader", "down_ohm"),
    "gate_series": ("gate_input", "series_ohm"),
    "gate_shunt": ("gate_input", "shunt_ohm"),
    "gate_down": ("gate_output", "gate_ohm"),
    "button_series": ("button", "series_ohm"),
    "button_farad": ("button", "farad"),
}
"""Group and key of component values (Ω, F), by their names in `hardware/circuit`."""


class _Sheet:
    """The table's numbers by group and name, and the figures that are computed from them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.figures: list[Figure] = []

    def group(self, name: str) -> Callable[[str], float]:
        """The numbers of a group."""
        return lambda key: self.table.value(Positive, name, key)

    def rising(self, group: str, name: str, count: int = 3) -> list[float]:
        """A field's rising numbers, such as lowest, typical, highest."""
        values = self.table.value(list[float], group, name)
        if len(values) != count or values != sorted(values):
            raise self.table.error(f"expected {count} rising numbers in brackets", group, name)
        return values

    def say(self, *figure: Any) -> None:
        """Add a figure; arguments are those of `Figure`."""
        self.figures.append(Figure(*figure))


def compute(
    lengths_m: dict[str, float], pins: Pins, sensor: Sensor, path: Path = TABLE
) -> tuple[list[Figure], dict[str, float]]:
    """All figures, and component values (Ω, F) by name. Raises `HardwareError` naming a figure that
    is outside its limits."""
    sheet = _Sheet(read(path))
    pull_up = _bus(sheet, sum(lengths_m[name] for name in I2C_CABLES), sensor)
    leds = _lights(sheet)
    _driver(sheet)
    _door(sheet)
    _reader(sheet)
    _gate(sheet, pins)
    _button(sheet)
    for figure in sheet.figures:
        if not figure.low <= figure.value <= figure.high:
            raise HardwareError(
                f"{path}: [{figure.group}] {figure.english}:"
                f" {written(figure.value, figure.unit)}, expected {_limits(figure)}"
            )
    chosen = {"pull_up": pull_up} | {f"led_{colour}": ohm for colour, ohm in leds.items()}
    return sheet.figures, chosen | {
        name: sheet.group(group)(key) for name, (group, key) in _VALUES.items()
    }


def e12(ohm: float, up: bool = False) -> float:
    """Nearest resistor of the E12 series (Ω); with `up`, the nearest that is not smaller."""
    decade = 10.0 ** int(log10(ohm) // 1)
    choices = [round(step * decade, 12) for step in E12]
    if up:
        return min(choice for choice in choices if choice >= ohm * (1 - 1e-9))
    return min(choices, key=lambda choice: abs(log10(choice / ohm)))


def _bus(sheet: _Sheet, wire_m: float, sensor: Sensor) -> float:
    b, m, ldo, others = map(sheet.group, ("bus", "mlx90614", "ldo", "others"))
    say = partial(sheet.say, "bus")
    pf = wire_m * b("wire_pf_per_m") + b("parts") * b("pin_pf") + b("board_pf")
    say("capacitance of the bus", "总线电容", pf * 1e-12, "F", 0, b("bus_max_pf") * 1e-12)
    tolerance, out_v = ldo("tolerance"), ldo("out_v")
    high_v, low_v = out_v * (1 + tolerance), out_v * (1 - tolerance)
    lowest = max(
        (high_v - b("low_v")) / b("sink_a"), (high_v - m("sensor_low_v")) / m("sensor_sink_a")
    )
    slow = b("rise_s") / (RISE * pf * 1e-12)
    rail_v = others("rail_v") * (1 + others("rail_tolerance"))
    needed_v = max(
        m("input_high_v"),
        rail_v * others("esp32_input_high"),
        rail_v * others("ssd1306_input_high"),
    )
    leak_a = b("parts") * m("leak_a")
    weak = (low_v - needed_v) / leak_a
    highest = min(slow, weak)
    say("smallest pull-up (sink current)", "上拉电阻下限（灌电流）", lowest, "Ω", 0, highest)
    say("largest pull-up (rise time)", "上拉电阻上限（上升时间）", slow, "Ω")
    say(
        "largest pull-up (leakage, and the input that needs most)",
        "上拉电阻上限（漏电流）",
        weak,
        "Ω",
    )
    if not 0 < lowest < highest:
        raise HardwareError(
            f"{sheet.table.path}: [bus] no pull-up fits: {lowest:.0f} Ω at least,"
            f" {highest:.0f} Ω at most"
        )
    pull_up = e12(sqrt(lowest * highest))
    say("pull-up to 3.0 V, chosen", "上拉电阻（接 3.0 V），选用", pull_up, "Ω", lowest, highest)
    say(
        "rise time with this pull-up",
        "相应上升时间",
        RISE * pull_up * pf * 1e-12,
        "s",
        0,
        b("rise_s"),
    )
    idle_v = low_v - pull_up * leak_a
    say("lowest high level on the bus", "总线最低高电平", idle_v, "V", needed_v)
    off_v = abs(out_v - sensor.supply_v) + out_v * tolerance
    say(SUPPLY, "供电误差", sensor.volt_c * off_v, "°C", 0, 0.05)
    load_a = m("supply_a") + 2 * high_v / pull_up
    _, input_v, _ = sheet.rising("lights", "rail_v")
    heat_c = (input_v - out_v) * load_a * ldo("thermal_c_per_w")
    say("temperature rise of the regulator", "稳压器温升", heat_c, "°C", 0, 5)
    return pull_up


def _lights(sheet: _Sheet) -> dict[str, float]:
    number, say = sheet.group("lights"), partial(sheet.say, "lights")
    lowest_v, rail_v, highest_v = sheet.rising("lights", "rail_v")
    least_v, usual_v, most_v = sheet.rising("driver", "saturation_v")
    chosen = {}
    for colour, word in COLOURS.items():
        low_v, typical_v, high_v = sheet.rising("lights", f"{colour}_v")
        ideal = (rail_v - typical_v - usual_v) / number("wanted_a")
        if ideal <= 0:
            raise HardwareError(
                f"{sheet.table.path}: [lights] {colour}: {rail_v:g} V is too little for"
                f" {typical_v:g} V and the driver's {usual_v:g} V"
            )
        ohm = chosen[colour] = e12(ideal, up=True)
        brightest_a = (highest_v - low_v - least_v) / ohm
        darkest_a = (lowest_v - high_v - most_v) / ohm
        # With every tolerance at its worst, green is dimmer than the others, but visible.
        least_a = number("lowest_a") / (2 if colour == "green" else 1)
        most_a = number("highest_a")
        say(f"{colour}: resistor", f"{word}：电阻", ohm, "Ω", ideal)
        say(f"{colour}: highest current", f"{word}：最大电流", brightest_a, "A", 0, most_a)
        say(f"{colour}: lowest current", f"{word}：最小电流", darkest_a, "A", least_a)
    return chosen


def _pin_v(sheet: _Sheet) -> float:
    """Lowest high level of a pin of the kiosk's board (V)."""
    others = sheet.group("others")
    return others("rail_v") * (1 - others("rail_tolerance")) * others("esp32_output_high")


def _driver(sheet: _Sheet) -> None:
    number, piezo, say = sheet.group("driver"), sheet.group("piezo"), partial(sheet.say, "driver")
    rail_v = sheet.group("others")("rail_v")
    needs_a = (rail_v - number("input_drop_v")) / number("input_ohm")
    pin_a = needs_a + rail_v / sheet.group("door")("base_ohm")
    highest_a = number("pin_highest_a")
    discharge_s = 5 * piezo("farad") * piezo("parallel_ohm")
    half_s = 0.5 / piezo("tone_hz")
    say("level at the driver's input", "驱动器输入电平", _pin_v(sheet), "V", number("input_v"))
    english = "current from one pin, to its lamp's driver and the door's transistor"
    say(english, "单个引脚电流", pin_a, "A", 0, highest_a)
    say("beeper: five time constants", "蜂鸣片：五倍时间常数", discharge_s, "s", 0, half_s)


def _door(sheet: _Sheet) -> None:
    d, others, say = sheet.group("door"), sheet.group("others"), partial(sheet.say, "door")
    easy_v, hard_v = sheet.rising("door", "threshold_v", 2)
    less, more = (
        d("farad") * (1 + s * d("farad_tolerance")) * d("ohm") * (1 + s * d("ohm_tolerance"))
        for s in (-1, 1)
    )
    high_v = others("rail_v") * (1 + others("rail_tolerance"))
    pulled_v = high_v * d("down_ohm") / (d("down_ohm") + d("pin_pull_up_ohm"))
    shortest_s, longest_s = less * log(_pin_v(sheet) / hard_v), more * log(high_v / easy_v)
    limit_s = min(d("open_longest_s"), d("watchdog_s"))
    coil_a = sheet.rising("lights", "rail_v")[1] / d("coil_ohm")
    english = "voltage on the door's line from a pin's own pull-up"
    say(english, "引脚内部上拉造成的门控线电压", pulled_v, "V", 0, easy_v)
    english = "one normal verdict opens the door for at least"
    say(english, "一次正常至少开门", shortest_s, "s", d("open_shortest_s"))
    english = "one normal verdict, or its line stuck, opens the door for at most"
    say(english, "一次正常（或门控线卡死）至多开门", longest_s, "s", 0, limit_s)
    say("current of the relay's coil", "继电器线圈电流", coil_a, "A", 0, 0.5)


def _reader(sheet: _Sheet) -> None:
    """Levels at the pin that a card reader drives through a divider, at 5 V and at 3.3 V."""
    r, others, say = sheet.group("reader"), sheet.group("others"), partial(sheet.say, "reader")
    rail_v, spread = others("rail_v"), others("rail_tolerance")
    most_v, least_v = rail_v * (1 + spread), rail_v * (1 - spread)
    high_v, low_v = most_v * others("esp32_input_high"), least_v * 0.25
    down, pull_up = 1 / r("down_ohm"), 1 / r("pull_up_ohm")
    out_v = most_v * pull_up / (down + pull_up)
    say("level without a reader", "未接读卡器时的电平", out_v, "V", 0, low_v)
    limit_v = least_v + 0.3
    for level, volt in ((5, "5 V"), (3, "3.3 V")):
        series = 1 / r(f"series_{level}_ohm")
        weak_v, strong_v = sheet.rising("reader", f"high_{level}_v", 2)
        all_of_it = series + down + pull_up
        idle_v = weak_v * series / (series + down)
        top_v = (strong_v * series + most_v * pull_up) / all_of_it
        bit_v = (r("low_v") * series + most_v * pull_up) / all_of_it
        say(f"TX at {volt}: lowest high", f"TX 为 {volt}：最低高电平", idle_v, "V", high_v)
        say(f"TX at {volt}: highest high", f"TX 为 {volt}：最高高电平", top_v, "V", 0, limit_v)
        say(f"TX at {volt}: highest low", f"TX 为 {volt}：最高低电平", bit_v, "V", 0, low_v)


def _gate(sheet: _Sheet, pins: Pins) -> None:
    i, o = sheet.group("gate_input"), sheet.group("gate_output")
    weak_v, usual_v, strong_v = sheet.rising("gate_input", "pin_v")
    least_v, _, most_v = sheet.rising("gate_input", "forward_v")
    drawn_a = (strong_v - least_v) / i("series_ohm")
    all_a = (usual_v - 1.2) / i("series_ohm") * i("channels")
    shunt_v = strong_v * i("shunt_ohm") / (i("shunt_ohm") + i("series_ohm") + i("pull_up_ohm"))
    pulled = [
        f"{gate} {name}"
        for gate, numbers in pins.gateway.items()
        for name, number in numbers.items()
        if number in PULLED_UP_AT_RESET and name != "acknowledge"
    ]
    pulled_text = ", ".join(pulled) or "none"
    english = f"voltage on the optocoupler from a booting Pi's pull-up ({pulled_text})"
    chinese = f"启动时上拉（{pulled_text}）在光耦上的电压"
    say = partial(sheet.say, "gate_input")
    say(
        "highest current from one pin of the Pi",
        "树莓派单脚最大电流",
        drawn_a,
        "A",
        0,
        i("pin_highest_a"),
    )
    say("two gates, all lit", "两个校门全亮", all_a, "A", 0, i("all_highest_a"))
    say(english, chinese, shunt_v if pulled else 0.0, "V", 0, i("dark_v") / 2)

    lit_a = (weak_v - most_v) / i("series_ohm") - most_v / i("shunt_ohm")
    supply_v, tolerance = o("supply_v"), o("supply_tolerance")
    gate_v = min(lit_a * i("transfer") * o("gate_ohm"), supply_v * (1 - tolerance))
    highest_v = supply_v * (1 + tolerance)
    warmth_c = o("siren_a") ** 2 * o("on_ohm") * o("thermal_c_per_w")
    relay_a = supply_v / o("coil_ohm")
    lit_all_a = 3 * o("lamp_a") + o("siren_a") + relay_a
    say = partial(sheet.say, "gate_output")
    english = "level at the transistor's gate, optocoupler old and hot"
    say(english, "栅极电平（光耦老化）", gate_v, "V", o("gate_wanted_v"))
    say(
        "level at the transistor's gate, highest",
        "栅极电平上限",
        highest_v,
        "V",
        0,
        o("gate_highest_v"),
    )
    say("temperature rise of the siren's transistor", "警笛晶体管温升", warmth_c, "°C", 0, 20)
    english = "current of amber's relay, through its diode"
    say(english, "黄灯继电器电流（经二极管）", relay_a, "A", 0, o("diode_highest_a"))
    english = "current through the fuse, everything lit"
    say(english, "全部点亮，保险丝电流", lit_all_a, "A", 0, 0.85 * o("fuse_a"))


def _button(sheet: _Sheet) -> None:
    b, say = sheet.group("button"), partial(sheet.say, "button")
    _, usual_v, _ = sheet.rising("gate_input", "pin_v")
    strong_ohm, weak_ohm = sheet.rising("button", "pull_up_ohm", 2)
    angular = 2 * pi * b("mains_hz")
    # The cable's capacitance to the mains drives a current into pull-up and capacitor alike.
    hum_a = b("mains_v") * angular * b("cable_pf") * 1e-12
    hum_v = sqrt(2) * hum_a / sqrt(weak_ohm**-2 + (angular * b("farad")) ** 2)
    pressed_v = usual_v * b("series_ohm") / (b("series_ohm") + strong_ohm)
    high_s = weak_ohm * b("farad") * log(usual_v / (usual_v - 2.0))
    say("hum on an open button, peak", "按钮断开时的工频干扰（峰值）", hum_v, "V", 0, 0.2)
    say("a pressed button's level", "按钮按下时的电平", pressed_v, "V", 0, b("low_v") / 2)
    say("a released button's level is high after", "按钮松开后恢复高电平", high_s, "s", 0, 0.2)


def _limits(figure: Figure) -> str:
    low = written(figure.low, figure.unit) if figure.low > 0 and figure.low != -inf else ""
    high = written(figure.high, figure.unit) if figure.high != inf else ""
    if low and high:
        return f"{low} to {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def markdown(figures: list[Figure], path: Path = TABLE) -> str:
    """Text of `hardware/electrical.md`: the figures, and their sources below."""
    table = read(path)
    sources = {group: table.value(str, group, "source") for group in table.data}
    return rendered(
        "electrical.md", figures=figures, written=written, limits=_limits, sources=sources
    )
