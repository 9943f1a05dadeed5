"""Compares every figure of a roll with a simple model, over random sequences of events."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from college import ZONE, College
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people_helpers import entry

from fevergate.errors import MarkError
from fevergate.people.marks import (
    FEVER_C,
    MEASURED,
)
from fevergate.people.roll import DayRoll
from fevergate.storage.coverage_bits import DAY_S, day_bounds

NUMBERS = [f"2023{n:03}" for n in range(7)]
UNITS = ["计应2301", "软件2302"]
STATES = ("unmeasured", "excused", "measured")


class Model:
    """Counts the same figures in a simple way, from lists of people and from marks by day and
    person."""

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
        kinds = {kind, self.elsewhere.get((day, number), "none")}
        if (day, number) in self.passed:
            return "measured"
        if kinds & {"hand", "measured"}:
            return "measured"
        return "excused" if "excused" in kinds else "unmeasured"

    def figures(self, day: date, now: float) -> dict[str, DayRoll]:
        figures: dict[str, DayRoll] = {}
        for number, unit in self.expected(day, now).items():
            roll = DayRoll(expected=1, **{self.state(day, number): 1})
            figures[unit] = figures.get(unit, DayRoll()) + roll
        for (marked, number), (_, clinical_c) in self.marks.items():
            if marked == day and clinical_c is not None and clinical_c >= FEVER_C:
                former_unit = self.closed.get(day, {}).get(number)
                unit = former_unit or self.people[number]["unit"]
                figures[unit] = figures.get(unit, DayRoll()) + DayRoll(fevers=1)
        return figures


class RollMachine(RuleBasedStateMachine):
    """Lists come and go, people are measured or excused, marks are taken back, days end."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.college = College(Path(self._folder.name))
        self.model = Model()
        self.first = self.college.today
        self.past: dict[date, DayRoll] = {}

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

    @rule(data=st.data(), new_kind=st.sampled_from(["measured", "fever", "excused", "none"]))
    def mark(self, data, new_kind) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.people)))
        days = [day for day in self.days() if day not in self.past]
        day = data.draw(st.sampled_from(days))
        kind, clinical_c = self.model.marks.get((day, number), ("none", None))
        fields = {
            "measured": {"clinical_c": 36.6},
            "fever": {"clinical_c": 38.9},
            "excused": {"excused": "at home"},
            "none": {"take_back": "another's row"},
        }[new_kind]
        refused = (new_kind == "excused" and kind in MEASURED) or (
            new_kind == "measured" and clinical_c is not None and clinical_c >= FEVER_C
        )
        if refused:
            with pytest.raises(MarkError):
                self.college.enter(number, day, **fields)
            return
        self.college.enter(number, day, **fields)
        now = {"measured": ("hand", 36.6), "fever": ("hand", 38.9)}.get(new_kind, (new_kind, None))
        if new_kind != "none" or (day, number) in self.model.marks:
            self.model.marks[day, number] = now

    @rule(data=st.data(), kinds=st.lists(st.sampled_from(["measured", "excused", ""]), min_size=7))
    def another_gateway_tells(self, data, kinds) -> None:
        day = data.draw(st.sampled_from([day for day in self.days() if day not in self.past]))
        by_number = dict(zip(sorted(self.model.people), kinds, strict=False))
        measured, excused = (
            [self.college.person(number) for number in by_number if by_number[number] == kind]
            for kind in ("measured", "excused")
        )
        self.college.marks.learn(day, measured, excused)
        others = {key: kind for key, kind in self.model.elsewhere.items() if key[0] != day}
        self.model.elsewhere = others | {(day, number): by_number[number] for number in by_number}

    @rule(data=st.data(), verdict=st.sampled_from(["normal", "normal", "fever", "retry"]))
    def somebody_passes_a_kiosk(self, data, verdict) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.people)))
        day = data.draw(st.sampled_from([day for day in self.days() if day not in self.past]))
        begin, _ = day_bounds(day, ZONE)
        at = self.college.clock.at if day == self.college.today else begin + DAY_S / 2
        if at < self.listed_at:  # there was no list yet
            return
        self.college.passes(number, verdict, at)
        if day != self.college.today:  # late: found when whole days are compared
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
            if day < before and day not in self.past:
                figures = self.model.figures(day, self.college.clock.at).values()
                self.past[day] = sum(figures, DayRoll())
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
        fevers += sum(figures.fevers for figures in self.past.values())
        assert self.college.roll.fevers(self.first, self.college.today) == fevers
        for day in self.days()[-5:]:
            if day in self.past:
                assert self.college.roll.day(day) == self.past[day]
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
