"""A gateway that starts with a bad card still lights red for each fever, and amber says "disk".

Readings that arrive meanwhile are stored as soon as the card allows; kiosks are told only then.
"""

import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from gpiozero.pins.mock import MockFactory
from samples import arrived

from fevergate.alarm.gpio_pins import GATES
from fevergate.gateway import service as gateway_module
from fevergate.gateway import store_opener
from fevergate.gateway.service import Gateway
from fevergate.mqtt.one_shot import publish_once
from fevergate.operations import doctor_storage
from fevergate.protocol.alarm_messages import Acknowledge, LampTest
from fevergate.protocol.messages import Verdict, encode
from fevergate.protocol.topics import acknowledge_topic, alarm_topic, lamp_test_topic
from fevergate.settings.gateway import load_gateway
from fevergate.storage.connection import open_reader, set_aside_before
from fevergate.storage.store import Store, open_store, waiting_fevers
from fevergate.texts import trouble_text
from fevergate.texts.translations import translator
from harness import load
from harness.load import Fleet

TOPIC = alarm_topic("east", "north")


def wait_until(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


class Card:
    """A separate file system of 4 MB that holds the database."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "fevergate.db"

    def mount(self, options):
        subprocess.run(["mount", "-o", options, self.folder], check=True)

    def fill(self):
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def make_room(self):
        (self.folder / "filler").unlink()


@pytest.fixture
def card(tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    yield Card(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def settings(site, card):
    settings = load_gateway(site.folder / "gateway.toml")
    settings.database = str(card.database)
    yield settings
    publish_once(settings, TOPIC, b"", retain=True)


class Lamps:
    def __init__(self):
        self.factory = MockFactory()

    def __getattr__(self, lamp):
        return bool(self.factory.pin(GATES["gate1"][lamp]).state)


@contextmanager
def at_work(settings):
    lamps = Lamps()
    gateway = Gateway(settings, lamps.factory)
    gateway.start()
    try:
        yield gateway, lamps
    finally:
        gateway.stop()
        lamps.factory.reset()


def disk_words(gateway):
    (state,) = gateway.alarm.states()
    return [line for line in state.amber if line.startswith("disk")]


def says_not_recorded(gateway):
    (state,) = gateway.alarm.states()
    return "acknowledgement: not recorded yet" in state.amber


def store_of(card, *records):
    store = Store(card.database)
    store.commit([arrived(1), *records])
    return store


def closed(card):
    store_of(card).close()
    card.mount("remount,ro")


def killed(card):
    """The database has its write-ahead log and index beside it, as a killed gateway leaves them."""
    store = store_of(card)
    files = {path.name: path.read_bytes() for path in card.folder.iterdir()}
    store.close()
    for name, content in files.items():
        (card.folder / name).write_bytes(content)
    card.mount("remount,ro")


def never_begun(card):
    card.mount("remount,ro")


def full(card):
    store_of(card).close()
    card.fill()


def full_and_never_begun(card):
    card.fill()


def absent(card):
    card.folder.joinpath("fevergate.db").mkdir()


FAULTS = {
    closed: ("disk: read-only", lambda card: card.mount("remount,rw")),
    killed: ("disk: read-only", lambda card: card.mount("remount,rw")),
    never_begun: ("disk: read-only", lambda card: card.mount("remount,rw")),
    full: ("disk: full", Card.make_room),
    full_and_never_begun: ("disk: full", Card.make_room),
    absent: ("disk: cannot be opened or written", lambda card: card.database.rmdir()),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fever_is_red_at_once_and_stored_when_the_card_is_writable_again(
    site, settings, card, fault
):
    words, repair = FAULTS[fault]
    fault(card)
    with at_work(settings) as (gateway, lamps):
        fleet = Fleet(settings, 1)
        try:
            reading = fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            wait_until(lambda: disk_words(gateway) == [words])
            assert lamps.amber and not lamps.green
            assert gateway.tick()  # healthy for systemd: a restart would repair nothing
            assert fleet.pending == 1
            gateway.ingest.alarms.press("north", "button")
            assert not lamps.red
            assert gateway.tick() and says_not_recorded(gateway)
            repair(card)
            assert fleet.wait_stored(60)
            wait_until(lambda: not disk_words(gateway))
            wait_until(lambda: gateway.tick() and not says_not_recorded(gateway))
        finally:
            fleet.close()
    reader = open_reader(card.database)
    try:
        rows = reader.execute("select kiosk, boot, seq, acknowledged_by from fevers").fetchall()
    finally:
        reader.close()
    assert rows == [(*reading.identity, "button")]


def test_an_acknowledgement_on_a_failed_disk_clears_no_later_fever(site, settings, card, caplog):
    """The broker repeats readings that are not stored; the acknowledgement is recorded once the
    card can be written again."""
    full(card)
    with at_work(settings) as (gateway, lamps):
        fleet = Fleet(settings, 1, boot=41)
        try:
            first = fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            wait_until(lambda: disk_words(gateway))
            guard_says(settings, "Li Wei")
            wait_until(lambda: not lamps.red)
            assert gateway.tick() and says_not_recorded(gateway)
            second = fleet.kiosks[0].reading(Verdict.FEVER, 38.6)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            lines, fevers = gateway._broker.traffic.epoch, gateway.ingest.counts["fever"]
            gateway._broker.again()
            wait_until(lambda: gateway._broker.traffic.epoch > lines)
            wait_until(lambda: gateway.ingest.counts["fever"] >= fevers + 2)  # both were repeated
            guard_asks_for_a_test(settings, gateway)  # comes after all that was repeated
            assert lamps.red
            assert "Li Wei saw to 1 fever(s): not recorded yet" in caplog.text
            card.make_room()
            assert fleet.wait_stored(60)
        finally:
            fleet.close()
    assert seen_to(card) == {first.seq: "Li Wei", second.seq: None}


def test_an_unrecorded_acknowledgement_is_asked_for_again_after_a_restart(site, settings, card):
    full(card)
    fleet = Fleet(settings, 1, boot=42)
    try:
        with at_work(settings) as (_, lamps):
            reading = fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            guard_says(settings, "Li Wei")
            wait_until(lambda: not lamps.red)
        with at_work(settings) as (_, lamps):
            wait_until(lambda: lamps.red)
            guard_says(settings, "Wang")
            wait_until(lambda: not lamps.red)
            card.make_room()
            assert fleet.wait_stored(60)
    finally:
        fleet.close()
    assert seen_to(card) == {reading.seq: "Wang"}


def guard_says(settings, by):
    as_admin(settings, acknowledge_topic("east", "north"), Acknowledge(by=by))


def guard_asks_for_a_test(settings, gateway):
    """Ask for a lamp test, and wait until the gateway has it, and so all earlier messages."""
    received = gateway._monitor.drops.received
    as_admin(settings, lamp_test_topic("east", "north"), LampTest(by="Li Wei"))
    wait_until(lambda: gateway._monitor.drops.received > received)


def as_admin(settings, topic, message):
    publish_once(settings.as_user("admin"), topic, encode(message))


def seen_to(card):
    reader = open_reader(card.database)
    try:
        return dict(reader.execute("select seq, acknowledged_by from fevers").fetchall())
    finally:
        reader.close()


@pytest.mark.parametrize(
    "at", [1000.0, 946_684_800.0, 1_830_000_000.0], ids=["1970", "2000", "2027"]
)
def test_a_fever_is_red_with_the_card_read_only_and_the_clock_wrong(
    settings, card, monkeypatch, at
):
    store_of(card, arrived(7, "fever")).close()
    card.mount("remount,ro")
    began = time.monotonic()
    right = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(load, "time", right)  # the simulated kiosk's own clock stays right
    monkeypatch.setattr(time, "time", lambda: at + time.monotonic() - began)
    with at_work(settings) as (gateway, lamps):
        assert lamps.red and disk_words(gateway) == ["disk: read-only"]
        gateway.ingest.alarms.press("north", "button")
        assert not lamps.red
        fleet = Fleet(settings, 1)
        try:
            fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            assert lamps.amber and fleet.pending == 1
            card.mount("remount,rw")
            assert fleet.wait_stored(60)
        finally:
            fleet.close()


@pytest.mark.parametrize("fault", [closed, killed], ids=lambda fault: fault.__name__)
def test_an_unacknowledged_fever_is_red_though_the_card_is_read_only(settings, card, fault):
    store_of(card, arrived(7, "fever")).close()
    fault(card)
    with at_work(settings) as (gateway, lamps):
        assert lamps.red
        (state,) = gateway.alarm.states()
        assert state.fevers == 1 and state.last and state.last.seq == 7


def test_a_file_of_null_bytes_is_set_aside_and_said(settings, card):
    card.database.write_bytes(bytes(100_000))
    with at_work(settings) as (gateway, _):
        assert gateway.writer.disk.opened
    (damaged,) = set_aside_before(card.database)
    assert damaged.read_bytes() == bytes(100_000)


def test_a_bad_page_among_the_fevers_does_not_keep_the_gateway_down(settings, card):
    store_of(card, arrived(7, "fever")).close()
    reader = open_reader(card.database)
    (size,) = reader.execute("pragma page_size").fetchone()
    (root,) = reader.execute("select rootpage from sqlite_master where name = 'fevers'").fetchone()
    reader.close()
    with card.database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)
    with at_work(settings) as (gateway, _):
        assert gateway.writer.disk.opened
        assert gateway.writer.call(lambda store: store.commit([arrived(8, "fever")])).result()
    assert set_aside_before(card.database)


def test_a_disk_that_does_not_answer_keeps_no_light_waiting(settings, card, monkeypatch):
    answers = threading.Event()

    def hung(*arguments):
        assert answers.wait(60)
        return open_store(*arguments)

    monkeypatch.setattr(store_opener, "open_store", hung)
    monkeypatch.setattr(gateway_module, "OPEN_S", 0.01)
    monkeypatch.setattr(gateway_module, "SLOW_S", 0.01)
    with at_work(settings) as (gateway, lamps):
        fleet = Fleet(settings, 1)
        try:
            fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
            wait_until(lambda: lamps.red or fleet.kiosks[0].again())
            assert gateway.tick() and disk_words(gateway) and lamps.amber
            assert fleet.pending == 1
            answers.set()
            assert fleet.wait_stored(60)
            monkeypatch.setattr(gateway_module, "SLOW_S", 60)
            gateway.tick()
            assert not disk_words(gateway)
        finally:
            answers.set()
            fleet.close()


def test_acknowledgements_in_a_store_that_opens_late_count(settings, card, monkeypatch):
    """Before the store is open, a repeated fever lights red even if a guard has acknowledged it.
    Once the store is open, its acknowledgements count."""
    store = store_of(card, arrived(7, "fever"), arrived(8, "fever"))
    store.db.execute("update fevers set acknowledged_at = 1, acknowledged_by = 'Li' where seq = 7")
    store.close()
    answers = threading.Event()

    def hung(*arguments):
        assert answers.wait(60)
        return open_store(*arguments)

    monkeypatch.setattr(store_opener, "open_store", hung)
    monkeypatch.setattr(gateway_module, "OPEN_S", 0.01)
    with at_work(settings) as (gateway, lamps):
        gateway.alarm.fever("north", arrived(7, "fever").reading)
        gateway.alarm.fever("north", arrived(9, "fever").reading)
        gateway.alarm.fever("north", arrived(10, "fever").reading)
        assert lamps.red
        answers.set()
        assert gateway.writer.call(lambda store: waiting_fevers(store.db)).result(60)
        (state,) = gateway.alarm.states()
        assert state.fevers == 3 and state.last and state.last.seq == 10


def test_a_failed_disk_does_not_delay_the_gateways_end(settings, card):
    closed(card)
    with at_work(settings) as (gateway, _):
        waiting = gateway.writer.call(lambda store: waiting_fevers(store.db))
    assert waiting.exception(60)
    assert not gateway.writer.is_alive()
    shutil.rmtree(card.folder, ignore_errors=True)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_doctor_and_the_board_say_why_nothing_is_stored(settings, card, fault):
    fault(card)
    with at_work(settings) as (gateway, _):
        (words,) = disk_words(gateway)
        assert "存储" in trouble_text.line(words, translator("zh"))
    states = {finding.state for finding in doctor_storage.disk(settings)}
    assert fault is absent or states == {"failed"}
