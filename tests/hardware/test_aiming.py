"""The share of people whose corner of the eye is measured at the first try: the figures behind the
table in optics.md."""

import json
import math
import random
from dataclasses import replace

import pytest
from hardware.test_optics import measure
from hypothesis import given
from hypothesis import strategies as st

from hardware_build import aiming, heads, optics
from hardware_build.errors import HardwareError
from hardware_build.heads import Way
from hardware_build.measures import Measures
from kiosk.scan import Scan

PARTS, FACE = optics.load()
HABITS = heads.load()
sizes = st.floats(2, 150)


@given(sizes, sizes, st.floats(0, 200), st.booleans())
def test_a_disc_beside_the_axis_never_gives_more_than_on_it(spot, disc, away, soft):
    beside, on_it = (aiming.share(spot, disc, place, soft) for place in (away, 0))
    assert 0 <= beside <= on_it + 1e-9 <= 1 + 1e-9
    assert on_it == pytest.approx(optics.share(spot, disc, soft), abs=0.02)


def test_a_soft_edges_share_agrees_with_random_points():
    chance = random.Random(1)
    sigma = 13.7 / (2 * math.sqrt(2 * math.log(2)))
    points = [(chance.gauss(6, sigma), chance.gauss(0, sigma)) for _ in range(20_000)]
    within = sum(math.hypot(*point) < 5 for point in points) / len(points)
    assert aiming.share(13.7, 10, 6, soft=True) == pytest.approx(within, abs=0.02)


@pytest.fixture(scope="module")
def table():
    """The rows of optics.md."""
    return aiming.compare(Measures())


def still(habits, **changes):
    """Habits of people who are all alike, know the distance and do not sway."""
    move = replace(habits.movement, sway_mm=0, people_sd=0, **changes)
    face = replace(habits.face, pupils_sd_mm=0, corners_sd_mm=0, tilt_sd_deg=0)
    return replace(habits, movement=move, face=face, distance=replace(habits.distance, sd_share=0))


def row(way, habits, people=30):
    return aiming.row(way, PARTS[way.part], FACE, habits, Measures(), people, 1)


def test_a_person_holding_still_before_a_small_mirror_is_measured_right_only_by_a_dci():
    # The eye is in place when the scan begins, so that the optics alone decide.
    habits = still(HABITS, begin_s=0.01, bit_s=0)
    way = Way("DCI", "", "", 100, mirror_mm=8)
    hard = row(way, habits)["hard"]
    assert hard["met"] == hard["answered"] == 1
    best = optics.view(PARTS["DCI"], 100, FACE)["hard"]["site_error_c"]
    assert hard["error_c"] == pytest.approx(best, abs=0.2)
    for part in ("DCH", "BCC"):
        assert row(replace(way, part=part), habits)["hard"]["met"] == 0


def test_a_scan_that_ends_before_the_eye_has_arrived_is_seen():
    slow = still(HABITS, begin_s=3, bit_s=0)
    way = Way("DCI", "", "", 100, mirror_mm=8)
    ended, held = (row(replace(way, sweeps=sweeps), slow)["hard"]["met"] for sweeps in (0, 1))
    assert ended == 0 and held > 0.5


def test_showing_the_distance_gains_less_than_a_scan_that_waits(table):
    """Why there is no distance sensor (hardware/README.md)."""
    rows = {
        row["way"]: row for row in table if (row["part"][-3:], row["distance_mm"]) == ("DCI", 100)
    }
    drawn, told, hottest = (
        next(row for way, row in rows.items() if way.startswith(name) and way.endswith(end))
        for name, end in (("corner", "8 mm"), ("corner", "told"), ("mirror", "1.5 s"))
    )
    for edge in ("hard", "soft"):
        told_gains, hottest_gains = (
            way[edge]["met"] - drawn[edge]["met"] for way in (told, hottest)
        )
        assert told_gains < 0.1 < 0.2 < hottest_gains
    assert Scan(sweeps=True)  # the firmware has the rule that waits


def test_the_shares_that_the_readme_relies_on_are_those_of_the_table(table):
    rows = {(row["part"][-3:], row["way"], row["distance_mm"]): row["hard"]["met"] for row in table}
    about = {
        ("DCI", "corner, mirror of 8 mm", 100): 1 / 3,
        ("DCI", "mirror, hottest of 1.5 s", 100): 2 / 3,
        ("DCI", "sweep along the eyes", 100): 1 / 4,
        ("DCI", "forehead", 50): 3 / 4,
        ("DCH", "forehead", 50): 3 / 4,
    }
    for way, share in about.items():
        assert rows[way] == pytest.approx(share, abs=0.08), way
    for part in ("DCH", "BCC"):
        for way in ("corner, mirror of 8 mm", "sweep along the eyes"):
            assert rows[part, way, 100] < 0.05


def test_the_command_prints_the_rows():
    rows = json.loads(measure("--people", "30", "--json", command="aiming").stdout)
    assert rows == aiming.compare(Measures(), 30)
    assert "mirror, hottest" in measure("--people", "30", command="aiming").stdout
    refused = measure("--people", "3", command="aiming")
    assert refused.returncode == 2 and "--people: expected 30 to" in refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sway_mm = 4", "sway_mm = -4", r"\[movement\] sway_mm: Expected `float` >= 0"),
        ("men_mm = [1474, 1664]", "men_mm = [1664, 1474]", "expected the 5 % and the 95 %"),
        ('source = ["assumed: people who', 'source = "assumed: people who', "toml"),
        ("refresh_s = 0.14", "refresh_s = '0.14'", "refresh_s: Expected `float`"),
    ],
)
def test_an_assumption_that_cannot_be_is_named(tmp_path, old, new, said):
    path = tmp_path / "aiming.toml"
    text = heads.TABLE.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(HardwareError, match=said):
        heads.load(path)
