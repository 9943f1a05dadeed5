"""`tools/measure` prints what it measured."""

import json
import os
import subprocess
import sys

import pytest
import real_micropython

from measurement.blackbody import commercial, slope


def measure(*arguments: str):
    environment = os.environ | {"PYTHONPATH": str(real_micropython.ROOT / "tools")}
    return subprocess.run(
        [sys.executable, "-m", "measurement", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )


def test_a_black_body_is_followed_degree_by_degree():
    result = measure("blackbody", "--step", "0.5", "--json")
    report = json.loads(result.stdout)
    steps = report["steps"]
    assert [step["blackbody_c"] for step in steps] == [35 + n / 2 for n in range(11)]
    # The slope is a little over 1 because of emissivity. The tolerance allows for the sensor's
    # noise over eleven steps.
    assert 0.96 < report["slope"] < 1.08
    for step in steps:
        assert abs(step["body_c"] - step["skin_c"] - 1.0) < 0.02
        assert step["skin_c"] > step["object_c"]


@real_micropython.needs("32bit")
def test_a_verdict_fits_into_a_boards_memory():
    result = measure("cost", "--verdicts", "200", "--people", "3", "--json")
    report = json.loads(result.stdout)
    assert report["verdict_bytes"] <= 1280
    assert report["state_bytes"] <= 1024
    assert report["answered"] == report["people"] == 3
    assert report["settling_ms"] + report["sampling_ms_p50"] == report["answer_ms_p50"]


@real_micropython.needs("32bit")
def test_a_reading_erases_less_than_a_block_and_the_flash_outlives_the_kiosk():
    report = json.loads(measure("wear", "--readings", "1000", "--days", "4", "--json").stdout)
    assert report["answers"]["erases_per_reading"] < 0.1
    assert report["away"]["erases_per_reading"] < 0.5
    for mode in ("answers", "away"):
        assert report[mode]["years"] > 30
        assert report[mode]["file_writes_per_reading"] < 1.1
    assert report["full"]["heap_bytes"] < 16 * 1024


def test_commercial_devices_can_be_put_beside_it(tmp_path):
    path = tmp_path / "ipvm.csv"
    rows = [f"Flat,1m,{35 + n / 2},36.5" for n in range(11)] + ["Flat,1m,35.25,N/A"]
    path.write_text("device,distance,blackbody_c,device_reading_c\n" + "\n".join(rows))
    assert commercial(path) == {"Flat 1m": {"slope": 0.0, "lowest_c": 36.5, "highest_c": 36.5}}
    path.write_text(path.read_text() + "\nFlat,1m,36.0,warm\n")
    result = measure("blackbody", "--ipvm", str(path))
    assert (
        result.returncode == 2 and "line 14" in result.stderr and "Traceback" not in result.stderr
    )


def test_a_wrong_file_of_people_is_named(tmp_path):
    result = measure("constants", str(tmp_path / "nobody.csv"))
    assert result.returncode == 2 and "No such file" in result.stderr


def test_a_slope_is_a_slope():
    assert slope([(35, 36), (36, 37), (37, 38)]) == pytest.approx(1.0)
