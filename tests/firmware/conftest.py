"""Gives each test a folder of its own, because portable tests write into the current folder."""

import pytest
import real_micropython

HANGS_S = 3600
"""A test that takes longer counts as hung. A Pi, real or emulated, needs many times the minute that
a PC needs."""


def pytest_itemcollected(item):
    """Set the timeout of this folder's tests; pytest calls this for no others."""
    item.add_marker(pytest.mark.timeout(HANGS_S))


@pytest.fixture(params=real_micropython.INTERPRETERS)
def interpreter(request):
    """The name of each MicroPython interpreter: with 64-bit words, and with a board's 32-bit
    words."""
    return request.param


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
