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
ASSEMBLIES = ("kiosk", "gateway", "modules", "modules-gate", "lamp-post")
NOTES = {"default": "", "optional": "optional 可选", "instead": "or this 或此"}
CHOICES = tuple(NOTES)


@dataclass(frozen=True)
class Part:
    """One row, with prices of one piece; a part of choice `instead` is in no total.

    `sheet`: what its figures and fit were checked by, or "not checked".
    """

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
    sheet: str
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
    (".+", "the data sheet it was checked by, or: not checked", ("sheet",)),
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
        raise HardwareError(f"{path}: expected parts of {', '.join(ASSEMBLIES)}")
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
