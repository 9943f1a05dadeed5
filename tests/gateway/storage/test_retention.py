"""Old records are deleted, and nothing else; what was counted stays counted."""

import pytest
from samples import AT, arrived, settings

from fevergate.protocol.messages import Identity
from fevergate.reports.fever_log import read_day
from fevergate.settings.gateway import Retention
from fevergate.storage import retention
from fevergate.storage.connection import open_reader
from fevergate.storage.records import Acknowledged, Rejected
from fevergate.storage.retention import Housekeeper, kept
from fevergate.storage.store import Store
from fevergate.storage.writer_thread import Writer

DAY = 86400
KEEP = Retention()


@pytest.fixture
def writer(tmp_path):
    writer = Writer(Store(tmp_path / "fevergate.db"), lambda *_: None)
    writer.start()
    yield writer
    writer.stop()


@pytest.fixture
def reader(writer, tmp_path):
    reader = open_reader(tmp_path / "fevergate.db")
    yield reader
    reader.close()


def put(writer, *records):
    writer.call(lambda store: store.commit(records)).result()


def seqs(reader):
    return [seq for (seq,) in reader.execute("select seq from readings order by seq")]


def later(writer, days):
    """Run the housekeeper `days` later, with no earlier run that could put its clock in doubt;
    returns the counts of deleted rows."""
    writer.call(lambda store: store.db.execute("delete from meta where key = 'housekept_at'"))
    return Housekeeper(KEEP, writer.call, lambda: AT + days * DAY).once()


def test_old_readings_go_but_their_fevers_and_counts_stay(writer, reader):
    put(writer, arrived(1), arrived(2, "fever"), arrived(3, at=AT + 20 * DAY))
    before = read_day(reader, settings())
    log = [read_day(reader, settings(), day) for day in _days(reader)]
    assert later(writer, KEEP.raw_days + 1)["readings"] == 1
    assert seqs(reader) == [2, 3]
    assert [read_day(reader, settings(), day) for day in _days(reader)] == log
    assert read_day(reader, settings()) == before


def _days(reader):
    from datetime import date

    return [date.fromisoformat(day) for (day,) in reader.execute("select date from days")]


def test_nothing_goes_before_its_time(writer, reader):
    put(writer, *(arrived(seq) for seq in range(1, 50)))
    assert not any(later(writer, KEEP.raw_days - 1).values())
    assert len(seqs(reader)) == 49


def test_a_reading_that_was_never_dated_goes_by_its_arrival(writer, reader):
    put(writer, arrived(1, at=None))
    assert later(writer, KEEP.raw_days - 1)["undated"] == 0
    assert later(writer, KEEP.raw_days + 1)["undated"] == 1
    assert seqs(reader) == []


def test_names_and_rejected_messages_are_deleted_sooner(writer, reader):
    put(writer, arrived(1, "fever"), Rejected("x", "why", b"Li Wei, 13800000000", AT))
    put(writer, Acknowledged((Identity("north-1", 1, 1),), "Li Wei", AT + 60))
    later(writer, KEEP.persons_days - 1)
    assert reader.execute("select acknowledged_by from fevers").fetchone() == ("Li Wei",)
    later(writer, KEEP.persons_days + 1)
    row = reader.execute("select acknowledged_by, acknowledged_at from fevers").fetchone()
    assert row == ("", AT + 60)
    assert reader.execute("select count(*) from rejected").fetchone() == (0,)


def test_many_readings_are_deleted_in_small_steps(writer, reader, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_ROWS", 7)
    put(writer, *(arrived(seq, "fever" if seq % 10 == 0 else "normal") for seq in range(1, 101)))
    assert later(writer, KEEP.raw_days + 1)["readings"] == 90
    assert seqs(reader) == list(range(10, 101, 10))


def test_the_oldest_reading_and_overdue_deletion_are_reported(writer, reader):
    put(writer, arrived(1), arrived(2, "fever", at=AT - DAY))
    assert kept(reader, KEEP, AT + DAY).overdue is False
    assert kept(reader, KEEP, AT + DAY).oldest_at == AT + 1
    assert kept(reader, KEEP, AT + (KEEP.raw_days + 1) * DAY).overdue
    later(writer, KEEP.raw_days + 1)
    assert kept(reader, KEEP, AT + (KEEP.raw_days + 1) * DAY).oldest_at is None


def test_a_clock_that_leaps_ahead_takes_nothing_away(writer, reader):
    put(writer, *(arrived(seq) for seq in range(1, 21)))
    clock, up = [AT + DAY], [0.0]
    sure = [True]
    keeper = Housekeeper(KEEP, writer.call, lambda: clock[0], lambda: up[0], lambda: sure[0])
    keeper.once()
    clock[0] = AT + 70 * 365 * DAY  # a Pi without a battery, and a wrong time server
    for hour in range(48):
        up[0] = hour * 3600.0
        sure[0] = hour < 5  # network time itself was wrong for some hours
        assert not any(keeper.once().values())
    clock[0], sure[0] = AT + 2 * DAY, True
    assert not any(keeper.once().values())
    assert len(seqs(reader)) == 20


def test_a_clock_that_was_set_back_by_an_hour_holds_up_nothing(writer, reader):
    now = [AT + (KEEP.raw_days + 1) * DAY]
    keeper = Housekeeper(KEEP, writer.call, lambda: now[0], lambda: 0.0)
    keeper.once()
    put(writer, arrived(1))
    now[0] -= 3600
    assert keeper.once()["readings"] == 1 and seqs(reader) == []


def test_a_gateway_that_was_off_for_two_years_goes_on_after_some_hours(writer, reader):
    put(writer, arrived(1))
    up = [0.0]
    Housekeeper(KEEP, writer.call, lambda: AT, lambda: 0.0).once()
    keeper = Housekeeper(KEEP, writer.call, lambda: AT + 730 * DAY + up[0], lambda: up[0])
    assert keeper.once()["readings"] == 0
    up[0] = retention.DOUBT_S + 1
    assert keeper.once()["readings"] == 1


def test_a_gateway_that_is_switched_off_each_night_deletes_too(writer, reader):
    put(writer, arrived(1))
    Housekeeper(KEEP, writer.call, lambda: AT, lambda: 0.0).once()
    deleted = 0
    for day in range(3):
        up = [0.0]
        now = AT + (730 + day) * DAY
        keeper = Housekeeper(
            KEEP, writer.call, lambda now=now, up=up: now + up[0], lambda up=up: up[0]
        )
        for hour in range(3):
            up[0] = hour * 3600.0
            deleted = keeper.once()["readings"]
    assert deleted == 1 and seqs(reader) == []
