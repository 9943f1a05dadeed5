"""Finds and registers the fonts of PDF files, which embed the glyphs that they use.

One font has the usual characters. A character that it lacks, such as 䶮 or 𠮷 in a name or an
emoji, is taken from the next font that has it. That font is read only then, since it is large.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from fevergate.errors import ExportError

FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",  # Debian: fonts-wqy-microhei
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)
"""The first that exists is used; all have TrueType outlines, which ReportLab can embed in part."""

RARE_FONTS = (
    "/usr/share/fonts/truetype/babelstone/BabelStoneHan.ttf",  # Debian: fonts-babelstone-han
    "/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf",  # Debian: fonts-symbola
    "/usr/share/fonts/truetype/hanazono/HanaMinA.ttf",  # Debian: fonts-hanazono
    "/usr/share/fonts/truetype/hanazono/HanaMinB.ttf",
)
"""Fonts of rare Chinese characters and of emoji, with TrueType outlines too."""

RARE_PACKAGES = "fonts-babelstone-han fonts-symbola"

_TO_UNICODE = "toUnicodeCMap:"
_LONG = re.compile(r"<([0-9A-F]{5,6})>")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Joiners and variant selectors, which are left out because ReportLab cannot apply them."""


class _Font(TTFont):
    """A font whose characters beyond U+FFFF can be searched and copied: ReportLab writes them into
    the map to Unicode as five digits, where PDF expects UTF-16 (ISO 32000-1, 9.10.3)."""

    def addObjects(self, doc: Any) -> None:  # noqa: N802 - ReportLab's name
        super().addObjects(doc)
        for name, stream in doc.idToObject.items():
            if name.startswith(_TO_UNICODE):
                stream.content = _LONG.sub(_utf16, stream.content)


def _utf16(match: re.Match[str]) -> str:
    return f"<{chr(int(match[1], 16)).encode('utf-16-be').hex().upper()}>"


@cache
def chinese_font() -> str:
    """ReportLab's name of the Chinese font. It is registered once, since reading megabytes takes
    long.

    Raises `ExportError` if none of `FONTS` exists.
    """
    for path in FONTS:
        if Path(path).exists():
            return _register("Chinese", path)
    raise ExportError(f"no Chinese font: expected one of {', '.join(FONTS)}")


@cache
def _rare_font(path: str) -> str | None:
    return _register(Path(path).stem, path) if Path(path).exists() else None


def _register(name: str, path: str) -> str:
    try:
        pdfmetrics.registerFont(_Font(name, path, subfontIndex=0))
    except (TTFError, OSError) as error:
        raise ExportError(f"{path}: {error}") from error
    return name


def _has(font: str, char: str) -> bool:
    loaded: Any = pdfmetrics.getFont(font)
    return ord(char) in loaded.face.charToGlyph or char in "\n\t\xa0"


def _font_of(char: str) -> str | None:
    """Name of the first font that has a character, or None."""
    if _has(first := chinese_font(), char):
        return first
    rare = (_rare_font(path) for path in RARE_FONTS)
    return next((font for font in rare if font and _has(font, char)), None)


def runs(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces of one font each: (font, piece). A character that no font has is written
    as its number, such as [U+20BB7]."""
    visible = _INVISIBLE.sub("", text)
    for font, chars in groupby(visible, _font_of):
        if font:
            yield font, "".join(chars)
        else:
            yield chinese_font(), "".join(f"[U+{ord(char):04X}]" for char in chars)


def missing(text: str) -> set[str]:
    """The text's characters that no font has."""
    return {char for char in set(_INVISIBLE.sub("", text)) if _font_of(char) is None}
