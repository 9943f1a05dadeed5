"""The font by which a PDF writes Chinese; its glyphs go along inside."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from fevergate.errors import ExportError

FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",  # Debian: fonts-wqy-microhei
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)
"""Whichever is there first; with outlines that a PDF can take a part of."""


@cache
def chinese_font() -> str:
    """Its name for ReportLab, registered once: a font of megabytes is not read for each page.

    Raises `ExportError` where no such font is.
    """
    for path in FONTS:
        if Path(path).exists():
            try:
                pdfmetrics.registerFont(TTFont("Chinese", path, subfontIndex=0))
            except (TTFError, OSError) as error:
                raise ExportError(f"{path}: {error}") from error
            return "Chinese"
    raise ExportError(f"no Chinese font: expected one of {', '.join(FONTS)}")
