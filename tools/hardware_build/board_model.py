"""What is known of a board, and the file of pins that is written onto it.

Runs on a bare Python, and is copied into the gateway by tools/make-pins.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardModel:
    """A board that a kiosk runs on."""

    name: str
    title: str
    chip: str
    """As esptool names it: "ESP32-S3"."""
    image: str
    """MicroPython's name of the image: https://micropython.org/download/ and this."""
    offset: int
    """Where on the flash the image begins."""
    psram: str
    """"quad": the kind of memory beside the chip's own."""
    psram_mb: int
    flash_mb: int
    pins: dict[str, int]
    """GPIO numbers by use."""


@dataclass(frozen=True)
class RefusedBoard:
    """A board that a kiosk does not run on, and why not: in Chinese, in English."""

    name: str
    title: str
    chip: str
    psram: str
    """"none" or "octal"."""
    why: tuple[str, str]


def pins_source(model: BoardModel) -> str:
    """The text of /kiosk_board.py on a board of this model."""
    return (
        '"""This board and its pins, built from hardware/boards.toml: change that."""\n\n'
        f'BOARD = "{model.name}"\n'
        + "".join(f"{use.upper()} = {number}\n" for use, number in model.pins.items())
    )
