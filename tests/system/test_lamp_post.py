"""A lamp post with the shipped firmware on real MicroPython, at the real broker."""

import itertools
import json
import threading

import pytest
from broker_client import BASE, Client
from kiosk_helpers import ANSWER_S, FIRMWARE, changed, until

from harness.site import Site
from simulator import Board
from simulator.frames import ResetCause
from simulator.tower import Tower

ALARM = f"{BASE}/alarm/north"
SINCE = "1795795200.123456"
POST = "north-post"
WIFI = {"wifi_ssid": "campus", "wifi_password": "long enough"}
SPEED = 2.0
BEAT_S = 0.2
"""Far shorter than a post needs, so that even on a loaded machine no beat is late."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "fevergate"
    with Site(folder, {"north": ["north-1"]}, posts={POST: "north"}) as site:
        yield site


class Gateway(Client):
    """Plays the gateway for one gate: publishes its state, and beats while `beats` is true."""

    def __init__(self, site):
        super().__init__(site, "gateway")
        self.beats = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        self.hear(f"{ALARM}/acknowledge")
        self.hear(f"{BASE}/{POST}/health")
        self.hear(f"{BASE}/{POST}/reading")
        self.hear(f"{BASE}/{POST}/settings/applied")

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        super().__exit__()

    def _beat(self):
        for number in itertools.count(1):
            if self._over.wait(BEAT_S):
                return
            if self.beats:
                self.client.publish(f"{ALARM}/beat", json.dumps({"v": 1, "n": number}), qos=0)

    def alarm(self, fevers=0, since=SINCE, amber=()):
        state = "raised" if fevers else "clear"
        text = (
            f'{{"v":1,"gate":"north","state":"{state}","since":{since},"fevers":{fevers},'
            f'"amber":{json.dumps(amber)}}}'
        )
        assert not self.say(f"{ALARM}/shown", text, retain=True)

    def acknowledged(self):
        """Payloads of the button's messages so far."""
        payloads = [payload for topic, payload in self.messages if topic.endswith("/acknowledge")]
        return [payload.decode() for payload in payloads]

    def health(self):
        """Health messages so far."""
        payloads = [payload for topic, payload in self.messages if topic.endswith("/health")]
        return [json.loads(payload) for payload in payloads]


def told(fevers=1, since=SINCE):
    return f'{{"v":1,"by":"button","since":{since},"fevers":{fevers}}}'


@pytest.fixture
def gateway(site):
    with Gateway(site) as gateway:
        gateway.alarm()
        yield gateway


@pytest.fixture
def board(site, tmp_path):
    board = Board(POST, tmp_path / "flash", FIRMWARE, speed=SPEED)
    board.flash(site.board_files(POST, **WIFI))
    yield board
    board.stop()


@pytest.fixture
def tower(board, gateway):
    """The tower of a post that shows green."""
    tower = Tower(board)
    assert tower.lit == {"amber"}
    board.start()
    tower.wait("green", timeout=ANSWER_S)
    return tower


def test_it_begins_amber_turns_green_and_is_never_dark(tower):
    assert all(lit.what for lit in tower.history)
    names = [lit.what for lit in tower.history]
    assert names[0] == {"amber"} and {"green"} in names
    assert not any({"red", "siren"} & lamps for lamps in names)


def test_a_fever_lights_red_and_the_button_is_told_with_what_was_shown(tower, gateway):
    gateway.alarm(2)
    tower.wait("red", "siren", timeout=ANSWER_S)
    tower.press(ANSWER_S)
    until(lambda: gateway.acknowledged() == [told(2)])
    tower.wait("amber", timeout=ANSWER_S)
    gateway.alarm()
    tower.wait("green", timeout=ANSWER_S)


def test_the_button_sends_nothing_while_red_is_not_lit(tower, gateway):
    tower.press(ANSWER_S)
    gateway.alarm(1)
    tower.wait("red", "siren", timeout=ANSWER_S)
    assert gateway.acknowledged() == []


def test_a_gateway_without_a_beat_is_amber_though_the_line_is_up(tower, gateway, board):
    gateway.beats = False
    tower.wait("amber", timeout=ANSWER_S)
    assert not any("link down" in line for line in board.console)
    gateway.alarm(1)
    tower.wait("amber", "red", "siren", timeout=ANSWER_S)
    gateway.beats = True
    tower.wait("red", "siren", timeout=ANSWER_S)


def test_the_gateways_amber_is_shown(tower, gateway):
    gateway.alarm(amber=("north-1: silent",))
    tower.wait("amber", timeout=ANSWER_S)


