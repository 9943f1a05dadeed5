"""Texts of people that arrive from outside, without what a terminal obeys and an eye does not see.

A name is made visible, not refused: whoever acknowledges with an odd name must end the red light.
"""

import re

from msgspec import Struct
from msgspec.structs import force_setattr

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""Control characters, such as a terminal's escape; separators of lines; marks that turn the
direction of a text; characters without width. Those that join letters are left to the scripts that
need them."""

REPLACEMENT = "\ufffd"


def make_visible(message: Struct, *fields: str) -> None:
    """Replace hidden characters in some texts of a message; for its `__post_init__`."""
    for field in fields:
        text = getattr(message, field)
        if HIDDEN.search(text):
            force_setattr(message, field, HIDDEN.sub(REPLACEMENT, text))
