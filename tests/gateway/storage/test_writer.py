"""Records are committed before they are acknowledged; a disk that refuses costs time, not
readings."""

import sqlite3
import threading

import pytest
from samples import arrived

from fevergate.errors import StoreError
from fevergate.storage import connection
from fevergate.storage.connection import open_reader
from fevergate.storage.records import Acknowledged, ReadingArrived, Rejected
from fevergate.storage.store import Store
from fevergate.storage.writer_thread import COMMIT_INTERVAL_S, FULL_BATCH, Writer


class Scene:
    def __init__(self, path, store=None):
        self.path = path
        self.events = []
        self.changed = threading.Condition()
        self.commits = []
        self.writer = Writer(
            store or Store(path), self.stored, self.trouble, batch=self.commits.append
        )
        self.writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.stop()

    def note(self, *event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def stored(self, kiosk, stored):
        self.note("stored", kiosk, stored.seq)

    def trouble(self, trouble):
        self.note("trouble" if trouble else "well")

    def add(self, record):
        self.writer.add(record, lambda: self.note("done"))

    def wait_for(self, event):
        with self.changed:
            assert self.changed.wait_for(lambda: event in self.events, timeout=120), self.events

    def rows(self):
        reader = open_reader(self.path)
        try:
            return [seq for (seq,) in reader.execute("select seq from readings order by seq")]
        finally:
            reader.close()


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path / "a.db")
    yield scene
    scene.writer.stop()


def test_a_reading_is_on_disk_when_it_is_acknowledged(scene):
    rows = []
    scene.writer.add(arrived(1), lambda: rows.append(scene.rows()))
    scene.wait_for(("stored", "north-1", 1))
    assert rows == [[1]]


def test_the_kiosk_is_told_after_the_broker(scene):
    scene.add(arrived(1))
    scene.wait_for(("stored", "north-1", 1))
    assert scene.events == [("done",), ("stored", "north-1", 1)]


def test_what_arrived_before_the_end_is_committed(tmp_path):
    scene = Scene(tmp_path / "a.db")
    for seq in range(1, 2001):
        scene.add(arrived(seq))
    scene.writer.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]  # so a copy of it is complete
    assert scene.rows() == list(range(1, 2001))


class StillClock:
    """A clock that stands still. It records each sleep, which lasts until `wake` is set."""

    def __init__(self):
        self.slept_s = []
        self.asleep, self.wake = threading.Event(), threading.Event()

    def monotonic(self):
        return 1000.0

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.asleep.set()
        assert self.wake.wait(timeout=120)


def test_what_comes_right_after_a_commit_is_committed_together(tmp_path, monkeypatch):
    clock = StillClock()
    monkeypatch.setattr("fevergate.storage.writer_thread.time", clock)
    with Scene(tmp_path / "a.db") as scene:
        scene.writer.add(arrived(1), lambda: scene.note("first"))
        scene.wait_for(("first",))
        scene.add(arrived(2))
        clock.asleep.wait(timeout=120)
        for seq in range(3, 9):
            scene.writer.add(arrived(seq), lambda seq=seq: scene.note(seq))
        commits = [scene.writer.disk.commits]
        clock.wake.set()
        scene.wait_for((8,))
        commits.append(scene.writer.disk.commits)
    assert (commits, clock.slept_s) == ([1, 2], [pytest.approx(COMMIT_INTERVAL_S)])


def test_a_full_batch_is_committed_without_delay(tmp_path, monkeypatch):
    clock = StillClock()
    monkeypatch.setattr("fevergate.storage.writer_thread.time", clock)
    clock.wake.set()
    store = GatedStore(tmp_path / "a.db")
    with Scene(tmp_path / "a.db", store) as scene:
        scene.add(arrived(1))
        assert store.entered.wait(timeout=120)
        for seq in range(2, FULL_BATCH + 3):
            scene.writer.add(arrived(seq), lambda seq=seq: scene.note(seq))
        store.open.set()
        scene.wait_for((FULL_BATCH + 2,))
    assert clock.slept_s == []


def test_a_kiosk_hears_of_each_reading_that_was_stored_since_it_heard_last(tmp_path, monkeypatch):
    """With more than `MAX_GAPS` gaps, an acknowledgement names only the readings that have just
    come."""
    clock = StillClock()
    monkeypatch.setattr("fevergate.storage.writer_thread.time", clock)
    clock.wake.set()
    messages, commits = [], (range(1, 101, 2), [201], [301])
    writer = Writer(Store(tmp_path / "a.db"), lambda _kiosk, stored: messages.append(stored))
    writer.start()
    for seqs in commits:
        committed = threading.Event()
        for seq in seqs:
            writer.add(arrived(seq), committed.set if seq == seqs[-1] else lambda: None)
        assert committed.wait(timeout=120)
    writer.stop()  # the clock stands still: after the first commit, the next report is here
    assert messages[-1].also[-2:] == ((201, 201), (301, 301))


