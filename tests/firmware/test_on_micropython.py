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


def test_estimates_are_the_same_to_the_last_digit_that_is_shown(tmp_path):
    script = tmp_path / "grid.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from kiosk import screening\n"
        "from kiosk.mlx90614 import through_emissivity\n"
        "for site in sorted(screening.SITES):\n"
        "    for tenth in range(280, 420, 3):\n"
        "        for ambient in (5, 16, 22, 30, 38):\n"
        "            skin = through_emissivity(tenth / 10, ambient)\n"
        "            body = screening.body_c(skin, ambient, screening.SITES[site])\n"
        "            print(site, tenth, '%.4f' % body, *screening.decide(skin, body, ''))\n"
    )
    firmware = str(micropython.ROOT / "firmware")
    board = micropython.run(str(script), firmware)

    host = subprocess.run(
        [sys.executable, str(script), firmware], capture_output=True, text=True, check=True
    ).stdout
    assert board == host
    assert len(board.splitlines()) > 600
