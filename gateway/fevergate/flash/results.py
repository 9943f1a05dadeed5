"""Result of one check of a board, in Chinese and English."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fevergate.flash.models import Pair

State = Literal["ok", "fails", "not shown"]


class Result(Struct, kw_only=True):
    """Result of one check; texts are (Chinese, English)."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def fails(check: str, zh: str, en: str, advice: Pair) -> Result:
    """Result of a check that failed."""
    return Result(check=check, state="fails", text=(zh, en), advice=advice)


def both(text: str) -> Pair:
    """The same text for both languages, such as an error of the board."""
    return text, text
