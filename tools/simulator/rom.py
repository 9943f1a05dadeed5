"""Simulates a chip in download mode: its ROM's serial loader, and the stub that esptool loads.

Source: https://docs.espressif.com/projects/esptool/en/latest/esp32/advanced-topics/serial-protocol.html
Differences between chips are in `simulator.chips`. This module takes and returns bytes; the serial
port is in `simulator.serial_line`. Not modelled: encryption, reading the flash back, the duration
of an erase.
"""

import functools
import hashlib
import operator
import struct
import zlib
from collections.abc import Callable

from simulator.chips import MIB, Chip

SECTOR = 0x1000

_END, _ESC, _ESC_END, _ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD
_HEADER = struct.Struct("<BBHI")
_REQUEST, _ANSWER = 0, 1
_SEED = 0xEF
_SYNC = b"\x07\x07\x12\x20" + 32 * b"\x55"
_FROM_ROM = 0x20120707  # the ROM's value in its answer to SYNC; a stub's is 0

_INVALID, _FAILED, _CHECKSUM, _INFLATE = 0x05, 0x06, 0x07, 0x0B
_STUB_CHECKSUM, _STUB_INVALID = 0xC1, 0xFF
_UNKNOWN = 0x00

_MAGIC_REGISTER = 0x40001000
_SPI_RUN = 1 << 18
_SFDP = 0x50444653
_NO_FLASH = 0xFFFFFF


class _RefusedError(Exception):
    """The loader answers a command with an error code, the exception's argument."""


def slip(packet: bytes) -> bytes:
    """Frame a packet for the line (SLIP, RFC 1055)."""
    body = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + body + b"\xc0"


def checksum(data: bytes) -> int:
    """The ROM's checksum of a block: XOR of its bytes and 0xEF."""
    return functools.reduce(operator.xor, data, _SEED)


