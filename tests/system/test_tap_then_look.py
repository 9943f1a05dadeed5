"""Cards at a simulated kiosk, with the real gateway and broker.

Another person does not clear a first positive, a changed permit is in force at the next tap, and no
name or card number is stored or sent anywhere.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import pytest
from people_helpers import entry, gateway_people

from fevergate.evaluation.people_file import Person
from fevergate.people.changes import PeopleChanges
from fevergate.people.policy import Policies
from fevergate.storage.connection import read_rows
from harness.admin import Admin
from harness.card_kiosk import Answer, CardKiosk, wait_answered
from harness.system import System
from harness.worker import wait_until
from kiosk.screening import CONFIRM, UNCONFIRMED
from simulator import Habits, Taps, tapping

KIOSK = "north-1"
ANNA, BERTA, STOPPED = 0x1A2B3C4D, 0x5E6F7081, 0x0BADCAFE
NAMES = {ANNA: "欧阳娜娜", BERTA: "司马光光", STOPPED: "诸葛亮亮"}
POSITIVE_C, NEXT_C, NORMAL_C = 36.61, 36.13, 35.2
"""Skin temperatures in a hall of 22 °C, for which the kiosk shows 37.7, 37.25 and 36.3 °C."""

AT_ONCE = Habits(tries=1, sway=0.0, flutter_c=0.0, leave_ms=50.0, gap_ms=0.0, approach_ms=50.0)
"""The next person steps up so fast that the sensor never sees the wall between two people."""

EMPTY_MS = 2000
"""Time (ms) for the sensor to see the wall; somebody who came earlier would count as the person
before."""

HANG_S = 300


def secrets() -> list[bytes]:
    """Each name and card number in every form in which it could be stored or sent."""
    forms = [name.encode(code) for name in NAMES.values() for code in ("utf-8", "gb18030")]
    for card in NAMES:
        forms += [b"%d" % card, b"%08x" % card, b"%08X" % card]
        forms += [card.to_bytes(4, "big"), card.to_bytes(4, "little")]
    return forms


def finds(places: dict[str, bytes]) -> list[str]:
    return [place for place, data in places.items() for form in secrets() if form in data]


@dataclass
class Played:
    """What each person saw, what was stored, and the bytes of each place that may hold a secret."""

    readings: list[dict[str, object]] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    opened: dict[str, bool] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    places: dict[str, bytes] = field(default_factory=dict)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Hall:
    """People sent to one kiosk, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.taps: dict[str, Taps] = {}
        self.played = Played()
        self.wire: list[tuple[str, bytes]] = []
        self.system = System(
            folder,
            [],
            speed=3,  # a permit has half a second to come on a busy machine
            gates={"north": [KIOSK]},
            habits=AT_ONCE,
            readers={KIOSK: self.taps},
            prepare=self.list,
        )
        (self.board,) = self.system.boards
        # Little noise gives exact temperatures; without any the sensor would count as frozen.
        self.board.sensor.noise_c = self.board.sensor.ambient_noise_c = 0.02

    def list(self, _system: System) -> None:
        with gateway_people(self.system.folder, time.time) as people:
            PeopleChanges(people).replace(
                [
                    entry(f"2023{card % 1000:03}", name, card=str(card), permit="")
                    for card, name in NAMES.items()
                ]
            )
            for card, name in NAMES.items():
                (row,) = people.find(f"2023{card % 1000:03}", 2)
                self.played.people[name] = row.person
            stopped = self.played.people[NAMES[STOPPED]]
            Policies(people).override(stopped, "stop", time.time() + 3600, "Li")
        self.wait_permit("stop")

    def wait_permit(self, permit: str) -> None:
        answers: SimpleQueue[Answer] = SimpleQueue()
        kiosk = CardKiosk(self.system.settings, KIOSK, 1, answers)
        try:
            wait_until(kiosk.ready.is_set, HANG_S, "a kiosk hears its permits")
            wait_answered(kiosk, STOPPED, permit, answers)
        finally:
            kiosk.close()

    def permit(self, permit: str) -> None:
        with gateway_people(self.system.folder, time.time) as people:
            person = self.played.people[NAMES[STOPPED]]
            Policies(people).override(person, permit, time.time() + 3600, "Li")
        self.wait_permit(permit)

    def come(self, *people: tuple[str, float, int | None]) -> None:
        """Send people; wait until all were answered and have left, and the sensor sees the wall."""
        before = len(self.board.pin_history)
        for name, _, card in people:
            if card:
                self.taps[name] = tapping.before(card)
        self.board.admit([Person(name, (skin_c,), 22.0) for name, skin_c, _ in people])
        self.board.wait_crowd(HANG_S)
        gone_ms = self.board.world.now_ms
        wait_until(
            lambda: self.board.world.now_ms > gone_ms + EMPTY_MS, HANG_S, "the sensor sees the wall"
        )
        door = self.board.pins.door
        opened = any(c.pin == door and c.level for c in self.board.pin_history[before:])
        for visit in self.board.visits[-len(people) :]:
            self.played.colours[visit.subject] = visit.answer
            self.played.opened[visit.subject] = opened


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    hall = Hall(tmp_path_factory.mktemp("cards") / "site")
    with (
        hall.system as system,
        Admin(
            system, "fevergate/#", heard=lambda topic, data: hall.wire.append((topic, bytes(data)))
        ),
    ):
        # Anna leaves when she is asked to confirm; Berta steps up at once.
        hall.come(("anna", POSITIVE_C, ANNA), ("berta", NEXT_C, BERTA))
        hall.come(("stopped", NORMAL_C, STOPPED))
        hall.permit("enter")
        hall.come(("let in", NORMAL_C, STOPPED))
        wait_until(lambda: len(presences(system)) >= 5, HANG_S, "all five are stored")
        system.gateway.stop()
        hall.come(("alone", NORMAL_C, STOPPED))
        places = files(hall.board.flash_dir)
    played = hall.played
    played.places = places | files(system.folder / "broker")
    played.places |= {path.name: path.read_bytes() for path in system.folder.glob("*.db*")}
    played.places |= {f"{topic} {n}": data for n, (topic, data) in enumerate(hall.wire)}
    lines = [line for line in hall.board.console if line.startswith("reading ")]
    played.readings = [json.loads(line.removeprefix("reading ")) for line in lines]
    played.stored = presences(system)
    return played


