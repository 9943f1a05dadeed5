"""Silence is not health."""

import pytest
from samples import health, settings

from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.mosquitto.drops import FULL, SAID_S, WINDOW_S


class Scene:
    def __init__(self):
        self.now = 1000.0
        self.troubles = {}
        self.watch = KioskMonitor(settings(), self.trouble, lambda: self.now)

    def trouble(self, gate, kiosk, what):
        self.troubles[gate, kiosk] = what


@pytest.fixture
def scene():
    return Scene()


def test_a_kiosk_that_was_never_heard_is_amber(scene):
    scene.watch.check()
    assert scene.troubles["north", "north-1"] == "north-1: not heard yet"
    scene.watch.heard("north-1")
    assert scene.troubles["north", "north-1"] is None


def test_silence_turns_amber_and_a_word_ends_it(scene):
    scene.watch.status("north-1", True)
    scene.now += 149
    scene.watch.check()
    assert scene.troubles["north", "north-1"] is None
    scene.now += 2
    scene.watch.check()
    assert scene.troubles["north", "north-1"] == "north-1: silent"
    scene.watch.heard("north-1")
    assert scene.troubles["north", "north-1"] is None


def test_a_last_will_is_amber_at_once(scene):
    scene.watch.status("south-1", True)
    scene.watch.status("south-1", False)
    assert scene.troubles["south", "south-1"] == "south-1: offline"
    scene.watch.heard("south-1")
    assert scene.troubles["south", "south-1"] is None


def test_a_sensor_fault_is_amber_until_health_is_ok(scene):
    scene.watch.health(health(state="fault", fault="PecError"))
    assert scene.troubles["north", "north-1"] == "north-1: sensor PecError"
    scene.watch.health(health())
    assert scene.troubles["north", "north-1"] is None


def test_a_kiosk_that_misses_its_people_is_no_amber_for_it_may_be_a_holiday(scene):
    scene.watch.health(health(fault="nobody as usual"))
    assert scene.troubles["north", "north-1"] is None


def test_a_kiosk_of_no_gate_is_nobodys_amber(scene):
    scene.watch.heard("stranger")
    assert scene.troubles == {}


def test_a_crowd_at_the_baselines_bound_is_amber_until_it_is_not(scene):
    scene.watch.health(health(drift=True, baseline_c=0.8))
    assert scene.troubles["north", "north-1"] == "north-1: crowd reads +0.8 C, check it"
    scene.watch.health(health(baseline_c=0.2))
    assert scene.troubles["north", "north-1"] is None


def test_a_crowd_unlike_the_neighbours_is_amber_until_it_is_not(scene):
    scene.watch.heard("north-1")
    scene.watch.unlike({"north-1": "reads -0.5 C beside north-2"})
    assert scene.troubles["north", "north-1"] == "north-1: reads -0.5 C beside north-2"
    scene.watch.unlike({})
    assert scene.troubles["north", "north-1"] is None


def test_a_flood_is_named_and_forgotten_when_it_is_over(scene):
    scene.watch.heard("north-1")
    scene.watch.floods({"north-1": "floods, 9 not taken"})
    scene.watch.check()
    assert scene.troubles["north", "north-1"] == "north-1: floods, 9 not taken"
    scene.watch.floods({})
    scene.watch.check()
    assert scene.troubles["north", "north-1"] is None


def said(scene):
    scene.watch.check()
    gates = {scene.troubles["north", "broker"], scene.troubles["south", "broker"]}
    assert len(gates) == 1
    return gates.pop()


def test_what_the_broker_drops_for_others_is_nobodys_amber(scene):
    """Such as pages that were off for four days."""
    scene.watch.drops.up()
    scene.watch.drops.count(601)
    assert said(scene) is None
    for _ in range(20):
        scene.now += 30
        scene.watch.drops.received += 300
        scene.watch.drops.count(scene.watch.drops.dropped + 50)
        assert said(scene) is None


def test_a_gateway_that_comes_back_to_a_full_queue_says_for_a_while_what_it_may_have_missed(scene):
    scene.watch.drops.count(601)
    assert said(scene) is None
    scene.now += 7 * 86400
    scene.watch.drops.up()
    scene.watch.drops.received += FULL - 1
    scene.watch.drops.count(613)
    assert said(scene) is None  # its queue was not full
    scene.watch.drops.received += 1
    assert said(scene) == "broker dropped 613 messages"  # not more is known since we started
    scene.now += SAID_S
    assert said(scene) is None
    scene.watch.drops.count(700)  # while we hear what is said
    assert said(scene) is None


def test_a_count_that_was_known_before_the_line_broke_is_not_counted_again(scene):
    scene.watch.drops.count(601)
    scene.now += WINDOW_S
    assert said(scene) is None
    scene.now += 3600
    scene.watch.drops.up()
    scene.watch.drops.count(613)
    scene.watch.drops.received += FULL
    assert said(scene) == "broker dropped 12 messages"


def test_a_broker_that_started_anew_and_counts_from_zero_is_no_trouble(scene):
    scene.watch.drops.count(601)
    scene.now += WINDOW_S
    assert said(scene) is None
    scene.watch.drops.up()
    scene.watch.drops.received += FULL
    scene.watch.drops.count(0)
    assert said(scene) is None
