"""The collector keeps readings of many campuses in PostgreSQL, each once and under its day."""

import threading
import time

import psycopg
import pytest
from collect_helpers import Books, Desk, settings_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import AT, reading

from fevergate.collect.calendar import Calendar
from fevergate.collect.intake import COLUMNS, HEAD_BYTES
from fevergate.collect.partitions import Partitions, name_of
from fevergate.collect.statements import MAX_REJECTED
from fevergate.collect.store import REJECTED_A_BATCH
from fevergate.errors import CollectError, SettingsError, StoreError
from fevergate.protocol.messages import MAX_MS, encode
from fevergate.settings.collector import load_collect
from harness.postgres import LocalPostgres

DAY_S = 86_400


@pytest.fixture(scope="module")
def one_database(postgres):
    return postgres.database()


@pytest.fixture
def collect_settings(postgres):
    return settings_for(postgres.database())


@pytest.fixture
def desk(collect_settings):
    desk = Desk(collect_settings)
    yield desk
    desk.store.close()


@pytest.fixture
def books(collect_settings, desk):
    desk.commit()
    books = Books(collect_settings)
    yield books
    books.connection.close()


@pytest.fixture
def now(monkeypatch):
    """Sets the time (UTC s) at which messages arrive; at first an hour after `AT`."""

    def set_to(at):
        monkeypatch.setattr("fevergate.collect.intake.time.time", lambda: at)

    set_to(AT + 3600)
    return set_to


def test_a_reading_is_kept_with_all_that_it_said(desk, books, now):
    desk.say(seq=7, verdict="fever", body_c=38.25, reason="confirm", fw="0.1.0", samples=9)
    desk.commit()
    (row,) = books.rows(
        "select campus, kiosk, boot, seq, extract(epoch from at)::float8, up_ms, verdict, reason,"
        " object_c, skin_c, body_c, samples, fw, day::text,"
        " extract(epoch from received_at)::float8 from readings"
    )
    assert row == (
        *("east", "north-1", 1, 7, AT + 7, 7000, "fever", "confirm"),
        *(None, 35.6, 38.25, 9, "0.1.0", "2026-11-23", AT + 3600),
    )


def test_the_person_of_a_reading_is_not_collected(desk, books, now):
    desk.say(seq=7, who="0123456789abcdef", permit="stop")
    desk.commit()
    assert books.rows("select seq from readings") == [(7,)]
    assert books.rows("select * from rejected") == []
    assert not {"who", "permit"} & set(COLUMNS)


def test_the_same_kiosk_name_at_two_campuses_is_two_kiosks(desk, books, now):
    desk.say("east")
    desk.say("west")
    desk.commit()
    assert len(books.readings()) == 2


def test_a_repeat_is_a_no_op_in_the_same_batch_and_later(desk, books, now):
    desk.say()
    desk.say()
    desk.commit()
    desk.say()
    desk.commit()
    assert len(books.readings()) == 1
    assert (desk.store.new, desk.store.repeats) == (1, 2)


def test_a_repeat_that_says_another_day_changes_nothing(desk, books, now):
    desk.say(at=AT)
    desk.commit()
    desk.say(at=AT - 5 * DAY_S)
    desk.commit()
    assert books.readings() == {("east", "north-1", 1, 1): ("2026-11-23", AT)}


def test_a_day_begins_at_midnight_in_the_settings_zone(desk, books, now):
    midnight = 1_795_449_600.0  # 2026-11-24 in Shanghai
    now(midnight + 100)
    desk.say(seq=1, at=midnight - 0.001)
    desk.say(seq=2, at=midnight)
    desk.commit()
    assert sorted(day for day, _ in books.readings().values()) == ["2026-11-23", "2026-11-24"]


def test_an_undated_reading_lies_under_its_arrival_until_it_comes_with_a_date(desk, books, now):
    key = ("east", "north-1", 1, 1)
    desk.say(at=None)
    desk.commit()
    assert books.readings() == {key: ("2026-11-23", None)}
    desk.say(at=AT - 3 * DAY_S)
    desk.commit()
    assert books.readings() == {key: ("2026-11-20", AT - 3 * DAY_S)}
    desk.say(at=None)
    desk.commit()
    assert books.readings() == {key: ("2026-11-20", AT - 3 * DAY_S)}
    assert books.agrees() and desk.store.dated == 1


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_dated_reading_dates_the_others_of_its_boot_in_whatever_order(desk, books, now, order):
    for seq in order:
        desk.say(seq=seq, at=None if seq == 1 else AT - DAY_S, up_ms=seq * 60_000)
        desk.commit()
    desk.say(boot=2, seq=1, at=None)
    desk.commit()
    assert books.readings() == {
        ("east", "north-1", 1, 1): ("2026-11-22", AT - DAY_S - 60),
        ("east", "north-1", 1, 2): ("2026-11-22", AT - DAY_S),
        ("east", "north-1", 2, 1): ("2026-11-23", None),
    }
    assert books.agrees()


