"""Reads the parts list `hardware/parts.csv`, and computes totals."""

import csv
import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from hardware_build import optics
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE, Words

TABLE = HARDWARE / "parts.csv"
Assembly = Literal["kiosk", "gateway", "modules", "modules-gate", "lamp-post"]
NOTES = {"default": "", "optional": "optional 可选", "instead": "or this 或此"}
Amount = Annotated[float, Meta(gt=0, lt=1e6)]


@dataclass(frozen=True)
class Part:
    """One row of the list, with prices of one piece; a part of choice `instead` is in no total.

    `sheet`: the document by which its figures and fit were checked, or "not checked".
    """

    assembly: Assembly
    item_en: Words
    item_zh: Words
    part_number: Words
    maker: Words
    source_1: Words
    source_2: Words
    quantity: Amount
    low_cny: Amount
    high_cny: Amount
    dated: Annotated[str, Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])\Z")]
    basis: Literal["estimate", "quote"]
    sheet: Words
    choice: Literal["default", "optional", "instead"]
    sensor: str


_COLUMNS = tuple(field.name for field in fields(Part))


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
    assemblies = get_args(Assembly)
    if not {part.assembly for part in parts} >= set(assemblies):
        raise HardwareError(f"{path}: expected parts of {', '.join(assemblies)}")
    return parts


def _part(path: Path, line: int, row: dict[str, str | None]) -> Part:
    def wrong(column: str, expected: str) -> HardwareError:
        return HardwareError(f"{path}, line {line}, {column}: {expected}, got {row[column]!r}")

    if None in row or None in row.values():
        raise HardwareError(f"{path}, line {line}: expected {len(_COLUMNS)} columns")
    try:
        part = msgspec.convert(
            {column: (row[column] or "").strip() for column in _COLUMNS}, Part, strict=False
        )
    except msgspec.ValidationError as error:
        expected, _, column = str(error).partition(" - at `$.")
        raise wrong(column.rstrip("`"), expected) from error
    if part.low_cny > part.high_cny:
        raise wrong("high_cny", f"expected at least {part.low_cny:g}")
    if part.source_1 == part.source_2:
        raise wrong("source_2", "expected another source than the first")
    if part.sensor:
        try:
            optics.find(part.sensor)
        except HardwareError as error:
            raise wrong("sensor", "expected a part of sensors.toml") from error
    return part


def total_cny(parts: list[Part], assembly: str, optional: bool = False) -> tuple[float, float]:
    """Lowest and highest total of an assembly (CNY), with its optional parts if `optional`."""
    choices = ("default", "optional") if optional else ("default",)
    rows = [part for part in parts if part.assembly == assembly and part.choice in choices]
    return (
        sum(part.quantity * part.low_cny for part in rows),
        sum(part.quantity * part.high_cny for part in rows),
    )
