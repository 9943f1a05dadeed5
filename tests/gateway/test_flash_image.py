"""What is taken for MicroPython's image, what is refused, and what is kept for the next board."""

import hashlib

import pytest
from flash_helpers import APPLICATION, ESP32_S3, micropython
from hypothesis import given
from hypothesis import strategies as st

from fevergate.errors import FlashError
from fevergate.flash import image

WHOLE = micropython()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ESP32_GENERIC-v1.28.0.bin"
    path.write_bytes(WHOLE)
    return path


def refused(name, data):
    with pytest.raises(FlashError) as refused:
        image.judge(name, data)
    return str(refused.value)


def test_a_whole_image_says_its_version():
    assert image.judge("x.bin", WHOLE).version == (1, 28)


def test_an_image_for_another_chip_is_named():
    assert "made for ESP32-S3, expected ESP32" in refused("x.bin", micropython(ESP32_S3))


def test_an_older_micropython_is_refused():
    assert "MicroPython 1.27, expected 1.28" in refused("x.bin", micropython(version=b"v1.27.9"))


def test_another_program_for_an_esp32_is_refused():
    assert "holds 'tasmota32'" in refused("x.bin", micropython(project=b"tasmota32"))


def test_something_else_is_refused_and_says_what_to_download():
    assert "ESP32_GENERIC" in refused("x.bin", b"<html>404</html>" * 100)
    assert "ESP32_GENERIC" in refused("x.bin", b"")
    assert "partition table" in refused("x.bin", WHOLE[:0x7000].ljust(0x9000, b"\xff"))


@given(st.integers(0, len(WHOLE)))
def test_a_download_that_was_cut_off_is_refused_wherever_it_ends(length):
    if length < len(WHOLE):
        refused("x.bin", WHOLE[:length])


@given(st.integers(APPLICATION, len(WHOLE) - 1), st.integers(1, 255))
def test_a_damaged_byte_of_the_program_is_found_wherever_it_is(at, flipped):
    damaged = bytearray(WHOLE)
    damaged[at] ^= flipped
    refused("x.bin", bytes(damaged))


def test_an_image_without_a_digest_is_held_to_its_checksum():
    whole = micropython(digest=False)
    assert image.judge("x.bin", whole).version == (1, 28)
    damaged = bytearray(whole)
    damaged[-100] ^= 1
    assert "its checksum is wrong" in refused("x.bin", bytes(damaged))


def test_the_file_must_be_the_one_whose_digest_was_published(file):
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert image.read(file, digest.upper()).sha256 == digest
    with pytest.raises(FlashError, match="expected 0000"):
        image.read(file, "0" * 64)
    with pytest.raises(FlashError, match="64 hex digits"):
        image.read(file, "abc")


def test_a_digest_that_lies_beside_the_file_is_looked_at(file):
    beside = file.with_name(file.name + ".sha256")
    beside.write_text(f"{hashlib.sha256(WHOLE).hexdigest()}  {file.name}\n")
    image.read(file)
    beside.write_text(f"{'0' * 64}  {file.name}\n")
    with pytest.raises(FlashError, match="SHA-256"):
        image.read(file)
    beside.write_text("see website")
    with pytest.raises(FlashError, match="as sha256sum writes it"):
        image.read(file)


def test_what_was_taken_once_is_there_for_the_next_board(file):
    with pytest.raises(FlashError, match=r"1\.28 or newer, from https://micropython\.org/"):
        image.cached()
    image.keep(image.read(file))
    assert image.cached() == image.read(file)


def test_what_rots_in_the_cache_is_not_flashed(file):
    path = image.keep(image.read(file))
    path.write_bytes(WHOLE[:-1] + b"?")
    with pytest.raises(FlashError, match="damaged"):
        image.cached()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FlashError, match=r"none\.bin: No such file"):
        image.read(tmp_path / "none.bin")
