"""Who was expected, measured, excused and not measured: every figure against a model that counts by
hand."""

import tempfile
from contextlib import ExitStack, closing
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people_helpers import Clock, entry, gateway_people

from fevergate.errors import MarkError, PeriodError
from fevergate.people.changes import PeopleChanges
from fevergate.people.copying import ListCopy, page
from fevergate.people.marks import (
    FEVER_C,
    MEASURED,
    Marks,
    NewMark,
    fevers_since,
    set_marks_aside,
)
from fevergate.people.policy import Policies
from fevergate.people.presences import CardPresences
from fevergate.people.roll import DayRoll, in_words
from fevergate.people.roll_keeper import RollKeeper
from fevergate.storage.coverage_bits import DAY_S, day_bounds
from fevergate.storage.store import Store
from fevergate.texts.translations import translator

ZONE = ZoneInfo("Asia/Shanghai")
NUMBERS = [f"2023{n:03}" for n in range(7)]
UNITS = ["计应2301", "软件2302"]
STATES = ("unmeasured", "excused", "measured")


class College:
    """A list at a gateway, its marks and its roll, and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(datetime(2026, 11, 27, 9, tzinfo=ZONE).timestamp())
        self._stack = ExitStack()
        self.store = self._stack.enter_context(gateway_people(folder, self.clock))
        self.changes = PeopleChanges(self.store)
        self.marks = Marks(self.store.statements, self.store.vault, ZONE)
        self.roll = RollKeeper(self.store.statements, ZONE)
        self.readings = self._stack.enter_context(closing(Store(folder / "fevergate.db")))
        self.take_anew()

    def take_anew(self) -> None:
        """As another process of the pages would take presences over."""
        database = self.readings.path
        self.presences = CardPresences(self.store.statements, database, ZONE, 30)

    def passes(self, number: str, verdict: str = "normal", at: float | None = None, **of) -> None:
        """Somebody taps a card at a kiosk and is measured, or not (`retry`)."""
        select = "select coalesce(max(seq), 0) + 1 from presences"
        (seq,) = self.readings.db.execute(select).fetchone()
        person = of.get("person") or self.person(number)
        with self.readings.transaction():
            self.readings.db.execute(
                "insert into presences values ('north-1', 1, ?, ?, 'north', ?, ?)",
                (seq, self.clock.at if at is None else at, person, verdict),
            )

    @property
    def today(self) -> date:
        return self.roll.today()

    def person(self, number: str) -> int:
        person = self.store.by_number(number)
        assert person
        return person.person

    def enter(self, number: str, day: date | None = None, units=None, **what) -> None:
        mark = NewMark(person=self.person(number), **what)
        self.marks.enter(day or self.today, [mark], "Chen", units=units)

    def numbers(self, state: str, day: date | None = None, units=None) -> list[str]:
        people = self.roll.people(day or self.today, state, units)  # type: ignore[arg-type]
        names = self.store.people(row.person for row in people)
        return [names[row.person].number for row in people]

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def college(tmp_path):
    with closing(College(tmp_path)) as college:
        yield college


class Model:
    """The same, counted by hand: lists of people, marks by day and person."""

    def __init__(self) -> None:
        self.people: dict[str, dict] = {}
        self.marks: dict[tuple[date, str], tuple[str, float | None]] = {}
        self.elsewhere: dict[tuple[date, str], str] = {}
        self.passed: set[tuple[date, str]] = set()
        self.closed: dict[date, dict[str, str]] = {}

    def replace(self, listed: dict[str, tuple[str, bool]], now: float) -> None:
        for number, (unit, expected) in listed.items():
            since = self.people.get(number, {}).get("since", now)
            self.people[number] = {
                "unit": unit,
                "expected": expected,
                "since": since,
                "until": None,
            }
        for number, person in self.people.items():
            if number not in listed and person["until"] is None:
                person["until"] = now

    def expected(self, day: date, now: float) -> dict[str, str]:
        """Unit of each person who was expected, by number."""
        if day in self.closed:
            return self.closed[day]
        at = min(now, day_bounds(day, ZONE)[1] - 1e-3)
        return {
            number: person["unit"]
            for number, person in self.people.items()
            if person["expected"]
            and person["since"] <= at
            and (person["until"] is None or person["until"] > at)
        }

    def state(self, day: date, number: str) -> str:
        kind, _ = self.marks.get((day, number), ("none", None))
        known = {kind, self.elsewhere.get((day, number), "none")}
        if (day, number) in self.passed:
            return "measured"
        if known & {"hand", "measured"}:
            return "measured"
        return "excused" if "excused" in known else "unmeasured"

    def figures(self, day: date, now: float) -> dict[str, DayRoll]:
        figures: dict[str, DayRoll] = {}
        for number, unit in self.expected(day, now).items():
            counted = DayRoll(expected=1, **{self.state(day, number): 1})
            figures[unit] = figures.get(unit, DayRoll()) + counted
        for (marked, number), (_, clinical_c) in self.marks.items():
            if marked == day and clinical_c is not None and clinical_c >= FEVER_C:
                then = self.closed.get(day, {}).get(number)
                unit = then or self.people[number]["unit"]
                figures[unit] = figures.get(unit, DayRoll()) + DayRoll(fevers=1)
        return figures


class RollMachine(RuleBasedStateMachine):
    """Lists come and go, people are measured, excused and taken back, days end."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.college = College(Path(self._folder.name))
        self.model = Model()
        self.first = self.college.today
        self.kept: dict[date, DayRoll] = {}

    def teardown(self) -> None:
        self.college.close()
        self._folder.cleanup()

    @initialize(
        listed=st.dictionaries(
            st.sampled_from(NUMBERS), st.tuples(st.sampled_from(UNITS), st.booleans()), min_size=1
        )
    )
    def begin(self, listed) -> None:
        self.replace(listed)
        self.listed_at = self.college.clock.at
        self.college.roll.close_days(30)

    @rule(
        listed=st.dictionaries(
            st.sampled_from(NUMBERS), st.tuples(st.sampled_from(UNITS), st.booleans()), min_size=1
        )
    )
    def replace(self, listed) -> None:
        self.college.clock.at += 1
        self.college.changes.replace(
            [
                entry(number, unit=unit, expected=expected, card="")
                for number, (unit, expected) in listed.items()
            ]
        )
        self.model.replace(listed, self.college.clock.at)

    @rule(data=st.data(), what=st.sampled_from(["measured", "fever", "excused", "none"]))
    def mark(self, data, what) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.people)))
        days = [day for day in self.days() if day not in self.kept]
        day = data.draw(st.sampled_from(days))
        kind, clinical_c = self.model.marks.get((day, number), ("none", None))
        asked = {
            "measured": {"clinical_c": 36.6},
            "fever": {"clinical_c": 38.9},
            "excused": {"excused": "at home"},
            "none": {"take_back": "another's row"},
        }[what]
        refused = (what == "excused" and kind in MEASURED) or (
            what == "measured" and clinical_c is not None and clinical_c >= FEVER_C
        )
        if refused:
            with pytest.raises(MarkError):
                self.college.enter(number, day, **asked)
            return
        self.college.enter(number, day, **asked)
        now = {"measured": ("hand", 36.6), "fever": ("hand", 38.9)}.get(what, (what, None))
        if what != "none" or (day, number) in self.model.marks:
            self.model.marks[day, number] = now

    @rule(data=st.data(), kinds=st.lists(st.sampled_from(["measured", "excused", ""]), min_size=7))
    def another_gateway_tells(self, data, kinds) -> None:
        day = data.draw(st.sampled_from([day for day in self.days() if day not in self.kept]))
        told = dict(zip(sorted(self.model.people), kinds, strict=False))
        measured, excused = (
            [self.college.person(number) for number in told if told[number] == kind]
            for kind in ("measured", "excused")
        )
        self.college.marks.learn(day, measured, excused)
        kept = {key: kind for key, kind in self.model.elsewhere.items() if key[0] != day}
        self.model.elsewhere = kept | {(day, number): told[number] for number in told}

    @rule(data=st.data(), verdict=st.sampled_from(["normal", "normal", "fever", "retry"]))
    def somebody_passes_a_kiosk(self, data, verdict) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.people)))
        day = data.draw(st.sampled_from([day for day in self.days() if day not in self.kept]))
        begin, _ = day_bounds(day, ZONE)
        at = self.college.clock.at if day == self.college.today else begin + DAY_S / 2
        if at < self.listed_at:  # nobody had a number
            return
        self.college.passes(number, verdict, at)
        if day != self.college.today:  # it came late: days are compared as a whole, now and then
            self.college.take_anew()
        self.college.presences.take()
        if verdict != "retry":
            self.model.passed.add((day, number))

    @rule(days=st.integers(1, 3))
    def days_pass(self, days) -> None:
        self.college.clock.at += days * DAY_S

    @rule()
    def close(self) -> None:
        self.college.roll.close_days(30)
        for day in self.days()[:-1]:
            if day not in self.model.closed:
                self.model.closed[day] = dict(self.model.expected(day, self.college.clock.at))

    @rule(days=st.integers(1, 3))
    def forget(self, days) -> None:
        before = self.college.today - timedelta(days)
        for day in sorted(self.model.closed):
            if day < before and day not in self.kept:
                figures = self.model.figures(day, self.college.clock.at).values()
                self.kept[day] = sum(figures, DayRoll())
        self.college.roll.forget(before)
        self.model.marks = {key: mark for key, mark in self.model.marks.items() if key[0] >= before}
        elsewhere = self.model.elsewhere.items()
        self.model.elsewhere = {key: kind for key, kind in elsewhere if key[0] >= before}
        self.model.passed = {key for key in self.model.passed if key[0] >= before}
        with self.college.readings.transaction():
            begin, _ = day_bounds(before, ZONE)
            self.college.readings.db.execute("delete from presences where at < ?", (begin,))

    def days(self) -> list[date]:
        count = (self.college.today - self.first).days + 1
        return [self.first + timedelta(n) for n in range(count)]

    @invariant()
    def figures_are_those_of_the_model(self) -> None:
        if not self.model.people:
            return
        now = self.college.clock.at
        fevers = sum(clinical_c == 38.9 for _, clinical_c in self.model.marks.values())
        fevers += sum(figures.fevers for figures in self.kept.values())
        assert self.college.roll.fevers(self.first, self.college.today) == fevers
        for day in self.days()[-5:]:
            if day in self.kept:
                assert self.college.roll.day(day) == self.kept[day]
                continue
            figures = self.model.figures(day, now)
            units = self.college.roll.units(day)
            marked = any(key[0] == day for key in self.model.marks)
            if day in self.model.closed and not self.model.closed[day] and not marked:
                assert units is None
                continue
            assert units is not None
            assert {unit.unit: unit.figures for unit in units} == figures
            for unit in units:
                parts = unit.figures.measured + unit.figures.excused + unit.figures.unmeasured
                assert parts == unit.figures.expected
                assert self.college.roll.units(day, [unit.unit]) == [unit]
            expected = self.model.expected(day, now)
            for state in STATES:
                listed = self.college.numbers(state, day)
                assert len(listed) == len(set(listed))
                assert set(listed) == {
                    number for number in expected if self.model.state(day, number) == state
                }


