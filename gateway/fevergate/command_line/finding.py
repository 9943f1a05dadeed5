"""Result of one check of `fevergate doctor`: a state for programs, a text for people."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["ok", "warning", "failed"]


class Finding(Struct, kw_only=True):
    """Result of one check; `text` and `advice` are pairs (Chinese, English)."""

    check: str
    state: State
    text: tuple[str, str]
    advice: tuple[str, str] = ("", "")


def ok(check: str, zh: str, en: str) -> Finding:
    """A finding without fault or advice."""
    return Finding(check=check, state="ok", text=(zh, en))
