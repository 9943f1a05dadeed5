"""Result of one check of `fevergate doctor` or of a board's self-test: a state and a text."""

from functools import partial
from typing import Literal

from msgspec import Struct

from fevergate.texts.translations import Pair, both

State = Literal["ok", "warning", "failed", "fails", "not shown"]
"""`doctor` uses ok, warning and failed; a self-test uses ok, fails, and `not shown`, which means
that nothing was seen."""


class Finding(Struct, kw_only=True):
    """Result of one check; `advice` says what to do."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def finding(
    state: State, check: str, text: Pair | str, advice: Pair | str = "", /, **values: object
) -> Finding:
    """Make a finding; `values` fill the {holes} of text and advice.

    Text and advice are each a pair of languages or one text, which is translated. A text from
    outside, such as from a board, is used for both languages."""
    pairs = [both(part, **values) if isinstance(part, str) else part for part in (text, advice)]
    return Finding(check=check, state=state, text=pairs[0], advice=pairs[1])


ok = partial(finding, "ok")
warning = partial(finding, "warning")
failed = partial(finding, "failed")
fails = partial(finding, "fails")
not_shown = partial(finding, "not shown")