TestRollMachine = RollMachine.TestCase
TestRollMachine.settings = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def listed(college: College, *numbers: str, **other) -> None:
    college.changes.replace([entry(number, **other) for number in numbers])


def why(college: College, *what, **more) -> tuple[str, str]:
    """Whose mark is refused, and why."""
    with pytest.raises(MarkError) as refused:
        college.enter(*what, **more)
    return college.store.people([refused.value.person])[refused.value.person].number, (
        refused.value.reason
    )


def test_a_college_without_a_list_has_no_roll(college):
    college.roll.close_days(30)
    assert college.roll.day(college.today) is college.roll.units(college.today) is None
    assert college.roll.people(college.today, "unmeasured") == []


def test_whoever_passes_a_kiosk_with_a_verdict_is_measured_and_counts_before_an_excuse(college):
    listed(college, "1", "2", "3", "4")
    college.enter("1", excused="at home")
    college.enter("2", clinical_c=36.6)
    for number in ("1", "2", "3"):
        college.passes(number)
    college.passes("4", "retry")
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=4, measured=3, unmeasured=1)
    assert college.numbers("unmeasured") == ["4"]
    kinds = [row.kind for row in college.roll.people(college.today, "measured")]
    assert kinds == ["card", "hand", "card"]
    assert college.marks.own(college.today).measured == {college.person(n) for n in "123"}
    assert not college.marks.own(college.today).excused
    college.clock.at += 1
    assert not college.presences.take()


