"""A tap is decrypted with the kiosk's own key and answered from memory, for the card's owner."""

import json
import os
from contextlib import closing

import pytest
from msgspec.structs import replace
from people_helpers import Clock, entry
from samples import reading, settings
from test_ingest import Scene

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import SettingsError
from fevergate.gateway.cards import READING, TAP, Cards, unsealed
from fevergate.gateway.flood_guard import TAPS_BURST
from fevergate.gateway.ingest import Ingest
from fevergate.people.changes import PeopleChanges
from fevergate.people.passes import Passes
from fevergate.people.policy import Policies
from fevergate.people.schema import migrations
from fevergate.people.store import PeopleStore
from fevergate.protocol.messages import CardPermit, CardTapped
from fevergate.storage.records import ReadingArrived, Rejected
from fevergate.storage.statements import SqliteStatements

CARD = 305_419_896
KEYS = {"north-1": bytes(range(32)), "north-2": bytes(range(1, 33))}


def tap(number=CARD, count=3, boot=7, kiosk="north-1"):
    sealed = unsealed(KEYS[kiosk], TAP, boot, count, f"{number:016x}")  # an XOR: it seals, too
    return CardTapped(boot=boot, tap=count, who=f"{sealed:016x}")


def sealed_reading(verdict="normal"):
    sealed = unsealed(KEYS["north-1"], READING, 7, 3, f"{CARD:016x}")
    return reading(3, verdict, boot=7, who=f"{sealed:016x}")


class Desk:
    def __init__(self, folder):
        self.folder = folder
        for kiosk, key in KEYS.items():
            self.write(kiosk, json.dumps({"password": "x", "card_key": key.hex()}))
        self.write("north-post", json.dumps({"role": "lamp_post"}))
        self.answers = []
        self.cards = Cards(settings(folder=folder), self.publish, self.now)
        self.statements = SqliteStatements(folder / "people.db", migrations, self.now)
        self.people = PeopleStore(self.statements, Vault(folder / KEY))

    now = Clock()

    def write(self, kiosk, text):
        path = self.folder / "kiosks" / kiosk / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name("new")
        new.write_text(text)
        new.rename(path)

    def publish(self, kiosk, permit):
        self.answers.append((kiosk, permit))

    def list(self, *entries):
        PeopleChanges(self.people).replace(entries, drastic=True)
        self.cards.refresh()

    def tapped(self, message=None, kiosk="north-1"):
        self.cards.tapped(kiosk, message or tap())
        return self.answers[-1][1].permit


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    with closing(desk.statements):
        yield desk


def test_a_number_is_sealed_as_the_firmware_does():
    assert unsealed(KEYS["north-1"], TAP, 7, 3, "7c5d65e9a7932638") == 0x12345678
    assert unsealed(KEYS["north-1"], READING, 7, 3, "8a47f05e6e0a86fb") == 0x12345678


def test_the_answer_names_tap_and_boot_and_says_what_the_person_may_do(desk):
    desk.list(entry(card=str(CARD)))
    desk.cards.tapped("north-1", tap())
    assert desk.answers == [("north-1", CardPermit(boot=7, tap=3, permit="enter"))]


def test_what_is_changed_on_the_page_is_in_force_at_the_next_tap(desk):
    desk.list(entry(card=str(CARD), permit="stop"))
    assert desk.tapped() == "stop"
    person = desk.people.by_number("2023001").person
    Policies(desk.people).override(person, "enter", desk.now() + 60, "Li")
    desk.cards.tick()
    assert desk.tapped() == "enter"


def test_a_reading_is_of_whoever_has_the_card(desk):
    desk.list(entry(card=str(CARD)))
    message = sealed_reading()
    assert desk.cards.person(message) == desk.people.by_number("2023001").person
    for change in (
        {"kiosk": "north-2"},
        {"boot": 8},
        {"seq": 4},
        {"kiosk": "stray"},
        {"who": None},
    ):
        assert desk.cards.person(replace(message, **change)) is None


@pytest.mark.parametrize(
    ("message", "kiosk"),
    [
        (tap(CARD + 1), "north-1"),
        (tap(1 << 63), "north-1"),
        (tap(kiosk="north-2"), "north-1"),
        (tap(), "stray"),
        (CardTapped(boot=8, tap=3, who=tap().who), "north-1"),
    ],
    ids=["another card", "no card", "another's key", "another kiosk", "a foreign boot"],
)
def test_a_tap_that_belongs_to_no_known_card_is_unknown(desk, message, kiosk):
    desk.list(entry(card=str(CARD)))
    assert desk.tapped() == "enter"
    assert desk.tapped(message, kiosk) == "unknown"