def presences(system: System) -> dict[int, int]:
    """The person of each stored reading, by the reading's number."""
    rows = read_rows(system.database, "select seq, person from presences")
    return {row["seq"]: row["person"] for row in rows}


def told(played: Played) -> list[tuple[object, ...]]:
    return [
        (
            *(reading.get(name) or "" for name in ("verdict", "reason", "permit")),
            played.stored.get(seq),
        )
        for seq, reading in enumerate(played.readings, 1)
    ]


def test_somebody_elses_card_does_not_clear_a_first_positive(played: Played) -> None:
    anna, berta = (played.people[NAMES[card]] for card in (ANNA, BERTA))
    assert told(played)[:3] == [
        ("retry", CONFIRM, "enter", anna),
        ("fever", UNCONFIRMED, "enter", anna),
        ("normal", "", "enter", berta),
    ]
    bodies_c = [float(str(reading["body_c"])) for reading in played.readings]
    assert bodies_c[0] == pytest.approx(37.7, abs=0.1)
    assert bodies_c[2] == pytest.approx(37.25, abs=0.1)


def test_a_changed_permit_is_in_force_at_the_next_tap(played: Played) -> None:
    person = played.people[NAMES[STOPPED]]
    assert told(played)[3:5] == [("normal", "", "stop", person), ("normal", "", "enter", person)]
    assert (played.colours["stopped"], played.opened["stopped"]) == ("amber", False)
    assert (played.colours["let in"], played.opened["let in"]) == ("green", True)


def test_without_the_gateway_the_door_is_shut_and_the_light_amber(played: Played) -> None:
    assert told(played)[5:] == [("normal", "", "late", None)]
    assert (played.colours["alone"], played.opened["alone"]) == ("amber", False)


def test_no_name_and_no_card_number_lies_or_goes_anywhere(played: Played) -> None:
    names = " ".join(played.places)
    assert "/card " in names and "/reading " in names and "fevergate.db" in names
    assert "/outbox/cards.a " in names  # the last reading, which is not sent yet
    assert finds(played.places) == []
    planted = {"flash": b"..." + ANNA.to_bytes(4, "little"), "wire": NAMES[BERTA].encode()}
    assert finds(planted) == ["flash", "wire"]
