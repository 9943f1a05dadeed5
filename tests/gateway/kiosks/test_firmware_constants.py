"""Private constants of the firmware are compiled into the code; everything else stays as it was."""

from pathlib import Path

import pytest

from fevergate.kiosks.firmware_compiler import compiled
from fevergate.kiosks.firmware_constants import with_constants


@pytest.mark.parametrize(
    "value", ["1", "-70", "0.5", "2 * 3_600", "1 << 20", "b'\\x3c'", "'/unit'"]
)
def test_a_private_number_takes_no_name_on_the_board(value):
    source = f"_WAIT = {value}  # why\n\n\ndef wait():\n    return _WAIT\n".encode()
    assert with_constants(source).splitlines()[0] == f"_WAIT = const({value})  # why".encode()
    assert b"_WAIT" not in compiled(source, "kiosk/wait.py")


@pytest.mark.parametrize(
    "source",
    [
        "WAIT = 1\n",  # others may read it
        "_wait = 1\n",
        "_WAIT = [1]\n",  # may be changed
        "_WAIT = (1)\n",
        "_WAIT = min(1, 2)\n",
        "_ON, _OFF = 1, 0\n",
        "if True:\n    _WAIT = 1\n",
        "_WAIT = 1\n_WAIT = 2\n",
        "_WAIT = 1\n\n\ndef f():\n    global _WAIT\n    _WAIT = 2\n",
        "_WAIT = (\n",
    ],
)
def test_what_others_may_read_or_change_stays_a_name(source):
    assert with_constants(source.encode()) == source.encode()


def test_a_line_with_chinese_before_it_is_cut_at_the_right_place():
    assert with_constants("_名 = '温'\n_NAME = '温度'  # 好\n".encode()) == (
        "_名 = '温'\n_NAME = const('温度')  # 好\n".encode()
    )


def test_a_value_of_several_lines_is_wrapped_as_a_whole():
    source = b"_WAITS = (\n    1,\n    2,\n)\n\n\ndef wait(n):\n    return _WAITS[n]\n"
    assert with_constants(source).startswith(b"_WAITS = const((\n    1,\n    2,\n))\n")
    assert b"_WAITS" not in compiled(source, "kiosk/wait.py")


def test_no_file_of_the_firmware_looks_for_const_on_the_board():
    sources = sorted((Path(__file__).resolve().parents[3] / "firmware").rglob("*.py"))
    assert len(sources) > 40
    for source in sources:
        assert b"const\0" not in compiled(source.read_bytes(), source.name), source
