"""What a check of a board found, in words of two languages."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fevergate.flash.models import Pair

State = Literal["ok", "fails", "not shown"]


class Result(Struct, kw_only=True):
    """What one check found; texts as (Chinese, English)."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def fails(check: str, zh: str, en: str, advice: Pair) -> Result:
    """A check that failed."""
    return Result(check=check, state="fails", text=(zh, en), advice=advice)


def both(text: str) -> Pair:
    """What is the same in both languages, such as the board's own words."""
    return text, text
