"""What a campus server does by itself: reports in time; tasks by the date wait for the clock."""

from types import SimpleNamespace
from typing import Any

import pytest
from campus_site import Parts, counts, local, over, so_far

from fevergate.campus.report_versions import Reports
from fevergate.campus.scheduler import BACK_DAYS, Scheduler
from fevergate.errors import CampusError

TODAY = "2026-11-24"
DAY_S = 86_400.0


class Scene(Parts):
    """A clerk whose other tasks are only recorded: `works` has their names in order of calls."""

    def __init__(self, folder):
        super().__init__(folder, at=f"{TODAY} 07:00")
        self.works, self.reminded, self.made_days, self.forgotten = [], [], [], []
        names = ("confirmed", "fevers", "gateways", "unmeasured")
        escalation: Any = SimpleNamespace(
            **{name: self._work(name) for name in names},
            remind=lambda date, state: self.reminded.append((date, state)),
        )
        sender: Any = SimpleNamespace(tick=self._work("send"))
        self.clerk = Scheduler(
            *(self.settings, self.store, self._noted_reports(), escalation, sender),
            **{name: self._work(name) for name in ("keep_time", "close_days", "tell_open")},
            forget=[self.forgotten.append],
        )

    def _work(self, name):
        return lambda: self.works.append(name)

    def _noted_reports(self):
        made_days = self.made_days

        class Noted(Reports):
            def make(self, date):
                made_days.append(date)
                return super().make(date)

        return Noted(self.database, self.settings, self.vault, self.now)

    def at(self, text):
        """Return the days whose reports a round at this time makes."""
        self.now.at = local(text)
        self.made_days.clear()
        self.clerk.tick()
        return list(self.made_days)


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def test_each_day_since_the_first_has_its_report_once_the_next_morning_has_come(scene):
    scene.keep(over(day="2026-11-21"))  # and nothing since
    assert scene.at(f"{TODAY} 06:59") == ["2026-11-21", "2026-11-22"]
    assert scene.at(f"{TODAY} 07:00") == ["2026-11-23"]
    assert scene.at(f"{TODAY} 23:59") == []


def test_there_is_no_report_of_a_day_that_is_not_over(scene):
    assert scene.at(f"{TODAY} 08:00") == [], "without data"
    scene.keep(so_far(day=TODAY, normal=3))
    assert scene.at(f"{TODAY} 23:00") == []
    assert scene.at("2026-11-25 07:00") == [TODAY]


def test_a_server_that_was_off_for_a_year_reports_the_last_weeks_and_days_with_data(scene):
    scene.keep(over(day="2025-11-23"))
    *weeks, before = scene.at(f"{TODAY} 08:00")
    assert (weeks[0], weeks[-1], len(weeks)) == ("2026-09-22", "2026-11-23", BACK_DAYS + 1)
    assert before == "2025-11-23"


def test_what_comes_late_makes_a_new_version_of_its_day_alone(scene):
    scene.keep(over(day="2026-11-22"))
    assert scene.at(f"{TODAY} 08:00") == ["2026-11-22", "2026-11-23"]
    scene.keep(over(counts(normal=11), day="2026-11-22", revision=2), so_far(day=TODAY))
    assert scene.at(f"{TODAY} 09:00") == ["2026-11-22"]
    assert [version.version for version in scene.reports.versions("2026-11-22")] == [2, 1]


def test_a_reminder_gets_the_day_that_is_due_and_what_it_lacks(scene):
    scene.keep(over())
    scene.at(f"{TODAY} 08:29")
    assert scene.reminded == []  # the day before 2026-11-23 is due then, and has no report
    states = []
    for change in (
        lambda: None,
        lambda: scene.reports.sign("2026-11-23", 1, "李伟"),
        lambda: scene.reports.submit("2026-11-23", 1, "李伟", ""),
    ):
        change()
        scene.at(f"{TODAY} 08:30")
        date, state = scene.reminded[-1]
        states.append((date, state.missing, state.signed, state.submitted))
    assert states == [
        ("2026-11-23", ["west"], False, False),
        ("2026-11-23", ["west"], True, False),
        ("2026-11-23", ["west"], True, True),
    ]


def test_personal_data_goes_after_its_days(scene):
    scene.clerk.tick()
    assert scene.forgotten == [scene.now() - 30 * DAY_S]


@pytest.mark.parametrize("believed", [True, False])
def test_while_the_clock_is_in_doubt_fevers_are_told_and_what_goes_by_the_date_waits(
    scene, believed
):
    scene.keep(over())
    scene.store.believed = lambda: believed
    scene.clerk.tick()
    by_date = {"close_days", "gateways", "unmeasured", "tell_open"}
    always = ["keep_time", "confirmed", "fevers", "send"]
    assert set(scene.works) == by_date | {*always} if believed else scene.works == always
    assert bool(scene.made_days) == bool(scene.forgotten) == believed


def test_one_task_that_fails_stops_no_other(scene):
    def fails():
        raise CampusError("the database is away")

    scene.clerk._close_days = fails
    scene.clerk.tick()
    assert scene.works[-1] == "send" and scene.forgotten