def test_two_collectors_that_each_get_half_of_a_boot_date_all_of_it(collect_settings, books, now):
    for round_ in range(10):
        desks = [Desk(collect_settings, name) for name in "ab"]
        for seq in range(1, 41):
            half = desks[seq % 2]
            half.say(boot=round_, seq=seq, at=None if seq % 2 else AT + seq, up_ms=seq * 1000)
        threads = [threading.Thread(target=desk.commit) for desk in desks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for desk in desks:
            desk.store.close()
    readings = books.readings()
    assert len(readings) == 400
    assert {at - AT - key[3] for key, (_, at) in readings.items()} == {0}


def test_more_undated_readings_than_are_dated_at_once(desk, books, now):
    for seq in range(1, 2502):
        desk.say(seq=seq, at=None, up_ms=seq * 1000)
    desk.commit()
    desk.say(seq=2502, at=AT + 2502, up_ms=2_502_000)
    desk.commit()
    assert {at - AT - key[3] for key, (_, at) in books.readings().items()} == {0}
    assert desk.store.dated == 2501


@pytest.mark.parametrize("at", [1_577_836_800, 4_102_444_800, AT + 3 * DAY_S])
def test_a_date_that_cannot_be_is_kept_as_said_under_the_day_of_arrival(desk, books, now, at):
    desk.say(at=at)
    desk.commit()
    assert books.readings() == {("east", "north-1", 1, 1): ("2026-11-23", at)}
    assert books.one("select count(*) from pg_inherits where inhparent = 'readings'::regclass") < 3


def test_a_boot_that_began_before_there_was_time_dates_nothing_and_stops_nothing(desk, books, now):
    desk.say(seq=1, at=None, up_ms=0)
    desk.say(seq=2, up_ms=MAX_MS)
    desk.commit()
    desk.say(seq=3)
    desk.commit()
    assert [at for _, at in books.readings().values()].count(None) == 1
    assert not books.rows("select * from reading_keys where undated")


HOSTILE = [
    (b"", "fevergate/v1/east/north-1/reading"),
    (b"\xff\xfe", "fevergate/v1/east/north-1/reading"),
    (b"{" * 900, "fevergate/v1/east/north-1/reading"),
    (b"x" * 1025, "fevergate/v1/east/north-1/reading"),
    (encode(reading()), "fevergate/v1/east/north-2/reading"),
    (encode(reading()), "fevergate/v1/EAST/north-1/reading"),
    (encode(reading()), "fevergate/v1/east/north-1/health"),
    (encode(reading()), "a\0b"),
    (encode(reading()).replace(b"normal", b"fev\\u0000er"), "fevergate/v1/east/north-1/reading"),
    (encode(reading()).replace(b"normal", b"\\ud800"), "fevergate/v1/east/north-1/reading"),
    (encode(reading()).replace(b'"seq":1', b'"seq":1e999'), "fevergate/v1/east/north-1/reading"),
    (
        encode(reading()).replace(b'"seq":1', b'"seq":2147483648'),
        "fevergate/v1/east/north-1/reading",
    ),
]


def test_what_does_not_validate_is_kept_with_its_reason_and_stops_nothing(desk, books, now):
    for payload, topic in HOSTILE:
        desk.raw(topic, payload)
    desk.raw(*reversed(HOSTILE[0]))
    desk.say(seq=2)
    desk.commit()
    assert len(books.readings()) == 1
    rows = books.rows("select topic, reason, head, size, times from rejected")
    assert len(rows) == len(HOSTILE) and desk.intake.counts["rejected"] == len(HOSTILE) + 1
    for topic, reason, head, size, times in rows:
        assert reason and len(head) <= HEAD_BYTES and head == bytes(head)
        assert times == (2 if size == 0 else 1)
        assert any(
            payload[:HEAD_BYTES] == head and sent_topic.replace("\0", "\ufffd") == topic
            for payload, sent_topic in HOSTILE
        )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.text(max_size=60), st.binary(max_size=1200)), max_size=12))
