"""Chooses the board's model by its chip. Boards that cannot be a kiosk are refused with a reason.

The table of boards is `fevergate.kiosks.boards`, generated from hardware/boards.toml.
"""

from fevergate.errors import BoardRefusedError, FlashError
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, REFUSED_BOARDS, BoardModel
from fevergate.texts.translations import Pair, both

_NAMES = [BOARDS[DEFAULT_BOARD].title] + [
    model.title for name, model in BOARDS.items() if name != DEFAULT_BOARD
]


def what_to_buy() -> Pair:
    """Advice for a board that cannot be a kiosk."""
    return both("buy one of these: {boards}", boards=" / ".join(_NAMES))


def of_chip(chip: str) -> BoardModel | None:
    """A model with this chip (esptool's name), preferably the default board; None without one."""
    models = [BOARDS[DEFAULT_BOARD], *BOARDS.values()]
    return next((model for model in models if model.chip == chip), None)


def chosen(name: str | None, chip: str, port: str) -> BoardModel:
    """The model called `name` or, if that is None, a model with the chip that answers.

    Raises `FlashError` if `name` has another chip, and `BoardRefusedError` if no model has this
    chip.
    """
    model = BOARDS[name] if name else of_chip(chip)
    if model is None:
        chips = sorted({board.chip for board in BOARDS.values()}, reverse=True)
        raise BoardRefusedError(
            both(
                "{port}: {chip}, expected {chips}",
                port=port,
                chip=chip,
                chips=" / ".join(chips),
            ),
            what_to_buy(),
        )
    if model.chip != chip:
        raise FlashError(f"{port}: {chip} answers, {model.title} has {model.chip}")
    return model


def refuse_memory(port: str, chip: str, psram: str) -> None:
    """Raise `BoardRefusedError` if the chip reports unsuitable PSRAM. If `psram` is "unknown", the
    board's memory is measured later."""
    if psram in ("none", "octal"):
        why = why_refused(chip, psram)
        text = both("{port}: {chip}, {why}", port=port, chip=chip, why=why)
        raise BoardRefusedError(text, what_to_buy())


def why_refused(chip: str, psram: str) -> Pair:
    """Why a chip whose PSRAM is "none" or "octal" is refused."""
    for board in REFUSED_BOARDS.values():
        if (board.chip, board.psram) == (chip, psram):
            return board.why
    return both("{chip}: its PSRAM does not serve", chip=chip)
