"""Chips of virtual boards: the registers and eFuses that esptool reads, flash and PSRAM.

Sources: esptool 5.6, `targets/esp32.py` and `targets/esp32s3.py` (registers and eFuses);
ESP32-S3 Technical Reference Manual, chapter "eFuse Controller"; ESP32 Technical Reference Manual,
chapter "eFuse Controller".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

MIB = 1 << 20

_ESP32_EFUSE = 0x3FF5A000
_APB_CTL_DATE = 0x3FF6607C
_S3_BLOCK1, _S3_BLOCK2 = 0x60007044, 0x6000705C


@dataclass(frozen=True)
class SpiRegisters:
    """Addresses of the flash controller, through which esptool reads the flash's identity."""

    base: int
    usr2: int
    w0: int
    address_left: bool
    """Whether an address is left-aligned in its register (SPI_ADDR_REG_MSB)."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A chip with the flash and PSRAM of its module."""

    name: str
    image_chip: int
    """Chip number in an image's header (ESP-IDF, "Application Image Format")."""
    offset: int
    """Flash address at which the ROM looks for the second-stage loader."""
    magic: int
    """Content of the register at 0x40001000, which identifies chips before the ESP32-C3."""
    chip_id: int | None
    """Chip number in the answer to GET_SECURITY_INFO; None: the ROM lacks that command."""
    efuses: Mapping[int, int]
    """eFuse words by register address; others are 0."""
    spi: SpiRegisters
    ram: tuple[range, ...]
    """Address ranges for esptool's stub (`MEMORY_MAP`: DRAM, IRAM)."""
    extended_begin: bool
    """Whether the ROM's FLASH_BEGIN has a fifth word, for encryption."""
    flash_bytes: int
    psram: str = "none"
    """"none", "quad" or "octal"."""
    psram_bytes: int = 0

    @property
    def flash_id(self) -> int:
        """JEDEC ID as command 0x9F reads it: GigaDevice, capacity as a power of two."""
        return 0x40C8 | (self.flash_bytes.bit_length() - 1) << 16


_ESP32_SPI = SpiRegisters(0x3FF42000, usr2=0x24, w0=0x80, address_left=True)
_S3_SPI = SpiRegisters(0x60002000, usr2=0x20, w0=0x58, address_left=False)
_ESP32_RAM = (range(0x3FFAE000, 0x40000000), range(0x40080000, 0x400C0000))
_S3_RAM = (range(0x3FC88000, 0x3FD00000), range(0x40370000, 0x403E0000))


def esp32(package: int = 1, *, flash_mb: int = 4, psram: str = "none", psram_mb: int = 0) -> Chip:
    """An ESP32; `package` 1 is D0WD, 6 PICO-V3-02, 7 D0WDR2-V3. No eFuse states the PSRAM."""
    word3 = (package & 7) << 9 | (package >> 3) << 2 | 1 << 13 | 1 << 15
    return Chip(
        name="ESP32",
        image_chip=0,
        offset=0x1000,
        magic=0x00F01D83,
        chip_id=None,
        efuses={
            _ESP32_EFUSE + 4 * 3: word3,
            _ESP32_EFUSE + 4 * 5: 1 << 20,  # revision 3, together with the next register
            _APB_CTL_DATE: 1 << 31,
        },
        spi=_ESP32_SPI,
        ram=_ESP32_RAM,
        extended_begin=False,
        flash_bytes=flash_mb * MIB,
        psram=psram,
        psram_bytes=psram_mb * MIB,
    )


_S3_PSRAM = {0: ("none", 0, 0), 2: ("quad", 2, 1), 8: ("octal", 1, 1), 16: ("octal", 3, 2)}
"""PSRAM by MB: kind, PSRAM_CAP, PSRAM_VENDOR (1: AP_3v3, 2: AP_1v8)."""


def esp32_s3(psram_mb: int, *, flash_mb: int = 8) -> Chip:
    """An ESP32-S3 of revision v0.2 with `psram_mb` of PSRAM in its package."""
    kind, capacity, vendor = _S3_PSRAM[psram_mb]
    return Chip(
        name="ESP32-S3",
        image_chip=9,
        offset=0,
        magic=0x00000009,
        chip_id=9,
        efuses={
            _S3_BLOCK1 + 4 * 3: 2 << 18 | 3 << 24,  # minor revision, minor version of the block
            _S3_BLOCK1 + 4 * 4: (capacity & 3) << 3 | vendor << 7,
            _S3_BLOCK1 + 4 * 5: (capacity >> 2) << 19,
            _S3_BLOCK2 + 4 * 4: 1,  # major version of the block
        },
        spi=_S3_SPI,
        ram=_S3_RAM,
        extended_begin=True,
        flash_bytes=flash_mb * MIB,
        psram=kind,
        psram_bytes=psram_mb * MIB,
    )


ESP32_S3_N8R2 = esp32_s3(2)
ESP32_C3 = replace(ESP32_S3_N8R2, name="ESP32-C3", image_chip=5, chip_id=5)
"""An ESP32-C3 with just the values by which esptool identifies it."""

ESP32_S3_N8 = esp32_s3(0)
ESP32_S3_N8R8 = esp32_s3(8)
WROVER_E = esp32(psram="quad", psram_mb=8, flash_mb=8)
WROOM_32E = esp32()
