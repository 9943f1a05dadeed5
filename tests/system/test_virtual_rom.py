"""The virtual ESP32's loader, by its protocol's documentation; under esptool without its stub."""

import hashlib
import struct

import pytest
from esptool import cmds
from flash_helpers import desk, micropython
from hypothesis import given
from hypothesis import strategies as st

from simulator.rom import FLASH_BYTES, RomLoader, checksum, slip, starts

SYNC = b"\x07\x07\x12\x20" + 32 * b"\x55"


def ask(loader, command, body=b"", summed=0):
    """(status, error, data) of what answers one command."""
    answer = loader.feed(slip(struct.pack("<BBHI", 0, command, len(body), summed) + body))
    packet = answer[1:-1].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
    direction, answered, size, _ = struct.unpack_from("<BBHI", packet)
    assert (direction, answered, size) == (1, command, len(packet) - 8)
    return packet[-4], packet[-3], packet[8:-4]


@pytest.fixture
def loader():
    return RomLoader(bytearray(b"\xff") * FLASH_BYTES)


def block(data):
    return struct.pack("<IIII", len(data), 0, 0, 0) + data, checksum(data)


def test_it_answers_sync_eight_times(loader):
    answer = loader.feed(slip(struct.pack("<BBHI", 0, 8, len(SYNC), 0) + SYNC))
    assert answer.count(b"\xc0\x01\x08") == 8


def test_what_an_esp32_does_not_know_is_refused(loader):
    assert ask(loader, 0x14)[:2] == (1, 5)


def test_a_block_is_written_only_with_the_right_sum_and_only_where_it_was_erased(loader):
    assert ask(loader, 0x02, struct.pack("<IIII", 4096, 1, 4096, 0x1000))[0] == 0
    body, summed = block(bytes(range(256)))
    assert ask(loader, 0x03, body, summed ^ 1)[:2] == (1, 7)
    assert ask(loader, 0x03, body, summed)[0] == 0
    digest = ask(loader, 0x13, struct.pack("<IIII", 0x1000, 256, 0, 0))[2]
    assert digest.decode() == hashlib.md5(bytes(range(256)), usedforsecurity=False).hexdigest()
    body, summed = block(bytes(4096))
    assert ask(loader, 0x03, body, summed)[:2] == (1, 6)


@given(st.binary(max_size=300))
def test_whatever_comes_over_the_line_it_goes_on(noise):
    loader = RomLoader(bytearray(b"\xff") * 0x2000)
    loader.feed(noise)
    loader.feed(b"\xc0")
    loader.feed(slip(noise))
    answer = loader.feed(b"\xc0" + slip(struct.pack("<BBHI", 0, 8, len(SYNC), 0) + SYNC))
    assert answer.count(b"\xc0\x01\x08") == 8


def test_esptool_writes_by_the_rom_alone_and_then_it_starts(tmp_path):
    image = micropython(size=2000)
    board = desk(tmp_path / "flash")
    try:
        chip = cmds.connect_esp(board.url)
        chip._port.timeout = 3
        cmds.attach_flash(chip)
        cmds.write_flash(chip, [(0x1000, image)])
        chip._port.close()
        assert board.loader and not board.loader.stub
        assert bytes(board.flash_chip[0x1000 : 0x1000 + len(image)]) == image
        assert starts(bytes(board.flash_chip))
    finally:
        board.stop()
