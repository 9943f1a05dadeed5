"""Writes tables and reports as CSV and XLSX."""

import csv
import io
from datetime import date, datetime
from itertools import chain, islice
from typing import BinaryIO, cast

from xlsxwriter import Workbook

from fevergate.web_common.spreadsheet_text import harmless
from fevergate.web_common.tables import Cell, Celsius, Sheet, Table, cell_text

MEASURED_ROWS = 1000
"""First rows of a table by which the width of a column is chosen."""

MAX_SHEET_ROWS = 1_000_000
"""Most rows of a worksheet, which can hold 1,048,576; a longer table continues on the next."""


def write_csv(table: Table, out: BinaryIO) -> None:
    """Write a table as CSV (RFC 4180) in UTF-8 with a byte order mark for spreadsheets."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in chain([table.columns], table.rows):
        writer.writerow(map(_plain, row))
    text.detach()


def _plain(value: Cell) -> object:
    if isinstance(value, str):
        return harmless(value)
    return cell_text(value) if isinstance(value, date) else "" if value is None else value


def write_xlsx(sheet: Sheet, out: BinaryIO) -> None:
    """Write a workbook with a sheet for each table and one for the text. No text becomes a formula.

    A table of more than `MAX_SHEET_ROWS` takes several sheets.
    """
    # `constant_memory` writes each complete row to a temporary file.
    with Workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        decimal = book.add_format({"num_format": "0.0#"})
        tenths = book.add_format({"num_format": "0.0"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for table in sheet.tables:
            rows = iter(table.rows)
            widths = _column_widths(table)
            for part in range(-(-len(table.rows) // MAX_SHEET_ROWS) or 1):
                page = book.add_worksheet(
                    f"{table.title[:27]} {part + 1}" if part else table.title[:31]
                )
                page.write_row(0, 0, table.columns, bold)
                for column, width in enumerate(widths):
                    page.set_column(column, column, width + 2)
                number = 0
                for number, row in enumerate(islice(rows, MAX_SHEET_ROWS), 1):
                    for column, value in enumerate(row):
                        if isinstance(value, str):
                            page.write_string(number, column, value)
                        elif isinstance(value, date):
                            form = moment if isinstance(value, datetime) else day
                            page.write_datetime(number, column, cast("datetime", value), form)
                        elif value is not None:
                            form = decimal if isinstance(value, float) else None
                            form = tenths if isinstance(value, Celsius) else form
                            page.write_number(number, column, value, form)
                page.freeze_panes(1, 0)
                page.repeat_rows(0)
                page.set_landscape()
                page.set_paper(9)  # A4
                page.fit_to_pages(1, 0)
                if number:
                    page.autofilter(0, 0, number, len(table.columns) - 1)
        page = book.add_worksheet("FeverGate")
        for number, line in enumerate([sheet.title, sheet.verdict, *sheet.lines, *sheet.signed]):
            page.write_string(number, 0, line)


def _column_widths(table: Table) -> list[int]:
    """The width of each column by its first rows, 5 to 60 letters."""
    widths = [5] * len(table.columns)
    for row in chain([table.columns], islice(table.rows, MEASURED_ROWS)):
        widths = [
            max(width, _width(cell_text(value))) for width, value in zip(widths, row, strict=True)
        ]
    return [min(60, width) for width in widths]


def _width(text: str) -> int:
    """Width in letters; a Chinese character counts as two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)
