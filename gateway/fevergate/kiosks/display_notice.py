"""The shapes of the characters that a notice on the kiosks' displays needs.

A kiosk's flash has only the characters of its own words; a notice's characters are sent with the
notice.
"""

import base64
import lzma
import unicodedata
from importlib import resources

from fevergate.errors import KioskValueError

UNITS_MAX = 16
"""Longest notice, one line of the display: eight Chinese characters (2 each) or sixteen letters."""

_ENTRY = 34  # two bytes of character code, then sixteen rows of two bytes


def glyphs_of(text: str) -> str:
    """The shapes of a notice's wide characters, each once and in order, in base64 for the kiosk.

    Raises `KioskValueError` if the text is too long or a character has no shape.
    """
    wide = list(dict.fromkeys(char for char in text if ord(char) > 127))
    if len(text) + sum(ord(char) > 127 for char in text) > UNITS_MAX:
        raise KioskValueError(
            f"notice {text!r}: expected at most 8 Chinese characters or 16 letters",
            *("notice", text, "long"),
        )
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise KioskValueError(
            f"notice {text!r}: expected printable characters", "notice", text, "signs"
        )
    glyphs = _known() if wide else {}
    if missing := [char for char in wide if char not in glyphs]:
        raise KioskValueError(
            f"notice: no shape for {''.join(missing)!r}: expected characters of GB 2312",
            *("notice", "".join(missing), "glyphs"),
        )
    return base64.b64encode(b"".join(glyphs[char] for char in wide)).decode()


def _known() -> dict[str, bytes]:
    """Every character of GB 2312 with its shape: 16 × 16 pixels, two bytes a row (GNU Unifont)."""
    data = lzma.decompress(resources.files("fevergate.kiosks").joinpath("glyphs16.xz").read_bytes())
    entries = (data[at : at + _ENTRY] for at in range(0, len(data), _ENTRY))
    return {chr(int.from_bytes(entry[:2], "big")): entry[2:] for entry in entries}
