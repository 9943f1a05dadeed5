"""An absurd record costs only itself: the writer goes on, the other records are stored, and the
red light never waits."""

import json
import sqlite3
import threading
from contextlib import closing
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samples import AT, arrived, health, reading
from samples import settings as gateway_settings

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.gateway.ingest import Ingest
from fevergate.protocol.messages import FIRST_AT, LAST_AT, MAX_MS, encode
from fevergate.storage.connection import open_reader
from fevergate.storage.daily_rollup import DailyRollup
from fevergate.storage.records import Acknowledged, HealthArrived, ReadingArrived, Rejected
from fevergate.storage.store import Store
from fevergate.storage.writer_thread import Writer

WAIT_S = 60

DATES = [None, FIRST_AT, LAST_AT, FIRST_AT - 1, LAST_AT + 1, -1, 0, 1e308, 2**63, AT, "1970"]
UPTIMES = [0, 1, MAX_MS, MAX_MS + 1, 2**53, 2**63, 2**64, -1, 1.5, AT * 1000]
COUNTS = [0, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**64, -1]


class Line:
    """The gateway's intake without a broker; `done` has the numbers of acknowledged messages."""

    def __init__(self, path):
        self.path = path
        self.done = []
        self.writer = Writer(Store(path), lambda *_: None)
        lamps: Any = SimpleNamespace(show=lambda **_: None, buzz=lambda _: None)
        alarm = Alarm({"north": lamps, "south": lamps}, lambda _: None)
        settings = gateway_settings()
        self.ingest = Ingest(
            settings, alarm, KioskMonitor(settings, alarm.trouble), self.writer.add
        )
        self.writer.start()

    def say(self, number, kind, payload):
        self.ingest.message(
            f"fevergate/v1/east/north-1/{kind}", payload, lambda: self.done.append(number)
        )

    def rows(self, query):
        with closing(open_reader(self.path)) as reader:
            return reader.execute(query).fetchall()


def hostile(kind, valid, **fields):
    """Messages of a kind, with any of `fields` out of bounds; few boots, so that some agree."""
    changes = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in fields.items()})
    return st.tuples(st.just(kind), changes.map(lambda change: valid | change))


READING = json.loads(encode(reading(1)))
HEALTH = json.loads(encode(health()))
MESSAGES = st.lists(
    hostile("reading", READING, at=DATES, up_ms=UPTIMES, seq=[1, 2, 3, *COUNTS], boot=[1, 2, -1])
    | hostile("reading", READING | {"at": None}, up_ms=UPTIMES, seq=[4, 5], boot=[1, 2])
    | hostile("reading", READING, samples=COUNTS, scan_ms=UPTIMES, queued=COUNTS, body_c=COUNTS)
    | hostile("health", HEALTH, at=DATES, up_ms=UPTIMES, watched_s=[0, 3600, 3601], boot=[1, 2]),
    max_size=12,
)
BEYOND = [
    ("health", HEALTH | {"at": LAST_AT, "up_ms": 0}),
    ("reading", READING | {"at": None, "up_ms": MAX_MS}),
]
"""Each field is within its bounds, but together they date the reading after 2100."""


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
@example(BEYOND)
@example([("health", HEALTH | {"up_ms": 2**53}), ("reading", READING | {"at": None})])
def test_whatever_a_kiosk_says_of_its_time_the_next_person_is_stored(tmp_path_factory, messages):
    line = Line(tmp_path_factory.mktemp("hostile") / "a.db")
    for number, (kind, message) in enumerate(messages):
        line.say(number, kind, json.dumps(message).encode())
    line.say("person", "reading", encode(reading(99, boot=9)))
    line.writer.stop()
    assert sorted(map(str, line.done)) == sorted([*map(str, range(len(messages))), "person"])
    assert line.rows("select count(*) from readings where seq = 99 and boot = 9") == [(1,)]
    for at, *_ in line.rows("select at from readings where at is not null"):
        assert FIRST_AT <= at <= LAST_AT
    assert all(reason for (reason,) in line.rows("select reason from rejected"))
    if messages == BEYOND:
        assert line.rows("select at from readings where boot = 1") == [(None,)]


def test_an_early_reading_that_a_late_date_puts_beyond_the_calendar_stays_undated(tmp_path):
    store = Store(tmp_path / "a.db")
    store.commit([arrived(1, at=None, up_ms=MAX_MS), arrived(2, at=None, up_ms=1000)])
    store.commit([HealthArrived(health(at=AT, up_ms=1000), AT, "north")])
    dates = dict(store.db.execute("select seq, at from readings").fetchall())
    assert dates == {1: None, 2: AT}
    store.close()


