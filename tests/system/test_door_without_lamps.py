"""A door without lamps: its red lights, sounds and is acknowledged at the gate that watches it."""

import pytest

from fevergate.alarm.gpio_pins import GATES
from fevergate.protocol.messages import Verdict
from fevergate.storage.connection import open_reader
from harness.site import Site
from harness.worker import wait_until

NORTH, YARD = GATES["gate1"], GATES["gate2"]


@pytest.fixture
def site(tmp_path):
    gates = {"north": ["north-1"], "door": ["door-1"], "yard": ["yard-1"]}
    with Site(tmp_path / "gateway", gates, watched_by={"door": "north"}) as site:
        site.start_gateway()
        for kiosk in ("north-1", "door-1", "yard-1"):
            site.kiosk(kiosk).reading(Verdict.NORMAL, 36.5)
            wait_until(lambda kiosk=kiosk: stored(site.kiosk(kiosk)), 60, f"{kiosk} is heard")
        yield site


def stored(kiosk):
    kiosk.again()  # the gateway may not have listened before
    return not kiosk.pending


def acknowledged(site):
    with open_reader(site.settings.path(site.settings.database)) as reader:
        return dict(reader.execute("select gate, acknowledged_by from fevers"))


def test_a_fever_at_the_door_is_red_at_its_gate_and_one_press_sees_to_it(site):
    site.kiosk("door-1").reading(Verdict.FEVER, 38.4)
    wait_until(lambda: site.lamps.lit(NORTH["red"]), 60, "the watching gate is red")
    assert not site.lamps.lit(YARD["red"])
    wait_until(lambda: acknowledged(site) == {"door": None}, 60, "it is in the log of the door")
    site.gateway.tell(f"press {NORTH['acknowledge']}")
    wait_until(lambda: not site.lamps.lit(NORTH["red"]), 60, "the press ends it")
    wait_until(lambda: acknowledged(site) == {"door": "button"}, 60, "the log knows who")
