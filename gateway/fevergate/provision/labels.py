"""Prints a label for each kiosk: its name, campus and gate, and a QR code of its page.

It holds no secret: a photograph of it gives away an address only.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from fevergate.errors import ProvisionError
from fevergate.reports.pdf_font import chinese_font
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, both

WIDTH, HEIGHT = 90 * mm, 50 * mm
COLUMNS, ROWS = 2, 5
QR = 36 * mm
"""Edge length of the QR code (points), including the quiet zone of four modules (ISO/IEC 18004,
9.1)."""

INK, FAINT = colors.HexColor("#10233f"), colors.HexColor("#9aa4b2")
WORDS = (
    N_("Fever screening kiosk"),
    N_("It screens, it does not diagnose"),
    N_("Scan for its state"),
)


@dataclass(frozen=True)
class Label:
    """Text of one label; `url` is encoded in its QR code."""

    kiosk: str
    title: str
    place: str
    url: str


def labels_of(settings: GatewaySettings, kiosks: Sequence[str], base_url: str) -> list[Label]:
    """A label for each kiosk; `base_url` is the URL at which a telephone at the gate reaches the
    pages. Raises `ProvisionError` for an invalid URL."""
    parts = urlsplit(base_url)
    if parts.scheme != "https" or not parts.hostname or len(base_url) > 200:
        raise ProvisionError(f"{base_url!r}: expected https://HOST[:PORT] of the pages")
    labels, names = [], settings.names(settings.language)
    for kiosk in kiosks:
        gate = settings.devices.get(kiosk)
        place = f"{names.campus} · {names.gate(gate) if gate else '?'}"
        url = f"{base_url.rstrip('/')}/admin/kiosks/{kiosk}"
        title = names.kiosk(kiosk)
        labels.append(Label(kiosk, title, place if title == kiosk else f"{place} · {kiosk}", url))
    return labels


def pages_url(settings: GatewaySettings) -> str:
    """URL of the pages, with the broker's host if they listen on all addresses or on loopback."""
    anywhere = settings.web.host in ("0.0.0.0", "::", "127.0.0.1", "localhost")  # noqa: S104
    host = settings.broker.host if anywhere else settings.web.host
    return f"https://{host}:{settings.web.port}"


def as_pdf(labels: Sequence[Label]) -> bytes:
    """A4 sheets of ten labels of 90 by 50 mm, with lines to cut along.

    Raises `ExportError` if no Chinese font is installed.
    """
    font = chinese_font()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setTitle("FeverGate")
    left, bottom = (A4[0] - COLUMNS * WIDTH) / 2, (A4[1] - ROWS * HEIGHT) / 2
    for number, label in enumerate(labels):
        place = number % (COLUMNS * ROWS)
        if number and not place:
            canvas.showPage()
        row, column = divmod(place, COLUMNS)
        x, y = left + column * WIDTH, bottom + (ROWS - 1 - row) * HEIGHT
        _draw(canvas, label, font, x, y)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, label: Label, font: str, x: float, y: float) -> None:
    canvas.setStrokeColor(FAINT)
    canvas.setDash(1, 2)
    canvas.rect(x, y, WIDTH, HEIGHT)
    canvas.setDash()
    # Error correction level Q: readable with a quarter of the code scratched off.
    code = QrCodeWidget(label.url, barLevel="Q", barWidth=QR, barHeight=QR, barBorder=4)
    drawing = Drawing(QR, QR)
    drawing.add(code)
    renderPDF.draw(drawing, canvas, x + 2 * mm, y + 10 * mm)
    canvas.setFillColor(INK)
    room, at = WIDTH - QR - 6 * mm, x + QR + 3 * mm
    _fitted(canvas, label.title, font, 22, (at, y + 33 * mm), room)
    _fitted(canvas, label.place, font, 11, (at, y + 25 * mm), room)
    purpose, no_diagnosis, scan = (" · ".join(both(text)) for text in WORDS)
    _fitted(canvas, purpose, font, 8, (at, y + 18 * mm), room)
    _fitted(canvas, scan, font, 8, (at, y + 13 * mm), room)
    _fitted(canvas, no_diagnosis, font, 7.5, (x + 4 * mm, y + 5 * mm), WIDTH - 8 * mm)


def _fitted(
    canvas: Canvas, text: str, font: str, size: float, at: tuple[float, float], room: float
) -> None:
    """Draw text at `size` points, or smaller if it would be wider than `room`."""
    width = pdfmetrics.stringWidth(text, font, size)
    canvas.setFont(font, min(size, size * room / width) if width else size)
    canvas.drawString(*at, text)
