"""Writes a report as PDF on A4: readable, to be signed by hand, with the fonts embedded."""

import re
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import BinaryIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid
from reportlab.platypus.doctemplate import LayoutError

from fevergate.errors import ExportError
from fevergate.reports.pdf_font import RARE_PACKAGES, chinese_font, missing, runs
from fevergate.texts.translations import N_, Say
from fevergate.web_common.tables import Sheet, Table, cell_text

MARGIN = 10 * mm
WIDTH = landscape(A4)[0] - 2 * MARGIN
FRAME_PADDING = 6
"""ReportLab's padding of a page's frame (points), which tables ignore."""

SMALL, PADDING = 7.5, 2.5
MAX_PDF_ROWS = 1000
"""Rows of a table in a PDF (thirty pages): ReportLab holds the whole document in memory."""

MAX_ROOM = 60 * mm
"""Room (points) up to which a table's heading, titles and first row are kept together: with less
left on a page, they begin on the next."""

MAX_WORD = 45 * mm
"""Width (points) above which a word may be broken."""

TRUNCATED = N_(
    "Only the first %(shown)d of %(all)d rows are printed; the CSV and XLSX files have all of them."
)
NOT_PRINTED = N_("Characters for which no font is here: %(characters)s. To print them: %(how)s.")
HANGING = "，。、：；！？）」』】》"
LINE = colors.HexColor("#c9d0da")
COLOURS = {
    "red": colors.HexColor("#a51219"),
    "green": colors.HexColor("#0b6b39"),
    "amber": colors.HexColor("#8a5a00"),
}
"""Colour of the verdict, by the state of a sheet."""


def write_pdf(sheet: Sheet, footer: str, say: Say, out: BinaryIO) -> None:
    """Write a PDF on A4 landscape, with the narrow columns of each table.

    A table is cut after `MAX_PDF_ROWS` rows. The PDF says so, and names characters that no font
    has. Raises `ExportError` without a Chinese font, or if the report cannot be laid out.
    """
    font = chinese_font()
    words = ParagraphStyle(
        "words",
        fontName=font,
        fontSize=9,
        leading=13,
        wordWrap="CJK",
        leftIndent=-FRAME_PADDING,
        rightIndent=-FRAME_PADDING,
    )
    title = ParagraphStyle("title", words, fontSize=16, leading=22)
    strong = ParagraphStyle(
        "strong", words, fontSize=12, leading=18, textColor=COLOURS[sheet.state]
    )
    head = ParagraphStyle("head", words, fontSize=11, leading=16)
    unprintable: set[str] = set()
    flowables: list[Flowable] = [
        Paragraph(_markup(sheet.title), title),
        Paragraph(_markup(sheet.verdict), strong),
        *(Paragraph(_markup(line), words) for line in sheet.lines),
    ]
    for table in map(Table.shown, sheet.tables):
        heading: list[Flowable] = [Spacer(1, 4 * mm), Paragraph(_markup(table.title), head)]
        if len(table.rows) > MAX_PDF_ROWS:
            note = say(TRUNCATED) % {"shown": MAX_PDF_ROWS, "all": len(table.rows)}
            heading.append(Paragraph(_markup(note), strong))
        rows = [
            [cell_text(value, sheet.day) for value in row]
            for row in chain([table.columns], islice(table.rows, MAX_PDF_ROWS))
        ]
        unprintable |= missing("".join(chain.from_iterable(rows)))
        widths = _column_widths(rows, lambda text: pdfmetrics.stringWidth(text, font, SMALL))
        first = [*heading, _grid(rows[:2], widths, font)]
        room = sum(part.wrap(WIDTH, MAX_ROOM)[1] for part in first)
        flowables += [CondPageBreak(min(room, MAX_ROOM)), *heading, _grid(rows, widths, font)]
    if unprintable:
        characters = ", ".join(f"U+{ord(char):04X}" for char in sorted(unprintable)[:20])
        command = f"apt install {RARE_PACKAGES}"
        note = say(NOT_PRINTED) % {"characters": characters, "how": command}
        flowables.append(Paragraph(_markup(note), words))
    last: list[Flowable] = [Spacer(1, 5 * mm)]
    last += [Paragraph(_markup(line), words) for line in sheet.signed]
    if sheet.to_sign:
        last += [Spacer(1, 9 * mm), _lines_to_sign(sheet.to_sign, words)]
    flowables.append(KeepTogether(last))

    def furniture(canvas: Canvas, document: SimpleDocTemplate) -> None:
        below = Paragraph(_markup(f"{sheet.title} · {footer}"), _small(font))
        below.wrapOn(canvas, WIDTH - 20 * mm, 10 * mm)
        below.drawOn(canvas, MARGIN, 4.5 * mm)
        canvas.setFont(font, 7)
        canvas.drawRightString(MARGIN + WIDTH, 6 * mm, str(document.page))

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
        document.build(flowables, onFirstPage=furniture, onLaterPages=furniture)
    except LayoutError as error:
        raise ExportError(f"it does not fit on a page: {error}") from error


