"""Result of one check of `fevergate doctor` or a board's self-test: a state, a text for people."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fevergate.texts.translations import Pair

State = Literal["ok", "warning", "failed"]


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
