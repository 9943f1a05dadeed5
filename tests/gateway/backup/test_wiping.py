"""Wiping a file overwrites its content and does not only remove its name."""

import os

import pytest

from fevergate.backup.wiping import wipe


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_each_byte_of_a_wiped_file_is_overwritten(tmp_path, size):
    path, same = tmp_path / "a.key", tmp_path / "another name"
    path.write_bytes(b"x" * size)
    os.link(path, same)
    wipe(path)
    assert not path.exists() and same.read_bytes() == bytes(size)
    wipe(path)  # once more changes nothing