@pytest.mark.parametrize("error", [ValueError("year -283400"), KeyError("x"), ZeroDivisionError()])
def test_a_record_that_makes_anything_raise_costs_itself_alone(tmp_path, error):
    real = DailyRollup.refresh

    def refresh(rollup, **options):
        if rollup._connection.execute("select 1 from readings where seq = 7").fetchone():
            raise error
        real(rollup, **options)

    done = []
    with patch.object(DailyRollup, "refresh", refresh):
        writer = Writer(Store(tmp_path / "a.db"), lambda *_: None)
        for seq in range(1, 41):
            writer.add(arrived(seq), lambda seq=seq: done.append(seq))
        writer.start()
        writer.stop()
    with closing(open_reader(tmp_path / "a.db")) as reader:
        stored = [seq for (seq,) in reader.execute("select seq from readings order by seq")]
        ((topic, reason),) = reader.execute("select topic, reason from rejected").fetchall()
    assert stored == [seq for seq in range(1, 41) if seq != 7]
    assert sorted(done) == list(range(1, 41))
    assert topic == "north-1" and str(error) in reason


def test_what_sqlite_calls_a_logic_error_is_a_records_fault_and_not_the_disks(tmp_path):
    store = Store(tmp_path / "a.db")
    store.db.execute(
        "create temp trigger choke after insert on main.readings when new.seq = 2"
        " begin select abs(-9223372036854775807 - new.boot); end"
    )
    troubles = []
    writer = Writer(store, lambda *_: None, troubles.append)
    for seq in (1, 2, 3):
        writer.add(arrived(seq))
    writer.start()
    writer.stop()
    with closing(open_reader(tmp_path / "a.db")) as reader:
        assert reader.execute("select seq from readings order by seq").fetchall() == [(1,), (3,)]
        assert reader.execute("select reason from rejected").fetchall() == [("integer overflow",)]
    assert troubles == []


class HeldStore(Store):
    """A store whose disk hangs: it takes nothing and raises no error until `free` is set."""

    def __init__(self, path):
        super().__init__(path)
        self.free = threading.Event()
        self.entered = threading.Event()

    def commit(self, batch):
        self.entered.set()
        self.free.wait(WAIT_S)
        return super().commit(batch)


def test_a_full_queue_never_holds_up_the_thread_of_the_alarm(tmp_path, monkeypatch):
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING", 10)
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING_FEVERS", 3)
    store = HeldStore(tmp_path / "a.db")
    done, asked = [], threading.Event()
    writer = Writer(store, lambda *_: None, again=asked.set)
    writer.start()
    writer.add(arrived(1), lambda: done.append(1))
    assert store.entered.wait(WAIT_S)
    adding = threading.Thread(target=fill, args=(writer, done), daemon=True)
    adding.start()
    adding.join(WAIT_S)
    assert not adding.is_alive()
    assert writer.turned_away == 38 - 10 + 2  # three of five fevers found room beyond the limit
    assert writer.waiting == 10 + 3 + 1  # and the guard's acknowledgement
    store.free.set()
    while len({*done}) < 45:
        assert asked.wait(WAIT_S)
        asked.clear()
        fill(writer, done)  # the broker repeats what was not acknowledged
        if not writer.turned_away:
            break
    writer.stop()
    assert {*done} == {*range(1, 45), "guard"}


def fill(writer, done):
    for seq in range(2, 45):
        if seq not in done:
            verdict = "fever" if seq >= 40 else "normal"
            writer.add(arrived(seq, verdict), lambda seq=seq: done.append(seq))
    writer.add(Acknowledged((), "Li Wei", 1.0), lambda: done.append("guard"))


def test_a_message_that_makes_the_gateway_itself_stumble_is_quarantined(tmp_path, monkeypatch):
    line = Line(tmp_path / "a.db")
    monkeypatch.setattr(line.ingest, "_health", lambda _: 1 / 0)
    line.say(1, "health", encode(health()))
    line.say(2, "reading", encode(reading(1)))
    line.writer.stop()
    assert sorted(line.done) == [1, 2]
    ((reason,),) = line.rows("select reason from rejected")
    assert "ZeroDivisionError" in reason


def test_a_lamp_that_fails_costs_no_fever_its_place_on_the_disk():
    records = []
    settings = gateway_settings()
    alarm: Any = SimpleNamespace(fever=lambda *_: 1 / 0, trouble=lambda *_: None)
    ingest = Ingest(
        settings,
        alarm,
        KioskMonitor(settings, alarm.trouble),
        lambda record, _: records.append(record),
    )
    ingest.message("fevergate/v1/east/north-1/reading", encode(reading(1, "fever")), lambda: None)
    assert isinstance(records[0], ReadingArrived) and not isinstance(records[0], Rejected)


def test_an_absurd_row_of_a_damaged_database_costs_itself_alone(tmp_path):
    store = Store(tmp_path / "a.db")
    names = ["kiosk", "hour", "gate", "watched", "fault", "revision"]
    rows = [("north-1", hour, "north", 1, 0, 1) for hour in (0, 3600, -(2**60), 7200)]
    store.adopt("hours", names, rows)
    assert store.db.execute("select hour from hours order by hour").fetchall() == [
        (0,),
        (3600,),
        (7200,),
    ]
    store.close()


def test_an_hour_outside_the_calendar_never_keeps_the_gateway_from_starting(tmp_path):
    Store(tmp_path / "a.db").close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute(
            "insert into hours(kiosk, hour, gate) values ('a', -1000000000000000, 'n')"
        )
        connection.execute("delete from meta where key = 'timezone'")
    Store(tmp_path / "a.db").close()
