"""Result of one check of `fevergate doctor` or a board's self-test: a state, a text for people."""

from typing import Literal

from msgspec import Struct

from fevergate.texts.translations import Pair

State = Literal["ok", "warning", "failed", "fails", "not shown"]
"""`doctor` has ok, warning and failed; a self-test ok, fails, and not shown: nothing was seen."""


class Finding(Struct, kw_only=True):
    """Result of one check; `advice` says what to do."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def ok(check: str, text: Pair) -> Finding:
    """A finding without fault or advice."""
    return Finding(check=check, state="ok", text=text)


def warning(check: str, text: Pair, advice: Pair) -> Finding:
    """A finding that needs attention, while the system still works."""
    return Finding(check=check, state="warning", text=text, advice=advice)


def failed(check: str, text: Pair, advice: Pair = ("", "")) -> Finding:
    """A finding of something that does not work."""
    return Finding(check=check, state="failed", text=text, advice=advice)


def fails(check: str, text: Pair | str, advice: Pair) -> Finding:
    """A failed self-test; a single text, such as the board's, is for both languages."""
    text = (text, text) if isinstance(text, str) else text
    return Finding(check=check, state="fails", text=text, advice=advice)


def not_shown(check: str, text: Pair, advice: Pair = ("", "")) -> Finding:
    """A self-test that could not be done, or that nobody looked at."""
    return Finding(check=check, state="not shown", text=text, advice=advice)
