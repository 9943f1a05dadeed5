"""The store keeps every reading once, and counts readings and watched minutes by the hour."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import AT, arrived, health, reading

from fevergate.errors import StoreError
from fevergate.protocol.messages import Applied, CalibrationRecord, Identity, Stored
from fevergate.storage import record_writer
from fevergate.storage.connection import open_reader
from fevergate.storage.records import (
    Acknowledged,
    HealthArrived,
    ReadingArrived,
    Rejected,
    SettingsApplied,
    StatusArrived,
)
from fevergate.storage.store import Store, raised_fevers, waiting_fevers
from fevergate.web_common.store import WebStore


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "fevergate.db")
    yield store
    store.close()


def hours(store):
    return {
        row["hour"]: row for row in store.db.query("select * from hours where kiosk = 'north-1'")
    }


def totals(store, column):
    return sum(row[column] for row in hours(store).values())


def test_a_reading_that_comes_again_changes_nothing(store):
    for _ in range(3):
        messages = store.stored(
            store.commit([arrived(1), arrived(2, "fever"), arrived(2, "fever")])
        )
        assert messages == [("north-1", Stored(boot=1, seq=2))]
    assert store.db["readings"].count == 2
    assert (totals(store, "normal"), totals(store, "fever")) == (1, 1)
    assert len(waiting_fevers(store.db)) == 1


def test_an_acknowledgement_names_the_numbers_that_are_missing(store):
    assert store.stored(store.commit([arrived(1), arrived(4)])) == [
        ("north-1", Stored(boot=1, seq=4, gaps=((2, 3),)))
    ]


def test_the_store_knows_after_a_restart_which_readings_it_has(tmp_path):
    first = Store(tmp_path / "a.db")
    first.commit([arrived(1), arrived(2)])
    first.close()
    second = Store(tmp_path / "a.db")
    assert second.stored(second.commit([arrived(3)])) == [("north-1", Stored(boot=1, seq=3))]
    second.close()


def test_starts_after_which_no_reading_came_leave_no_epochs_behind(tmp_path):
    for seq in (1, None, None, 2, None):
        store = Store(tmp_path / "a.db")
        if seq:
            store.commit([arrived(seq)])
        store.close()
    store = Store(tmp_path / "a.db")
    assert store.db.execute("select count(*) from epochs").fetchone() == (3,)
    assert store.db.execute("select count(distinct epoch) from readings").fetchone() == (2,)
    store.close()


def test_undated_readings_are_dated_by_the_next_dated_message_of_their_boot(store):
    store.commit([arrived(1, at=None, up_ms=1000), arrived(2, "fever", at=None, up_ms=2000)])
    store.commit([arrived(3, at=AT, up_ms=63_000)])
    dated = dict(store.db.execute("select seq, at from readings"))
    assert dated == {1: AT - 62, 2: AT - 61, 3: AT}


def test_health_dates_undated_readings_too_and_later_ones_as_they_arrive(store):
    store.commit([arrived(1, at=None, up_ms=1000)])
    store.commit([HealthArrived(health(at=AT, up_ms=11_000), AT, "north")])
    store.commit([arrived(2, at=None, up_ms=2000)])
    assert dict(store.db.execute("select seq, at from readings")) == {1: AT - 10, 2: AT - 9}


def test_a_dated_reading_dates_an_undated_one_of_the_same_batch(store):
    store.commit([arrived(1, at=None, up_ms=1000), arrived(2, at=AT, up_ms=11_000)])
    assert dict(store.db.execute("select seq, at from readings")) == {1: AT - 10, 2: AT}


def test_a_reading_that_its_uptime_would_put_in_the_future_stays_undated(store):
    store.commit([arrived(1, at=AT, up_ms=1000), arrived(2, at=None, up_ms=10_000_000)])
    assert dict(store.db.execute("select seq, at from readings")) == {1: AT, 2: None}


def test_another_boots_clock_dates_nothing(store):
    store.commit([arrived(1, at=None, up_ms=1000)])
    store.commit([arrived(1, boot=2, at=AT)])
    assert store.db.execute("select at from readings where boot = 1").fetchone() == (None,)


def test_dating_moves_a_reading_from_the_hour_it_came_in_to_the_hour_it_was_taken(store):
    store.commit([arrived(1, "fever", at=None, up_ms=0)])
    store.commit([arrived(2, at=AT - 7200, up_ms=1000)])
    by_hour = {hour: (row["normal"], row["fever"]) for hour, row in hours(store).items()}
    hour_taken = (AT - 7200) // 3600 * 3600
    assert by_hour == {hour_taken: (1, 1), (AT + 100) // 3600 * 3600: (0, 0)}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(["normal", "fever", "retry"]), st.booleans()),
        max_size=40,
    )
)
def test_rollups_are_right_whatever_is_repeated_reordered_or_dated_late(tmp_path_factory, events):
    store = Store(tmp_path_factory.mktemp("store") / "a.db")
    verdicts: dict[int, str] = {}
    for seq, verdict, dated in events:
        verdicts.setdefault(seq, verdict)
        store.commit([arrived(seq, verdicts[seq], at=AT + seq * 600 if dated else None)])
    for verdict in ("normal", "fever", "retry"):
        assert totals(store, verdict) == list(verdicts.values()).count(verdict)
    store.close()


def test_coverage_counts_minutes_once(store):
    for _ in range(2):
        store.commit([HealthArrived(health(at=AT, watched_s=120), AT, "north")])
    bits = sum(row["watched"].bit_count() for row in hours(store).values())
    assert bits in (3, 2)  # 120 s touch three minutes, or two if they begin on a full minute
    revision = totals(store, "revision")
    store.commit([HealthArrived(health(at=AT, watched_s=120), AT, "north")])
    assert totals(store, "revision") == revision


def test_a_fault_marks_its_minute_and_what_was_watched_before_it_stays(store):
    store.commit(
        [HealthArrived(health(state="fault", fault="BusError", watched_s=30.0), AT, "north")]
    )
    assert totals(store, "fault") == 1 << int(AT % 3600 // 60)
    assert totals(store, "watched").bit_count() >= 1


def test_coverage_that_came_late_is_known_as_late_until_it_came_in_time_too(store):
    for received_s, late in ((901, 2), (902, 2), (900, 0), (901, 0)):
        store.commit([HealthArrived(health(watched_s=59.0), AT + received_s, "north")])
        (row,) = hours(store).values()
        assert (row["watched"].bit_count(), row["late"].bit_count()) == (2, late), received_s


@pytest.mark.parametrize("reason", ["sensor", "wait", "reference", "far", "hot", "room", "newer"])
@pytest.mark.parametrize("dated_late", [False, True])
def test_a_scan_that_could_measure_nobody_is_no_coverage(store, reason, dated_late):
    """A black body, a wall or a cup before a kiosk must not make a day count as watched."""
    at = None if dated_late else AT
    store.commit([arrived(1, "retry", reason=reason, at=at)])
    store.db.execute("update readings set at = ?", (AT,))
    assert totals(store, "watched") == 0


@pytest.mark.parametrize("reason", ["", "short", "moving", "cold", "confirm"])
@pytest.mark.parametrize("dated_late", [False, True])
def test_a_scan_that_saw_a_person_covers_its_minute(store, reason, dated_late):
    at = None if dated_late else AT
    store.commit([arrived(1, "retry" if reason else "normal", reason=reason, at=at)])
    store.db.execute("update readings set at = ?", (AT,))
    assert totals(store, "watched") == 1 << int(AT % 3600 // 60)


def test_an_acknowledgement_names_who_and_when_once(store):
    store.commit([arrived(1, "fever")])
    fever = Identity("north-1", 1, 1)
    assert (waiting_fevers(store.db), [*raised_fevers(store.db)]) == (
        [("north", fever, AT + 100)],
        [fever],
    )
    store.commit([Acknowledged((fever,), "李伟", AT + 200)])
    store.commit([Acknowledged((fever,), "somebody else", AT + 300)])
    row = next(store.db.query("select * from fevers"))
    assert (row["acknowledged_by"], row["acknowledged_at"]) == ("李伟", AT + 200)
    assert (waiting_fevers(store.db), [*raised_fevers(store.db)]) == ([], [fever])


def test_an_acknowledgement_that_overtakes_its_fever_counts(store):
    fever = Identity("north-1", 1, 1)
    store.commit([Acknowledged((fever,), "李伟", AT + 200)])
    store.commit([arrived(1, "fever")])
    assert waiting_fevers(store.db) == []
    row = next(store.db.query("select * from fevers"))
    assert (row["acknowledged_by"], row["acknowledged_at"]) == ("李伟", AT + 200)


def test_an_acknowledgement_of_a_gate_covers_all_its_fevers_and_no_other_gates(store):
    store.commit([arrived(seq, "fever") for seq in (1, 2, 3)])
    south = reading(1, "fever", kiosk="south-1")
    store.commit([ReadingArrived(south, AT + 100, "south")])
    store.commit([Acknowledged((Identity("north-1", 1, 1),), "李伟", AT + 200, "north")])
    assert [identity.kiosk for _, identity, _ in waiting_fevers(store.db)] == ["south-1"]


def test_quarantine_keeps_the_head_and_is_bounded(store, monkeypatch):
    monkeypatch.setattr(record_writer, "MAX_REJECTED", 5)
    store.commit([Rejected("t", f"reason {i}", b"x" * 1000, AT) for i in range(9)])
    rows = list(store.db.query("select reason, length(head) as head, size from rejected"))
    assert [row["reason"] for row in rows] == [f"reason {i}" for i in range(4, 9)]
    assert rows[0]["head"] == 256 and rows[0]["size"] == 1000


def test_a_kiosks_last_status_and_health_are_kept(store):
    store.commit([StatusArrived("north-1", "online", AT, "north")])
    store.commit([HealthArrived(health(), AT + 5, "north")])
    store.commit([StatusArrived("north-1", "", AT + 3, "north"), arrived(1)])
    store.commit([StatusArrived("north-1", "", AT + 200, "north"), arrived(2)])
    row = next(store.db.query("select * from kiosks"))
    assert (row["status"], row["last_seen"]) == ("online", AT + 200)
    assert "heap_free" in row["health"]


def test_a_batch_that_fails_stores_nothing_and_acknowledges_nothing(store):
    store.db.conn.execute(
        "create trigger refuse before insert on readings when new.seq = 2"
        " begin select raise(abort, 'no'); end"
    )
    with pytest.raises(StoreError):
        store.commit([arrived(1), arrived(2)])
    assert store.db["readings"].count == 0
    messages = store.stored(store.commit([arrived(3)]))
    assert messages == [("north-1", Stored(boot=1, seq=3, gaps=((1, 2),)))]


def test_a_date_from_a_failed_batch_dates_earlier_readings_once_it_comes_again(store):
    store.commit([arrived(1, at=None, up_ms=1000)])
    store.db.conn.execute(
        "create trigger refuse before insert on readings when new.seq = 3"
        " begin select raise(abort, 'no'); end"
    )
    dated = arrived(2, at=AT, up_ms=11_000)
    with pytest.raises(StoreError):
        store.commit([dated, arrived(3)])
    store.commit([dated])
    assert dict(store.db.execute("select seq, at from readings")) == {1: AT - 10, 2: AT}


def test_a_commit_is_on_the_disk_before_it_is_acknowledged(store):
    assert store.db.execute("pragma synchronous").fetchone() == (2,)
    assert store.db.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(StoreError, match=r"a\.db"):
        Store(path)
    with pytest.raises(StoreError, match=r"none\.db"):
        open_reader(tmp_path / "none.db")


def test_readers_cannot_write(store):
    store.commit([arrived(1)])
    reader = open_reader(store.path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("delete from readings")
    reader.close()


def test_a_calibration_is_kept_once_however_often_it_is_applied(store):
    record = CalibrationRecord(
        sensor="0011223344556677",
        at=AT,
        by="Li",
        method="people",
        offset_c=0.2,
        uncertainty_c=0.2,
    )
    for later_s in (0, 60, 120):
        store.commit(
            [SettingsApplied(Applied(kiosk="north-1", calibration=record), AT + later_s, "north")]
        )
    (row,) = store.db.query("select * from calibrations")
    assert row["applied_at"] == AT and row["by"] == "Li" and row["gain"] == 1.0


@pytest.mark.parametrize(
    ("open_store", "migrations"), [(Store, "fevergate"), (WebStore, "fevergate-web")]
)
def test_a_database_from_before_the_first_release_is_refused_and_left(
    tmp_path, open_store, migrations
):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "create table _sqlite_migrations (id integer primary key, migration_set, name,"
            " applied_at)"
        )
        old.execute("insert into _sqlite_migrations values (1, ?, 'rollups', '')", (migrations,))
        old.commit()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"a\.db: made by a version before the first release"):
            open_store(path)
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("select name from _sqlite_migrations").fetchall() == [("rollups",)]
    assert len(path.read_bytes()) == len(before) and list(tmp_path.glob("*damaged*")) == []


def test_calibrations_that_a_kiosk_invents_displace_only_its_own(store, monkeypatch):
    monkeypatch.setattr(record_writer, "MAX_CALIBRATIONS", 3)

    def apply(kiosk, number):
        record = CalibrationRecord(
            sensor=f"{number:016x}", at=AT, by="x", method="y", offset_c=0.1, uncertainty_c=0.2
        )
        applied = Applied(kiosk=kiosk, calibration=record)
        store.commit([SettingsApplied(applied, AT + number, "north")])

    apply("north-2", 0)
    for number in range(10):
        apply("north-1", number)
    rows = store.db.query("select kiosk, sensor from calibrations order by applied_at")
    calibrations = [(row["kiosk"], int(row["sensor"], 16)) for row in rows]
    assert calibrations == [("north-2", 0), *(("north-1", number) for number in (7, 8, 9))]
