"""A kiosk is reported if its crowd differs from its neighbours', or if it hardly sees anybody."""

import random
from contextlib import closing

import pytest
from samples import AT, arrived, settings

from fevergate.reports.kiosk_comparison import (
    BUSY_PEOPLE,
    MIN_PEOPLE,
    TOLERANCE_C,
    Crowd,
    blind,
    crowds,
    deviating_kiosks,
)
from fevergate.settings.gateway import Gate
from fevergate.storage.connection import open_reader
from fevergate.storage.store import Store

HOUR = AT // 3600 * 3600


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "x.db")
    yield store
    store.close()


def day(store, seed=0, count=200, gate="north", **offsets_c):
    """Store readings of `count` people at each kiosk, too high by the kiosk's offset (°C)."""
    chance = random.Random(seed)
    batch = []
    for seq in range(1, count + 1):
        for kiosk, offset_c in offsets_c.items():
            arrival = arrived(
                seq,
                kiosk=kiosk.replace("_", "-"),
                body_c=36.5 + chance.gauss(0, 0.4),
                baseline_c=offset_c,  # the baseline followed the crowd: `body_c` is right
            )
            batch.append(type(arrival)(arrival.reading, arrival.received_at, gate))
    store.commit(batch)


def unlike_kiosks(store, **changes):
    reader = open_reader(store.path)
    try:
        return deviating_kiosks(crowds(reader, settings(**changes), HOUR, HOUR + 86400))
    finally:
        reader.close()


def three(**offsets):
    from fevergate.settings.gateway import Gate

    return {"gates": [Gate(name="north", kiosks=["north-1", "north-2", "north-3"])]}


def test_kiosks_that_read_alike_are_not_reported(store):
    for seed in range(8):
        day(store, seed, north_1=0.0, north_2=0.0, north_3=0.05)
        assert unlike_kiosks(store, **three()) == []


def test_chance_differences_among_the_fewest_people_report_no_kiosk(tmp_path):
    """The median of 30 people has a standard error of 0.09 °C around the crowd's median."""
    for seed in range(12):
        store = Store(tmp_path / f"{seed}.db")
        day(store, seed, MIN_PEOPLE, north_1=0.0, north_2=0.0, north_3=0.0)
        assert unlike_kiosks(store, **three()) == []
        store.close()


def test_a_kiosk_that_drifted_is_named_with_the_evidence(store):
    day(store, north_1=0.0, north_2=-0.5, north_3=0.05)
    (kiosk,) = unlike_kiosks(store, **three())
    assert kiosk.kiosk == "north-2" and kiosk.others == ("north-1", "north-3") and not kiosk.alone
    assert kiosk.difference_c == pytest.approx(-0.5, abs=0.15)
    assert abs(kiosk.difference_c) > kiosk.limit_c
    assert (kiosk.people, kiosk.others_people) == (200, 400)
    assert kiosk.line().startswith("differs by -0.") and len(kiosk.line()) < 64


def test_two_that_differ_are_both_named_for_either_may_be_wrong(store):
    day(store, north_1=0.0, north_2=0.6)
    assert {(kiosk.kiosk, kiosk.alone) for kiosk in unlike_kiosks(store)} == {
        ("north-1", True),
        ("north-2", True),
    }


def test_a_few_people_prove_nothing(store):
    day(store, count=MIN_PEOPLE - 1, north_1=0.0, north_2=1.0)
    assert unlike_kiosks(store) == []


def test_another_gate_is_another_crowd(store):
    day(store, north_1=0.0, north_2=0.0)
    day(store, gate="south", south_1=0.8)
    assert unlike_kiosks(store) == []


def test_two_of_five_are_found_one_after_the_other(store):
    day(store, north_1=0.0, north_2=0.0, north_3=0.0, north_4=0.5, north_5=-0.9)
    from fevergate.settings.gateway import Gate

    names = [f"north-{number}" for number in range(1, 6)]
    flagged = unlike_kiosks(store, gates=[Gate(name="north", kiosks=names)])
    assert [kiosk.kiosk for kiosk in flagged] == ["north-5", "north-4"]


def test_without_people_no_kiosk_is_reported():
    assert deviating_kiosks([]) == []


def test_a_median_is_the_temperature_that_its_people_had(store):
    people = [arrived(seq, body_c=36.5) for seq in range(1, MIN_PEOPLE + 1)]
    store.commit(people)
    with closing(open_reader(store.path)) as reader:
        (crowd,) = crowds(reader, settings(), HOUR, HOUR + 86400)
    assert crowd.median_c == pytest.approx(36.5, abs=0.05)


def crowd(kiosk, people, median_c=36.5):
    return Crowd(kiosk=kiosk, gate="north", people=people, median_c=median_c, error_c=0.0)


def test_at_its_limits_a_comparison_counts_the_people_and_allows_the_difference():
    few = [crowd("north-1", MIN_PEOPLE), crowd("north-2", MIN_PEOPLE, 37.5)]
    assert len(deviating_kiosks(few)) == 2
    allowed = [crowd("north-1", 200), crowd("north-2", 200, 36.5 + TOLERANCE_C)]
    assert deviating_kiosks(allowed) == []


@pytest.mark.parametrize(
    ("busy", "idle", "flagged"),
    [(BUSY_PEOPLE, 1, ["north-2"]), (BUSY_PEOPLE - 1, 0, []), (BUSY_PEOPLE, 2, [])],
)
def test_a_kiosk_that_sees_a_hundredth_of_a_busy_neighbours_people_is_blind(busy, idle, flagged):
    gates = {"gates": [Gate(name="north", kiosks=["north-1", "north-2"])]}
    crowds = [crowd("north-1", busy), *([crowd("north-2", idle)] if idle else [])]
    assert [kiosk.kiosk for kiosk in blind(settings(**gates), crowds)] == flagged
