"""The report counts who was expected and measured; zero is stated only if nobody is unmeasured."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa
from campus_site import DAY, Parts, counts, delivery, fever, local, next_day, over

from fevergate.campus.period_summary import SummaryText, compared
from fevergate.campus.report import DayReport
from fevergate.campus.report_sheet import ReportText
from fevergate.campus.report_tables import ROLL
from fevergate.campus.schema import marks, marks_elsewhere
from fevergate.campus.statements import CampusStatements
from fevergate.campus.strikes import TokenStrikeWriter
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.roll import DayRoll
from fevergate.people.store import PeopleStore
from fevergate.protocol.campus_messages import MarkedDay, RollDay
from fevergate.protocol.person_set import packed
from fevergate.texts.translations import translator
from fevergate.web_common.dates import Period
from harness.campus import CampusHost, SimulatedClock

OLD, NEW = "a" * 16, "0" * 16
PATIENT = "No fever, but 2 not measured: no report of zero. All 2 campuses reported, 20 people."


@pytest.fixture
def parts(tmp_path, database_text):
    parts = Parts(tmp_path, database_text)
    yield parts
    parts.close()


def roll(expected, measured, excused=0, day=DAY, revision=1, fevers=0) -> RollDay:
    return RollDay(
        date=day,
        revision=revision,
        expected=expected,
        measured=measured,
        excused=excused,
        unmeasured=expected - measured - excused,
        fevers=fevers,
    )


def both_over(parts, day=DAY):
    for campus in ("east", "west"):
        parts.keep(over(counts(normal=10), day=day), campus=campus)


def text(language="en", zone="Asia/Shanghai"):
    return ReportText(ZoneInfo(zone), language, translator(language))


def test_with_somebody_unmeasured_there_is_no_report_of_zero_until_nobody_is_left(parts):
    both_over(parts)
    parts.keep(roll(212, 207, 3))
    assert parts.reports.make(DAY) == 1
    first, _ = parts.reports.read(DAY, 1)
    assert (first.zero, first.unmeasured, first.complete) == (False, 2, True)
    assert first.roll == DayRoll(expected=212, measured=207, excused=3, unmeasured=2)
    state, sentence = text().verdict(first)
    assert state == "amber" and sentence.startswith(PATIENT)
    assert "212" in sentence and "207" in sentence
    assert "未测 2" in text("zh").verdict(first)[1]

    parts.keep(roll(212, 208, 4, revision=2))
    assert parts.reports.make(DAY) == 2
    second, version = parts.reports.read(DAY, 2)
    assert second.zero and text().verdict(second)[0] == "green"
    corrections = text().corrections(version, second)
    assert ("East · List of people · Not measured", "2", "0") in corrections


def test_an_older_figure_that_comes_late_changes_nothing(parts):
    parts.keep(roll(10, 9, revision=2))
    parts.keep(roll(10, 3, revision=1))
    assert parts.campus().roll == DayRoll(expected=10, measured=9, unmeasured=1)


def test_a_gateway_that_had_a_list_and_says_nothing_of_the_day_leaves_no_zero(parts):
    both_over(parts)
    parts.keep(roll(10, 10))
    after = next_day(DAY)
    parts.now.at = local(f"{next_day(after)} 08:00")
    both_over(parts, after)
    report = parts.report(after)
    assert not report.zero and report.campuses[0].roll_silent == ["gw-east"]
    assert text().verdict(report)[0] == "amber"
    assert any("gw-east" in line for line in text().gaps(report))
    parts.keep(roll(0, 0, day=after))
    assert parts.report(after).zero


def test_a_fever_measured_by_hand_is_no_zero_either(parts):
    both_over(parts)
    parts.keep(roll(10, 10, fevers=1))
    report = parts.report()
    assert not report.zero and report.fevers == 1 and text().verdict(report)[0] == "red"


def test_figures_by_a_stolen_token_are_struck_with_its_other_rows(parts):
    both_over(parts)
    parts.store.keep(delivery(roll(10, 4)), OLD)
    assert parts.report().unmeasured == 6
    register = TokenStrikeWriter(
        parts.database, parts.settings, parts.now, by="李伟", reason="stolen"
    )
    register.strike("gw-east", OLD[:4], None, local(f"{DAY} 07:00"))
    assert parts.report().roll is None and parts.report().zero


def test_a_college_without_a_list_has_no_new_line_anywhere(parts):
    both_over(parts)
    parts.reports.make(DAY)
    report, version = parts.reports.read(DAY, 1)
    assert report.zero and report.roll is None
    sheet = text().sheet(report, version)
    words = msgspec.json.encode([sheet.verdict, sheet.lines, [t.columns for t in sheet.tables]])
    assert not any(title.encode() in words for title in ROLL.values())
    summaries = compared(
        parts.reports,
        Period(date.fromisoformat(DAY), date.fromisoformat(DAY)),
        Period(date.fromisoformat("2026-11-22"), date.fromisoformat("2026-11-22")),
        date.fromisoformat(DAY),
    )
    words = SummaryText(text(), "en", translator("en"))
    tables = words.comparison(summaries), words.by_campus(summaries[0]), words.by_day(summaries[0])
    assert not any(title in str(table) for table in tables for title in ROLL.values())


def test_a_report_of_an_earlier_release_is_read_and_not_made_anew(parts):
    both_over(parts)
    parts.reports.make(DAY)
    report, _ = parts.reports.read(DAY, 1)
    tree = msgspec.to_builtins(report)
    for name in ("roll", "anywhere"):
        del tree[name]
    for campus in tree["campuses"]:
        del campus["roll"], campus["roll_silent"]
    assert msgspec.convert(tree, DayReport) == report


def test_a_week_sums_who_was_measured_by_day_and_campus(parts):
    after = next_day(DAY)
    parts.now.at = local(f"{next_day(after)} 08:00")
    for day, measured in ((DAY, 10), (after, 8)):
        both_over(parts, day)
        parts.keep(roll(10, measured, day=day))
        parts.reports.make(day)
    week = Period(date.fromisoformat(DAY), date.fromisoformat(after))
    before = Period(date.fromisoformat("2026-11-21"), date.fromisoformat("2026-11-22"))
    today = date.fromisoformat(next_day(after))
    summaries = compared(parts.reports, week, before, today)
    words = SummaryText(text(), "en", translator("en"))
    assert words.verdict(summaries[0])[0] == "amber"
    rows = {row[0]: row[1:] for row in words.comparison(summaries).rows}
    assert rows["Not measured"] == [2, None] and rows["Expected"] == [20, None]
    by_campus = words.by_campus(summaries[0])
    assert dict(zip(by_campus.columns, next(iter(by_campus.rows)), strict=True))["Measured"] == 18
    by_day = words.by_day(summaries[0])
    assert [row[by_day.columns.index("Not measured")] for row in by_day.rows] == [0, 2]


def test_fevers_stay_red_whoever_is_unmeasured(parts):
    both_over(parts)
    parts.keep(roll(10, 4), fever())
    state, sentence = text().verdict(parts.report())
    assert state == "red" and "not measured 6" in sentence


@pytest.fixture
def host(tmp_path):
    clock = SimulatedClock(DAY, ZoneInfo("Asia/Shanghai"))
    clock.set(DAY, "07:00")
    campuses = {"east": ["gw-east", "gw-gate-b"], "west": ["gw-west"]}
    with CampusHost(tmp_path, campuses, clock) as host:
        yield host


def mark(host, gateway, campus, measured, excused=(), revision=1):
    state = list_of(host).state()
    assert state
    item = MarkedDay(
        date=DAY,
        revision=revision,
        list_id=state.list,
        measured=packed(measured),
        excused=packed(excused),
    )
    send(host, gateway, campus, item)


def send(host, gateway, campus, *items):
    token = (host.folder / f"{gateway}.token").read_text()
    body = msgspec.structs.replace(delivery(*items, campus=campus), gateway=gateway)
    with host.client() as client:
        client.post(
            "/v1/summaries",
            content=msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {token}"},
        ).raise_for_status()


def list_of(host):
    return PeopleStore(CampusStatements(host.server.database, host.clock), Vault(host.folder / KEY))


def put_list(host, *campuses):
    entries = [
        ListEntry(number=f"2026{n:04}", name=f"student {n}", kind="student", campus=campus)
        for n, campus in enumerate(campuses, 1)
    ]
    PeopleChanges(list_of(host)).replace(entries)


def end_day(host, day=DAY):
    """All gateways report the day as over, and the report is drafted."""
    after = next_day(day)
    host.clock.set(after, "00:30")
    for gateway, campus in (("gw-east", "east"), ("gw-gate-b", "east"), ("gw-west", "west")):
        send(host, gateway, campus, over(counts(gateway, normal=10), day=day))
    host.clock.set(after, "07:01")
    host.tick()


def figures(roll):
    return roll and (roll.expected, roll.measured, roll.excused, roll.unmeasured)


def test_who_was_measured_at_any_gate_of_the_campus_is_measured_in_its_report(host):
    put_list(host, "east", "east", "east", "west", "west", "")
    host.tick()
    mark(host, "gw-east", "east", {1}, excused={3})
    mark(host, "gw-gate-b", "east", {2})
    mark(host, "gw-west", "west", {4, 6, 1, 2})
    report = host.server.reports.now(DAY)
    assert [figures(campus.roll) for campus in report.campuses] == [(3, 2, 1, 0), (2, 1, 0, 1)]
    assert figures(report.anywhere) == (1, 1, 0, 0) and figures(report.roll) == (6, 4, 1, 1)
    end_day(host)
    first, _ = host.server.reports.read(DAY, 1)
    assert not first.zero and figures(first.roll) == (6, 4, 1, 1)

    put_list(host, *["east"] * 40)  # a later list changes no earlier day
    mark(host, "gw-west", "west", {4, 5, 6}, revision=2)
    host.tick()
    second, _ = host.server.reports.read(DAY, 2)
    assert second.zero and figures(second.roll) == (6, 5, 1, 0)


def test_after_thirty_days_the_marks_are_gone_and_the_report_says_what_it_said(host):
    put_list(host, "east", "east")
    host.tick()
    mark(host, "gw-east", "east", {1}, excused={2})
    end_day(host)
    host.clock.set("2026-12-24", "08:00")
    host.tick()
    for table in (marks, marks_elsewhere):
        of_day = sa.select(table.c.person).where(table.c.day == DAY)
        assert host.server.database.scalars(of_day) == []
    send(host, "gw-east", "east", over(counts("gw-east", normal=12), day=DAY, revision=2))
    host.tick()
    report, version = host.server.reports.read(DAY, 2)
    assert figures(report.roll) == figures(report.campuses[0].roll) == (2, 1, 1, 0)
    assert [d.what.split()[-1] for d in version.differences] == ["screened"] * 3


def test_a_list_of_people_of_one_campus_needs_no_campus_in_it(tmp_path):
    clock = SimulatedClock(DAY, ZoneInfo("Asia/Shanghai"))
    clock.set(DAY, "07:00")
    with CampusHost(tmp_path, {"east": ["gw-east"]}, clock) as host:
        put_list(host, "", "东校区")
        host.tick()
        mark(host, "gw-east", "east", {1})
        (east,) = host.server.reports.now(DAY).campuses
        assert figures(east.roll) == (2, 1, 0, 1)
