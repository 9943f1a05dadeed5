"""Which boards a kiosk runs on, and which are refused for their memory, in words of two languages.

The table is `fevergate.kiosks.boards`, which follows hardware/boards.toml.
"""

from __future__ import annotations

from fevergate.errors import BoardRefusedError, FlashError
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, REFUSED_BOARDS, BoardModel

Pair = tuple[str, str]

_NAMES = [BOARDS[DEFAULT_BOARD].title] + [
    model.title for name, model in BOARDS.items() if name != DEFAULT_BOARD
]
BUY: Pair = (f"请改用 {' 或 '.join(_NAMES)}", f"buy one of these: {', '.join(_NAMES)}")
"""What to do about a board that a kiosk does not run on."""


def of_chip(chip: str) -> BoardModel | None:
    """The model with this chip, as esptool names it, the default first; None: there is none."""
    models = [BOARDS[DEFAULT_BOARD], *BOARDS.values()]
    return next((model for model in models if model.chip == chip), None)


def chosen(name: str | None, chip: str, port: str) -> BoardModel:
    """The model that `name` asks for, else the one with the chip that answers.

    Raises `FlashError` where that is another chip, `BoardRefusedError` where no model has it.
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
    """Raise `BoardRefusedError` where a chip tells that a kiosk does not run on it; "unknown" is
    for the self-test to see."""
    if psram in ("none", "octal"):
        zh, en = why_refused(chip, psram)
        raise BoardRefusedError((f"{port}：{chip}，{zh}", f"{port}: {chip}, {en}"), BUY)


def why_refused(chip: str, psram: str) -> Pair:
    """What is wrong with a chip whose PSRAM is "none" or "octal"."""
    for board in REFUSED_BOARDS.values():
        if (board.chip, board.psram) == (chip, psram):
            return board.why
    return (f"{chip}：PSRAM 不适用", f"{chip}: its PSRAM does not serve")
