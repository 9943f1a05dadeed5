"""Texts of people that arrive from outside, without what a terminal obeys and an eye does not see.

A name is made visible, not refused: whoever acknowledges with an odd name must end the red light.
One that a person enters to be kept, such as an account's, is refused instead (`is_visible`): two
that look alike would be two people.
"""

import re
import unicodedata

from msgspec import Struct
from msgspec.structs import force_setattr

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Control characters, such as a terminal's escape; separators of lines; marks that turn the
direction of a text; characters without width. Those that join letters are left to the scripts that
need them."""

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