def test_a_rush_is_committed_in_batches_of_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_BATCH", 50)
    store = GatedStore(tmp_path / "a.db")
    with Scene(tmp_path / "a.db", store) as scene:
        scene.add(arrived(1))
        assert store.entered.wait(timeout=120)
        for seq in range(2, 112):
            scene.writer.add(arrived(seq), lambda seq=seq: scene.note(seq))
        store.open.set()
        scene.wait_for((111,))
    assert store.batches == scene.commits == [1, 50, 50, 10]


class GatedStore(Store):
    """A store that commits once `open` is set, and records the size of each batch."""

    def __init__(self, path):
        super().__init__(path)
        self.entered, self.open = threading.Event(), threading.Event()
        self.batches = []

    def commit(self, batch):
        self.batches.append(len(batch))
        self.entered.set()
        assert self.open.wait(timeout=120)
        return super().commit(batch)


class FlakyStore(Store):
    """A store that refuses as many commits as `refusals`, as a full disk does; -1 refuses all."""

    refusals = 2

    def commit(self, batch):
        if self.refusals:
            self.refusals -= 1
            raise StoreError("disk") from sqlite3.OperationalError("database or disk is full")
        return super().commit(batch)


def test_a_full_disk_is_reported_and_nothing_is_lost_or_acknowledged_meanwhile(tmp_path):
    scene = Scene(tmp_path / "a.db", FlakyStore(tmp_path / "a.db"))
    scene.add(arrived(1))
    scene.wait_for(("stored", "north-1", 1))
    scene.writer.stop()
    assert scene.events == [("trouble",), ("well",), ("done",), ("stored", "north-1", 1)]
    assert scene.rows() == [1]


def test_what_the_disk_refuses_until_the_end_is_never_acknowledged(tmp_path):
    store = FlakyStore(tmp_path / "a.db")
    store.refusals = -1
    scene = Scene(tmp_path / "a.db", store)
    scene.add(arrived(1))
    scene.wait_for(("trouble",))
    scene.writer.stop()
    assert scene.events == [("trouble",)]
    assert scene.rows() == []


class ChokingStore(Store):
    """A store that never accepts reading 2, and refuses `refusals` times to put it in
    quarantine."""

    refusals = 0

    def commit(self, batch):
        for record in batch:
            if isinstance(record, Rejected) and self.refusals:
                self.refusals -= 1
                raise StoreError("datatype") from sqlite3.IntegrityError("datatype mismatch")
            if isinstance(record, ReadingArrived) and record.reading.seq == 2:
                raise StoreError("datatype") from sqlite3.IntegrityError("datatype mismatch")
        return super().commit(batch)


def test_when_sqlite_itself_finds_no_room_nothing_is_lost_and_storing_resumes(scene):
    def pages(count):
        limit = f"pragma max_page_count = {count}"
        return scene.writer.call(lambda store: store.db.execute(limit).fetchone()[0]).result()

    pages(1)  # SQLite does not go below the present size
    for seq in range(1, 3001):
        scene.add(arrived(seq))
    scene.wait_for(("trouble",))
    assert len(scene.rows()) < 3000
    # The limit is lifted from outside the writer, as when a person deletes files.
    scene.writer.disk.store.db.execute("pragma max_page_count = 1000000")
    scene.wait_for(("well",))
    scene.wait_for(("stored", "north-1", 3000))
    assert scene.rows() == list(range(1, 3001))


def test_a_locked_database_is_reported_and_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_S", 0.05)
    scene = Scene(tmp_path / "a.db")
    tool = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    try:
        tool.execute("begin immediate")  # as with a database tool that somebody uses
        scene.add(arrived(1))
        scene.wait_for(("trouble",))
        assert ("done",) not in scene.events
        tool.execute("rollback")
        scene.wait_for(("well",))
        scene.wait_for(("stored", "north-1", 1))
    finally:
        tool.close()
        scene.writer.stop()


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_poison_record_is_quarantined_and_its_neighbours_are_kept(tmp_path, refusals):
    store = ChokingStore(tmp_path / "a.db")
    store.refusals = refusals
    scene = Scene(tmp_path / "a.db", store)
    for seq in (1, 2, 3):
        scene.add(arrived(seq))
    scene.wait_for(("stored", "north-1", 3))
    scene.writer.stop()
    assert scene.rows() == [1, 3]
    assert scene.events.count(("done",)) == 3
    reader = open_reader(tmp_path / "a.db")
    assert [row["reason"] for row in reader.query("select reason from rejected")] == [
        "datatype mismatch"
    ]
    reader.close()


def test_a_listener_that_fails_does_not_end_the_thread_that_writes(scene):
    scene.writer.add(arrived(1), lambda: 1 / 0)
    scene.add(arrived(2))
    scene.wait_for(("stored", "north-1", 2))
    assert scene.rows() == [1, 2]


