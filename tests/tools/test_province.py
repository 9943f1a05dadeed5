"""A small province whose colleges are cut off, late, silent or asleep, have wrong clocks, or send
twice, in disorder or nonsense."""

import json
import os
import subprocess
import sys

import pytest
import real_micropython


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_colleges_days_are_right_or_said_to_be_missing(request, tmp_path, kind):
    options = []
    if kind == "postgresql":
        options = ["--database", request.getfixturevalue("postgres").database()]
    result = subprocess.run(
        [
            *(sys.executable, "-m", "scenarios.province", "--json"),
            *("--colleges", "10", "--days", "8", *options),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(real_micropython.ROOT / "tools")},
    )
    assert result.returncode == 0, result.stderr[-2000:]
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["wrong"] == 0 and summary["people"] > 20_000
    assert summary["versions"] > summary["reports"] == 8
