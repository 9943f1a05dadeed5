"""Replaces characters that a terminal obeys or that nobody sees, in texts that come from outside.

A name in an acknowledgement is made visible, not refused, so that somebody with an odd name can end
the red light, too. A name that is stored, such as an account's, is refused instead (`is_visible`):
otherwise two people could have names that look alike.
"""

import re
import unicodedata

from msgspec import Struct
from msgspec.structs import force_setattr

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Control characters, such as a terminal's escape; separators of lines; marks that turn the
direction of a text; characters without width. Joiners of letters are not among them, because some
writing systems need them."""

_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing by themselves."""

REPLACEMENT = "\ufffd"


def make_visible(message: Struct, *fields: str) -> None:
    """Replace hidden characters in some texts of a message; for its `__post_init__`."""
    for field in fields:
        text = getattr(message, field)
        if HIDDEN.search(text):
            force_setattr(message, field, HIDDEN.sub(REPLACEMENT, text))


def is_visible(text: str) -> bool:
    """Whether each character of a name can be seen, but for blanks between words: none is a control
    character, a mark of direction, a joiner of letters or a filler."""
    return not _BLANK.search(text) and all(
        sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in text
    )
