"""A crowd drawn from published statistics."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.evaluation.people_file import SITES
from simulator.errors import SimulatorError
from simulator.population import SITE_STATISTICS, built_in_crowd


def test_one_seed_gives_one_crowd_and_another_seed_another_crowd() -> None:
    assert built_in_crowd(20, seed=1) == built_in_crowd(20, seed=1)
    assert built_in_crowd(20, seed=1) != built_in_crowd(20, seed=2)


@given(n=st.integers(0, 200), share=st.floats(0, 1), seed=st.integers())
def test_the_crowd_has_the_fevers_that_were_asked_for(n: int, share: float, seed: int) -> None:
    crowd = built_in_crowd(n, seed, fever_share=share)
    fevers = [person for person in crowd if (person.oral_c or 0) >= 38.0]
    assert len(crowd) == n
    assert len(fevers) == round(n * share)
    assert all((person.oral_c or 0) < 37.51 for person in crowd if person not in fevers)


@pytest.mark.parametrize("site", SITES)
def test_the_crowd_has_the_published_statistics(site: str) -> None:
    published = SITE_STATISTICS[site]
    crowd = built_in_crowd(4000, seed=7, fever_share=0.0, site=site)
    skins = [statistics.fmean(person.rounds_c) for person in crowd]
    oral_minus_skin = [
        (person.oral_c or 0) - skin for person, skin in zip(crowd, skins, strict=True)
    ]
    assert statistics.fmean(skins) == pytest.approx(published.healthy_c, abs=0.1)
    assert statistics.fmean(oral_minus_skin) == pytest.approx(published.oral_minus_skin_c, abs=0.05)
    # The mean of four rounds still has a quarter of the variance of a single round.
    expected_sd = (published.oral_minus_skin_sd_c**2 + published.repeat_sd_c**2 / 4) ** 0.5
    assert statistics.stdev(oral_minus_skin) == pytest.approx(expected_sd, rel=0.05)
    within = [statistics.variance(person.rounds_c) for person in crowd]
    assert statistics.fmean(within) ** 0.5 == pytest.approx(published.repeat_sd_c, rel=0.05)


def test_a_warm_room_warms_the_skin() -> None:
    cool = built_in_crowd(50, seed=3, ambient_c=18.0)
    warm = built_in_crowd(50, seed=3, ambient_c=28.0)
    for before, after in zip(cool, warm, strict=True):
        assert after.rounds_c[0] - before.rounds_c[0] == pytest.approx(1.0, abs=0.011)


def test_a_crowd_that_makes_no_sense_is_refused() -> None:
    for arguments in ({"n": -1}, {"n": 1, "fever_share": 1.5}, {"n": 1, "site": "nose"}):
        with pytest.raises(SimulatorError):
            built_in_crowd(**arguments)  # type: ignore[arg-type]
