"""The portable tests write into the folder that they run in: give each its own."""

import pytest
import real_micropython

HANGS_S = 3600
"""A test that takes longer hangs. A Pi, or one that is emulated, needs many times a PC's minute."""


def pytest_itemcollected(item):
    """Of this folder's tests alone."""
    item.add_marker(pytest.mark.timeout(HANGS_S))


@pytest.fixture(params=real_micropython.INTERPRETERS)
def interpreter(request):
    """The name of each MicroPython that there is: 64-bit words, and a board's 32."""
    return request.param


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