def test_what_another_gateway_tells_takes_no_measurement_at_our_kiosks_away(college):
    listed(college, "1", "2")
    college.passes("1")
    college.presences.take()
    for excused in ([college.person("1")], []):
        college.marks.learn(college.today, [], excused)
        assert college.numbers("measured") == ["1"]


def test_hours_that_are_struck_have_measured_nobody(college):
    listed(college, "1", "2")
    for number in "12":
        college.passes(number)
    college.presences.take()
    hour = int(college.clock.at // 3600) * 3600
    with college.readings.transaction():
        college.readings.db.execute(
            'insert into strikes(kiosk, begin, "end", at, "by", reason)'
            " values ('north-1', ?, ?, 0, '', '')",
            (hour, hour + 3600),
        )
    college.clock.at += 61
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)


def test_presences_before_another_list_are_of_nobody_on_it_and_closed_days_keep_theirs(college):
    listed(college, "1", "2")
    college.passes("1")
    college.presences.take()
    college.marks.learn(college.today, [college.person("2")], [])
    first, before = college.today, DayRoll(expected=2, measured=2)
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.passes("1")
    with college.store.statements.transaction() as connection:
        set_marks_aside(connection, college.clock.at + 1)
    college.clock.at += 2
    college.take_anew()
    assert not college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(first) == before
    college.passes("1")
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, measured=1, unmeasured=1)