def test_red_stays_without_a_connection_and_a_press_survives_a_power_cut(tower, gateway, board):
    gateway.alarm(1)
    tower.wait("red", "siren", timeout=ANSWER_S)
    board.wifi(False)
    tower.wait("red", "amber", "siren", timeout=ANSWER_S)
    tower.press(ANSWER_S)
    tower.wait("amber", timeout=ANSWER_S)
    until(lambda: list(board.flash_dir.glob("pressed.*")))
    assert gateway.acknowledged() == []
    board.power_cut()
    assert tower.lit == {"amber"}
    board.wifi(True)
    board.start()
    until(lambda: gateway.acknowledged() == [told(1)])
    assert "red" not in tower.lit
    until(lambda: any(health["queued"] for health in gateway.health()))  # the unsent press
    gateway.alarm()
    tower.wait("green", timeout=ANSWER_S)


def test_a_press_without_a_line_never_silences_a_later_fever(tower, gateway, board):
    gateway.alarm(1)
    tower.wait("red", "siren", timeout=ANSWER_S)
    board.wifi(False)
    board.wait_console("link down", ANSWER_S)
    tower.wait("red", "amber", "siren", timeout=ANSWER_S)
    tower.press(ANSWER_S)
    tower.wait("amber", timeout=ANSWER_S)
    gateway.alarm(2)
    board.wifi(True)
    tower.wait("red", "siren", timeout=ANSWER_S)
    assert gateway.acknowledged() == []
    tower.press(ANSWER_S)
    until(lambda: gateway.acknowledged() == [told(2)])


def test_a_broker_that_dies_and_comes_back(tower, gateway, site):
    site.broker.kill()
    try:
        tower.wait("amber", timeout=ANSWER_S)
    finally:
        site.broker.start()
    gateway.connected.clear()
    assert gateway.connected.wait(ANSWER_S)
    gateway.alarm()
    tower.wait("green", timeout=ANSWER_S)


def test_without_power_the_contact_at_rest_lights_amber(tower, board):
    board.power_cut()
    assert tower.lit == {"amber"}


def test_a_program_that_is_stuck_is_reset_and_amber_meanwhile(site, tmp_path, gateway):
    board = Board(POST, tmp_path / "flash", FIRMWARE, speed=SPEED)
    board.flash(site.board_files(POST, **WIFI))
    stuck = (
        '            print("button")\n',
        '            print("button")\n            while 1: pass\n',
    )
    changed(board, "kiosk/post_app.py", stuck)
    tower = Tower(board)
    with board:
        board.start()
        tower.wait("green", timeout=ANSWER_S)
        start = len(tower.history)
        tower.press(ANSWER_S)
        until(lambda: board.boots == 2)
        assert board.last_reset is ResetCause.WATCHDOG
        assert {"amber"} in [lit.what for lit in tower.history[start:]]
        tower.wait("green", timeout=ANSWER_S)


def test_health_says_that_it_watches_and_no_reading_comes(tower, gateway):
    until(gateway.health)
    health = gateway.health()[0]
    assert health["state"] == "ok" and health["kiosk"] == POST and health["fw"]
    assert not any(topic.endswith("/reading") for topic, _ in gateway.messages)


def test_a_jammed_button_is_a_fault_and_amber(tower, gateway):
    tower.hold()
    tower.wait("amber", timeout=ANSWER_S)
    until(lambda: any(health["fault"] == "button held" for health in gateway.health()))
    fault = next(health for health in gateway.health() if health["fault"])
    assert fault["watched_s"] > 0, "green, until the button was held for too long"
    tower.hold(False)
    tower.wait("green", timeout=ANSWER_S)


def test_hostile_messages_change_no_lamp_and_keep_the_line(tower, gateway, board):
    start = len(board.console)
    for payload in (b"\xff", b"[]", b'{"state":"raised"}', b'{"state":"raised","fevers":1}'):
        gateway.say(f"{ALARM}/shown", payload)
        board.wait_console("not understood", ANSWER_S, start=start)
        start = len(board.console)
    assert not any("red" in lit.what for lit in tower.history)
    assert not any("link down" in line for line in board.console)


def test_the_gateway_finds_it_among_others_and_silences_its_siren(tower, gateway, site, board):
    values = {"v": 1, "version": 3, "values": {"volume": 0}}
    find = {"v": 1, "command": "identify", "on": True}
    with Client(site, "admin") as admin:
        start = len(tower.history)
        assert not admin.say(f"{BASE}/{POST}/command", json.dumps(find))

        def blinked():
            lit = ["amber" in lit.what for lit in tower.history[start:]]
            return sum(new and not old for old, new in itertools.pairwise(lit)) >= 3

        tower.wait_for(blinked, ANSWER_S, "no blinking amber")
        assert board.boots == 1
        tower.wait("green", timeout=ANSWER_S)
        assert not admin.say(f"{BASE}/{POST}/settings", json.dumps(values), retain=True)
        until(lambda: any(topic.endswith("/applied") for topic, _ in gateway.messages))
        gateway.alarm(1)
        tower.wait("red", timeout=ANSWER_S)
        admin.say(f"{BASE}/{POST}/settings", b"", retain=True)
