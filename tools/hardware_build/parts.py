"""Reads the parts list `hardware/parts.csv`; totals, and each sensor's accuracy and price."""

import csv
import io
import re
from dataclasses import dataclass, fields
from pathlib import Path

from hardware_build import optics
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE

TABLE = HARDWARE / "parts.csv"
ASSEMBLIES = ("kiosk", "gateway")
_NOTES = {"default": "", "optional": "optional 可选", "instead": "or this 或此"}
CHOICES = tuple(_NOTES)


@dataclass(frozen=True)
class Part:
    """One row, with prices of one piece; a part of choice `instead` is in no total."""

    assembly: str
    item_en: str
    item_zh: str
    part_number: str
    maker: str
    source_1: str
    source_2: str
    quantity: float
    low_cny: float
    high_cny: float
    dated: str
    basis: str
    choice: str
    sensor: str


_COLUMNS = tuple(field.name for field in fields(Part))
_NUMBER = r"(?=.*[1-9])\d{1,6}(\.\d{1,3})?"
_EXPECTED = (
    (_NUMBER, "a number above 0", ("quantity", "low_cny", "high_cny")),
    ("|".join(ASSEMBLIES), " or ".join(ASSEMBLIES), ("assembly",)),
    ("|".join(CHOICES), ", ".join(CHOICES), ("choice",)),
    (r"20\d\d-(0[1-9]|1[0-2])", "year and month, 2026-11", ("dated",)),
    ("estimate|quote", "estimate or quote", ("basis",)),
    (".+", "a word", ("item_en", "item_zh", "part_number", "maker", "source_1", "source_2")),
)
"""Pattern of a cell, what it is in words, and the columns whose cells are such."""


def load(path: Path = TABLE) -> list[Part]:
    """Read and check all rows. Raises `HardwareError` naming line, column and expected value."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HardwareError(f"{path}: {error}") from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise HardwareError(f"{path}, line 1: expected the columns {','.join(_COLUMNS)}")
    try:
        parts = [_part(path, reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise HardwareError(f"{path}, line {reader.line_num}: {error}") from error
    if not {part.assembly for part in parts} >= set(ASSEMBLIES):
        raise HardwareError(f"{path}: expected parts of {' and '.join(ASSEMBLIES)}")
    return parts


def _part(path: Path, line: int, row: dict[str, str | None]) -> Part:
    def wrong(column: str, expected: str) -> HardwareError:
        return HardwareError(
            f"{path}, line {line}, {column}: expected {expected}, got {row[column]!r}"
        )

    if None in row or None in row.values():
        raise HardwareError(f"{path}, line {line}: expected {len(_COLUMNS)} columns")
    texts = {column: (row[column] or "").strip() for column in _COLUMNS}
    for pattern, expected, columns in _EXPECTED:
        for column in columns:
            if not re.fullmatch(pattern, texts[column]):
                raise wrong(column, expected)
    numbers = {column: float(texts[column]) for column in ("quantity", "low_cny", "high_cny")}
    if numbers["low_cny"] > numbers["high_cny"]:
        raise wrong("high_cny", f"at least {numbers['low_cny']:g}")
    if texts["source_1"] == texts["source_2"]:
        raise wrong("source_2", "another source than the first")
    if texts["sensor"]:
        try:
            optics.find(texts["sensor"])
        except HardwareError as error:
            raise wrong("sensor", "a part of sensors.toml") from error
    return Part(**{**texts, **numbers})  # pyright: ignore[reportArgumentType]


def total_cny(parts: list[Part], assembly: str, optional: bool = False) -> tuple[float, float]:
    """Lowest and highest total of an assembly (CNY), with its optional parts if `optional`."""
    taken = ("default", "optional") if optional else ("default",)
    rows = [part for part in parts if part.assembly == assembly and part.choice in taken]
    return (
        sum(part.quantity * part.low_cny for part in rows),
        sum(part.quantity * part.high_cny for part in rows),
    )


def markdown(parts: list[Part], distance_mm: float, supply_c: float) -> str:
    """Text of `hardware/parts.md`; `supply_c` is the sensor's error from its supply (°C)."""
    text = (
        "Prices in yuan for one piece. `estimate`: a usual range for small quantities, not an offer"
        " of these shops.\n"
        "单价（人民币元）。“estimate”为小批量常见价位估计，并非商家报价。\n"
    )
    for assembly, chinese in (("kiosk", "测温亭"), ("gateway", "网关，含一个闸口")):
        text += f"\n## {assembly} {chinese}\n\n"
        text += (
            "| part 名称 | number 型号 | maker 厂家 | sources 渠道 | quantity 数量 | price 单价 "
            "| dated 日期 | |\n"
        )
        text += "| --- " * 8 + "|\n"
        for part in parts:
            if part.assembly != assembly or (part.choice == "instead" and part.sensor):
                continue
            note = _NOTES[part.choice]
            text += (
                f"| {part.item_en} {part.item_zh} | {part.part_number} | {part.maker} "
                f"| {part.source_1}, {part.source_2} | {part.quantity:g} "
                f"| {part.low_cny:g}–{part.high_cny:g} | {part.dated} {part.basis} | {note} |\n"
            )
        low, high = total_cny(parts, assembly)
        text += f"\n**Total 合计: {low:.0f}–{high:.0f} CNY**"
        low_all, high_all = total_cny(parts, assembly, optional=True)
        if low_all > low:
            text += f", with all options 含全部可选 {low_all:.0f}–{high_all:.0f} CNY"
        text += ".\n"
    return text + _sensors(parts, distance_mm, supply_c)


def _sensors(parts: list[Part], distance_mm: float, supply_c: float) -> str:
    _, face = optics.load()
    text = (
        "\n## which sensor 传感器的选择\n\n"
        f"At {distance_mm / 10:g} cm, room {face.room_c:g} °C, nothing calibrated. The view's error"
        " is what the skin around an eye's inner corner and the room cost at most (a soft edge of"
        " the spot): always downwards, so a fever hides. Part and supply err either way.\n"
        f"距离 {distance_mm / 10:g} 厘米，室温 {face.room_c:g} °C，未校准。"
        "视场误差总是偏低，会掩盖发热。\n\n"
        "| sensor 传感器 | price 价格 CNY | part 器件 °C | supply 供电 °C | view 视场 °C "
        "| reads from the truth 读数偏差 °C |\n"
    )
    text += "| --- " * 6 + "|\n"
    for part in parts:
        if not part.sensor:
            continue
        sensor = optics.find(part.sensor)
        lost = optics.view(sensor, distance_mm, face)["soft"]["site_error_c"]
        either = sensor.tolerance_c + supply_c
        name = f"**{part.part_number}**" if part.choice == "default" else part.part_number
        text += (
            f"| {name} | {part.low_cny:g}–{part.high_cny:g} | ±{sensor.tolerance_c:g} "
            f"| ±{supply_c:.2f} | {lost:+.2f} | {lost - either:+.2f} to {either:+.2f} |\n"
        )
    return text
