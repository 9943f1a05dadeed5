"""Runs under MicroPython: the running lamp post. The test plays its pins, its flash and its line.
Argument: firmware folder.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import kiosk_board

LEVELS = {}  # level of each pin, by number
ORDER = []  # paths written to flash and topics published, in order
REFUSING = []  # the error number of every write to flash, if writes fail


class Pin:
    OUT, IN, PULL_UP = 3, 1, 2

    def __init__(self, number, mode, value=None):
        self.number = number
        LEVELS[number] = 1 if value is None else value

    def value(self, level=None):
        if level is not None:
            LEVELS[self.number] = int(level)
        return LEVELS[self.number]


class WDT:
    def __init__(self, timeout):
        pass

    def feed(self):
        pass


class RTC:
    pass


class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)

    def reset_cause():
        return 1


class Network:
    STA_IF = 0

    class WLAN:
        def __init__(self, interface):
            pass


Machine.Pin, Machine.WDT, Machine.RTC = Pin, WDT, RTC
sys.modules["machine"], sys.modules["network"] = Machine, Network

from kiosk import clock, mqtt, post_app, safe_file, wifi
from kiosk.errors import CalibrationError
from kiosk.lamp_post import BEAT_MS
from kiosk.tower import HELD_MS


def flash(path, mode="r"):
    """Replaces `open`: the files on the board's flash are in the current folder."""
    if mode == "w":
        ORDER.append(path)
        if REFUSING:
            raise OSError(REFUSING[0])
    return open(path[1:], mode)


safe_file.open = flash
post_app.context_for = lambda ca_der: None

OWN = {"kiosk": "post", "role": "lamp_post", "campus": "east", "gate": "north"}
OWN.update(broker_host="10.0.0.2", username="post", password="secret")
GATE = "fevergate/v1/east/alarm/north"
SINCE = "1795795200.123456"
QUIET = {"quiet_from": "22:00", "quiet_to": "06:00", "utc_offset_min": 480}
NOON_S = 1_795_752_000 // 86400 * 86400 + 4 * 3600  # 12:00 in the quiet hours' zone


class Client:
    """Replaces the MQTT client."""

    def __init__(self, link):
        self.state = mqtt.UP
        self.link = link
        self.messages = []
        self.full = False
        self.handled = 0

    def publish(self, topic, payload, retain=False, qos=1):
        if self.state != mqtt.UP or self.full:
            return False
        ORDER.append(topic)
        self.messages.append((topic, payload))
        return True

    def handle(self):
        self.handled += 1


class Post:
    """A lamp post; the test plays its uptime, date, line and button."""

    def __init__(self, **own):
        ORDER[:] = REFUSING[:] = []
        self.now_ms, self.date_s = 5000, NOON_S
        clock.utc = lambda: self.date_s
        self.app = post_app.PostApp(dict(OWN, **own), b"")
        self.app.uptime = self
        self.app._ticked_ms = self.now_ms
        self.link = self.app.link
        self.line = self.link.client = Client(self.link)
        LEVELS[kiosk_board.READER_TX] = 1
        self.link._connected()
        self.line.messages = []
        self.beats = 0

    def ms(self):
        return self.now_ms

    def hear(self, topic, payload):
        self.link._message(topic, payload)
        return self

    def beat(self):
        self.beats += 1
        return self.hear(GATE + "/beat", b'{"n":%d}' % self.beats)

    def alarm(self, fevers):
        state = "raised" if fevers else "clear"
        text = '{"state":"%s","since":%s,"fevers":%d}' % (state, SINCE, fevers)
        return self.hear(GATE + "/shown", text.encode())

    def tick(self, ms=20):
        self.now_ms += ms
        self.app._tick(self.now_ms)
        return self

    def press(self):
        LEVELS[kiosk_board.READER_TX] = 0
        self.tick().tick()
        LEVELS[kiosk_board.READER_TX] = 1
        return self.tick()

    def watching(self):
        """Let the gateway send a beat and say that the gate is clear."""
        return self.beat().alarm(0).tick()

    def lit(self):
        red, amber = LEVELS[kiosk_board.RED], not LEVELS[kiosk_board.AMBER]
        lamps = (("red", red), ("amber", amber), ("green", LEVELS[kiosk_board.GREEN]))
        return [name for name, level in lamps if level]

    def sounds(self):
        return bool(LEVELS[kiosk_board.DOOR])

    def acknowledged(self):
        return [text for topic, text in self.line.messages if topic == GATE + "/acknowledge"]

    def health(self):
        self.app.report._publish()
        (text,) = [text for topic, text in self.line.messages if topic.endswith("/health")]
        self.line.messages = []
        return json.loads(text)


def test_red_is_lit_and_sounds_as_soon_as_it_is_told():
    post = Post().watching()
    assert post.lit() == ["green"] and not post.sounds()
    post.alarm(1)
    assert post.lit() == ["red"] and post.sounds()


def test_in_quiet_hours_red_is_lit_and_the_siren_is_silent():
    post = Post(**QUIET).watching()
    post.date_s += 11 * 3600
    post.alarm(1).tick()
    assert post.lit() == ["red"] and not post.sounds()
    post.date_s += 7 * 3600
    post.tick()
    assert post.sounds()


def test_a_post_that_does_not_know_the_time_sounds():
    post = Post(**QUIET).watching()
    post.date_s = None
    post.alarm(1).tick()
    assert post.sounds()


def test_volume_zero_silences_the_siren_at_once():
    post = Post().watching().alarm(1)
    message = b'{"version":1,"values":{"volume":0}}'
    post.hear(post.link.base + "settings", message).tick()
    assert post.lit() == ["red"] and not post.sounds()


