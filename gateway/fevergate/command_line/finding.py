"""What a check found, in words for a person and a state for a program."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["ok", "warning", "failed"]


class Finding(Struct, kw_only=True):
    """What one check found; texts as (Chinese, English)."""

    check: str
    state: State
    text: tuple[str, str]
    advice: tuple[str, str] = ("", "")


def ok(check: str, zh: str, en: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(check=check, state="ok", text=(zh, en))
