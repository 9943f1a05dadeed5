"""The card reader on MicroPython: taps, permits, and the data that leaves the kiosk."""

import re
from pathlib import Path

import real_micropython as micropython

SCRIPT = Path(__file__).parent / "cards_on_board.py"


def test_the_reader_its_permits_and_what_is_sealed(tmp_path, interpreter):
    output = micropython.run(
        str(SCRIPT),
        str(micropython.ROOT / "firmware"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    tests = sorted(re.findall(r"^def (test_\w+)", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE))
    assert [line.split()[1] for line in output.splitlines() if line.startswith("passed")] == tests