def test_presences_that_are_no_number_of_the_list_are_left_out(college):
    listed(college, "1")
    for person in (-5, 0, 2**40):
        college.passes("1", person=person or -1)
    assert not college.presences.take()
    assert college.marks.own(college.today).measured == frozenset()


def test_midnight_divides_the_days_of_presences(college):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    yesterday = college.today
    college.presences.take()
    begin = day_bounds(yesterday + timedelta(1), ZONE)[0]
    college.clock.at = begin + 5
    college.passes("1", at=begin - 1)
    college.passes("2", at=begin)
    college.presences.take()  # all days are compared, since hours passed
    college.passes("3", at=begin - 2)
    college.clock.at += 1
    assert not college.presences.take()  # the short look is at today alone
    college.clock.at += 60
    assert college.presences.take()
    assert college.numbers("measured", yesterday) == ["1", "3"]
    assert college.numbers("measured") == ["2"]


def test_a_clock_that_is_set_back_hides_no_presence(college):
    listed(college, "1")
    college.clock.at += 7200
    college.presences.take()
    college.clock.at -= 3600
    college.passes("1", at=college.clock.at - 1000)
    assert college.presences.take()


def test_whoever_was_listed_first_today_has_no_roll_for_the_days_before(college):
    listed(college, "1", "2")
    college.roll.close_days(30)
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(college.today - timedelta(1)) is None
    assert college.roll.day(college.today + timedelta(1)) is None


def test_the_day_on_which_the_list_came_is_closed_although_nothing_ran_until_the_next(college):
    listed(college, "1", "2")
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += DAY_S
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first) == figures
    college.roll.close_days(30)
    assert college.roll.day(first) == figures
    assert college.roll.day(first - timedelta(1)) is None


