"""The portable tests write into the folder that they run in: give each its own."""

import pytest

from simulator.interpreters import INTERPRETERS


@pytest.fixture(params=INTERPRETERS)
def interpreter(request):
    """The name of each MicroPython that there is: 64-bit words, and a board's 32."""
    return request.param


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
