"""A day's counts, coverage and temperatures are right, although readings are repeated, reordered or
dated late."""

from collections import Counter
from contextlib import closing
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from samples import AT, arrived, health, reading

from fevergate.storage.records import HealthArrived, ReadingArrived
from fevergate.storage.store import Store

HOUR = 3600


def days(store):
    return {(row["date"], row["kiosk"]): row for row in store.db.query("select * from days")}


def total(store, column):
    return sum(row[column] for row in days(store).values())


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 10),
        st.sampled_from(["normal", "fever", "retry"]),
        st.integers(350, 400),
        st.integers(0, 48),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.integers(1, 6))
def test_every_person_is_counted_once_on_the_right_day(tmp_path_factory, events, at_once):
    store = Store(tmp_path_factory.mktemp("rollup") / "a.db")
    first = {}
    batch = []
    for seq, verdict, tenth, hour, dated in events:
        _, verdict, tenth, hour = first.setdefault(seq, (seq, verdict, tenth, hour))
        at = AT + hour * HOUR if dated else None
        batch.append(
            arrived(seq, verdict, body_c=tenth / 10, at=at, up_ms=int((hour + 1) * HOUR * 1000))
        )
    for start in range(0, len(batch), at_once):
        store.commit(batch[start : start + at_once])
    for verdict in ("normal", "fever", "retry"):
        assert total(store, verdict) == sum(1 for event in first.values() if event[1] == verdict)
    rows = store.db.execute("select tenth, sum(shown) from temperatures group by 1")
    assert {tenth: count for tenth, count in rows if count} == Counter(
        event[2] for event in first.values() if event[1] != "retry"
    )
    store.close()


def test_a_day_is_the_sum_of_its_hours(tmp_path):
    with_health = [HealthArrived(health(at=AT + minute * 60), AT, "north") for minute in range(130)]
    store = Store(tmp_path / "a.db")
    store.commit([*with_health, *(arrived(seq, at=AT + seq * 50) for seq in range(1, 120))])
    (row,) = days(store).values()
    hours = list(store.db.query("select * from hours"))
    assert row["normal"] == sum(hour["normal"] for hour in hours) == 119
    assert row["watched_minutes"] == sum(hour["watched"].bit_count() for hour in hours) == 131
    assert row["silences"] == 0 and row["last_at"] - row["first_at"] == 131 * 60
    store.close()


def test_a_kiosks_day_belongs_to_the_gate_where_it_was_last(tmp_path):
    with closing(Store(tmp_path / "a.db")) as store:
        for seq, gate in ((1, "north"), (2, "south")):
            scan = reading(seq, at=AT + 3600 * seq)
            store.commit([ReadingArrived(scan, AT + 3600 * seq, gate)])
        assert [row["gate"] for row in store.db.query("select gate from days")] == ["south"]


def test_after_a_change_of_the_time_zone_the_days_are_counted_again(tmp_path):
    store = Store(tmp_path / "a.db", ZoneInfo("Asia/Shanghai"))
    store.commit([arrived(1, at=AT)])  # ten in the morning in Shanghai
    assert [date for date, _ in days(store)] == ["2026-11-23"]
    store.close()
    store = Store(tmp_path / "a.db", ZoneInfo("America/Los_Angeles"))
    assert [date for date, _ in days(store)] == ["2026-11-22"]
    assert total(store, "normal") == 1
    store.close()
