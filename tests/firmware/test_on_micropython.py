"""The portable tests again, on the interpreter that the board runs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import real_micropython as micropython

HERE = Path(__file__).parent
PORTABLE = sorted(path.stem for path in (HERE / "portable").glob("test_*.py"))


@pytest.mark.parametrize("name", PORTABLE)
def test_it_holds_on_micropython_too(name, interpreter, tmp_path):
    out = micropython.run(
        str(HERE / "run_portable.py"),
        name,
        str(micropython.ROOT / "firmware"),
        str(HERE / "portable"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    module = importlib.import_module(f"firmware.portable.{name}")
    tests = sorted(test for test in dir(module) if test.startswith("test_"))
    assert [line.split()[1] for line in out.splitlines() if line.startswith("passed")] == tests


GRID = """
import sys; sys.path.insert(0, sys.argv[1])
from kiosk.estimate import SITES, through_emissivity
from kiosk.screening import Screening
for name in sorted(SITES):
    screening = Screening(SITES[name])
    now_ms = 0
    for step in range(2400):
        now_ms += (700, 3000, 9000, 40_000, 10_000_000)[step * 7 % 11 % 5]
        air_c = (12, 17, 22.4, 27.9, 36)[step * 3 % 7 % 5]
        skin_c = through_emissivity(33 + step * 37 % 61 / 10, air_c)
        for one in screening.judge(now_ms, skin_c, air_c, "", step % 3 == 0):
            print(name, "%.4f %.4f %.4f" % (skin_c, one.body_c, one.baseline_c), end=" ")
            print(one.verdict, one.reason)
        late = screening.overdue(now_ms + 5000)
        print(late and late.verdict)
"""


def test_verdicts_are_the_same_to_the_last_digit_that_is_shown(tmp_path, interpreter):
    script = tmp_path / "grid.py"
    script.write_text(GRID)
    firmware = str(micropython.ROOT / "firmware")
    board = micropython.run(str(script), firmware, interpreter=interpreter)

    host = subprocess.run(
        [sys.executable, str(script), firmware], capture_output=True, text=True, check=True
    ).stdout
    assert board == host
    for verdict in ("normal", "retry cold", "retry room", "retry confirm", "fever"):
        assert verdict in host
    assert len(board.splitlines()) > 14_000
