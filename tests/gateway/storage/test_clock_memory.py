"""What the store remembers of the clock, and what a correction moves."""

from contextlib import closing

import pytest
from samples import AT, health

from fevergate.clock.judge import ClockState, Correction
from fevergate.storage import clock_memory
from fevergate.storage.records import HealthArrived
from fevergate.storage.store import Store


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "fevergate.db")) as store:
        yield store


@pytest.mark.parametrize(("off_s", "believed"), [(3600, True), (-59, True), (-61, False)])
def test_a_clock_that_is_behind_what_was_believed_is_in_doubt(store, monkeypatch, off_s, believed):
    clock_memory.remember(store, ClockState(at=AT, believed=True, why="running on"))
    monkeypatch.setattr("fevergate.storage.clock_memory.time.time", lambda: AT + off_s)
    state = clock_memory.present(store.db)
    assert state is not None
    assert (state.believed, state.at) == (believed, AT + off_s if believed else AT)


def test_a_correction_moves_the_coverage_of_the_minutes_that_it_touches(store):
    minute = AT // 60 * 60
    for number in range(4):
        at = minute + 60 * number + 30
        store.commit([HealthArrived(health(at=at, watched_s=1.0), at, "north")])
    clock_memory.correct(store, Correction(minute + 90, minute + 150, 86_400), AT + 90_000)
    hours = store.db.query("select hour, watched from hours where watched")
    minutes = {
        row["hour"] + 60 * bit for row in hours for bit in range(60) if row["watched"] >> bit & 1
    }
    assert minutes == {minute, minute + 86_460, minute + 86_520, minute + 180}
