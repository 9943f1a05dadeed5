"""A campus that is flooded with fevers does not take the day's report from the others."""

import tracemalloc

import pytest
from campus_site import DAY, Parts, after, counts, fever, local, over

from fevergate.campus import assemble, fever_reader
from fevergate.campus.report_sheet import ReportText
from fevergate.protocol.campus_messages import StruckSpan
from fevergate.texts.translations import translator

FLOOD = 57
LISTED = 10


@pytest.fixture
def parts(tmp_path, database_text, monkeypatch):
    monkeypatch.setattr(assemble, "MAX_LISTED", LISTED)
    monkeypatch.setattr(fever_reader, "AT_ONCE", 7)
    parts = Parts(tmp_path, database_text)
    yield parts
    parts.close()


def test_every_fever_counts_and_the_first_are_listed(parts):
    parts.keep(*(fever(seq) for seq in range(1, FLOOD + 1)), over(counts(normal=5, fever=FLOOD)))
    parts.keep(fever(1), over(counts(normal=7, fever=1)), campus="west")
    parts.keep(after(2, clinical_c=38.0, clinical_site="axillary", outcome="clinic", closed=True))
    last = after(FLOOD, clinical_c=36.5, clinical_site="axillary", outcome="released", closed=True)
    parts.keep(last)
    east, west = parts.campus(), parts.campus("west")
    assert east.figures and east.figures.screened == FLOOD + 5
    figures = east.figures
    assert (figures.fevers, figures.outstanding) == (FLOOD, FLOOD - 2)
    assert (figures.confirmed, figures.released) == (1, 1)
    assert [row.seq for row in east.fevers] == [*range(1, LISTED + 1)]
    assert east.fevers[1].outcome == "clinic"
    assert (east.unlisted, west.unlisted, len(west.fevers)) == (FLOOD - LISTED, 0, 1)


def test_struck_fevers_take_no_room_from_those_that_count(parts):
    hours = (local(f"{DAY} {hour}:00") for hour in ("09", "10"))
    begin, end = hours
    span = StruckSpan(begin=begin, end=end, at=end, by="Li", reason="stolen")
    parts.keep(*(fever(seq) for seq in range(1, FLOOD + 1)))
    parts.keep(*(fever(seq, kiosk="north-2") for seq in (FLOOD + 1, FLOOD + 2)))
    parts.keep(over(counts(struck=[span]), counts("north-2", fever=2), revision=2))
    east = parts.campus()
    assert east.figures and east.figures.fevers == 2
    assert [row.kiosk for row in east.fevers if not row.struck] == ["north-2", "north-2"]
    assert len(east.fevers) == LISTED + 2 and east.unlisted == FLOOD - LISTED


@pytest.mark.parametrize(
    ("language", "sentence", "row"),
    [
        ("en", "East: 47 more fevers are counted, but not listed.", "47 more, not listed"),
        ("zh", "东校区：另有 47 条发热已计入，未列出。", "另有 47 条，未列出"),
    ],
)
def test_the_report_says_how_many_it_does_not_list(parts, language, sentence, row):
    parts.keep(*(fever(seq) for seq in range(1, FLOOD + 1)))
    text = ReportText(parts.settings.zone, language, translator(language))
    report = parts.report()
    assert sentence in text.gaps(report)
    table = text.table("fevers", report)
    rows = list(table.rows)
    assert len(rows) == LISTED + 1 and row in rows[-1]
    assert {len(cells) for cells in rows} == {len(table.columns)}


def test_a_report_takes_no_more_memory_for_a_flooded_day(parts):
    def peak():
        tracemalloc.start()
        try:
            parts.report()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    parts.keep(*(fever(seq) for seq in range(1, 201)))
    peak()
    short = peak()
    parts.keep(*(fever(seq) for seq in range(201, 1201)))
    assert peak() < short + 1000 * 200
