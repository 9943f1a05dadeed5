"""The loaders of virtual chips follow the documentation of their protocol, and esptool works with
them, with its stub and without."""

import hashlib
import struct
from typing import Any

import pytest
from esptool import cmds
from flash_helpers import desk, micropython
from hypothesis import given
from hypothesis import strategies as st

from simulator import chips
from simulator.rom import RomLoader, checksum, slip, starts

SYNC = b"\x07\x07\x12\x20" + 32 * b"\x55"


def ask(loader, command, body=b"", summed=0):
    """Send one command; return the answer's (status, error, data)."""
    answer = loader.feed(slip(struct.pack("<BBHI", 0, command, len(body), summed) + body))
    packet = answer[1:-1].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
    direction, opcode, size, _ = struct.unpack_from("<BBHI", packet)
    assert (direction, opcode, size) == (1, command, len(packet) - 8)
    return packet[-4], packet[-3], packet[8:-4]


def fresh(chip):
    return RomLoader(bytearray(b"\xff") * chip.flash_bytes, chip)


@pytest.fixture
def loader():
    return fresh(chips.WROOM_32E)


def block(data):
    return struct.pack("<IIII", len(data), 0, 0, 0) + data, checksum(data)


def test_it_answers_sync_eight_times(loader):
    answer = loader.feed(slip(struct.pack("<BBHI", 0, 8, len(SYNC), 0) + SYNC))
    assert answer.count(b"\xc0\x01\x08") == 8


def test_an_esp32_answers_an_unknown_command_eight_times_under_another_number(loader):
    answer = loader.feed(slip(struct.pack("<BBHI", 0, 0x14, 0, 0)))
    assert answer.count(b"\xc0\x01\x00\x04\x00") == 8 and answer.count(b"\x01\x05") == 8


def test_an_esp32_s3_says_which_chip_it_is():
    status, _, data = ask(fresh(chips.ESP32_S3_N8R2), 0x14)
    assert status == 0 and struct.unpack("<I8BII", data)[9] == 9


def begin(size, at, chip=chips.WROOM_32E):
    words = (size, 1, 4096, at, 0)
    return (
        struct.pack("<IIIII", *words) if chip.extended_begin else struct.pack("<IIII", *words[:4])
    )


def test_a_block_is_written_only_with_the_right_sum_and_only_where_it_was_erased(loader):
    assert ask(loader, 0x0D, bytes(8))[0] == 0
    assert ask(loader, 0x02, begin(4096, 0x1000))[0] == 0
    body, summed = block(bytes(range(256)))
    assert ask(loader, 0x03, body, summed ^ 1)[:2] == (1, 7)
    assert ask(loader, 0x03, body, summed)[0] == 0
    digest = ask(loader, 0x13, struct.pack("<IIII", 0x1000, 256, 0, 0))[2]
    assert digest.decode() == hashlib.md5(bytes(range(256)), usedforsecurity=False).hexdigest()
    body, summed = block(bytes(4096))
    assert ask(loader, 0x03, body, summed)[:2] == (1, 6)


@pytest.mark.parametrize("chip", [chips.WROOM_32E, chips.ESP32_S3_N8R2], ids=lambda chip: chip.name)
def test_nothing_is_written_before_the_flash_is_attached_or_beyond_its_end(chip):
    loader = fresh(chip)
    assert ask(loader, 0x02, begin(4096, 0, chip))[:2] == (1, 6)
    ask(loader, 0x0D, bytes(8))
    assert ask(loader, 0x02, begin(4096, 0, chip))[0] == 0
    assert ask(loader, 0x02, begin(4096, chip.flash_bytes, chip))[:2] == (1, 6)
    # A flash size that the ROM was told counts as the end, if it is smaller than the real one.
    ask(loader, 0x0B, struct.pack("<IIIIII", 0, 1 << 20, 0x10000, 0x1000, 256, 0xFFFF))
    assert ask(loader, 0x02, begin(8192, (1 << 20) - 4096, chip))[:2] == (1, 6)


def test_each_rom_takes_the_words_of_its_own_kind():
    for chip, words in ((chips.WROOM_32E, 5), (chips.ESP32_S3_N8R2, 4)):
        loader = fresh(chip)
        ask(loader, 0x0D, bytes(8))
        assert ask(loader, 0x02, struct.pack(f"<{words}I", *([0] * words)))[:2] == (1, 5)


