"""What the gateway does with a message: red light, storage, acknowledgement or quarantine."""

import json
import math
import time

import pytest
from samples import health, reading, settings

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gate_state import MAX_WAITING
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.clock.judge import AHEAD_S, PAST_S
from fevergate.gateway.flood_guard import LIVE_S, OTHERS_BURST, SLACK_READINGS, FloodGuard
from fevergate.gateway.ingest import Ingest, is_urgent
from fevergate.protocol.alarm_messages import Acknowledge, LampTest
from fevergate.protocol.messages import Applied, CalibrationRecord, CardTapped, encode
from fevergate.settings.gateway import Gate
from fevergate.storage.records import (
    Acknowledged,
    HealthArrived,
    ReadingArrived,
    Rejected,
    SettingsApplied,
    StatusArrived,
)

BASE = "fevergate/v1/east/"


class Lamps:
    def __init__(self, events):
        self._events = events

    def show(self, *, red, amber):
        if red:
            self._events.append("red light")

    def buzz(self, on):
        pass


class Scene:
    def __init__(self, settings=settings):
        self.events = []
        self.records = []
        self.acknowledged = 0
        self.alarm = Alarm(
            {"north": Lamps(self.events), "south": Lamps(self.events)}, lambda _: None
        )
        self.ingest = Ingest(
            settings(), self.alarm, KioskMonitor(settings(), self.alarm.trouble), self.keep
        )

    def keep(self, record, done):
        self.events.append(type(record).__name__)
        self.records.append(record)

    def done(self):
        self.acknowledged += 1

    def say(self, topic, payload):
        self.ingest.message(
            BASE + topic, payload if isinstance(payload, bytes) else encode(payload), self.done
        )
        return self.records[-1] if self.records else None


@pytest.fixture
def scene():
    return Scene()


def test_the_red_light_comes_before_the_store(scene):
    record = scene.say("north-1/reading", reading(1, "fever"))
    assert scene.events == ["red light", "ReadingArrived"]
    assert isinstance(record, ReadingArrived) and record.raised_at is not None


def test_nothing_is_acknowledged_to_the_broker_before_it_is_committed(scene):
    scene.say("north-1/reading", reading(1))
    assert scene.acknowledged == 0


def test_status_and_health_are_kept(scene):
    assert isinstance(scene.say("north-1/status", b"online"), StatusArrived)
    assert isinstance(scene.say("north-1/health", health()), HealthArrived)


@pytest.mark.parametrize("off_s", [2 * AHEAD_S, -PAST_S - 60])
def test_an_impossible_date_is_not_believed_but_a_readings_claim_is_kept(scene, off_s):
    wrong_at = time.time() + off_s
    record = scene.say("north-1/reading", reading(1, "fever", at=wrong_at))
    assert (record.reading.at, record.claimed_at) == (None, wrong_at)
    record = scene.say("north-1/health", health(at=wrong_at))
    assert record.health.at is None and record.at == record.received_at
    right_at = time.time() - 60
    record = scene.say("north-1/reading", reading(2, at=right_at))
    assert (record.reading.at, record.claimed_at) == (right_at, None)
    record = scene.say("north-1/health", health(at=right_at))
    assert (record.health.at, record.at) == (right_at, None)
    assert scene.ingest.counts["misdated"] == 2


def test_whatever_a_kiosk_says_of_itself_ends_its_silence(scene):
    for topic, payload in (
        ("reading", reading(1)),
        ("status", b"online"),
        ("health", health()),
        ("settings/applied", Applied(kiosk="north-1")),
        ("card", CardTapped(boot=1, tap=1, who="a" * 16)),
    ):
        scene.monitor = scene.ingest._monitor = KioskMonitor(settings(), scene.alarm.trouble)
        scene.say(f"north-1/{topic}", payload)
        assert math.isfinite(scene.monitor.ages()["north-1"]), topic


def test_fevers_that_were_only_counted_are_acknowledged_in_the_store_too(scene):
    scene.say("north-1/reading", reading(1, "fever"))
    assert scene.say("alarm/north/acknowledge", Acknowledge(by="Li")).gate is None
    for seq in range(2, MAX_WAITING + 3):
        scene.alarm.fever("north", reading(seq, "fever"))
    assert scene.say("alarm/north/acknowledge", Acknowledge(by="Li")).gate == "north"


