"""Whatever becomes of a gateway's card, its copies, its line and its clock: each day's figure is
that of the people who came, counted once."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played_calendar import DAY_S, World, clock_date

HOUR_S = 3600.0
WRONG_S = (-3 * DAY_S, -2 * HOUR_S, 3 * HOUR_S, 2 * DAY_S, 60 * DAY_S)


class Cards:
    """A played calendar with cards that break. What was on a card alone is gone with it, so that a
    card is taken out when the campus server has all of it, or when a backup has."""

    def __init__(self, folder):
        self.world = World(folder, "2026-09-01 06:00")
        self.world.synchronised = self.world.sntp = True
        self.world.start()
        self.backups: list[Path] = []
        self.copies: list[bytes] = []
        self.newest = None
        """The backup that has all that the card has."""

    def people_come(self, people=2, fever=True, half_hours=1):
        for _ in range(half_hours):
            self.world.step(people=people, fever=fever)
        self.newest = None

    def the_line_falls(self):
        self.world.reachable = False

    def the_line_is_back(self):
        self.world.reachable = True
        self.world.forward()

    def an_answer_is_lost(self):
        self.world.deaf = True
        self.world.forward()
        self.world.deaf = False

    def a_night(self, on):
        if on:
            self.world.skip(f"{clock_date(self.world.now + DAY_S)} 06:00")
        else:
            self.world.night("06:00")
        self.newest = None

    def the_clock_is_wrong(self, off_s, backup):
        self.the_clock_is_set(off_s)
        self.people_come()
        if backup:
            self.a_backup_is_taken(waiting=False)
        self.people_come()
        self.the_clock_is_set(0.0)

    def the_clock_is_set(self, off_s):
        """By a time server, where it is right."""
        self.world.off_s, self.world.synchronised = off_s, off_s == 0
        self.world.tick()

    def it_is_started_again(self):
        self.world.stop()
        self.world.start()

    def a_backup_is_taken(self, waiting):
        if waiting:  # for the campus server
            self.the_line_falls()
            self.people_come()
        self.newest = self.world.back_up()
        self.backups.append(self.newest)

    def the_card_is_copied(self, waiting):
        if waiting:
            self.the_line_falls()
            self.people_come()
        self.world.stop()
        self.copies.append(self.world.path.read_bytes())
        self.world.start()

    def a_backup_is_restored(self, which):
        if self.backups:
            backup = self.backups[which % len(self.backups)]
            if backup != self.newest:
                self.the_line_is_back()
            self.world.restore(backup)
            self.copies.clear()

    def an_empty_card_is_put_in(self):
        self.the_line_is_back()
        self.world.new_card()
        self.copies.clear()
        self.newest = None

    def a_copy_is_put_back(self, which):
        if self.copies:
            self.the_line_is_back()
            self.world.stop()
            self.world.path.write_bytes(self.copies[which % len(self.copies)])
            self.copies.clear()  # its epoch ends
            self.newest = None
            self.world.start()


def step(name, **fields):
    return st.tuples(st.just(name), st.fixed_dictionaries(fields))


STEPS = [
    step(
        "people_come", people=st.integers(0, 3), fever=st.booleans(), half_hours=st.integers(1, 4)
    ),
    step("the_line_falls"),
    step("the_line_is_back"),
    step("an_answer_is_lost"),
    step("a_night", on=st.booleans()),
    step("it_is_started_again"),
    step("a_backup_is_taken", waiting=st.booleans()),
    step("the_card_is_copied", waiting=st.booleans()),
    step("a_backup_is_restored", which=st.integers(0, 3)),
    step("an_empty_card_is_put_in"),
    step("a_copy_is_put_back", which=st.integers(0, 3)),
]
CLOCK = step("the_clock_is_wrong", off_s=st.sampled_from(WRONG_S), backup=st.booleans())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(*STEPS, CLOCK), min_size=4, max_size=16))
def test_each_day_is_counted_once_whatever_becomes_of_the_card(steps):
    play(steps)


@pytest.mark.parametrize("off_s", WRONG_S)
def test_a_backup_of_a_time_in_doubt_is_put_right_where_it_is_restored(off_s):
    """The card broke before its clock was right: what it told of some hours is of others."""
    people = ("people_come", {"half_hours": 4})
    wrong = ("the_clock_is_set", {"off_s": off_s})
    backup = ("a_backup_is_taken", {"waiting": False})
    restored = ("a_backup_is_restored", {"which": 0})
    right = ("the_clock_is_set", {"off_s": 0.0})
    play([people, wrong, people, backup, restored, people, right, people])


def play(steps):
    folder = Path(tempfile.mkdtemp(prefix="cards-"))
    cards = Cards(folder)
    world = cards.world
    try:
        for name, fields in steps:
            getattr(cards, name)(**fields)
        world.reachable = True
        world.skip(f"{clock_date(world.now + DAY_S)} 01:00")
        for day, people in world.people.items():
            if people:
                assert world.figures(day) == world.true(day), day
                assert world.campus.campus("east", day).contradictions == []
    finally:
        world.close()
        shutil.rmtree(folder)
