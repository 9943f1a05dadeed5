"""A kiosk's connection over weeks, and the time that it is told, on MicroPython."""

from pathlib import Path

import real_micropython as micropython


def test_a_kiosk_reconnects_even_after_weeks(tmp_path, interpreter):
    output = micropython.run(
        str(Path(__file__).parent / "line_on_board.py"),
        str(micropython.ROOT / "firmware"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    assert output.count("passed test_") == 8
