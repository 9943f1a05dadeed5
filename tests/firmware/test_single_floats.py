"""A board's floats have 24 bits. Here the firmware's code runs with every result rounded to 24
bits."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import real_micropython
from single_floats import NAMES, compiled, single

from kiosk.estimate import SITES, body_c, through_emissivity

HERE = Path(__file__).parent
FIRMWARE = real_micropython.ROOT / "firmware"
PORTABLE = sorted(path.stem for path in (HERE / "portable").glob("test_*.py"))
SHOWN_C = 0.0002
"""Far less than the tenth of a degree that a person is shown and the hundredth that is kept."""

LINE = re.compile(r"(\w+ )([\d.]+) ([\d.]+) (-?[\d.]+)( .*)")


def rounded(*arguments, cwd):
    """Run a script or a module of tests with rounded floats; return what it printed."""
    result = subprocess.run(
        [
            *(sys.executable, str(HERE / "single_floats.py"), str(FIRMWARE)),
            *(str(HERE / "portable"), *map(str, arguments)),
        ],
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name", PORTABLE)
def test_the_portable_tests_hold_with_a_boards_floats(name, tmp_path):
    """Calibration, baseline, record, settings, scan: everything on which a board's decisions
    depend."""
    out = rounded(name, cwd=tmp_path)
    module = importlib.import_module(f"firmware.portable.{name}")
    tests = sorted(test for test in dir(module) if test.startswith("test_"))
    assert [line.split()[1] for line in out.splitlines() if line.startswith("passed")] == tests


def test_verdicts_are_equal_and_figures_agree_as_far_as_they_are_shown(tmp_path):
    from firmware.test_on_micropython import GRID

    script = tmp_path / "grid.py"
    script.write_text(GRID)
    board = rounded("-", script, FIRMWARE, cwd=tmp_path).splitlines()
    host = subprocess.run(
        [sys.executable, str(script), str(FIRMWARE)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(board) == len(host) > 14_000
    differ = 0
    for short, long in zip(board, host, strict=True):
        if short == long:
            continue
        differ += 1
        a, b = LINE.fullmatch(short), LINE.fullmatch(long)
        assert a and b and a[1] == b[1] and a[5] == b[5], (short, long)
        assert all(abs(float(a[n]) - float(b[n])) < SHOWN_C for n in (2, 3, 4)), (short, long)
    assert differ  # the rounding is at work


def test_a_temperature_is_the_same_to_a_thousandth_at_every_site():
    short = dict(NAMES)
    exec(compiled(FIRMWARE / "kiosk/estimate.py"), short)  # noqa: S102
    for name, site in SITES.items():
        for tenth in range(330, 400):
            for air in (16.02, 22.4, 29.98, 34.9):
                long_c = body_c(through_emissivity(tenth / 10, air), air, site)
                seen_c = short["through_emissivity"](single(tenth / 10), single(air))
                short_c = short["body_c"](seen_c, single(air), short["SITES"][name])
                assert single(short_c) == short_c
                assert abs(short_c - long_c) < 0.001


RECORD = """
import sys; sys.path.insert(0, sys.argv[1])
from kiosk import record
for hundredths in range(-2000, 12000):
    values = dict.fromkeys(record.TEMPERATURES, hundredths / 100)
    values.update({"seq": 4294967290, "at": 1900000001, "up_ms": 1 << 33, "samples": 9})
    values.update({"scan_ms": 900, "queued": 3, "fw": "0.1.0", "verdict": "fever", "reason": ""})
    back = record.unpack(record.pack(values))
    for name in values:
        if name in record.TEMPERATURES:
            assert round(back[name] * 100) == hundredths, (name, hundredths, back[name])
        else:
            assert back[name] == values[name], (name, back[name])
print("kept")
"""


def test_every_hundredth_of_a_degree_is_kept_as_it_was_and_every_number_beside_it(tmp_path):
    script = tmp_path / "record_of_all.py"
    script.write_text(RECORD)
    assert rounded("-", script, FIRMWARE, cwd=tmp_path) == "kept\n"


CLOCK = """
import sys, types; sys.path.insert(0, sys.argv[1])
import asyncio, struct, time
at = types.SimpleNamespace(time=lambda: 1900000001, gmtime=time.gmtime, ticks=0)
at.ticks_ms = lambda: at.ticks % (1 << 30)
at.ticks_diff = lambda a, b: (a - b + (1 << 29)) % (1 << 30) - (1 << 29)
sys.modules["time"] = at
sys.modules["machine"] = types.ModuleType("machine")
set_to = []
sys.modules["machine"].RTC = lambda: types.SimpleNamespace(datetime=set_to.append)
from kiosk import clock, sntp
assert clock.utc() == 1900000001 and type(clock.utc()) is int
packet = bytearray(48)
packet[0], packet[1], packet[24:32] = 0x24, 2, b"asked-it"
packet[40:48] = struct.pack(">II", 1900000001 + 2_208_988_800 & 0xFFFFFFFF, 0xF5C28F5C)
now_ms = sntp.parse_answer(packet, b"asked-it")
assert now_ms == 1900000001959 and type(now_ms) is int, now_ms
clock.set_utc(now_ms // 1000)
assert set_to == [(2030, 3, 17, 6, 17, 46, 41, 0)], set_to
uptime = clock.Uptime()
for hour in range(1, 24 * 40):
    at.ticks += 3600001
    assert uptime.ms() == hour * 3600001
assert type(uptime.ms()) is int
print("right")
"""


def test_the_clock_has_no_float_in_it(tmp_path):
    """A single float holds the seconds since 1970 only to within two minutes."""
    script = tmp_path / "clock_of_forty_days.py"
    script.write_text(CLOCK)
    assert rounded("-", script, FIRMWARE, cwd=tmp_path) == "right\n"
