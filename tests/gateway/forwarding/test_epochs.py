"""Each day's figure counts everybody who came once, whatever becomes of a gateway's card, its
copies, its line and its clock."""

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
    """A simulated calendar with cards that break. Data that only the card has is lost with it, so a
    card is taken out only when the campus server or a backup has all of its data."""

    def __init__(self, folder, *, sntp=True):
        self.world = World(folder, "2026-09-01 06:00")
        self.world.synchronised = True
        self.world.sntp = sntp
        self.world.start()
        self.tokens = 0
        self.backups: list[Path] = []
        self.copies: list[bytes] = []
        self.newest = None
        """The backup that has all data of the card, if any has."""

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
        """Set the clock `off_s` ahead; with 0 a time server sets it right."""
        self.world.off_s, self.world.synchronised = off_s, off_s == 0
        self.world.tick()

    def the_token_is_replaced(self):
        self.tokens += 1
        self.world.give_token(f"token {self.tokens}")
        self.world.forward()

    def it_is_started_again(self):
        self.world.stop()
        self.world.start()

    def a_backup_is_taken(self, waiting):
        if waiting:  # some items wait for the campus server
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

    def an_empty_card_is_put_in(self):
        self.the_line_is_back()
        self.world.new_card()
        self.newest = None

    def a_copy_is_put_back(self, which):
        if self.copies:
            self.the_line_is_back()
            self.world.stop()
            self.world.path.write_bytes(self.copies[which % len(self.copies)])
            self.newest = None
            self.world.start()


def step(name, **fields):
    return st.tuples(st.just(name), st.fixed_dictionaries(fields))


TOKEN = step("the_token_is_replaced")
STEPS = [
    step(
        "people_come", people=st.integers(0, 3), fever=st.booleans(), half_hours=st.integers(1, 4)
    ),
    step("the_line_falls"),
    step("the_line_is_back"),
    step("an_answer_is_lost"),
    step("a_night", on=st.booleans()),
    step("it_is_started_again"),
    TOKEN,
    step("a_backup_is_taken", waiting=st.booleans()),
    step("the_card_is_copied", waiting=st.booleans()),
    step("a_backup_is_restored", which=st.integers(0, 3)),
    step("an_empty_card_is_put_in"),
    step("a_copy_is_put_back", which=st.integers(0, 3)),
]
CLOCK = step("the_clock_is_wrong", off_s=st.sampled_from(WRONG_S), backup=st.booleans())
SET = step("the_clock_is_set", off_s=st.sampled_from((0.0, 0.0, *WRONG_S)))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(*STEPS, CLOCK), min_size=4, max_size=16))
def test_each_day_is_counted_once_whatever_becomes_of_the_card(steps):
    play(steps)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.one_of(*(step for step in STEPS if step is not TOKEN), SET), min_size=6, max_size=20
    )
)
def test_whoever_corrects_a_wrong_clock_nobody_is_counted_twice_or_lost(steps):
    play(steps, sntp=False)


PEOPLE = ("people_come", {"half_hours": 4})
BACKUP = ("a_backup_is_taken", {"waiting": False})
RESTORED = ("a_backup_is_restored", {"which": 0})
STARTED = ("it_is_started_again", {})
RIGHT = ("the_clock_is_set", {"off_s": 0.0})
IN_DOUBT = {
    "the card broke before its clock was right": (BACKUP, RESTORED, PEOPLE, RIGHT),
    "restored twice": (BACKUP, RESTORED, PEOPLE, RIGHT, PEOPLE, RESTORED),
    "the card had corrected itself": (BACKUP, PEOPLE, RIGHT, PEOPLE, RESTORED),
    "the card had, a day ago": (BACKUP, RIGHT, ("a_night", {"on": True}), RESTORED),
    "a backup of the restored": (BACKUP, RESTORED, RIGHT, PEOPLE, BACKUP, PEOPLE, RESTORED),
}


@pytest.mark.parametrize("off_s", [-3 * DAY_S, 2 * DAY_S, 60 * DAY_S])
@pytest.mark.parametrize("case", IN_DOUBT)
def test_a_backup_of_a_time_in_doubt_is_put_right_once(case, off_s):
    """The card counted some people in wrong hours; the first store that corrects it is believed."""
    wrong_clock = ("the_clock_is_set", {"off_s": off_s})
    play([PEOPLE, wrong_clock, PEOPLE, STARTED, PEOPLE, *IN_DOUBT[case], PEOPLE], sntp=False)


@pytest.mark.parametrize("before", [True, False], ids=["told before", "told after"])
def test_of_a_damaged_database_the_campus_has_each_reading_once(tmp_path, before):
    """Some readings were told, some were not, and one came again. The forwarder does not wait for
    those that are still to be copied."""
    world = World(tmp_path, "2026-09-01 06:00")
    world.start()
    world.day(end="10:00", people=3, fever_at="09:00")
    world.reachable = False
    world.day(begin="10:00", end="11:00", people=3)
    world.stop()
    aside = world.path.rename(tmp_path / "damaged.db")
    world.start()
    world.say("reading", world.last)
    world.day(begin="11:00", end="11:30", people=2)
    world.reachable = before
    world.forward()
    world.salvage(aside)
    world.reachable = True
    world.day(begin="11:30", people=3)
    world.skip("2026-09-02 01:00")
    assert world.figures("2026-09-01") == world.true("2026-09-01")
    assert world.campus.campus("east", "2026-09-01").contradictions == []
    world.close()


def test_days_whose_readings_were_deleted_long_ago_stay_as_the_campus_has_them(tmp_path):
    """The damaged database has only the hours of those days."""
    world = World(tmp_path, "2026-09-01 06:00")
    world.start()
    world.day(people=3)
    world.night()
    world.day(people=2)
    assert world.store
    world.store.db.execute("delete from readings where at < ?", (world.now - DAY_S / 2,))
    world.stop()
    aside = world.path.rename(tmp_path / "damaged.db")
    world.start()
    world.salvage(aside)
    world.skip("2026-09-03 01:00")
    for day in ("2026-09-01", "2026-09-02"):
        assert world.figures(day) == world.true(day)
    world.close()


def play(steps, *, sntp=True):
    """Play the steps and compare the campus server's figures with the people who came.

    Without `sntp` the kiosk has its time from the gateway alone and may date readings on a wrong
    day, so only the sum of all days is compared."""
    folder = Path(tempfile.mkdtemp(prefix="cards-"))
    cards = Cards(folder, sntp=sntp)
    world = cards.world
    try:
        for name, fields in steps:
            getattr(cards, name)(**fields)
        world.reachable = True
        if not sntp:
            cards.the_clock_is_set(0.0)
        world.skip(f"{clock_date(world.now + DAY_S)} 01:00")
        for day, people in world.people.items():
            if people and sntp:
                assert world.figures(day) == world.true(day), day
                assert world.campus.campus("east", day).contradictions == []
        assert world.totals() == (sum(world.people.values()), sum(world.fevers.values()))
    finally:
        world.close()
        shutil.rmtree(folder)
