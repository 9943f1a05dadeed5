"""Finds and registers the Chinese font of PDF files, which embed its glyphs."""

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
"""The first that exists is used; all have TrueType outlines, which ReportLab can embed in part."""


@cache
def chinese_font() -> str:
    """ReportLab's name of the font. It is registered once, since reading megabytes takes long.

    Raises `ExportError` where none of `FONTS` exists.
    """
    for path in FONTS:
        if Path(path).exists():
            try:
                pdfmetrics.registerFont(TTFont("Chinese", path, subfontIndex=0))
            except (TTFError, OSError) as error:
                raise ExportError(f"{path}: {error}") from error
            return "Chinese"
    raise ExportError(f"no Chinese font: expected one of {', '.join(FONTS)}")
