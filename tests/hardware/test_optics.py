"""What a sensor sees: the formula, for a hard and a soft edge of the spot, and the command that
prints it."""

import json
import subprocess
import sys

import pytest
import real_micropython
from hypothesis import given
from hypothesis import strategies as st

from hardware_build import optics
from hardware_build.errors import HardwareError

PARTS, FACE = optics.load()
parts = st.sampled_from(list(PARTS.values()))
distances = st.floats(10, 3000)


def test_a_spot_is_the_opening_and_what_the_view_adds():
    # 2 d tan(FOV / 2) is 8.7 mm at 10 cm; the cone begins at the opening.
    assert optics.spot_mm(PARTS["DCI"], 100) == pytest.approx(8.73 + 5, abs=0.01)
    assert optics.spot_mm(PARTS["BAA"], 100) == pytest.approx(203)
    for part, cm in (("BAA", 2.35), ("BCC", 7.45), ("DCH", 21.4), ("DCI", 51.5)):
        assert optics.farthest_mm(PARTS[part], 50) / 10 == pytest.approx(cm, abs=0.05)


@given(parts, distances)
def test_background_in_the_view_only_lowers_the_reading(sensor, away):
    view = optics.view(sensor, away, FACE)
    for model in ("hard", "soft"):
        figures = view[model]
        assert 0 <= figures["site_share"] <= figures["skin_share"] <= 1
        assert figures["site_error_c"] <= 0 and figures["room_error_c"] <= 0
        assert FACE.room_c - FACE.site_c <= figures["site_error_c"]
    assert view["soft"]["site_error_c"] <= view["hard"]["site_error_c"] + 1e-6


@given(parts, distances, st.floats(1.05, 3))
def test_farther_away_never_sees_more_skin(sensor, away, more):
    near, far = (optics.view(sensor, mm, FACE) for mm in (away, more * away))
    for model in ("hard", "soft"):
        assert far[model]["skin_share"] <= near[model]["skin_share"]
        assert far[model]["site_error_c"] <= near[model]["site_error_c"] + 1e-6


def test_an_eyes_corner_does_not_fill_the_narrowest_parts_view_at_a_hands_breadth():
    view = optics.view(PARTS["DCI"], 100, FACE)
    assert view["hard"]["site_share"] == pytest.approx(0.53, abs=0.005)
    assert view["soft"]["site_share"] == pytest.approx(0.31, abs=0.005)
    assert view["hard"]["site_error_c"] == pytest.approx(-0.59, abs=0.005)
    assert view["soft"]["site_error_c"] == pytest.approx(-0.86, abs=0.005)


def test_a_soft_edge_keeps_a_half_within_the_spot():
    assert optics.share(20, 20, soft=True) == 0.5
    assert optics.share(20, 40, soft=True) == pytest.approx(1 - 1 / 16)


def measure(*arguments, command="optics"):
    return subprocess.run(
        [sys.executable, "-m", "measurement", command, *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(real_micropython.ROOT / "tools"), "PATH": "/usr/bin:/bin"},
        timeout=60,
    )


def test_the_command_prints_what_was_computed():
    view = json.loads(measure("--part", "mlx90614esf-bcc", "--distance", "15", "--json").stdout)
    assert view == optics.view(PARTS["BCC"], 150, FACE)
    output = measure("--part", "DCI", "--room", "10").stdout
    assert "13.7 mm" in output and "光斑" in output and "内眦" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--part", "XYZ"), "has DCI"),
        (("--distance", "0"), "1 to 300 cm"),
        (("--distance", "nan"), "1 to 300 cm"),
        (("--room", "1000"), "-20 to 50"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments, said):
    result = measure(*arguments)
    assert result.returncode == 2 and said in result.stderr and "Traceback" not in result.stderr


def test_a_wrong_figure_is_named_with_its_line(tmp_path):
    path = tmp_path / "sensors.toml"
    path.write_text(optics.TABLE.read_text().replace("fov_deg = 35", "fov_deg = -35"))
    line = path.read_text().splitlines().index("fov_deg = -35") + 1
    with pytest.raises(
        HardwareError, match=rf"line {line}: \[BCC\] fov_deg: Expected `float` >= 1.0"
    ):
        optics.load(path)