class ThinStore(Store):
    """A store that refuses reading 2; after each refusal the disk is full for two commits."""

    refusals = 0

    def commit(self, batch):
        if self.refusals:
            self.refusals -= 1
            raise StoreError("disk") from sqlite3.OperationalError("database or disk is full")
        if any(isinstance(r, ReadingArrived) and r.reading.seq == 2 for r in batch):
            self.refusals = 2
            raise StoreError("datatype") from sqlite3.IntegrityError("datatype mismatch")
        return super().commit(batch)


def test_a_full_disk_while_poison_is_sorted_out_costs_no_good_reading(tmp_path):
    scene = Scene(tmp_path / "a.db", ThinStore(tmp_path / "a.db"))
    for seq in (1, 2, 3):
        scene.add(arrived(seq))
    scene.wait_for(("stored", "north-1", 3))
    scene.writer.stop()
    assert scene.rows() == [1, 3]


def test_work_for_the_store_runs_in_the_writers_thread_and_its_error_comes_back(scene):
    assert scene.writer.call(lambda store: threading.current_thread().name).result(120) == "writer"
    with pytest.raises(ZeroDivisionError):
        scene.writer.call(lambda store: 1 / 0).result(120)
    scene.add(arrived(1))
    scene.wait_for(("done",))


def test_a_full_queue_still_takes_fevers_and_takes_every_acknowledgement(tmp_path, monkeypatch):
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING", 3)
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING_FEVERS", 2)
    writer = Writer(lambda: Store(tmp_path / "a.db"), lambda *_: None)  # never started
    waiting = []
    for record in (arrived(1), arrived(1, "fever"), Acknowledged((), "Li", 1.0)):
        for _ in range(5):
            writer.add(record)
        waiting.append(writer.waiting)
    assert waiting == [3, 5, 10] and writer.turned_away == 5


def test_records_turned_away_are_asked_for_when_most_of_the_queue_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING", 100)
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_BATCH", 31)
    store, waiting, request = GatedStore(tmp_path / "a.db"), [], threading.Event()

    def on_room():
        waiting.append(writer.waiting)
        request.set()

    writer = Writer(store, lambda *_: None, again=on_room)
    writer.start()
    writer.add(arrived(1))
    assert store.entered.wait(timeout=120)
    for seq in range(2, 103):  # one more than fits
        writer.add(arrived(seq))
    store.open.set()
    assert request.wait(timeout=120)
    writer.stop()
    assert waiting == [100 - 3 * 31]


def test_a_call_sees_earlier_records_and_the_last_are_acknowledged_at_the_end(tmp_path):
    seqs = []
    writer = Writer(Store(tmp_path / "a.db"), lambda kiosk, stored: seqs.append(stored.seq))
    writer.add(arrived(1))
    count = "select count(*) from readings"
    count_future = writer.call(lambda store: store.db.execute(count).fetchone())
    writer._queue.put(None)  # the thread ends after its first batch
    writer.start()
    assert count_future.result(120) == (1,)
    writer.stop()
    assert seqs == [1]
    with pytest.raises(StoreError, match="closed"):
        writer.call(lambda _: None).result(120)


class FullStore(Store):
    """A store that refuses every commit until `room` is set."""

    def __init__(self, path):
        super().__init__(path)
        self.room = threading.Event()

    def commit(self, batch):
        if not self.room.is_set():
            raise StoreError("disk") from sqlite3.OperationalError("database or disk is full")
        return super().commit(batch)


def test_a_full_disk_never_blocks_the_alarms_thread_and_asks_again_when_there_is_room(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("fevergate.storage.writer_thread.MAX_WAITING", 10)
    store = FullStore(tmp_path / "a.db")
    events = []
    request = threading.Event()
    refused = threading.Event()

    def trouble(reason):
        if reason:
            refused.set()

    writer = Writer(store, lambda *_: None, trouble, request.set)
    writer.start()
    writer.add(arrived(1), lambda: events.append(1))
    assert refused.wait(120)
    for seq in range(2, 40):  # a queue that blocks would wait for ever here
        writer.add(arrived(seq), lambda seq=seq: events.append(seq))
    writer.add(Acknowledged((), "Li Wei", 1.0), lambda: events.append("guard"))
    assert writer.turned_away >= 28
    store.room.set()
    while True:
        assert request.wait(120)
        request.clear()
        for seq in {*range(1, 40)} - {*events}:  # the broker repeats what was not acknowledged
            writer.add(arrived(seq), lambda seq=seq: events.append(seq))
        if not writer.turned_away:
            break
    writer.stop()
    assert "guard" in events and {*range(1, 40)} <= {*events}
    reader = open_reader(tmp_path / "a.db")
    assert reader.execute("select count(*) from readings").fetchone() == (39,)
    reader.close()
