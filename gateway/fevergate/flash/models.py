"""Chooses the board's model by its chip, and refuses boards that cannot be a kiosk, with reasons.

The table of boards is `fevergate.kiosks.boards`, generated from hardware/boards.toml.
"""

from __future__ import annotations

from fevergate.errors import BoardRefusedError, FlashError
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, REFUSED_BOARDS, BoardModel

Pair = tuple[str, str]

_NAMES = [BOARDS[DEFAULT_BOARD].title] + [
    model.title for name, model in BOARDS.items() if name != DEFAULT_BOARD
]
BUY: Pair = (f"请改用 {' 或 '.join(_NAMES)}", f"buy one of these: {', '.join(_NAMES)}")
"""Advice for a board that cannot be a kiosk."""


def of_chip(chip: str) -> BoardModel | None:
    """Model with this chip (esptool's name), preferably the default board, or None."""
    models = [BOARDS[DEFAULT_BOARD], *BOARDS.values()]
    return next((model for model in models if model.chip == chip), None)


def chosen(name: str | None, chip: str, port: str) -> BoardModel:
    """Model called `name`, or without a name the one with the chip that answers.

    Raises `FlashError` if `name` has another chip, `BoardRefusedError` if no model has this chip.
    """
    model = BOARDS[name] if name else of_chip(chip)
    if model is None:
        chips = sorted({each.chip for each in BOARDS.values()}, reverse=True)
        raise BoardRefusedError(
            (
                f"{port}：{chip}，需要 {' 或 '.join(chips)}",
                f"{port}: {chip}, expected {' or '.join(chips)}",
            ),
            BUY,
        )
    if model.chip != chip:
        raise FlashError(f"{port}: {chip} answers, {model.title} has {model.chip}")
    return model


def refuse_memory(port: str, chip: str, psram: str) -> None:
    """Raise `BoardRefusedError` if the chip states unsuitable PSRAM; if it is "unknown", the
    board's memory is measured later."""
    if psram in ("none", "octal"):
        zh, en = why_refused(chip, psram)
        raise BoardRefusedError((f"{port}：{chip}，{zh}", f"{port}: {chip}, {en}"), BUY)


def why_refused(chip: str, psram: str) -> Pair:
    """Why a chip whose PSRAM is "none" or "octal" is refused."""
    for board in REFUSED_BOARDS.values():
        if (board.chip, board.psram) == (chip, psram):
            return board.why
    return (f"{chip}：PSRAM 不适用", f"{chip}: its PSRAM does not serve")
