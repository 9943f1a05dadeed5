"""The campus server leaves out, and shows, what a gateway strikes; it does so in all epochs."""

from datetime import date
from typing import Any

import pytest
from campus_site import DAY, Parts, counts, fever, local, over, so_far
from hypothesis import given, settings
from hypothesis import strategies as st
from played_calendar import World

from fevergate.campus.epoch_totals import KioskTotals
from fevergate.campus.report_sheet import ReportText
from fevergate.campus.unacknowledged import unacknowledged_fevers
from fevergate.protocol.campus_messages import HourSummary, KioskCount, StruckSpan
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import translator

ON = "2026-09-01"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, f"{ON} 06:00")
    world.settings.folder = tmp_path
    world.start()
    yield world
    world.close()


def strikes(world, action=strike, **fields):
    world.settings.database = world.path.name
    values: dict[str, Any] = {"kiosk": "north-1", "day": date.fromisoformat(ON), "by": "李伟"}
    values |= {"reason": "stolen", "trusted": True} | fields
    result = action(world.settings, StrikeRequest(**values))
    world.forward()
    return result


def on_campus(world):
    return world.campus.campus("east", ON)


def test_a_day_that_was_stated_is_stated_again_without_what_is_struck(world):
    world.day(people=3, fever_at="08:00")
    world.skip("2026-09-02 01:00")
    before = world.figures(ON)
    assert before == world.true(ON)
    version = world.campus.reports.make(ON)
    strikes(world, begin=12)
    state, people, fevers = world.figures(ON)
    assert (state, people, fevers) == ("reported", 27, 1)
    assert world.campus.reports.make(ON) == version + 1
    (span,) = on_campus(world).struck
    assert (span.by, span.reason, span.people) == ("李伟", "stolen", before[1] - 27)
    assert on_campus(world).contradictions == []
    report = world.campus.reports.now(ON)
    for language, word in (("zh", "已剔除"), ("en", "Struck, in no figure")):
        say = translator(language)
        text = ReportText(world.settings.zone, language, say)
        (line,) = text.struck(report)
        assert word in line and "李伟" in line and "stolen" in line
        versions = world.campus.reports.versions(ON)
        assert line in text.sheet(report, versions[0]).lines
    strikes(world, take_back, reason="wrong kiosk")
    assert world.figures(ON) == before
    (span,) = on_campus(world).struck
    assert span.undone_reason == "wrong kiosk"


def test_struck_fevers_stay_in_the_report_and_nobody_is_called_for_them(world):
    world.day(people=3, fever_at="08:00")
    assert len(unacknowledged_fevers(world.campus.database, 0)) == 1
    strikes(world)
    (row,) = on_campus(world).fevers
    assert row.struck and on_campus(world).figures.fevers == 0
    assert unacknowledged_fevers(world.campus.database, 0) == []


def test_what_an_earlier_card_told_is_struck_too(world):
    """The new card never had the readings of the hours before noon."""
    world.day(end="12:00", people=3)
    world.new_card()
    world.day(begin="12:00", people=3)
    world.skip("2026-09-02 01:00")
    assert world.figures(ON) == world.true(ON)
    strikes(world, begin=9, end=14)
    halves = [half for half in range(15, 35) if not 18 <= half < 28]  # from 7:30 to 17:00
    assert world.figures(ON)[1] == 3 * len(halves)
    strikes(world, take_back)
    assert world.figures(ON) == world.true(ON)


@pytest.mark.parametrize("before", [True, False], ids=["struck before", "struck after"])
def test_a_restored_backup_neither_doubles_nor_loses_what_is_struck(world, before):
    world.day(end="10:00", people=3)
    if before:
        strikes(world, begin=8, end=9)
    world.stop()
    backup = world.path.read_bytes()
    world.cards += 1
    world.path.write_bytes(backup)
    world.start()
    world.day(begin="10:00", people=3)
    if not before:
        strikes(world, begin=8, end=9)
    world.skip("2026-09-02 01:00")
    assert world.figures(ON)[1] == world.people[ON] - 6
    strikes(world, take_back)
    world.skip("2026-09-02 02:00")
    assert world.figures(ON) == world.true(ON)


def test_a_kiosk_that_alone_watched_leaves_a_day_that_nobody_watched(world):
    world.day(people=3)
    world.skip("2026-09-02 01:00")
    strikes(world)
    east = on_campus(world)
    assert east.state == "uncovered" and not world.campus.reports.now(ON).zero


def test_minutes_that_were_told_late_are_in_the_report(tmp_path):
    parts = Parts(tmp_path)
    parts.keep(over(counts(normal=3, late_minutes=45)))
    figures = parts.campus().figures
    assert figures and figures.late_minutes == 45
    parts.reports.make(DAY)
    report, version = parts.reports.read(DAY, 1)
    say = translator("en")
    sheet = ReportText(parts.settings.zone, "en", say).sheet(report, version)
    column = sheet.tables[0].columns.index("Minutes sent late")
    assert next(iter(sheet.tables[0].rows))[column] == 45
    parts.close()


def test_an_older_statement_that_knows_nothing_of_a_strike_brings_nothing_back(tmp_path):
    parts = Parts(tmp_path)
    begin, end = local(f"{DAY} 08:00"), local(f"{DAY} 10:00")
    span = StruckSpan(begin=begin, end=end, at=end, by="a", reason="b", people=9, fevers=1)
    parts.keep(over(counts(normal=10)), fever(1))
    parts.keep(so_far(normal=1, revision=9, struck=[span]))
    figures = parts.campus().figures
    assert figures and figures.fevers == 0 and figures.screened == 0
    parts.close()


HOURS = range(4)
hour_counts = st.lists(st.integers(0, 5), min_size=len(HOURS), max_size=len(HOURS))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["", "a", "b"]), hour_counts, min_size=1),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.booleans()), max_size=3),
    st.sampled_from(["", "a", "b"]),
)
def test_whichever_epochs_know_of_a_strike_the_figures_are_those_of_the_other_hours(
    people_by_epoch, spans, knows
):
    kiosk = KioskTotals()
    struck_spans = [
        StruckSpan(
            begin=a * 3600,
            end=b * 3600,
            at=number,
            by="x",
            reason="y",
            undone_at=99 if undone else None,
        )
        for number, (a, b, undone) in enumerate(spans)
    ]
    if knows not in people_by_epoch:
        struck_spans = []
    active = [span for span in struck_spans if span.undone_at is None]

    def counts_of(people, known_spans):
        return sum(
            n
            for hour, n in zip(HOURS, people, strict=True)
            if not any(span.begin <= hour * 3600 < span.end for span in known_spans)
        )

    for epoch, people in people_by_epoch.items():
        known_spans = struck_spans if epoch == knows else []
        valid_spans = [span for span in known_spans if span.undone_at is None]
        kiosk.hear(
            epoch,
            KioskCount(
                kiosk="k", gate="g", normal=counts_of(people, valid_spans), struck=known_spans
            ),
        )
        for hour, number in zip(HOURS, people, strict=True):
            is_struck = any(span.begin <= hour * 3600 < span.end for span in valid_spans)
            summary = HourSummary(
                kiosk="k", gate="g", hour=hour * 3600, revision=1, normal=0 if is_struck else number
            )
            kiosk.hours.append((epoch, summary))
    assert kiosk.count("k").normal == sum(
        counts_of(people, active) for people in people_by_epoch.values()
    )
    assert kiosk.stated == kiosk.held