def test_whoever_has_a_last_day_is_expected_until_it_is_over_and_after_it_is_closed(college):
    first = college.today
    college.roll.close_days(30)
    _, end = day_bounds(first, ZONE)
    college.changes.replace([entry("1", until=end), entry("2")])
    college.enter("2", clinical_c=36.6)
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first) == figures
    college.clock.at = end
    assert college.roll.day(first) == figures
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)
    college.roll.close_days(30)
    assert college.roll.day(first) == figures and not figures.zero
    assert college.numbers("unmeasured", first) == ["1"]


def test_whoever_may_not_enter_until_a_day_is_not_expected_once_that_day_is_closed(college):
    listed(college, "1", "2")
    first = college.today
    _, end = day_bounds(first, ZONE)
    Policies(college.store).override(college.person("1"), "stop", end, "Chen")
    college.enter("2", clinical_c=36.6)
    assert college.roll.day(first) == DayRoll(expected=1, measured=1)
    college.clock.at = end
    college.roll.close_days(30)
    assert college.roll.day(first) == DayRoll(expected=1, measured=1)


def test_a_change_of_the_list_on_the_next_morning_takes_no_roll_from_the_day_it_came(college):
    listed(college, "1", "2")
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += DAY_S
    listed(college, "1", "2", "3")
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first) == figures
    college.roll.close_days(30)
    assert college.roll.day(first) == figures


def test_the_next_pull_takes_no_roll_from_the_day_on_which_a_list_was_copied(college, tmp_path):
    (tmp_path / "copy").mkdir()
    with gateway_people(tmp_path / "copy", college.clock) as store:
        listed(college, "1", "2")
        taking = ListCopy(store)

        def pull() -> None:
            assert taking.take(page(college.store, "", *taking.position()))

        pull()
        first, roll = college.today, RollKeeper(store.statements, ZONE)
        college.clock.at += DAY_S
        pull()
        roll.close_days(30)
        assert roll.day(first) == DayRoll(expected=2, unmeasured=2)


def test_a_list_of_an_older_version_has_a_roll_from_its_oldest_row_on(college, tmp_path):
    listed(college, "1")
    first = college.today
    college.clock.at += DAY_S
    listed(college, "1", "2")
    statements = college.store.statements
    with statements.transaction() as connection:
        connection.execute("alter table people_list drop column first_at")
        connection.execute("delete from _sqlite_migrations where name = 'first_at'")
    with gateway_people(tmp_path, college.clock) as store:
        assert RollKeeper(store.statements, ZONE).day(first) == DayRoll(expected=1, unmeasured=1)


def test_days_on_which_nothing_ran_are_closed_with_nobody_measured(college):
    listed(college, "1", "2")
    college.roll.close_days(30)
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += 3 * DAY_S
    college.roll.close_days(30)
    assert college.roll.day(first) == DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first + timedelta(2)) == DayRoll(expected=2, unmeasured=2)


def test_a_list_of_another_day_changes_no_day_that_is_over_and_late_entries_do(college):
    listed(college, "1", "2", unit="计应2301")
    college.roll.close_days(30)
    first = college.today
    college.clock.at += DAY_S
    college.roll.close_days(30)
    listed(college, "2", "3", unit="软件2302")
    (unit,) = college.roll.units(first)
    assert (unit.unit, unit.figures.expected) == ("计应2301", 2)
    college.enter("1", first, clinical_c=36.4)
    assert college.roll.day(first) == DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.numbers("unmeasured", first) == ["2"]


def test_a_tutor_marks_nobody_of_another_unit_and_nobody_who_is_not_listed(college):
    listed(college, "1")
    college.changes.replace([entry("1"), entry("2", unit="软件2302")])
    assert why(college, "2", units=["计应2301"], clinical_c=36.6) == ("2", "unlisted")
    with pytest.raises(MarkError, match="unlisted"):
        college.marks.enter(college.today, [NewMark(person=7, clinical_c=36.6)], "Chen")
    assert college.numbers("measured") == []
    assert college.numbers("unmeasured", units=["软件2302"]) == ["2"]


def test_a_reason_has_no_character_that_nobody_sees(college):
    listed(college, "1")
    for what in ("excused", "take_back"):
        for hidden in "\0\x1b\u202e\u200b":
            assert why(college, "1", **{what: f"at{hidden}home"}) == ("1", "reason")
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)