def test_a_health_message_reaches_clock_and_listener_unless_it_names_another_kiosk(scene):
    kiosk_times, messages = [], []
    scene.ingest._clock.count_vote = lambda kiosk, at: kiosk_times.append((kiosk, at))
    scene.ingest._health = messages.append
    scene.say("north-1/health", health())
    assert kiosk_times == [("north-1", health().at)] and messages == [health()]
    record = scene.say("north-2/health", health())
    assert isinstance(record, Rejected) and len(kiosk_times) == len(messages) == 1


def test_acknowledgements_and_fevers_are_urgent_but_normal_readings_are_not():
    for verb in ("acknowledge", "acknowledge/person"):
        assert is_urgent(f"{BASE}alarm/north/{verb}", encode(Acknowledge(by="Li")))
    assert is_urgent(f"{BASE}north-1/reading", encode(reading(1, "fever")))
    assert not is_urgent(f"{BASE}north-1/reading", encode(reading(1)))


def test_a_gate_without_lamps_has_none_to_test():
    bare = settings(gates=[Gate(name="north", kiosks=["north-1"], lamps="none")])
    scene = Scene(lambda: bare)
    record = scene.say("alarm/north/test", LampTest(by="Li"))
    assert isinstance(record, Rejected) and record.reason == "the gate has no lamps to test"


def test_a_guards_command_acknowledges(scene):
    scene.say("north-1/reading", reading(1, "fever"))
    record = scene.say("alarm/north/acknowledge/person", Acknowledge(by="李伟"))
    assert isinstance(record, Acknowledged) and record.by == "李伟"
    assert record.fevers == (reading(1).identity,)


@pytest.mark.parametrize("character", ["\0", "\n", "\x1b[2J", "\x9b", "\u202e", "\u200b", "\u2066"])
def test_a_name_that_a_terminal_obeys_ends_the_red_light_and_is_kept_visible(scene, character):
    scene.say("north-1/reading", reading(1, "fever"))
    name = json.dumps({"by": f"Li{character} Wei"}).encode()
    record = scene.say("alarm/north/acknowledge", name)
    assert isinstance(record, Acknowledged) and record.by == f"Li\ufffd{character[1:]} Wei"
    assert scene.alarm.states()[0].by == record.by


def test_a_guards_command_is_not_asked_for_again_whatever_the_disk_does(scene):
    scene.say("north-1/reading", reading(1, "fever"))
    scene.say("alarm/north/acknowledge", Acknowledge(by="Li"))
    assert len(scene.records) == 2 and scene.acknowledged == 1


def test_a_post_acknowledges_what_it_showed(scene):
    scene.say("north-1/reading", reading(1, "fever"))
    since = scene.alarm.states()[0].since
    for stale in ({"since": since - 1, "fevers": 1}, {"since": since, "fevers": 2}):
        scene.say("alarm/north/acknowledge", Acknowledge(by="button", **stale))
    assert len(scene.records) == 1
    record = scene.say("alarm/north/acknowledge", Acknowledge(by="button", since=since, fevers=1))
    assert isinstance(record, Acknowledged) and record.fevers == (reading(1).identity,)


def test_a_lamp_post_speaks_for_no_person(scene_with_post):
    """A post may only publish presses of its button, but can put any name into them."""
    scene, forged = scene_with_post, "alarm/south/acknowledge"
    scene.say("south-1/reading", reading(1, "fever", kiosk="south-1"))
    red = scene.alarm.states()[1]
    record = scene.say(forged, Acknowledge(by="Li Wei"))
    assert isinstance(record, Rejected) and "acknowledge/person" in record.reason
    assert scene.alarm.states()[1] == red
    record = scene.say(forged, Acknowledge(by="Li Wei", since=red.since, fevers=1))
    assert isinstance(record, Acknowledged) and record.by == scene.alarm.states()[1].by == "button"


def test_a_person_acknowledges_at_a_gate_with_posts(scene_with_post):
    scene = scene_with_post
    scene.say("south-1/reading", reading(1, "fever", kiosk="south-1"))
    record = scene.say("alarm/south/acknowledge/person", Acknowledge(by="Li Wei"))
    assert isinstance(record, Acknowledged) and record.by == "Li Wei"


