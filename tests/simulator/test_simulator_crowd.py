"""Virtual people behave as people at a kiosk do; when they act depends on the seed alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.evaluation.people_file import Person
from simulator import tapping
from simulator.crowd import LEAD_IN_MS, Crowd
from simulator.visitor import Habits

ANNA = Person("anna", (34.0, 35.0, 36.0), 22.0)
BERTA = Person("berta", (37.5,), 22.0)
HABITS = Habits()


def awake(*people: Person, seed: int = 0, habits: Habits = HABITS) -> Crowd:
    crowd = Crowd(people, seed, habits)
    crowd.thaw(0)
    return crowd


def test_before_anybody_comes_there_is_the_wall() -> None:
    crowd = awake(ANNA)
    assert crowd.view(LEAD_IN_MS - 1).radiant_c == pytest.approx(22.0)


def test_the_view_fills_while_somebody_approaches() -> None:
    crowd = awake(ANNA)
    fills = [crowd.view(LEAD_IN_MS + after).fill for after in (0, 100, 200, 300, 400)]
    assert fills == sorted(fills)
    assert fills[0] == 0.0
    assert fills[-1] >= 1.0 - HABITS.sway


def test_the_rounds_follow_each_other() -> None:
    crowd = awake(ANNA)
    skins = [crowd.view(LEAD_IN_MS + after).surface_c for after in (0, 600, 1200, 3000)]
    assert skins == pytest.approx([34.0, 35.0, 36.0, 36.0], abs=HABITS.flutter_c + 1e-9)


@pytest.mark.parametrize("colour", ["green", "red"])
def test_an_answer_is_final(colour: str) -> None:
    crowd = awake(ANNA)
    crowd.see(colour, LEAD_IN_MS + 1000)
    crowd.see("amber", LEAD_IN_MS + 1100)  # the visitor reacts already and does not see it
    crowd.advance(LEAD_IN_MS + 1000 + 800 + 300)
    (visit,) = crowd.visits
    assert (visit.subject, visit.colours, visit.tries) == ("anna", (colour,), 1)
    assert visit.arrived_ms == LEAD_IN_MS
    assert visit.answered_ms == (LEAD_IN_MS + 1000,)
    assert 300 + 300 <= visit.left_ms - (LEAD_IN_MS + 1000) <= 800 + 300
    assert crowd.done.is_set()


def test_amber_is_tried_again_twice() -> None:
    crowd = awake(ANNA)
    now_ms = float(LEAD_IN_MS)
    for _ in range(5):
        now_ms += 500
        crowd.see("amber", now_ms)
        now_ms += 800 + 1000  # time to react, step back and return
    crowd.advance(now_ms + 10_000)
    assert crowd.visits[0].colours == ("amber", "amber", "amber")


def test_who_stepped_back_has_left_the_view_for_a_moment() -> None:
    crowd = awake(ANNA)
    crowd.see("amber", LEAD_IN_MS + 1000)
    fills = [crowd.view(LEAD_IN_MS + 1000 + after).fill for after in range(0, 2600, 20)]
    assert min(fills) == 0.0
    assert fills[-1] > 0.9
    crowd.see("green", LEAD_IN_MS + 3700)
    crowd.advance(LEAD_IN_MS + 5000)
    assert crowd.visits[0].colours == ("amber", "green")


def test_patience_ends() -> None:
    crowd = awake(ANNA)
    crowd.advance(LEAD_IN_MS + 6000 + 300)
    assert crowd.visits[0].colours == ("none",)
    assert crowd.visits[0].answered_ms == (None,)
    assert crowd.visits[0].left_ms == LEAD_IN_MS + 6300


def test_a_light_shown_before_anybody_comes_answers_nobody() -> None:
    crowd = awake(ANNA)
    crowd.see("green", LEAD_IN_MS - 10)
    crowd.advance(LEAD_IN_MS + 7000)
    assert crowd.visits[0].colours == ("none",)


def test_the_next_one_comes_after_a_gap() -> None:
    crowd = awake(ANNA, BERTA)
    crowd.advance(60_000)
    first, second = crowd.visits
    assert second.arrived_ms - first.left_ms == HABITS.gap_ms


def test_time_stands_still_while_the_kiosk_boots() -> None:
    crowd = awake(ANNA)
    crowd.advance(LEAD_IN_MS + 1000)
    crowd.freeze(LEAD_IN_MS + 1000)
    crowd.see("green", 50_000)
    crowd.advance(100_000)
    assert crowd.visits == []
    crowd.thaw(100_000)
    crowd.see("red", 100_500)
    crowd.advance(110_000)
    assert crowd.visits[0].colours == ("red",)
    assert crowd.visits[0].answered_ms == (100_500,)


def test_more_people_open_the_crowd_again() -> None:
    crowd = awake()
    assert crowd.done.is_set()
    crowd.admit([BERTA])
    assert not crowd.done.is_set()
    crowd.advance(60_000)
    assert crowd.done.is_set()


@given(
    seed=st.integers(0, 1000),
    lights=st.lists(
        st.tuples(st.floats(0, 3000), st.sampled_from(["green", "amber", "red"])), max_size=30
    ),
    step_ms=st.floats(1, 5000),
)
def test_whatever_lights_everybody_leaves_and_looking_changes_nothing(
    seed: int, lights: list[tuple[float, str]], step_ms: float
) -> None:
    once, often = awake(ANNA, BERTA, seed=seed), awake(ANNA, BERTA, seed=seed)
    now_ms = 0.0
    for wait_ms, colour in lights:
        looks_ms = now_ms
        now_ms += wait_ms
        while looks_ms < now_ms:
            often.view(looks_ms)
            looks_ms += step_ms
        once.see(colour, now_ms)
        often.see(colour, now_ms)
    for crowd in (once, often):
        crowd.advance(now_ms + 200_000)
        assert crowd.done.is_set()
        assert [visit.subject for visit in crowd.visits] == ["anna", "berta"]
        assert all(1 <= visit.tries <= 3 for visit in crowd.visits)
    assert once.visits == often.visits


class Held:
    """A reader that records which card is held to it and when."""

    def __init__(self) -> None:
        self.taps: list[tuple[int, float]] = []

    def hold(self, number: int, at_ms: float, for_ms: float) -> None:
        self.taps.append((number, at_ms))


def with_cards(taps: dict[str, tapping.Taps], *people: Person) -> tuple[Crowd, Held]:
    reader = Held()
    crowd = Crowd(people, 0, HABITS, taps, reader)  # type: ignore[arg-type]
    crowd.thaw(0)
    return crowd, reader


@pytest.mark.parametrize("step_ms", [10, 90_000])
def test_people_tap_before_they_step_in_or_while_they_look(step_ms: int) -> None:
    taps = {"anna": tapping.before(1), "berta": tapping.anothers_first(3, 2)}
    crowd, reader = with_cards(taps, ANNA, BERTA)
    for now_ms in range(0, 90_001, step_ms):
        crowd.advance(now_ms)
    first, second = crowd.visits
    assert reader.taps == [
        (1, first.arrived_ms + tapping.BEFORE_MS),
        (3, second.arrived_ms + tapping.BEFORE_MS),
        (2, second.arrived_ms + tapping.DURING_MS),
    ]
    assert (*first.tapped, *second.tapped) == tuple(reader.taps)
    assert second.arrived_ms + tapping.BEFORE_MS > first.left_ms


@pytest.mark.parametrize(("colour", "taps"), [("amber", (1,)), ("green", ())])
def test_a_late_tapper_taps_only_once_amber_asks_for_it(colour: str, taps: tuple[int, ...]) -> None:
    crowd, reader = with_cards({"anna": tapping.late(1)}, ANNA)
    crowd.see(colour, LEAD_IN_MS + 1000)
    crowd.see("amber", LEAD_IN_MS + 4000)
    crowd.advance(60_000)
    assert reader.taps == [(number, LEAD_IN_MS + 1000.0) for number in taps]
    assert crowd.visits[0].tapped == tuple(reader.taps)


def test_a_person_who_has_left_does_not_tap_a_second_time() -> None:
    crowd, reader = with_cards({"anna": tapping.twice(1)}, ANNA, BERTA)
    crowd.see("green", LEAD_IN_MS + 450)
    crowd.advance(60_000)
    assert crowd.visits[0].left_ms < LEAD_IN_MS + tapping.AGAIN_MS
    assert crowd.visits[0].tapped == tuple(reader.taps)
    assert (len(reader.taps), crowd.visits[1].tapped) == (1, ())


def test_taps_stand_still_while_the_kiosk_boots() -> None:
    crowd, reader = with_cards({"anna": tapping.during(1)}, ANNA)
    crowd.advance(LEAD_IN_MS + 100)
    crowd.freeze(LEAD_IN_MS + 100)
    crowd.advance(50_000)
    assert reader.taps == []
    crowd.thaw(50_000)
    crowd.advance(51_000)
    assert reader.taps == [(1, 50_000 + tapping.DURING_MS - 100)]
    crowd.advance(110_000)
    assert crowd.visits[0].tapped == tuple(reader.taps)
