"""A kiosk that is silent, offline or reports a fault turns its gate amber."""

import pytest
from samples import health, settings

from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.mosquitto.drops import QUEUE_FULL, SHOWN_S, WINDOW_S
from fevergate.texts.translations import translator
from fevergate.texts.trouble_text import line


def words(trouble, language, posts):
    return line(trouble, translator(language), posts=posts)


class Scene:
    def __init__(self):
        self.now = 1000.0
        self.troubles = {}
        self.monitor = KioskMonitor(settings(), self.trouble, lambda: self.now)

    def trouble(self, gate, kiosk, message):
        self.troubles[gate, kiosk] = message


@pytest.fixture
def scene():
    return Scene()


def test_a_kiosk_that_was_never_heard_is_amber(scene):
    scene.monitor.check()
    assert scene.troubles["north", "north-1"] == "north-1: not heard yet"
    scene.monitor.heard("north-1")
    assert scene.troubles["north", "north-1"] is None


def test_silence_turns_amber_and_a_word_ends_it(scene):
    scene.monitor.status("north-1", True)
    scene.now += 150
    scene.monitor.check()
    assert scene.troubles["north", "north-1"] is None
    scene.now += 1
    scene.monitor.check()
    assert scene.troubles["north", "north-1"] == "north-1: silent"
    scene.monitor.heard("north-1")
    assert scene.troubles["north", "north-1"] is None


def test_a_post_that_is_not_heard_is_a_trouble_of_its_gate():
    scene, gates = Scene(), settings().gates
    gates[0].posts = ["north-post"]
    scene.monitor = KioskMonitor(settings(gates=gates), scene.trouble, lambda: scene.now)
    scene.monitor.check()
    assert scene.troubles["north", "north-post"] == "north-post: not heard yet"
    scene.monitor.status("north-post", True)
    assert scene.troubles["north", "north-post"] is None
    scene.monitor.status("north-post", False)
    assert scene.troubles["north", "north-post"] == "north-post: offline"
    scene.monitor.health(health(kiosk="north-post", state="fault", fault="button held"))
    trouble = scene.troubles["north", "north-post"]
    assert words(trouble, "en", ["north-post"]) == (
        "north-post (lamp post): its button is held down or jammed"
    )
    assert words("north-post: offline", "zh", ["north-post"]) == "north-post（灯柱）：离线"
    assert words("north-post: offline", "en", []) == "north-post: offline"


def test_a_last_will_is_amber_at_once(scene):
    scene.monitor.status("south-1", True)
    scene.monitor.status("south-1", False)
    assert scene.troubles["south", "south-1"] == "south-1: offline"
    scene.now += 60
    scene.monitor.status("south-1", False)  # the broker repeats it; the kiosk says nothing
    assert scene.monitor.ages()["south-1"] == 60
    scene.monitor.heard("south-1")
    assert scene.troubles["south", "south-1"] is None


def test_a_sensor_fault_is_amber_until_health_is_ok(scene):
    scene.monitor.health(health(state="fault", fault="PecError"))
    assert scene.troubles["north", "north-1"] == "north-1: sensor PecError"
    scene.monitor.health(health())
    assert scene.troubles["north", "north-1"] is None


def test_a_kiosk_that_misses_its_people_is_no_amber_for_it_may_be_a_holiday(scene):
    scene.monitor.health(health(fault="nobody as usual"))
    assert scene.troubles["north", "north-1"] is None


def test_a_kiosk_of_no_gate_is_nobodys_amber(scene):
    scene.monitor.heard("stranger")
    assert scene.troubles == {}


def test_a_drift_is_amber_and_names_its_size_until_it_ends(scene):
    for drift_c in (-0.62, 0.45):
        scene.monitor.health(health(drift=True, drift_c=drift_c, baseline_c=0.1))
        trouble = f"north-1: crowd reads {drift_c:+.1f} C, check it"
        assert scene.troubles["north", "north-1"] == trouble
        lines = [line(trouble, translator(language)) for language in ("zh", "en")]
        assert f"{drift_c:+.1f} °C" in lines[0] and "校准" in lines[0]
        assert "calibrate" in lines[1] and ("frost" in lines[1]) == (drift_c < 0)
    scene.monitor.health(health(drift_c=0.1))
    assert scene.troubles["north", "north-1"] is None


def test_older_firmware_reports_its_baselines_bound(scene):
    scene.monitor.health(health(drift=True, baseline_c=0.8))
    assert scene.troubles["north", "north-1"] == "north-1: crowd reads +0.8 C, check it"
    scene.monitor.health(health(baseline_c=0.2))
    assert scene.troubles["north", "north-1"] is None


def test_a_crowd_unlike_the_neighbours_is_amber_until_it_is_not(scene):
    scene.monitor.heard("north-1")
    scene.monitor.unlike({"north-1": "differs by -0.5 C from north-2"})
    assert scene.troubles["north", "north-1"] == "north-1: differs by -0.5 C from north-2"
    scene.monitor.unlike({})
    assert scene.troubles["north", "north-1"] is None


def test_a_flood_is_named_and_forgotten_when_it_is_over(scene):
    scene.monitor.heard("north-1")
    scene.monitor.floods({"north-1": "floods, 9 not taken"})
    scene.monitor.check()
    assert scene.troubles["north", "north-1"] == "north-1: floods, 9 not taken"
    scene.monitor.floods({})
    scene.monitor.check()
    assert scene.troubles["north", "north-1"] is None


def broker_trouble(scene):
    scene.monitor.check()
    gates = {scene.troubles["north", "broker"], scene.troubles["south", "broker"]}
    assert len(gates) == 1
    return gates.pop()


def test_what_the_broker_drops_for_others_is_nobodys_amber(scene):
    """Such as messages for web pages that were off for four days."""
    scene.monitor.drops.up()
    scene.monitor.drops.count(601)
    assert broker_trouble(scene) is None
    for _ in range(20):
        scene.now += 30
        scene.monitor.drops.received += 300
        scene.monitor.drops.count(scene.monitor.drops.dropped + 50)
        assert broker_trouble(scene) is None


def test_a_gateway_that_comes_back_to_a_full_queue_says_for_a_while_what_it_may_have_missed(scene):
    scene.monitor.drops.count(601)
    assert broker_trouble(scene) is None
    scene.now += 7 * 86400
    scene.monitor.drops.up()
    scene.monitor.drops.received += QUEUE_FULL - 1
    scene.monitor.drops.count(613)
    assert broker_trouble(scene) is None  # the gateway's queue was not full
    scene.monitor.drops.received += 1
    assert (
        broker_trouble(scene) == "broker dropped 613 messages"
    )  # since we started we knew no other count
    scene.now += SHOWN_S
    assert broker_trouble(scene) is None
    scene.monitor.drops.count(700)  # dropped for others, while we receive messages
    assert broker_trouble(scene) is None


def test_a_count_that_was_known_before_the_line_broke_is_not_counted_again(scene):
    scene.monitor.drops.count(601)
    scene.now += WINDOW_S
    assert broker_trouble(scene) is None
    scene.now += 3600
    scene.monitor.drops.up()
    scene.monitor.drops.count(613)
    scene.monitor.drops.received += QUEUE_FULL
    assert broker_trouble(scene) == "broker dropped 12 messages"


def test_a_broker_that_started_anew_and_counts_from_zero_is_no_trouble(scene):
    scene.monitor.drops.count(601)
    scene.now += WINDOW_S
    assert broker_trouble(scene) is None
    scene.monitor.drops.up()
    scene.monitor.drops.received += QUEUE_FULL
    scene.monitor.drops.count(0)
    assert broker_trouble(scene) is None
