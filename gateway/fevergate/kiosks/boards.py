"""Boards for kiosks, built by tools/make-pins from hardware/boards.toml: change that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BoardModel:
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


@dataclass(frozen=True)
class RefusedBoard:
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


DEFAULT_BOARD = "esp32-s3-n8r2"

BOARDS: dict[str, BoardModel] = {
    "esp32-s3-n8r2": BoardModel(
        name="esp32-s3-n8r2",
        title="ESP32-S3-DevKitC-1-N8R2",
        chip="ESP32-S3",
        image="ESP32_GENERIC_S3",
        offset=0x0,
        psram="quad",
        psram_mb=2,
        flash_mb=8,
        pins={
            "sda": 8,
            "scl": 9,
            "green": 4,
            "amber": 5,
            "red": 6,
            "beeper": 7,
            "door": 21,
            "reader_tx": 17,
            "reader_rx": 18,
        },
    ),
    "esp32-wrover-e": BoardModel(
        name="esp32-wrover-e",
        title="ESP32-DevKitC-VE (ESP32-WROVER-E)",
        chip="ESP32",
        image="ESP32_GENERIC-SPIRAM",
        offset=0x1000,
        psram="quad",
        psram_mb=8,
        flash_mb=8,
        pins={
            "sda": 21,
            "scl": 22,
            "green": 25,
            "amber": 26,
            "red": 27,
            "beeper": 32,
            "door": 33,
            "reader_tx": 18,
            "reader_rx": 19,
        },
    ),
}

REFUSED_BOARDS: dict[str, RefusedBoard] = {
    "esp32-devkitc-32e": RefusedBoard(
        name="esp32-devkitc-32e",
        title="ESP32-DevKitC-32E (ESP32-WROOM-32E)",
        chip="ESP32",
        psram="none",
        why=(
            "没有 PSRAM：Wi-Fi 和 TLS 之外只剩约 100 KB 内存，不够 128 KB，会反复重启",
            "no PSRAM: about 100 KB are left beside Wi-Fi and TLS; a kiosk needs 128 KB",
        ),
    ),
    "esp32-s3-n8": RefusedBoard(
        name="esp32-s3-n8",
        title="ESP32-S3-DevKitC-1-N8",
        chip="ESP32-S3",
        psram="none",
        why=(
            "没有 PSRAM：Wi-Fi 和 TLS 之外内存不够，测温亭会反复重启",
            "no PSRAM: too little memory is left beside Wi-Fi and TLS",
        ),
    ),
    "esp32-s3-octal": RefusedBoard(
        name="esp32-s3-octal",
        title="ESP32-S3-DevKitC-1-N8R8, -N16R8, -N32R8V",
        chip="ESP32-S3",
        psram="octal",
        why=(
            "八线 PSRAM 有未解决的故障（esp-idf 18806，zephyr 115662、111411）",
            "octal PSRAM has open faults (esp-idf 18806, zephyr 115662 and 111411)",
        ),
    ),
}
