"""What a running lamp post does with lamps, siren, flash and line, on MicroPython."""

from pathlib import Path

import real_micropython as micropython


def test_a_lamp_post_shows_sounds_keeps_and_tells_what_it_should(tmp_path, interpreter):
    output = micropython.run(
        str(Path(__file__).parent / "post_on_board.py"),
        str(micropython.ROOT / "firmware"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    assert output.count("passed test_") == 17