def test_a_stub_is_taken_into_memory_that_there_is_and_nowhere_else(loader):
    assert ask(loader, 0x05, struct.pack("<IIII", 64, 1, 64, 0x40090000))[0] == 0
    assert ask(loader, 0x05, struct.pack("<IIII", 64, 1, 64, 0x3C000000))[:2] == (1, 6)


@given(st.binary(max_size=300))
def test_the_loader_still_answers_after_any_bytes(noise):
    loader = RomLoader(bytearray(b"\xff") * 0x2000, chips.ESP32_S3_N8R2)
    loader.feed(noise)
    loader.feed(b"\xc0")
    loader.feed(slip(noise))
    answer = loader.feed(b"\xc0" + slip(struct.pack("<BBHI", 0, 8, len(SYNC), 0) + SYNC))
    assert answer.count(b"\xc0\x01\x08") == 8


@pytest.mark.parametrize("chip", [chips.WROVER_E, chips.ESP32_S3_N8R2], ids=lambda chip: chip.name)
@pytest.mark.parametrize("stub", [False, True], ids=["ROM", "stub"])
def test_esptool_writes_and_then_it_starts(tmp_path, chip, stub):
    image = micropython(chip, size=2000)
    board = desk(tmp_path / "flash", chip=chip)
    try:
        esptool = cmds.connect_esp(board.url)
        esptool._port.timeout = 3
        assert chip.name == esptool.CHIP_NAME
        if stub:
            esptool = cmds.run_stub(esptool)
        cmds.attach_flash(esptool)
        assert cmds.detect_flash_size(esptool) == f"{chip.flash_bytes >> 20}MB"
        cmds.write_flash(esptool, [(chip.offset, image)])
        esptool._port.close()
        assert board.loader and board.loader.stub == stub
        assert bytes(board.flash_chip[chip.offset : chip.offset + len(image)]) == image
        assert starts(bytes(board.flash_chip), chip)
    finally:
        board.stop()


@pytest.mark.parametrize(
    ("chip", "says"),
    [
        (chips.ESP32_S3_N8R2, ("ESP32-S3 (QFN56) (revision v0.2)", "Embedded PSRAM 2MB (AP_3v3)")),
        (chips.ESP32_S3_N8R8, ("ESP32-S3 (QFN56) (revision v0.2)", "Embedded PSRAM 8MB (AP_3v3)")),
        (chips.ESP32_S3_N8, ("ESP32-S3 (QFN56) (revision v0.2)", "")),
        (chips.WROVER_E, ("ESP32-D0WD-V3 (revision v3.0)", "")),
        (chips.esp32(7), ("ESP32-D0WDR2-V3 (revision v3.0)", "")),
        (chips.esp32(6), ("ESP32-PICO-V3-02 (revision v3.0)", "Embedded PSRAM")),
    ],
)
def test_esptool_reads_of_the_efuses_what_such_a_chip_has(tmp_path, chip, says):
    board = desk(tmp_path / "flash", chip=chip)
    try:
        esptool: Any = cmds.connect_esp(board.url)
        description, features = esptool.get_chip_description(), esptool.get_chip_features()
        esptool._port.close()
    finally:
        board.stop()
    assert description == says[0]
    assert (says[1] in features) if says[1] else not any("PSRAM" in word for word in features)


def test_a_chip_starts_from_no_image_of_another_chip_or_of_a_larger_flash():
    for chip, other in (
        (chips.ESP32_S3_N8R2, chips.WROVER_E),
        (chips.WROVER_E, chips.ESP32_S3_N8R2),
    ):
        for image_chip, boots in ((chip, True), (other, False)):
            flash = bytearray(b"\xff") * chip.flash_bytes
            image = micropython(image_chip, size=500)
            flash[chip.offset : chip.offset + len(image)] = image
            assert starts(bytes(flash), chip) == boots
    image = micropython(chips.WROVER_E, size=500)
    flash = bytearray(b"\xff") * (2 << 20)
    flash[0x1000 : 0x1000 + len(image)] = image
    assert not starts(bytes(flash), chips.WROVER_E)
