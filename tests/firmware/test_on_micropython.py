"""The portable tests again, on the interpreter that the board runs."""

import importlib
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import real_micropython as micropython

from kiosk.estimate import SITES, body_c, through_emissivity

HERE = Path(__file__).parent
PORTABLE = sorted(path.stem for path in (HERE / "portable").glob("test_*.py"))


@pytest.mark.parametrize("name", PORTABLE)
def test_it_holds_on_micropython_too(name, tmp_path):
    out = micropython.run(
        str(HERE / "run_portable.py"),
        name,
        str(micropython.ROOT / "firmware"),
        str(HERE / "portable"),
        cwd=tmp_path,
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


def test_verdicts_are_the_same_to_the_last_digit_that_is_shown(tmp_path):
    script = tmp_path / "grid.py"
    script.write_text(GRID)
    firmware = str(micropython.ROOT / "firmware")
    board = micropython.run(str(script), firmware)

    host = subprocess.run(
        [sys.executable, str(script), firmware], capture_output=True, text=True, check=True
    ).stdout
    assert board == host
    for verdict in ("normal", "retry cold", "retry room", "retry confirm", "fever"):
        assert verdict in host
    assert len(board.splitlines()) > 14_000


class Single(float):
    """A number as the ESP32 port computes it: every result rounded to 24 bits."""


def _rounding(name):
    plain = getattr(float, name)

    def operate(self, *others):
        found = plain(self, *(float(other) for other in others))
        return Single(struct.unpack("f", struct.pack("f", found))[0])

    return operate


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Single, f"__{_name}__", _rounding(f"__{_name}__"))
    setattr(Single, f"__r{_name}__", _rounding(f"__r{_name}__"))


def test_a_boards_short_floats_show_the_same_tenths():
    for site in SITES.values():
        for tenth in range(330, 400):
            for air in (16.02, 22.4, 29.98, 34.9):
                long_c = body_c(through_emissivity(tenth / 10, air), air, site)
                seen_c = through_emissivity(Single(tenth / 10), Single(air))
                short_c = body_c(seen_c, Single(air), site)
                assert isinstance(seen_c, Single) and isinstance(short_c, Single)
                assert abs(float(short_c) - long_c) < 0.001
