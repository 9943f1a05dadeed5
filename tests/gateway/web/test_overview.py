"""The overview counts each reading once, even one that arrived twice. Each of its charts has a
table."""

import csv
import io
import re
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_site import DAY
from samples import AT, arrived

from fevergate.storage.connection import open_reader
from fevergate.web import charts
from fevergate.web.overview import DayCount, read_overview
from fevergate.web_common.dates import Period

WEEK = f"from=2026-11-20&to={DAY}"


@pytest.fixture
def week(site):
    """Five days of people at two gates; `AT` is 2026-11-23 in the afternoon."""
    records = []
    for n in range(200):
        verdict = "fever" if n % 50 == 49 else "retry" if n % 10 == 9 else "normal"
        records.append(
            arrived(
                100 + n,
                verdict,
                at=AT - n * 2000,
                kiosk=("north-1", "south-1")[n % 2],
                body_c=36 + n % 20 / 10,
            )
        )
    site.gateway.commit(records)
    site.gateway.commit(records)  # sent again, counted once
    return site


def overview(site, gate=""):
    reader = open_reader(site.settings.path(site.settings.database))
    try:
        return read_overview(
            reader, site.settings, Period(date(2026, 11, 20), date(2026, 11, 23)), gate
        )
    finally:
        reader.close()


def test_every_person_is_in_every_table_once(week):
    page = overview(week)
    (people,) = week.gateway.db.execute(
        "select count(*) from readings where verdict != 'retry'"
        " and date(at, 'unixepoch', '+8 hours') between '2026-11-20' and '2026-11-23'"
    ).fetchone()
    assert people > 100
    for table in (page.hours, page.days, page.gates, [page.total]):
        assert sum(row.normal + row.fever for row in table) == people
    assert sum(row.people for row in page.temperatures) == people
    assert len(page.days) == 4 and len(page.term) == 182 and len(page.hours) == 24


def test_one_gate_is_shown_alone(week):
    everywhere, north = overview(week), overview(week, "north")
    assert [gate.gate for gate in north.gates] == ["north"]
    assert 0 < north.total.normal < everywhere.total.normal and north.kiosks == 2


def test_a_kiosk_that_was_taken_away_keeps_its_people(week):
    before = overview(week)
    week.settings.gates = week.settings.gates[:1]
    after = overview(week)
    assert after.total.normal == before.total.normal
    assert sum(gate.normal for gate in after.gates) == after.total.normal


def test_a_temperature_that_nobody_had_is_a_gap(week):
    week.gateway.commit([arrived(900, "fever", body_c=39.5)])
    tenths = [round(row.body_c * 10) for row in overview(week).temperatures]
    assert tenths == list(range(tenths[0], tenths[-1] + 1))
    assert 0 in [row.people for row in overview(week).temperatures]


def test_each_chart_has_its_table_and_its_csv(week, administrator):
    page = administrator.get(f"/admin/overview?{WEEK}").text
    assert page.count('<svg class="chart"') == 3 and page.count('<svg class="month"') >= 6
    links = re.findall(r'href="(/admin/overview/\w+\.csv[^"]*)"', page)
    assert len(links) == 5
    for link in links:
        answer = administrator.get(link.replace("&amp;", "&"))
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday", "YYYY-MM-DD"),
        ("from=2026-11-23&to=2026-11-20", "beginning before the end"),
        ("from=2025-01-01&to=2026-11-20", "at most a year"),
        ("to=9999-99-99", "YYYY-MM-DD"),
        ("to=0001-01-01", "YYYY-MM-DD"),
        ("gate=west", "no such gate"),
        ("gate=' or 1=1--", "no such gate"),
    ],
)
def test_an_impossible_period_or_gate_is_refused_with_the_reason(administrator, query, said):
    for path in ("/admin/overview", "/admin/overview/days.csv"):
        answer = administrator.get(f"{path}?{query}")
        assert answer.status_code == 400 and said in answer.text


def test_days_without_anybody_are_said_to_be_so(administrator):
    page = administrator.get("/admin/overview?from=2020-01-01&to=2020-01-07").text
    assert "Nobody was measured in these days." in page


@given(st.lists(st.tuples(*[st.integers(0, 20_000)] * 3), max_size=40))
def test_bars_are_as_high_as_their_values_and_never_leave_the_chart(values):
    chart = charts.bar_chart([("", "", list(zip("abc", row, strict=True))) for row in values])
    assert chart.highest == max(map(sum, values), default=0)
    scale = chart.ticks[-1].value
    assert chart.highest <= scale
    for row, bar in zip(values, chart.bars, strict=True):
        assert bar.x >= 0 and bar.x + bar.width <= charts.WIDTH + 0.01
        assert len(bar.segments) == sum(value > 0 for value in row)
        for segment in bar.segments:
            assert segment.y >= charts.TOP - 5 and segment.y + segment.height <= charts.BASE + 0.2
        if sum(row):
            height = sum(row) / scale * (charts.BASE - charts.TOP)
            assert sum(segment.height for segment in bar.segments) == pytest.approx(height, abs=5)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 200))
def test_a_calendar_has_a_place_for_each_day_and_weekdays_in_rows(first, length):
    days = [
        DayCount(date=date.fromordinal(first.toordinal() + n).isoformat(), normal=n % 7, watched=1)
        for n in range(length)
    ]
    months = charts.calendar_chart(days, [day.date for day in days])
    squares = [square for month in months for square in month.squares]
    assert [square.date for square in squares] == [day.date for day in days]
    for month in months:
        assert len({(square.x, square.y) for square in month.squares}) == len(month.squares)
        assert all(square.y + charts.SQUARE <= month.height for square in month.squares)
        assert {square.date[:7] for square in month.squares} == {f"{month.first:%Y-%m}"}
    columns = {square.x: date.fromisoformat(square.date).weekday() for square in squares}
    assert len(columns) == len(set(columns.values()))


@given(st.integers(0, 10**7))
def test_an_axis_has_few_round_ticks_and_holds_the_highest_value(highest):
    values = charts.tick_values(highest)
    step = values[1]
    assert values[0] == 0 and values[-1] >= highest and len(values) <= charts.MAX_TICKS + 1
    assert {after - before for before, after in pairwise(values)} == {step}
    assert str(step).rstrip("0") in ("1", "2", "5") and values[-1] - step < max(highest, 1)


@given(st.integers(0, 400))
def test_no_more_names_are_written_below_than_a_phone_has_room_for(count):
    chart = charts.bar_chart([("11-23", "", [("normal", 1)])] * count)
    assert sum(bool(bar.label) for bar in chart.bars) <= 7


def test_a_day_that_no_kiosk_watched_is_missing_and_not_zero_on_the_calendar():
    days = [
        DayCount(date="2026-11-23", normal=5, watched=1),
        DayCount(date="2026-11-24"),
        DayCount(date="2026-11-25", normal=4, fever=2, watched=1),
    ]
    ((zero, missing, fever),) = (m.squares for m in charts.calendar_chart(days, ["", "", ""]))
    assert (zero.state, zero.mark) == ("zero", "")
    assert (missing.state, missing.mark) == ("missing", "×")
    assert (fever.state, fever.mark) == ("fever", "2")
