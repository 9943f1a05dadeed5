"""A sheet as a file, in the formats that each page of tables offers."""

from typing import BinaryIO

from fevergate.texts.translations import N_
from fevergate.web_common.exports import write_csv, write_xlsx
from fevergate.web_common.pdf_report import write_pdf
from fevergate.web_common.tables import Say, Sheet

FOOTER = N_("It screens and does not diagnose.")
"""Line at the foot of each printed page."""


def write_sheet(kind: str, sheet: Sheet, say: Say, out: BinaryIO) -> None:
    """Write a sheet as `csv` (only its first table), `xlsx` or `pdf`."""
    if kind == "csv":
        write_csv(sheet.tables[0], out)
    elif kind == "xlsx":
        write_xlsx(sheet, out)
    else:
        write_pdf(sheet, say(FOOTER), say, out)
