"""Writes tables and reports as CSV, XLSX and PDF."""

import csv
import io
from itertools import chain, islice
from typing import BinaryIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus.doctemplate import LayoutError
from xlsxwriter import Workbook

from fevergate.errors import ExportError
from fevergate.reports.formats import harmless
from fevergate.reports.pdf_font import chinese_font
from fevergate.texts.translations import N_
from fevergate.web_common.tables import Cell, Sheet, Table

MARGIN = 10 * mm
SMALL, PADDING = 7, 2
MAX_PDF_ROWS = 1000
"""Rows of a table in a PDF (thirty pages): ReportLab holds the whole document in memory."""

MAX_SHEET_ROWS = 1_000_000
"""Rows of a worksheet, which can hold 1,048,576; a longer table goes on in the next."""

TRUNCATED = N_(
    "Printed are the first %(shown)d of %(all)d; all of them are in the CSV and the XLSX."
)
LINE = colors.HexColor("#c9d0da")
COLOURS = {
    "red": colors.HexColor("#a51219"),
    "green": colors.HexColor("#0b6b39"),
    "amber": colors.HexColor("#8a5a00"),
}
"""Colour of the verdict, by the state of a sheet."""


def write_csv(table: Table, out: BinaryIO) -> None:
    """Write a table as CSV (RFC 4180) in UTF-8 with a byte order mark for spreadsheets."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in chain([table.columns], table.rows):
        writer.writerow("" if value is None else harmless(value) for value in row)
    text.detach()


def write_xlsx(sheet: Sheet, out: BinaryIO) -> None:
    """Write a workbook with a sheet for each table and one for the text. Text is never a formula.

    A table of more than `MAX_SHEET_ROWS` takes several sheets.
    """
    # `constant_memory` writes each complete row to a temporary file.
    with Workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        for table in sheet.tables:
            rows = iter(table.rows)
            widths = _column_widths(table, 60)
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
                        elif value is not None:
                            page.write_number(number, column, value)
                page.freeze_panes(1, 0)
                if number:
                    page.autofilter(0, 0, number, len(table.columns) - 1)
        page = book.add_worksheet("FeverGate")
        for number, line in enumerate([sheet.title, sheet.verdict, *sheet.lines, *sheet.signed]):
            page.write_string(number, 0, line)


def write_pdf(sheet: Sheet, footer: str, truncated: str, out: BinaryIO) -> None:
    """Write a PDF on A4 landscape with its font embedded.

    A table of more than `MAX_PDF_ROWS` is cut there, which `truncated` (translated `TRUNCATED`)
    states. Raises `ExportError` without a Chinese font, or if the report cannot be laid out.
    """
    font = chinese_font()
    words = ParagraphStyle("words", fontName=font, fontSize=9, leading=13, wordWrap="CJK")
    title = ParagraphStyle("title", words, fontSize=16, leading=22)
    strong = ParagraphStyle(
        "strong", words, fontSize=12, leading=18, textColor=COLOURS[sheet.state]
    )
    story: list[Flowable] = [
        Paragraph(escape(sheet.title), title),
        Paragraph(escape(sheet.verdict), strong),
        *(Paragraph(escape(line), words) for line in sheet.lines),
    ]
    for table in sheet.tables:
        story += [Spacer(1, 4 * mm), Paragraph(escape(table.title), words)]
        if len(table.rows) > MAX_PDF_ROWS:
            note = truncated % {"shown": MAX_PDF_ROWS, "all": len(table.rows)}
            story.append(Paragraph(escape(note), strong))
        story.append(_grid(table, font))
    story.append(Spacer(1, 6 * mm))
    story += [Paragraph(escape(line), words) for line in sheet.signed]

    def furniture(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.setFont(font, 7)
        canvas.drawString(MARGIN, 6 * mm, f"{sheet.title} · {footer}")
        canvas.drawRightString(landscape(A4)[0] - MARGIN, 6 * mm, str(document.page))

    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=12 * mm,
        title=sheet.title,
        author="FeverGate",
        invariant=1,
    )
    try:
        document.build(story, onFirstPage=furniture, onLaterPages=furniture)
    except LayoutError as error:
        raise ExportError(f"it does not fit on a page: {error}") from error


def _grid(table: Table, font: str) -> LongTable:
    """A table over the whole width of a page; long text is wrapped, never cut."""
    chinese = ParagraphStyle("chinese", fontName=font, fontSize=SMALL, leading=9, wordWrap="CJK")
    # ReportLab hangs punctuation that may not begin a line into the margin: leave room for it.
    hanging = ParagraphStyle("hanging", chinese, rightIndent=SMALL)
    # Without CJK wrapping a number or a name is broken only if it is longer than its column.
    latin = ParagraphStyle("latin", chinese, wordWrap=None)
    shown = islice(table.rows, MAX_PDF_ROWS)
    texts = [[_text(value) for value in row] for row in ([*table.columns], *shown)]
    # In proportion to the longest text of each column.
    wanted = _column_widths(table, 24)
    whole = landscape(A4)[0] - 2 * MARGIN
    widths = [whole * width / sum(wanted) for width in wanted]

    def cell(text: str, width: float) -> str | Paragraph:
        if pdfmetrics.stringWidth(text, font, SMALL) <= width - 2 * PADDING and "\n" not in text:
            return text  # most texts fit, and a paragraph takes ten times as long
        hangs = any(mark in text for mark in "，。、：；！？）」』】》")
        style = latin if text.isascii() else hanging if hangs else chinese
        return Paragraph(escape(text), style)

    cells = [[cell(text, widths[n]) for n, text in enumerate(row)] for row in texts]
    # A row that is higher than a page continues on the next.
    grid = LongTable(cells, widths, repeatRows=1, splitInRow=1)
    grid.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), font, SMALL, 9),
                ("GRID", (0, 0), (-1, -1), 0.4, LINE),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef1f5")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), PADDING),
                ("RIGHTPADDING", (0, 0), (-1, -1), PADDING),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return grid


def _column_widths(table: Table, limit: int) -> list[int]:
    """The width of each column by its first rows, 5 to `limit` letters."""
    texts = [
        [_text(value) for value in row]
        for row in (table.columns, *islice(table.rows, MAX_PDF_ROWS))
    ]
    return [min(limit, max(5, *(_width(row[n]) for row in texts))) for n in range(len(texts[0]))]


def _text(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _width(text: str) -> int:
    """Width in letters; a Chinese character counts as two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)