def test_no_message_on_any_topic_hinders_the_next_reading(desk, now, messages):
    before = desk.store.new
    for topic, payload in messages:
        desk.raw(topic, payload)
        desk.raw("fevergate/v1/east/north-1/reading", payload)
    desk.say(boot=2, seq=desk.store.new + 1)
    desk.commit()
    assert desk.store.new == before + 1


def test_a_row_that_only_the_database_refuses_hinders_no_other_row(desk, books, now):
    for seq in (1, 2, 3):
        desk.say(seq=seq)
    row = list(desk.items[1])
    row[list(COLUMNS).index("fw")] = "a\0b"
    desk.items[1] = tuple(row)
    desk.commit()
    assert sorted(key[3] for key in books.readings()) == [1, 3]
    assert "database:" in books.one("select reason from rejected")


def test_a_flood_of_garbage_fills_neither_the_table_nor_a_commit(desk, books, now, monkeypatch):
    monkeypatch.setattr("fevergate.collect.store.TRIM_EVERY", 1)
    for number in range(REJECTED_A_BATCH + 50):
        desk.raw("x", b"%d" % number)
    desk.commit()
    assert books.one("select count(*) from rejected") == REJECTED_A_BATCH
    books.rows(
        "insert into rejected select decode(md5(n::text), 'hex'), later, later, 1, '', '', '', 0"  # noqa: S608
        f" from generate_series(1, {MAX_REJECTED}) n, to_timestamp({AT + 7200}) later returning 1"
    )
    desk.raw("x", b"one more")
    desk.commit()
    assert books.one("select count(*) from rejected") == MAX_REJECTED
    # The oldest are gone: all that the desk received an hour before the rows above.
    assert books.one("select count(*) from rejected where topic <> ''") == 0


# Deliveries of a kiosk's readings: each with or without its date, perhaps repeated, in any order,
# to one of two collectors.
deliveries = st.lists(
    st.tuples(
        st.integers(1, 2),  # boot
        st.integers(1, 6),  # seq
        st.sampled_from(["dated", "undated", "other day"]),
        st.integers(0, 1),  # collector
        st.booleans(),  # whether the collector then commits
    ),
    max_size=40,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deliveries)
def test_in_any_order_and_any_number_each_reading_is_there_once(one_database, sent):
    collect_settings = settings_for(one_database)
    books = Books(collect_settings)
    desks = [Desk(collect_settings, name) for name in "ab"]
    for desk in desks:
        desk.commit()
    books.connection.execute("truncate readings, reading_keys, boots")
    dated = {}
    arrived_at = time.time()
    for boot, seq, kind, index, commits in sent:
        at = {"dated": arrived_at - 60 + seq, "undated": None, "other day": arrived_at - 9 * DAY_S}[
            kind
        ]
        desks[index].say(boot=boot, seq=seq, at=at, up_ms=seq * 1000)
        if at is not None:
            dated.setdefault((boot, seq), set()).add(at)
        if commits:
            desks[index].commit()
    for desk in desks:
        desk.commit()
        desk.store.close()
    readings = books.readings()
    assert {key[2:] for key in readings} == {(boot, seq) for boot, seq, *_ in sent}
    assert books.agrees()
    boots = {boot for boot, _ in dated}
    for (_, _, boot, seq), (_, at) in readings.items():
        assert (at is None) == (boot not in boots)
        if (boot, seq) in dated and len(dated[boot, seq]) == 1 and boot_clock(dated, boot):
            assert abs(at - next(iter(dated[boot, seq]))) < 1e-3
    books.connection.close()


def boot_clock(dated, boot):
    """Return whether all dated readings of a boot agree on when the boot began."""
    return (
        len({round(at - key[1]) for key, ats in dated.items() if key[0] == boot for at in ats}) < 2
    )


def test_partitions_are_made_ahead_and_by_many_at_once(collect_settings, books, now):
    desks = [Desk(collect_settings, str(n)) for n in range(4)]
    errors = []

    def work(number):
        try:
            desks[number].store.housekeep(AT)
            for seq in range(1, 41):
                desks[number].say(kiosk=f"k-{number}", seq=seq, at=AT - seq * DAY_S)
            desks[number].commit()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for desk in desks:
        desk.store.close()
    assert not errors
    days = {day for day, _ in books.readings().values()}
    assert len(days) == 40
    partitions = Partitions(books.connection).days()
    assert len(partitions) == 44 and str(partitions[-1]) == "2026-11-26"


