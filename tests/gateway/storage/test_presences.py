"""Somebody's presence at a gate is stored and dated with the reading, and is deleted after some
days."""

import sqlite3
from contextlib import closing

import pytest
from samples import AT, arrived, reading

from fevergate.errors import StoreError
from fevergate.settings.gateway import Retention
from fevergate.storage import retention
from fevergate.storage.presences import count_measured, passages
from fevergate.storage.reading_batch import ReadingBatch
from fevergate.storage.records import ReadingArrived
from fevergate.storage.store import Store

DAY_S = 86_400
WHO = "0123456789abcdef"


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "fevergate.db")) as store:
        yield store


def of_person(person, seq=1, verdict="normal", received_at=AT + 100, **fields):
    message = reading(seq, verdict, who=WHO, permit="enter", **fields)
    return ReadingArrived(message, received_at, "north", person=person)


def presences(store):
    return list(store.db.execute("select seq, at, gate, person, verdict from presences order by 1"))


def test_a_reading_with_a_card_is_a_presence_and_one_without_is_none(store):
    store.commit([of_person(7, 1, "fever"), arrived(2), of_person(None, 3)])
    assert presences(store) == [(1, AT + 1, "north", 7, "fever")]
    assert store.db["readings"].count == 3


def test_a_repeat_changes_nothing(store):
    for person in (7, 7, 8):
        store.commit([of_person(person)])
    assert presences(store) == [(1, AT + 1, "north", 7, "normal")]


def test_a_presence_is_dated_with_its_reading(store):
    store.commit([of_person(7, 1, at=None)])
    assert presences(store)[0][1] == AT + 100
    store.commit([arrived(2)])
    assert presences(store)[0][1] == AT + 1


def test_presences_go_after_the_days_for_persons_and_their_readings_stay(store):
    store.commit([of_person(7, 1), of_person(8, 2, at=AT + 2 * DAY_S)])
    deleted = retention.step(store, Retention(persons_days=30), AT + 31 * DAY_S)
    assert deleted["presences"] == 1
    assert [row[3] for row in presences(store)] == [8]
    assert store.db["readings"].count == 2


def test_no_card_number_is_stored_not_even_sealed(store, tmp_path):
    store.commit([of_person(7)])
    store.db.execute("pragma wal_checkpoint(truncate)")
    for path in tmp_path.glob("fevergate.db*"):
        assert WHO.encode() not in path.read_bytes()


def test_a_presence_is_there_with_its_reading_or_not_at_all(store, monkeypatch):
    def fails(_batch):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(ReadingBatch, "flush", fails)
        with pytest.raises((sqlite3.Error, StoreError)):
            store.commit([of_person(7)])
    assert presences(store) == [] and store.db["readings"].count == 0
    store.commit([of_person(7)])
    assert len(presences(store)) == 1 and store.db["readings"].count == 1


def test_passages_are_measurements_of_whoever_is_asked_for_in_order(store):
    rows = [(7, 3, "normal"), (7, 1, "fever"), (7, 2, "retry"), (8, 4, "normal"), (9, 5, "normal")]
    store.commit([of_person(person, seq, verdict) for person, seq, verdict in rows])
    assert passages(store.db, [7, 9], AT) == {7: [AT + 1, AT + 3], 9: [AT + 5]}
    assert passages(store.db, [7], AT + 2) == {7: [AT + 3]} and passages(store.db, [], AT) == {}


def test_a_measurement_without_a_date_counts_when_it_arrived(store):
    store.commit([of_person(7, 1), of_person(None, 2, boot=2, at=None), of_person(8, 3, "retry")])
    assert count_measured(store.db, "north", AT, AT + 100) == (2, 1)
    assert count_measured(store.db, "north", AT, AT + 99) == (1, 1)
    assert count_measured(store.db, "south", AT, AT + 100) == (0, 0)