def test_a_person_acknowledges_what_the_board_showed_and_no_later_fever(scene):
    scene.say("north-1/reading", reading(1, "fever"))
    state = scene.alarm.states()[0]
    scene.say("north-1/reading", reading(2, "fever"))
    press = Acknowledge(by="Li Wei", since=state.since, fevers=1, last=state.last)
    record = scene.say("alarm/north/acknowledge/person", press)
    assert isinstance(record, Acknowledged) and record.fevers == (reading(1).identity,)
    assert (scene.alarm.states()[0].state, scene.alarm.states()[0].fevers) == ("raised", 1)


def test_a_post_is_a_device_of_its_gate_that_measures_nothing(scene_with_post):
    scene = scene_with_post
    assert scene.say("south-post/status", b"online").gate == "south"
    stored = scene.say("south-post/health", health(kiosk="south-post", state="fault", fault="x"))
    assert stored.gate == "south"
    assert (stored.health.state, stored.health.fault, stored.health.watched_s) == ("ok", "", 0)
    assert scene.alarm.states()[1].amber == ("south-post: sensor x",)
    record = scene.say("south-post/reading", reading(1, "fever", kiosk="south-post"))
    assert isinstance(record, Rejected) and "red light" not in scene.events


@pytest.fixture
def scene_with_post():
    gates = settings().gates
    gates[1].posts = ["south-post"]
    return Scene(lambda: settings(gates=gates))


def test_an_acknowledgement_of_nothing_needs_no_store(scene):
    scene.say("alarm/north/acknowledge", Acknowledge(by="Li"))
    assert scene.records == [] and scene.acknowledged == 1


def test_a_fever_of_a_kiosk_of_no_gate_lights_the_red_light(scene):
    record = scene.say("stray/reading", reading(1, "fever", kiosk="stray"))
    assert scene.events[0] == "red light" and record.gate == "north"


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("north-1/reading", b"{", "truncated"),
        ("north-1/reading", b"\xff\xfe", "JSON"),
        ("north-1/reading", b"x" * 5000, "at most 1024"),
        ("north-1/reading", json.dumps({"seq": 1}).encode(), "kiosk"),
        ("north-2/reading", encode(reading(1)), "on the topic of"),
        ("north-1/status", b"maybe", "online or offline"),
        ("north-1/nonsense", b"{}", "no such kind"),
        ("alarm/nowhere/acknowledge", encode(Acknowledge(by="x")), "no such gate"),
        ("alarm/north/acknowledge", encode(Acknowledge(by="x", fevers=1)), "both or neither"),
        ("alarm/north/acknowledge", b'{"by": ""}', "by"),
        ("../north/reading", b"{}", "topic"),
    ],
)
def test_what_does_not_validate_is_quarantined_with_its_reason(scene, topic, payload, reason):
    record = scene.say(topic, payload)
    assert isinstance(record, Rejected) and reason in record.reason
    assert scene.ingest.counts["rejected"] == 1
    assert scene.events == ["Rejected"]


def test_another_campus_is_quarantined(scene):
    scene.ingest.message("fevergate/v1/west/north-1/reading", encode(reading(1)), scene.done)
    assert "expected 'east'" in scene.records[-1].reason


RECORD = CalibrationRecord(
    sensor="0011223344556677",
    at=1_795_400_000,
    by="李伟",
    method="two-point",
    offset_c=0.2,
    gain=1.01,
    uncertainty_c=0.1,
)


def test_a_calibration_that_a_kiosk_put_in_force_is_kept(scene):
    applied = Applied(kiosk="north-1", calibration=RECORD)
    record = scene.say("north-1/settings/applied", applied)
    assert isinstance(record, SettingsApplied) and record.applied.calibration == RECORD


def test_whoever_calibrated_is_kept_visible(scene):
    message = json.loads(encode(Applied(kiosk="north-1", calibration=RECORD)))
    message["calibration"]["by"] = "\x1b]0;x\x07李伟"
    record = scene.say("north-1/settings/applied", json.dumps(message).encode())
    assert record.applied.calibration.by == "\ufffd]0;x\ufffd李伟"


def test_settings_that_a_kiosk_refused_are_kept_with_their_reason(scene):
    record = scene.say("north-1/settings/applied", Applied(kiosk="north-1", error="no"))
    assert isinstance(record, SettingsApplied) and record.applied.error == "no"


def test_a_kiosk_cannot_speak_for_anothers_sensor(scene):
    applied = Applied(kiosk="north-2", calibration=RECORD)
    assert isinstance(scene.say("north-1/settings/applied", applied), Rejected)