def _markup(text: str) -> str:
    """ReportLab's markup of a text, with the fonts that have its characters."""
    if text.isascii():
        return escape(text)  # most cells of a long table
    usual_font = chinese_font()
    return "".join(
        escape(piece) if font == usual_font else f'<font name="{font}">{escape(piece)}</font>'
        for font, piece in runs(text)
    )


def _small(font: str) -> ParagraphStyle:
    return ParagraphStyle("small", fontName=font, fontSize=7, leading=9, wordWrap="CJK")


def _lines_to_sign(labels: Iterable[str], style: ParagraphStyle) -> Grid:
    """Labels side by side, each followed by a line to write on."""
    label_style = ParagraphStyle("label", style, leftIndent=0, rightIndent=0)
    cells = [cell for label in labels for cell in (Paragraph(_markup(label), label_style), "")]
    widths = [
        pdfmetrics.stringWidth(label, style.fontName, style.fontSize) + 3 * mm for label in labels
    ]
    line = (WIDTH - sum(widths)) / len(widths)
    grid = Grid([cells], [width for label in widths for width in (label, line)], 8 * mm)
    below = [
        ("LINEBELOW", (2 * n + 1, 0), (2 * n + 1, 0), 0.7, colors.black) for n in range(len(widths))
    ]
    tight = [
        (side, (0, 0), (-1, -1), 0) for side in ("LEFTPADDING", "RIGHTPADDING", "BOTTOMPADDING")
    ]
    grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "BOTTOM"), *tight, *below]))
    return grid


def _grid(rows: list[list[str]], widths: list[float], font: str) -> LongTable:
    """A table with columns of `widths` (points); long text is wrapped between words, never cut."""
    chinese = ParagraphStyle("chinese", fontName=font, fontSize=SMALL, leading=10, wordWrap="CJK")
    # ReportLab hangs punctuation that may not begin a line into the margin: leave room for it.
    hanging = ParagraphStyle("hanging", chinese, rightIndent=SMALL)
    # Without CJK wrapping a number or a name is broken only if it is longer than its column.
    latin = ParagraphStyle("latin", chinese, wordWrap=None)

    def cell(text: str, width: float) -> str | Paragraph:
        fits = pdfmetrics.stringWidth(text, font, SMALL) <= width - 2 * PADDING
        markup = _markup(text)
        if fits and markup == text:
            return text  # most texts fit, and a paragraph takes ten times as long
        hangs = any(mark in text for mark in HANGING)
        return Paragraph(markup, latin if text.isascii() else hanging if hangs else chinese)

    cells = [[cell(text, widths[n]) for n, text in enumerate(row)] for row in rows]
    # A row that is higher than a page continues on the next.
    grid = LongTable(cells, widths, repeatRows=1, splitInRow=1)
    grid.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), font, SMALL, 10),
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


def _column_widths(rows: list[list[str]], measure: Callable[[str], float]) -> list[float]:
    """Column widths (points) that fill a page. Each column has room for its longest word; the rest
    is shared in proportion to how much longer the columns' texts are."""
    columns = list(zip(*rows, strict=True))
    room = 2 * PADDING + 1
    least = [
        room + min(MAX_WORD, max(measure(word) for text in column for word in _words(text)))
        for column in columns
    ]
    widths = [
        max(low, room + min(MAX_WORD * 2, max(map(measure, column))))
        for low, column in zip(least, columns, strict=True)
    ]
    if (total := sum(least)) > WIDTH:
        return [low * WIDTH / total for low in least]
    excess = sum(widths) - total
    share = (WIDTH - total) / excess if excess else 0
    if share > 1:  # everything fits on one line
        return [width * WIDTH / sum(widths) for width in widths]
    return [low + (width - low) * share for low, width in zip(least, widths, strict=True)]


def _words(text: str) -> list[str]:
    """The pieces of a text that stay on one line: words of Latin letters and digits, and the first
    characters of a Chinese text."""
    return [text[: 0 if text.isascii() else 3], *re.findall(r"[!-~]+", text)]
