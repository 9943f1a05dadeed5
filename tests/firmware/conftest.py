"""The portable tests write into the folder that they run in: give each its own."""

import pytest
import real_micropython


@pytest.fixture(params=real_micropython.INTERPRETERS)
def interpreter(request):
    """The name of each MicroPython that there is: 64-bit words, and a board's 32."""
    return request.param


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
