"""Result of one check of a board, in Chinese and English."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from fevergate.texts.translations import Pair

State = Literal["ok", "fails", "not shown"]


class Result(Struct, kw_only=True):
    """Result of one check; texts are (Chinese, English)."""

    check: str
    state: State
    text: Pair
    advice: Pair = ("", "")


def fails(check: str, text: Pair | str, advice: Pair) -> Result:
    """Result of a check that failed; a single text, such as the board's, is for both languages."""
    text = (text, text) if isinstance(text, str) else text
    return Result(check=check, state="fails", text=text, advice=advice)
