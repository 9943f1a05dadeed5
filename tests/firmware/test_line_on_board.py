"""A kiosk's line over weeks, and what it is told of the time, on MicroPython."""

from pathlib import Path

import real_micropython as micropython


def test_weeks_do_not_keep_it_from_coming_back(tmp_path, interpreter):
    said = micropython.run(
        str(Path(__file__).parent / "line_on_board.py"),
        str(micropython.ROOT / "firmware"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    assert said.count("passed test_") == 8
