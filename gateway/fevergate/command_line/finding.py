"""Result of one check of `fevergate doctor` or a board's self-test: a state, a text for people."""

from functools import partial
from typing import Literal

from msgspec import Struct

from fevergate.texts.translations import Pair, both

State = Literal["ok", "warning", "failed", "fails", "not shown"]
"""`doctor` has ok, warning and failed; a self-test ok, fails, and not shown: nothing was seen."""


class Finding(Struct, kw_only=True):
    """Result of one check; `advice` says what to do."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def finding(
    state: State, check: str, text: Pair | str, advice: Pair | str = "", /, **values: object
) -> Finding:
    """A finding; `values` fill the {holes} of text and advice, of which each is a text of the
    sources (or of the far side, such as a board, for both languages) or a pair."""
    pairs = [both(part, **values) if isinstance(part, str) else part for part in (text, advice)]
    return Finding(check=check, state=state, text=pairs[0], advice=pairs[1])


ok = partial(finding, "ok")
warning = partial(finding, "warning")
failed = partial(finding, "failed")
fails = partial(finding, "fails")
not_shown = partial(finding, "not shown")