def test_a_class_is_entered_whole_or_not_at_all(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    marks = [NewMark(person=person, clinical_c=36.5) for person in people]
    wrong = [*marks[:2], NewMark(person=people[2], clinical_c=365)]
    for given, reason in ((wrong, "celsius"), ([*marks, marks[0]], "twice"), (marks * 200, "many")):
        with pytest.raises(MarkError, match=reason):
            college.marks.enter(college.today, given, "Chen")
    assert college.roll.day(college.today) == DayRoll(expected=3, unmeasured=3)
    changes = college.marks.enter(college.today, marks, "Chen")
    assert [(change.before, change.now) for change in changes] == [("", "36.5")] * 3
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=3)
    assert college.roll.day(college.today).zero


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"clinical_c": 36.6, "excused": "ill"},
        {"excused": " "},
        {"excused": "a", "take_back": "b"},
    ],
)
def test_a_mark_is_a_figure_or_a_reason(college, what):
    listed(college, "1")
    assert why(college, "1", **what) == ("1", "either")


@pytest.mark.parametrize(
    ("clinical_c", "taken"), [(30, True), (45, True), (29.9, False), (45.1, False)]
)
def test_a_temperature_is_one_of_a_person(college, clinical_c, taken):
    listed(college, "1")
    if taken:
        college.enter("1", clinical_c=clinical_c)
    else:
        assert why(college, "1", clinical_c=clinical_c) == ("1", "celsius")


def test_a_fever_is_neither_excused_nor_measured_away_but_taken_back_with_a_reason(college):
    listed(college, "1")
    college.enter("1", clinical_c=38.9)
    assert college.roll.day(college.today) == DayRoll(expected=1, measured=1, fevers=1)
    assert not college.roll.day(college.today).zero
    assert why(college, "1", clinical_c=36.6) == ("1", "hot")
    assert why(college, "1", excused="at home") == ("1", "measured")
    college.enter("1", take_back="another's row")
    college.enter("1", clinical_c=36.6)
    assert college.roll.day(college.today).zero


def test_a_fever_begins_at_its_threshold_and_stays_one_case_when_it_is_corrected(college):
    listed(college, "1")
    college.enter("1", clinical_c=FEVER_C)
    assert why(college, "1", clinical_c=36.6) == ("1", "hot")
    (first,) = fevers_since(college.store.statements, ZONE, 0.0)
    college.enter("1", clinical_c=38.5)
    (second,) = fevers_since(college.store.statements, ZONE, 0.0)
    assert first.key and second.key == first.key and second.clinical_c == 38.5


def test_fevers_of_a_period_count_from_their_threshold_on_and_after_their_marks_are_deleted(
    college,
):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    first = college.today
    college.enter("1", clinical_c=38.9)
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.enter("1", clinical_c=FEVER_C)
    college.enter("2", clinical_c=FEVER_C - 0.1)
    (fever, none) = college.roll.people(college.today, "measured")
    assert fever.fever and not none.fever
    for before in (first, college.today):  # marks before it are deleted
        college.roll.forget(before)
        assert college.roll.fevers(first, college.today) == 2
        assert college.roll.fevers(first, first) == 1
        assert college.roll.fevers(college.today, college.today) == 1
    assert college.roll.day(college.today) == DayRoll(
        expected=3, measured=2, unmeasured=1, fevers=1
    )


def test_a_list_of_people_goes_on_where_its_page_ended_by_campus_unit_and_number(college):
    places = [("west", "b"), ("east", "b"), ("east", "a"), ("west", "a"), ("east", "b")]
    college.changes.replace(
        [entry(str(n), campus=campus, unit=unit) for n, (campus, unit) in enumerate(places)]
    )
    everybody = college.roll.people(college.today, "unmeasured")
    keys = [(row.campus, row.unit, row.person) for row in everybody]
    assert keys == sorted(keys) and len(keys) == 5
    units = [(row.campus, row.unit) for row in college.roll.units(college.today)]
    assert units == sorted(set(places))
    pages = [college.roll.people(college.today, "unmeasured", None, 2, n) for n in (0, 2, 4, 6)]
    assert list(map(len, pages)) == [2, 2, 1, 0]
    assert [row for page in pages for row in page] == everybody
    assert college.roll.people(college.today, "unmeasured", None, 0) == []


