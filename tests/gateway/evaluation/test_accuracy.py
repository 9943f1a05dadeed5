"""Shares and areas under the curve, each with its confidence interval."""

import random
from itertools import pairwise
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.evaluation.statistics import auc, roc, wilson

scores = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, Stat. Med. 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_the_published_one(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_share_lies_in_its_interval(successes, failures):
    trials = successes + failures
    low, high = wilson(successes, trials)
    assert 0 <= low <= high <= 1
    if trials:
        assert low - 1e-12 <= successes / trials <= high + 1e-12


def test_the_area_of_scores_that_separate_and_of_scores_that_do_not():
    assert auc([3, 4], [1, 2]) == (1.0, 1.0, 1.0)
    assert auc([1, 2], [3, 4]) == (0.0, 0.0, 0.0)
    result = auc([1, 2, 3], [1, 2, 3])
    assert result and result[0] == 0.5
    assert auc([], [1.0]) is None and auc([1.0], []) is None


@given(scores, scores)
def test_the_area_is_that_under_the_curve(ill, well):
    points = roc(ill, well)
    area = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))
    result = auc(ill, well)
    assert result and result[0] == pytest.approx(area)
    assert 0 <= result[1] <= result[0] <= result[2] <= 1


def test_the_interval_of_an_area_is_what_drawing_again_gives():
    chance = random.Random(5)
    ill = [chance.gauss(1.2, 1) for _ in range(60)]
    well = [chance.gauss(0, 1) for _ in range(200)]
    result = auc(ill, well)
    assert result
    drawn = []
    for _ in range(400):
        redraw = auc(chance.choices(ill, k=60), chance.choices(well, k=200))
        assert redraw
        drawn.append(redraw[0])
    cuts = quantiles(drawn, n=40)
    assert result[1:] == pytest.approx((cuts[0], cuts[-1]), abs=0.02)