def test_a_visitor_goes_in_by_a_pass_until_the_entry_is_closed_without_any_list(desk):
    passes = Passes(desk.statements, desk.people.vault)
    number = int(passes.issue(4711, desk.now() + 60).code[1:], 16)
    desk.cards.refresh()
    sealed = unsealed(KEYS["north-1"], READING, 7, 3, f"{number:016x}")
    message = replace(sealed_reading(), who=f"{sealed:016x}")
    assert desk.tapped(tap(number)) == "enter" and desk.tapped(tap(number ^ 1)) == "unknown"
    passes.end(4711)
    desk.cards.tick()
    assert desk.tapped(tap(number)) == "ask"
    assert desk.cards.person(message) == -4711  # measured before the pass ended, told after


def test_without_a_list_everybody_is_unknown(desk):
    desk.cards.tick()
    assert desk.tapped() == "unknown"


def test_a_tap_reads_no_file(desk, monkeypatch):
    desk.list(entry(card=str(CARD)))
    desk.statements.close()
    for path in sorted(desk.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert desk.tapped() == "enter"


def test_a_key_that_was_replaced_opens_nothing_more(desk):
    desk.list(entry(card=str(CARD)))
    desk.write("north-1", json.dumps({"card_key": "ff" * 32}))
    desk.cards.tick()
    assert desk.tapped() == "unknown" and desk.tapped(tap(kiosk="north-2"), "north-2") == "enter"


def test_a_key_that_was_replaced_within_one_tick_of_the_files_clock_is_read_too(desk):
    desk.list(entry(card=str(CARD)))
    path = desk.folder / "kiosks/north-1/settings.json"
    at = path.stat().st_mtime_ns
    desk.write("north-1", json.dumps({"card_key": "ff" * 32}))
    os.utime(path, ns=(at, at))
    desk.cards.tick()
    assert desk.tapped() == "unknown"


def test_a_key_of_another_length_is_none(desk):
    desk.list(entry(card=str(CARD)))
    short = KEYS["north-1"][:-1]
    desk.write("north-1", json.dumps({"card_key": short.hex()}))
    desk.cards.tick()
    sealed = unsealed(short, TAP, 7, 3, f"{CARD:016x}")
    assert desk.tapped(CardTapped(boot=7, tap=3, who=f"{sealed:016x}")) == "unknown"


def test_settings_of_a_kiosk_that_are_damaged_leave_the_keys_that_were_read(desk, caplog):
    desk.list(entry(card=str(CARD)))
    desk.write("north-2", "{")
    with pytest.raises(SettingsError, match="north-2"):
        desk.cards.refresh()
    for _ in range(3):
        desk.cards.tick()
    assert desk.tapped() == "enter"
    assert caplog.text.count("north-2") == 1  # logged once, however often it is read


class TapScene(Scene):
    def __init__(self):
        super().__init__()
        self.taps = []
        self.ingest = Ingest(
            settings(),
            self.alarm,
            self.ingest._monitor,
            self.keep,
            tapped=lambda kiosk, tap: self.taps.append((kiosk, tap.tap)),
            person=self.person,
        )

    def person(self, message):
        self.events.append("person")
        return 7


def test_the_red_light_comes_before_the_person_is_looked_for():
    scene = TapScene()
    record = scene.say("north-1/reading", sealed_reading("fever"))
    assert scene.events == ["red light", "person", "ReadingArrived"]
    assert isinstance(record, ReadingArrived) and record.person == 7


def test_a_reading_without_a_card_is_nobodys():
    scene = TapScene()
    record = scene.say("north-1/reading", reading(1))
    assert isinstance(record, ReadingArrived) and record.person is None


def test_a_tap_is_answered_and_not_stored():
    scene = TapScene()
    scene.say("north-1/card", tap())
    assert scene.taps == [("north-1", 3)] and not scene.records and scene.acknowledged == 1


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("north-1/card", b""),
        ("north-1/card", b"{"),
        ("north-1/card", b'{"v":1,"boot":7,"tap":3,"who":"0"}'),
        ("stray/card", tap()),
    ],
)
def test_what_is_no_tap_is_set_aside(topic, payload):
    scene = TapScene()
    assert isinstance(scene.say(topic, payload), Rejected)
    assert scene.taps == [] and scene.ingest.counts["rejected"] == 1


def test_a_flood_of_taps_is_counted_and_keeps_no_other_kiosk_from_its_answer():
    scene = TapScene()
    for count in range(1000):
        scene.say("north-1/card", tap(count=count))
    answer_count = len(scene.taps)
    assert TAPS_BURST <= answer_count < 1000
    assert scene.ingest.counts["flood"] == 1000 - answer_count
    scene.say("north-2/card", tap(kiosk="north-2"))
    assert scene.taps[-1][0] == "north-2" and not scene.records
    assert list(scene.ingest.flood.kiosks()) == ["north-1"]
