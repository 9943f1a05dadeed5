"""A kiosk's board as data, and the pin file that is written onto it."""

from msgspec import Struct


class BoardModel(Struct, frozen=True):
    """A board model that a kiosk can run on."""

    name: str
    title: str
    chip: str
    """esptool's name of the chip, such as "ESP32-S3"."""
    image: str
    """MicroPython's name of the image; its page is https://micropython.org/download/NAME/."""
    offset: int
    """Flash address at which the image is written."""
    psram: str
    """Interface of the RAM beside the chip: always "quad"."""
    psram_mb: int
    flash_mb: int
    pins: dict[str, int]
    """GPIO numbers by use."""


class RefusedBoard(Struct, frozen=True):
    """A board model that a kiosk cannot run on; `why` is in Chinese and in English."""

    name: str
    title: str
    chip: str
    psram: str
    """Interface of the RAM beside the chip: "none" or "octal"."""
    why: tuple[str, str]


def pins_source(model: BoardModel) -> str:
    """The text of /kiosk_board.py on a board of this model."""
    return (
        '"""This board and its pins, built from hardware/boards.toml: change that."""\n\n'
        f'BOARD = "{model.name}"\n'
        + "".join(f"{use.upper()} = {number}\n" for use, number in model.pins.items())
    )
