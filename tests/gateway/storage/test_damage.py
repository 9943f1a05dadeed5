"""A damaged database: new readings are stored, the old file is kept, and what can be read from it
is taken over."""

import sqlite3
import threading
from zoneinfo import ZoneInfo

import pytest
from samples import AT, arrived, health

from fevergate.errors import StoreError
from fevergate.protocol.messages import Identity
from fevergate.storage.connection import open_reader, set_aside_before
from fevergate.storage.records import Acknowledged, HealthArrived
from fevergate.storage.recovery import Salvage, fevers
from fevergate.storage.store import Store, open_store, waiting_fevers
from fevergate.storage.writer_thread import Writer

COUNT = 6000
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def path(tmp_path):
    """A database with `COUNT` readings, three of them fevers, of which one is acknowledged."""
    path = tmp_path / "fevergate.db"
    store = Store(path)
    store.commit(
        [
            arrived(seq, "fever" if seq in (10, 3000, 5990) else "normal")
            for seq in range(1, COUNT + 1)
        ]
    )
    store.commit([HealthArrived(health(at=AT + 3600, up_ms=3_600_000), AT + 3600, "north")])
    store.commit([Acknowledged((Identity("north-1", 1, 10),), "Li Wei", AT + 50)])
    store.db.execute("pragma wal_checkpoint(truncate)")
    store.close()
    return path


def pages_of(path, table):
    reader = open_reader(path)
    (size,) = reader.execute("pragma page_size").fetchone()
    (root,) = reader.execute(
        "select rootpage from sqlite_master where name = ?", (table,)
    ).fetchone()
    reader.close()
    return size, root


def spoil(path, page, size):
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def spoil_a_leaf(path, marker=b"north-1"):
    """Damage one page in the middle of the readings, as a worn SD card would."""
    size, root = pages_of(path, "readings")
    data = path.read_bytes()
    leaves = [
        page
        for page in range(1, len(data) // size + 1)
        if page != root
        # 0x0A marks a leaf of an index b-tree, the form of a table without rowid; no index has the
        # verdict.
        and data[(page - 1) * size] == 0x0A
        and b"normal" in data[(page - 1) * size : page * size]
        and data[(page - 1) * size : page * size].count(marker) > 20
    ]
    spoil(path, leaves[len(leaves) // 2], size)


def take_over(aside, store):
    """Take over what can be read, in steps, as the gateway does beside its work; returns the counts
    of rows."""
    writer = Writer(store, lambda *_: None)
    writer.start()
    done, counts = threading.Event(), {}
    salvage = Salvage(aside, writer.call, lambda result: (counts.update(result), done.set()))
    salvage.start()
    assert done.wait(60)
    writer.stop()
    return counts


def test_a_file_that_is_no_database_is_kept_to_the_last_byte(tmp_path):
    path = tmp_path / "fevergate.db"
    path.write_bytes(b"not a database, but perhaps somebody's only copy" * 100)
    before = path.read_bytes()
    store, aside = open_store(path, ZONE)
    assert aside is not None and aside.read_bytes() == before
    assert fevers(aside, store) == 0
    store.commit([arrived(1)])
    assert store.db["readings"].count == 1
    store.close()
    assert set_aside_before(path) == [aside]


def test_a_second_damaged_file_does_not_overwrite_the_first(tmp_path):
    path = tmp_path / "fevergate.db"
    for text in (b"first " * 1000, b"second" * 1000):
        path.write_bytes(text)
        store, _ = open_store(path, ZONE)
        store.close()
        path.unlink()
    assert sorted(aside.read_bytes()[:5] for aside in set_aside_before(path)) == [
        b"first",
        b"secon",
    ]


def test_a_missing_folder_is_not_taken_for_a_damaged_database(tmp_path):
    with pytest.raises(StoreError):
        open_store(tmp_path / "nowhere" / "fevergate.db", ZONE)
    assert list(tmp_path.iterdir()) == []


def test_readings_are_stored_if_damage_is_found_while_running(path):
    size, root = pages_of(path, "readings")
    spoil(path, root, size)
    store, aside = open_store(path, ZONE)
    assert aside is None  # the damage is noticed only when that page is read
    notices, calls = [], []
    writer = Writer(store, lambda *_: None, damaged=notices.append)
    writer.start()
    writer.add(arrived(COUNT + 1), lambda: calls.append(1))
    writer.stop()
    assert calls == [1]
    assert [aside] != notices == set_aside_before(path)
    reader = open_reader(path)
    assert [row[0] for row in reader.execute("select seq from readings")] == [COUNT + 1]
    reader.close()


def test_damage_among_old_readings_is_found_by_a_query_that_reads_them(path):
    spoil_a_leaf(path)
    notices = []
    writer = Writer(Store(path), lambda *_: None, damaged=notices.append)
    writer.start()
    highest = writer.call(lambda store: store.db.execute("select max(verdict) from readings"))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        highest.result(120)
    writer.stop()
    assert [] != notices == set_aside_before(path)


def test_all_but_the_bad_page_is_taken_over_and_counted_once(path):
    spoil_a_leaf(path)
    before = path.read_bytes()
    aside = path.rename(path.with_name("fevergate.db.damaged-1"))
    store = Store(path)
    store.commit([arrived(1), arrived(COUNT + 1)])  # one came again, one is new
    assert fevers(aside, store) == 3
    assert [identity.seq for _, identity, _ in waiting_fevers(store.db)] == [3000, 5990]
    counts = take_over(aside, store)
    assert COUNT - 200 < counts["readings"] < COUNT
    reader = open_reader(path)
    (rows,) = reader.execute("select count(*) from readings").fetchone()
    assert rows == counts["readings"] + 1
    for query in (
        "select sum(normal + fever + retry) from hours",
        "select sum(normal + fever + retry) from days",
    ):
        assert reader.execute(query).fetchone() == (rows,)
    (watched,) = reader.execute("select count(*) from hours where watched != 0").fetchone()
    assert watched >= 2
    (by,) = reader.execute("select acknowledged_by from fevers where seq = 10").fetchone()
    assert by == "Li Wei"
    reader.close()
    assert aside.read_bytes() == before