def test_making_a_day_waits_for_nobody_who_inserts_or_reads(desk, books, now):
    desk.say(seq=1)
    desk.commit()
    with psycopg.connect(desk.store._settings.database.url) as connection:
        connection.execute("select * from readings")
        connection.execute("insert into readings select * from readings where false")
        desk.say(seq=2, at=AT - DAY_S)
        desk.commit()  # while the other transaction holds its locks
    assert len(books.readings()) == 2


def test_old_days_are_dropped_with_their_keys_when_the_settings_say_so(postgres, now):
    collect_settings = settings_for(postgres.database(), keep_days=30)
    desk = Desk(collect_settings)
    for days in (29, 30, 31, 1):
        now(AT - 40 * DAY_S)
        desk.say(seq=days, at=AT - days * DAY_S if days > 29 else AT - 40 * DAY_S)
    desk.commit()
    now(AT)
    desk.say(seq=100, at=AT - 10 * DAY_S)
    desk.commit()
    desk.store.housekeep(AT)
    books = Books(collect_settings)
    assert {key[3] for key in books.readings()} == {100}
    assert books.agrees()
    assert books.one("select count(*) from boots") == 0
    books.connection.close()
    # Readings of the oldest day that is kept can still come.
    desk.say(seq=101, at=AT - 29 * DAY_S)
    desk.commit()
    desk.store.close()


def test_nothing_is_dropped_without_the_setting(desk, books, now):
    now(AT - 2000 * DAY_S)
    desk.say(at=AT - 2000 * DAY_S)
    desk.commit()
    desk.store.housekeep(AT)
    assert len(books.readings()) == 1


def test_a_day_that_somebody_dropped_is_made_again(desk, books, now):
    desk.say(seq=1)
    desk.commit()
    books.connection.execute(f"drop table {name_of(Calendar(desk.store._settings.zone).day(AT))}")
    desk.say(seq=2)
    desk.commit()
    assert {key[3] for key in books.readings()} == {2}


def test_collectors_must_agree_where_a_day_begins(desk, books, collect_settings):
    collect_settings.timezone = "Europe/Berlin"
    with pytest.raises(CollectError, match="counts its days in Asia/Shanghai"):
        Desk(collect_settings).commit()


def test_tables_of_another_version_are_left_alone(desk, books, collect_settings):
    books.connection.execute("update collect_meta set value = '2' where key = 'version'")
    with pytest.raises(CollectError, match="version 2"):
        Desk(collect_settings).commit()


def test_a_database_that_crashes_keeps_all_or_nothing_of_a_batch(now):
    with LocalPostgres() as server:
        collect_settings = settings_for(server.database())
        desk = Desk(collect_settings)
        desk.say(seq=1)
        desk.commit()
        server.stop("immediate")
        desk.say(seq=2)
        with pytest.raises(StoreError):
            desk.commit()
        server.start()
        desk.commit()
        books = Books(collect_settings)
        assert len(books.readings()) == 2 and books.agrees()
        books.connection.close()
        desk.store.close()


GOOD = '[database]\nurl = "postgresql://fevergate@127.0.0.1/fevergate"\n'


def test_settings_that_are_not_given_have_defaults(tmp_path):
    path = tmp_path / "collect.toml"
    path.write_text(GOOD)
    collect_settings = load_collect(path)
    assert (
        collect_settings.broker.group,
        collect_settings.broker.username,
        collect_settings.broker.window,
    ) == (
        *("raw", "collect"),
        4000,
    )
    assert collect_settings.partitions.keep_days is None and collect_settings.metrics is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "database: missing, but required"),
        ('[database]\nurl = "mysql://x"', "database.url: expected `str` matching"),
        ('[database]\nurl = "postgresql://u:secret@h/d"', "database.url: expected no password"),
        ('[database]\nurl = "postgresql://h/d?password=x"', "database.url: expected no password"),
        (GOOD + "[broker]\nwindow = 0", "broker.window: expected `int` >= 1"),
        (GOOD + '[broker]\ngroup = "a/b"', "broker.group: expected `str` matching"),
        (GOOD + "[partitions]\nkeep_days = 1", "partitions.keep_days: expected `int` >= 2"),
        (GOOD + "[partitions]\nahead = 1", "partitions.ahead: unknown key"),
        ('timezone = "Mars"\n' + GOOD, "timezone: expected a zone"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "collect.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_collect(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: {message}") and "\n" not in line and "secret" not in line