def test_a_press_is_on_flash_before_it_is_told():
    post = Post().watching().alarm(2)
    ORDER[:] = []
    post.press()
    assert [name.split(".")[0] for name in ORDER] == ["/pressed", GATE + "/acknowledge"]
    assert post.acknowledged() == ['{"v":1,"by":"button","since":%s,"fevers":2}' % SINCE]
    restarted = Post()
    restarted.alarm(2).beat().tick()
    assert "red" not in restarted.lit() and restarted.acknowledged() == post.acknowledged()
    restarted.alarm(0).tick()
    assert Post().app.post.pressed is None  # an answered press is not sent again after a power cut


def test_a_press_that_flash_refuses_is_told_all_the_same_and_the_lamps_go_on():
    post = Post().watching().alarm(1)
    REFUSING.append(28)
    post.press()
    assert len(post.acknowledged()) == 1 and "red" not in post.lit() and not post.sounds()
    post.alarm(0).tick()
    assert post.lit() == ["green"]
    post.alarm(1)
    assert post.lit() == ["red"] and post.sounds()


def test_a_press_that_found_the_line_full_is_told_as_soon_as_there_is_room():
    post = Post().watching().alarm(1)
    post.line.full = True
    post.press()
    assert not post.acknowledged()
    post.line.full = False
    post.tick().tick()
    assert len(post.acknowledged()) == 1


def test_while_red_burns_the_board_is_neither_restarted_nor_updated():
    post = Post().watching()
    assert post.app.commands.idle() and post.app.wifi.idle_ms() >= wifi.SCAN_IDLE_MS
    post.alarm(1)
    assert not post.app.commands.idle()
    assert wifi._RESTART_IDLE_MS <= post.app.wifi.idle_ms() < wifi.SCAN_IDLE_MS
    post.press()
    assert post.app.commands.idle()


def test_what_was_told_before_the_line_fell_is_void():
    post = Post().watching()
    post.line.state = mqtt.FAILED
    post.tick()
    assert post.lit() == ["amber"]
    post.line.state = mqtt.UP
    post.link._connected()
    post.beat().tick()
    assert post.lit() == ["amber"]  # until the gateway has sent the gate's state again
    post.alarm(0)
    assert post.lit() == ["green"]


def test_a_line_that_fell_and_came_back_between_two_looks_is_seen():
    post = Post().watching()
    post.link._connected()
    post.beat().tick()
    assert post.lit() == ["amber"]


def test_a_message_that_cannot_be_parsed_changes_no_lamp_and_raises_nothing():
    post = Post().watching()
    for topic in (GATE + "/shown", GATE + "/beat", post.link.base + "time", "x", ""):
        for payload in (b"", b"\xff", b"{}", b"[]", b"null", b'{"state":"raised"}'):
            post.hear(topic, payload)
    assert post.tick().lit() == ["green"]


def test_a_held_button_is_a_fault_that_is_told_at_once():
    post = Post().watching()
    post.app.report._asked.clear()
    LEVELS[kiosk_board.READER_TX] = 0
    post.tick().beat().tick(HELD_MS)
    post.beat().tick()
    assert post.lit() == ["amber"] and post.app.report._asked.is_set()
    health = post.health()
    assert (health["fault"], health["state"]) == ("button held", "fault")
    assert post.app.commands.fault() == "button held"


def test_health_counts_the_seconds_in_which_the_lamps_could_be_relied_on():
    post = Post().watching()
    assert post.health()["watched_s"] == 0
    for _ in range(12):
        post.beat().tick(500)
    assert post.health()["watched_s"] == 6
    post.tick(BEAT_MS)
    for _ in range(4):
        post.tick(500)  # without a beat
    assert post.health()["watched_s"] == 0
    post.beat().tick(60_000).beat().tick(BEAT_MS - 1)  # a board that stood still watched nothing
    assert post.health()["watched_s"] <= 2


def test_watched_seconds_that_could_not_be_sent_are_reported_later():
    post = Post().watching()
    for _ in range(4):
        post.beat().tick(500)
    post.line.state = mqtt.FAILED
    post.app.report._publish()
    post.line.state = mqtt.UP
    assert post.health()["watched_s"] == 2


def test_a_press_that_was_not_answered_is_queued_in_health():
    post = Post().watching().alarm(1).press()
    assert post.health()["queued"] == 1
    post.alarm(0)
    assert post.health()["queued"] == 0


def test_it_hears_its_gate_and_its_own_name_and_nothing_else():
    topics = Post().link._topics()
    assert sorted(topic for topic in topics if "/alarm/" in topic) == [
        GATE + "/beat",
        GATE + "/shown",
    ]
    own = sorted(topic[len("fevergate/v1/east/post/") :] for topic in topics if "/post/" in topic)
    assert own == ["command", "settings", "time", "update", "update/piece"]


def test_a_calibration_is_refused_by_name():
    post = Post().watching()
    post.hear(post.link.base + "settings", b'{"version":1,"calibration":{}}')
    ((_, text),) = [message for message in post.line.messages if message[0].endswith("/applied")]
    assert json.loads(text)["error"] == "a lamp post has no sensor"
    try:
        post.app.calibrate({})
    except CalibrationError:
        pass
    else:
        raise AssertionError


for name in sorted(globals()):
    if name.startswith("test_"):
        for path in ("pressed.a", "pressed.b", "remote.a", "remote.b"):
            with open(path, "w"):
                pass
        globals()[name]()
        print("passed", name)