def test_why_somebody_was_excused_is_sealed_on_the_disk_and_read_by_who_may(college, tmp_path):
    listed(college, "1")
    college.enter("1", excused="肺炎住院")
    (row,) = college.roll.people(college.today, "excused")
    assert college.marks.reason(row.sealed) == "肺炎住院" and row.by == "Chen"
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        assert "肺炎".encode() not in file.read_bytes()


def test_marks_go_and_the_figures_of_their_day_stay(college):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    first = college.today
    college.enter("1", clinical_c=38.9)
    college.enter("2", excused="at home")
    college.clock.at += 31 * DAY_S
    college.roll.close_days(31)
    before = college.roll.day(first)
    assert before == DayRoll(expected=3, measured=1, excused=1, unmeasured=1, fevers=1)
    assert college.roll.forget(college.today - timedelta(30)) == 2  # the day before it began, too
    assert college.roll.day(first) == before
    assert college.roll.people(first, "measured") == []
    with pytest.raises(PeriodError, match="forgotten"):
        college.enter("3", first, clinical_c=36.6)
    assert not college.store.statements.query("select 1 from marks where day = ?", (str(first),))


def test_nobody_is_marked_for_a_day_that_has_not_begun(college):
    listed(college, "1")
    with pytest.raises(PeriodError, match="future"):
        college.enter("1", college.today + timedelta(1), clinical_c=36.6)


def test_somebody_who_may_not_enter_is_not_expected_and_a_guest_with_a_fever_still_counts(college):
    college.changes.replace([entry("1"), entry("2", permit="stop"), entry("3", expected=False)])
    college.enter("3", clinical_c=38.2)
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1, fevers=1)


def test_a_gate_counts_those_who_are_expected_there_or_anywhere(college):
    college.changes.replace([entry("1", campus="east"), entry("2", campus="west"), entry("3")])
    east = RollKeeper(college.store.statements, ZONE, "east")
    assert east.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(college.today) == DayRoll(expected=3, unmeasured=3)


def test_the_figures_are_said_as_the_bulletin_says_them():
    figures = DayRoll(expected=212, measured=207, excused=3, unmeasured=2)
    assert in_words(figures, translator("zh")) == "应测 212，已测 207，请假 3，未测 2。"
    assert "not measured 2" in in_words(figures, translator("en"))


def test_who_is_told_to_others_is_who_was_marked_here(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    college.enter("1", clinical_c=36.6)
    college.enter("2", excused="at home")
    college.marks.learn(college.today, [people[2]], [])
    own = college.marks.own(college.today)
    assert (own.measured, own.excused) == ({people[0]}, {people[1]})
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=2, excused=1)
    college.marks.learn(college.today, [], [])  # that gateway took it back
    assert college.numbers("unmeasured") == ["3"]


def test_a_late_mark_is_entered_by_the_tutor_of_the_unit_of_that_day(college):
    number = NUMBERS[0]
    college.changes.replace([entry(number, unit=UNITS[0])])
    yesterday = college.today
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.changes.replace([entry(number, unit=UNITS[1])])
    assert college.numbers("unmeasured", yesterday, [UNITS[0]]) == [number]
    with pytest.raises(MarkError, match="unlisted"):
        college.enter(number, yesterday, [UNITS[1]], clinical_c=36.5)
    college.enter(number, yesterday, [UNITS[0]], clinical_c=36.5)
    assert college.roll.day(yesterday) == DayRoll(expected=1, measured=1)
    with pytest.raises(MarkError, match="unlisted"):
        college.enter(number, None, [UNITS[0]], clinical_c=36.5)
    college.enter(number, None, [UNITS[1]], clinical_c=36.5)
