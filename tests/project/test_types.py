"""Types are checked beside the other tests: it takes a minute and mostly one processor."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "of",
    [(), ("-p", "tools/pyright-firmware.json")],
    ids=["product_and_tools", "firmware_on_a_board"],
)
def test_types_are_right(of):
    checker = Path(sys.executable).with_name("basedpyright")
    result = subprocess.run(
        [checker, "--level", "error", *of], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