@pytest.mark.parametrize("field", ["sensor", "offset_c", "by", "method", "uncertainty_c"])
def test_a_calibration_out_of_bounds_is_quarantined(scene, field):
    wrong_values = {"sensor": "ear", "offset_c": 99, "by": "", "method": "A B", "uncertainty_c": -1}
    message = json.loads(encode(Applied(kiosk="north-1", calibration=RECORD)))
    message["calibration"][field] = wrong_values[field]
    record = scene.say("north-1/settings/applied", json.dumps(message).encode())
    assert isinstance(record, Rejected) and field in record.reason


def test_a_flooding_kiosk_lights_red_and_is_kept_from_the_disk(scene):
    scene.ingest.flood._readings._burst = 2.0
    for seq in (1, 2):
        scene.say("north-1/reading", reading(seq))
    record_count = len(scene.records)
    scene.say("north-1/reading", reading(3, "fever"))
    assert scene.events[-1] == "red light"
    assert len(scene.records) == record_count  # the kiosk keeps it until it hears that it is stored
    assert scene.acknowledged == 1  # so the broker need not keep it
    assert "north-1" in scene.ingest.flood.kiosks()


def test_what_the_broker_says_of_itself_is_no_kiosks_message(scene):
    for payload in (b"0", b"7", b"-1", b"much", b"9" * 40):
        scene.ingest.message("$SYS/broker/publish/messages/dropped", payload, scene.done)
    assert scene.records == [] and scene.acknowledged == 5


@pytest.mark.parametrize("leap_s", [-10 * 365 * 86400, 70 * 365 * 86400])
def test_a_clock_that_leaps_changes_no_light_and_no_acknowledgement(scene, monkeypatch, leap_s):
    scene.say("north-1/reading", reading(1, "fever"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + leap_s)
    scene.say("north-1/reading", reading(1, "fever"))  # a repeat raises no second alarm
    scene.say("north-1/reading", reading(2, "fever"))
    assert scene.events.count("red light") >= 2
    scene.say("alarm/north/acknowledge", Acknowledge(by="Li Wei"))
    records = [record for record in scene.records if isinstance(record, Acknowledged)]
    assert {identity.seq for record in records for identity in record.fevers} == {1, 2}


def test_a_kiosk_that_sends_a_backlog_though_its_health_tells_of_none_is_named(scene):
    now = [0.0]
    scene.ingest.flood = FloodGuard(lambda: now[0])
    now[0] += LIVE_S
    scene.say("north-1/health", health(queued=0))
    for seq in range(int(SLACK_READINGS)):
        scene.say("north-1/reading", reading(1 + seq))
    assert scene.ingest.flood.kiosks() == {}
    scene.say("north-1/reading", reading(1 + int(SLACK_READINGS)))
    assert "north-1" in scene.ingest.flood.kiosks()


def test_a_kiosk_that_floods_with_anything_else_is_kept_from_the_disk_and_still_watched(scene):
    for number in range(2 * int(OTHERS_BURST)):
        scene.say("north-1/health", health() if number % 2 else b"nonsense")
    assert len(scene.records) <= OTHERS_BURST + 10  # each second allows some more
    assert scene.acknowledged == 2 * OTHERS_BURST - len(scene.records)
    assert "north-1" in scene.ingest.flood.kiosks()
    assert isinstance(scene.say("south-1/health", health(kiosk="south-1")), HealthArrived)
    record = scene.say("north-1/reading", reading(1, "fever"))
    assert isinstance(record, ReadingArrived) and scene.events[-2] == "red light"


def test_names_that_nobody_gave_a_kiosk_share_one_bound(scene):
    for number in range(2 * int(OTHERS_BURST)):
        scene.say(f"invented-{number}/status", b"online")
    assert len(scene.records) <= OTHERS_BURST + 10
    assert isinstance(scene.say("north-1/status", b"online"), StatusArrived)


def test_a_kiosk_that_refuses_its_settings_without_end_does_not_fill_the_journal(scene, caplog):
    for number in range(2 * int(OTHERS_BURST)):
        scene.say("north-1/settings/applied", Applied(kiosk="north-1", error=f"x{number}"))
    assert len(scene.records) == caplog.text.count("settings refused") < 2 * OTHERS_BURST
    assert "north-1: settings refused: x0" in caplog.text