class RomLoader:
    """The loader, from a start of the chip in download mode to its reset; `flash` is kept
    afterwards."""

    def __init__(self, flash: bytearray, chip: Chip) -> None:
        self._flash = flash
        self._chip = chip
        self._registers = {_MAGIC_REGISTER: chip.magic, **chip.efuses}
        self._attached = False
        self._flash_end = len(flash)
        self._packet: bytearray | None = None
        self._escaped = False
        self._ram: list[range] = []
        self._at = self._end = 0
        self._inflate = zlib.decompressobj()
        self.stub = False
        self.refused = 0
        self._commands: dict[int, Callable[[bytes, int], tuple[int, bytes]]] = {
            0x02: self._flash_begin,
            0x03: self._flash_data,
            0x04: self._ignored,
            0x05: self._mem_begin,
            0x06: self._ignored,
            0x07: self._mem_data,
            0x09: self._write_register,
            0x0A: self._read_register,
            0x0B: self._set_parameters,
            0x0D: self._attach,
            0x0F: self._ignored,
            0x10: self._deflate_begin,
            0x11: self._deflate_data,
            0x12: self._ignored,
            0x13: self._md5,
        }
        if chip.chip_id is not None:
            self._commands[0x14] = self._security_info

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the line; returns the answers."""
        answers = bytearray()
        for byte in data:
            if byte == _END:
                if self._packet:
                    answers += self._handle(bytes(self._packet))
                    self._packet = None
                else:
                    self._packet = bytearray()
                self._escaped = False
            elif self._packet is not None:
                if self._escaped:
                    self._packet.append({_ESC_END: _END, _ESC_ESC: _ESC}.get(byte, byte))
                    self._escaped = False
                elif byte == _ESC:
                    self._escaped = True
                else:
                    self._packet.append(byte)
        return bytes(answers)

    def _handle(self, packet: bytes) -> bytes:
        if len(packet) < _HEADER.size:
            return b""
        direction, command, size, summed = _HEADER.unpack_from(packet)
        body = packet[_HEADER.size :]
        if direction != _REQUEST or len(body) != size:
            return b""  # not a command: no answer
        if command == 0x08:
            value = 0 if self.stub else _FROM_ROM
            return self._answer(command, value, b"", 0) * 8 if body == _SYNC else b""
        try:
            if command not in self._commands:
                return self._unknown(command)
            value, data = self._commands[command](body, summed)
        except struct.error:
            return self._answer(command, 0, b"", _INVALID)
        except _RefusedError as refused:
            self.refused += 1
            return self._answer(command, 0, b"", refused.args[0])
        answer = self._answer(command, value, data, 0)
        return answer + self._entered(body) if command == 0x06 else answer

    def _answer(self, command: int, value: int, data: bytes, error: int) -> bytes:
        status = bytes((1 if error else 0, error)) + (b"" if self.stub else b"\0\0")
        body = data + status
        return slip(_HEADER.pack(_ANSWER, command, len(body), value) + body)

    def _unknown(self, command: int) -> bytes:
        """Answer an unknown command. A ROM answers eight times, without the command's number
        (esptool, `ESPLoader.command`); a stub answers once."""
        self.refused += 1
        if self.stub:
            return self._answer(command, 0, b"", _STUB_INVALID)
        return self._answer(_UNKNOWN, 0, b"", _INVALID) * 8

    def _entered(self, body: bytes) -> bytes:
        """Handle MEM_END: start the stub if the entry lies in loaded memory."""
        stay, entry = struct.unpack("<II", body)
        if stay or not any(entry in loaded for loaded in self._ram):
            return b""
        self.stub = True
        return slip(b"OHAI")

    def _ignored(self, _body: bytes, _summed: int) -> tuple[int, bytes]:
        return 0, b""

    def _block(self, body: bytes, summed: int) -> bytes:
        """Data of a block, after a check of its size and checksum."""
        size, _, _, _ = struct.unpack_from("<IIII", body)
        data = body[16:]
        if len(data) != size:
            raise _RefusedError(_INVALID)
        if checksum(data) != summed:
            raise _RefusedError(_STUB_CHECKSUM if self.stub else _CHECKSUM)
        return data

    def _mem_begin(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        size, _, _, at = struct.unpack("<IIII", body)
        if not any(at in ram and at + size <= ram.stop for ram in self._chip.ram):
            raise _RefusedError(_FAILED)
        self._ram.append(range(at, at + size))
        return 0, b""

    def _mem_data(self, body: bytes, summed: int) -> tuple[int, bytes]:
        self._block(body, summed)
        return 0, b""

    def _flash_begin(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        extended = self.stub or self._chip.extended_begin
        size, _, _, at, *_ = struct.unpack("<IIIII" if extended else "<IIII", body)
        self._need_flash()
        self._erase(at, size)
        return 0, b""

    def _attach(self, _body: bytes, _summed: int) -> tuple[int, bytes]:
        self._attached = True
        return 0, b""

    def _set_parameters(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        """Accept the size of the flash that the host states, but no more than the real size."""
        _, size, _, _, _, _ = struct.unpack("<IIIIII", body)
        self._flash_end = min(size, len(self._flash))
        return 0, b""

    def _need_flash(self) -> None:
        """Refuse if the flash is not attached; the ROM needs SPI_ATTACH, a stub does not."""
        if not self.stub and not self._attached:
            raise _RefusedError(_FAILED)

    def _flash_data(self, body: bytes, summed: int) -> tuple[int, bytes]:
        self._program(self._block(body, summed))
        return 0, b""

    def _deflate_begin(self, body: bytes, summed: int) -> tuple[int, bytes]:
        self._inflate = zlib.decompressobj()
        return self._flash_begin(body, summed)

    def _deflate_data(self, body: bytes, summed: int) -> tuple[int, bytes]:
        data = self._block(body, summed)
        try:
            self._program(self._inflate.decompress(data))
        except zlib.error as error:
            raise _RefusedError(_INFLATE) from error
        return 0, b""

    def _md5(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        at, size, _, _ = struct.unpack("<IIII", body)
        self._need_flash()
        if at + size > self._flash_end:
            raise _RefusedError(_FAILED)
        md5 = hashlib.md5(self._flash[at : at + size], usedforsecurity=False)
        return 0, md5.digest() if self.stub else md5.hexdigest().encode()

    def _security_info(self, _body: bytes, _summed: int) -> tuple[int, bytes]:
        return 0, struct.pack("<I8BII", 0, *(0,) * 8, self._chip.chip_id, 0)

    def _erase(self, at: int, size: int) -> None:
        """Erase whole sectors to ones, as NOR flash does."""
        start = at // SECTOR * SECTOR
        end = -(-(at + size) // SECTOR) * SECTOR
        if end > self._flash_end:
            raise _RefusedError(_FAILED)
        self._flash[start:end] = b"\xff" * (end - start)
        self._at, self._end = at, end

    def _program(self, data: bytes) -> None:
        """Program by clearing bits; as in NOR flash, only an erase sets them."""
        if self._at + len(data) > self._end:
            raise _RefusedError(_FAILED)
        place = slice(self._at, self._at + len(data))
        value = int.from_bytes(self._flash[place], "big") & int.from_bytes(data, "big")
        self._flash[place] = value.to_bytes(len(data), "big")
        self._at += len(data)

    def _read_register(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        (address,) = struct.unpack("<I", body)
        return self._registers.get(address, 0), b""

    def _write_register(self, body: bytes, _summed: int) -> tuple[int, bytes]:
        address, value, mask, _ = struct.unpack_from("<IIII", body)
        before = self._registers.get(address, 0)
        self._registers[address] = before & ~mask | value & mask
        spi = self._chip.spi
        if address == spi.base and value & _SPI_RUN:
            self._registers[address] = 0
            self._registers[spi.base + spi.w0] = self._flash_says()
        return 0, b""

    def _flash_says(self) -> int:
        """The flash's answer to the command in the controller's registers."""
        spi = self._chip.spi
        command = self._registers.get(spi.base + spi.usr2, 0) & 0xFF
        address = self._registers.get(spi.base + 4, 0) >> (8 if spi.address_left else 0)
        if not self.stub and not self._attached:
            return _NO_FLASH
        if command == 0x9F:
            return self._chip.flash_id
        if command == 0x5A:
            return {0: _SFDP, 0x10: 0xC8}.get(address, 0)
        return 0


def starts(flash: bytes, chip: Chip) -> bool:
    """Whether a chip boots from this flash. Bootloader and application must be in place and intact,
    and the bootloader must not state a larger flash than the real one."""
    at = chip.offset
    return (
        _whole(flash, at, chip)
        and MIB << (flash[at + 3] >> 4) <= len(flash)
        and _whole(flash, 0x10000, chip)
    )


def _whole(flash: bytes, at: int, chip: Chip) -> bool:
    """Whether an image has the right chip number, segments, checksum and SHA-256 (ESP-IDF,
    "Application Image Format")."""
    if flash[at] != 0xE9 or int.from_bytes(flash[at + 12 : at + 14], "little") != chip.image_chip:
        return False
    summed, offset = _SEED, at + 24
    for _ in range(flash[at + 1]):
        size = int.from_bytes(flash[offset + 4 : offset + 8], "little")
        if offset + 8 + size > len(flash):
            return False
        summed ^= checksum(flash[offset + 8 : offset + 8 + size]) ^ _SEED
        offset += 8 + size
    offset = at + ((offset - at) // 16 * 16 + 16)
    digest = hashlib.sha256(flash[at:offset]).digest()
    return flash[offset - 1] == summed and flash[offset : offset + 32] == digest
