"""What a lamp post may publish and receive, with the real broker and its real access list."""

import json
import time

import pytest
from broker_client import BASE, HANG_S, Client
from samples import reading

from fevergate.protocol.alarm_messages import Beat
from fevergate.protocol.messages import decode, encode
from fevergate.protocol.topics import KIOSK_PUBLISHES, POST_PUBLISHES, POST_SUBSCRIBES
from fevergate.provision.steps import revoke
from harness.site import Site

GATES = {"north": ["north-1"], "south": ["south-1"]}
POST = "north-post"

FORBIDDEN = (
    *(f"{POST}/{kind}" for kind in ("reading", "card", "stored", "permit", "time", "settings")),
    *(f"{POST}/{kind}" for kind in ("command", "update", "update/piece")),
    *(
        f"{name}/{kind}"
        for name in ("north-1", "south-post", "gateway")
        for kind in KIOSK_PUBLISHES
    ),
    "alarm/north",
    "alarm/north/shown",
    "alarm/north/beat",
    "alarm/north/test",
    "alarm/north/acknowledge/person",
    "alarm/south",
    "alarm/south/shown",
    "alarm/south/acknowledge",
    "alarm/south/test",
    "alarm/south/beat",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    posts = {POST: "north", "south-post": "south"}
    with Site(tmp_path_factory.mktemp("site") / "fevergate", GATES, posts=posts) as site:
        yield site


def test_a_post_says_its_own_state_and_its_gates_acknowledgement_alone(site):
    allowed = [
        *(f"{BASE}/{POST}/{kind}" for kind in POST_PUBLISHES),
        f"{BASE}/alarm/north/acknowledge",
    ]
    with Client(site, "admin") as admin, Client(site, POST) as post:
        admin.hear(f"{BASE}/#")
        for topic in FORBIDDEN:
            assert post.say(f"{BASE}/{topic}", b"forged"), topic
        for topic in ("homeassistant/sensor/x/y/config", "$SYS/x", "fevergate/v1/west/alarm/north"):
            assert post.say(topic, b"forged"), topic
        for topic in allowed:
            assert not post.say(topic, topic.encode()), topic
        for topic in allowed:
            admin.wait_for(topic.encode())
        assert {topic for topic, _ in admin.messages} == set(allowed)


def test_a_post_hears_its_own_gates_alarm_and_nobody_elses(site):
    expected = [*(f"{BASE}/{POST}/{kind}" for kind in POST_SUBSCRIBES), f"{BASE}/alarm/north/shown"]
    with (
        Client(site, "gateway") as gateway,
        Client(site, "admin") as admin,
        Client(site, POST) as post,
    ):
        for topic in (
            "#",
            f"{BASE}/#",
            f"{BASE}/+/time",
            f"{BASE}/alarm/+",
            f"{BASE}/alarm/+/shown",
            f"{BASE}/alarm/+/beat",
        ):
            post.hear(topic)
        for topic in (*expected, f"{BASE}/alarm/north/beat", "$SYS/#"):
            post.hear(topic)
        admin.say(f"{BASE}/north-1/settings", b"another's")
        admin.say(f"{BASE}/alarm/north/acknowledge", b"another's")
        gateway.say(f"{BASE}/{POST}/stored", b"another's")
        gateway.say(f"{BASE}/{POST}/permit", b"another's")
        gateway.say(f"{BASE}/south-post/time", b"another's")
        assert not gateway.say(f"{BASE}/alarm/north", b"another's")
        for kind in ("/shown", "/beat"):
            assert not gateway.say(f"{BASE}/alarm/south{kind}", b"another's")
            assert not gateway.say(f"{BASE}/alarm/north{kind}", f"own{kind}".encode())
        admin.say(f"{BASE}/{POST}/settings", b"own settings")
        for payload in (b"own/shown", b"own/beat", b"own settings"):
            post.wait_for(payload)
        assert b"another's" not in post.payloads()


def test_a_kiosk_does_not_hear_the_beat_nor_acknowledge(site):
    with Client(site, "gateway") as gateway, Client(site, "north-1") as kiosk:
        kiosk.hear(f"{BASE}/alarm/north/beat")
        kiosk.hear(f"{BASE}/north-1/stored")
        gateway.say(f"{BASE}/alarm/north/beat", b"beat")
        gateway.say(f"{BASE}/north-1/stored", b"for north-1")
        kiosk.wait_for(b"for north-1")
        assert kiosk.payloads() == [b"for north-1"]
        assert kiosk.say(f"{BASE}/alarm/north/acknowledge", b"forged")


def test_the_running_gateway_beats_for_a_post_and_takes_its_press_as_of_no_person(site):
    alarm = f"{BASE}/alarm/north"
    with Client(site, POST) as post, Client(site, "south-post") as other:
        post.hear(f"{alarm}/beat")
        other.hear(f"{BASE}/alarm/south/beat")
        site.start_gateway()
        _until(lambda: len(set(post.payloads())) >= 2, post)
        assert post.payloads()[0] != post.payloads()[1]
        assert all(decode(payload, Beat).n for payload in post.payloads())
        post.hear(f"{alarm}/shown")
        with Client(site, "north-1") as kiosk:
            kiosk.say(f"{BASE}/north-1/reading", encode(reading(1, "fever")))
        raised = _state(post, "raised")
        press = {"v": 1, "by": "Li Wei"}
        assert not post.say(f"{alarm}/acknowledge", json.dumps(press).encode())
        assert post.say(f"{alarm}/acknowledge/person", json.dumps(press).encode())
        press |= {"since": raised["since"], "fevers": raised["fevers"]}
        post.say(f"{alarm}/acknowledge", json.dumps(press).encode())
        assert _state(post, "clear", "button")["since"] > raised["since"]
        assert {topic for topic, _ in other.messages} <= {f"{BASE}/alarm/south/beat"}
        site.gateway.stop()


def test_a_post_that_is_taken_away_leaves_no_press_for_the_gateways_next_start(site):
    """A retained press would clear the gate's alarm each time the gateway starts."""
    with Client(site, "south-post") as post:
        for topic in (f"{BASE}/alarm/south/acknowledge", f"{BASE}/south-post/health"):
            assert not post.say(topic, b"kept", retain=True)
    lines = list(revoke(site.folder, "south-post", "stolen"))
    assert any("seen: the broker refuses it" in line.pair[1] for line in lines)
    with Client(site, "admin") as admin, Client(site, POST) as other:
        admin.hear(f"{BASE}/#")
        other.say(f"{BASE}/{POST}/health", b"after")
        admin.wait_for(b"after")
        assert b"kept" not in admin.payloads()


def _state(client, state, by=""):
    """Wait for this state of the north gate's alarm; return its message."""

    def matching():
        for topic, payload in list(client.messages):
            message = json.loads(payload)
            if topic.endswith("/north/shown") and (message["state"], message["by"]) == (state, by):
                return message
        return None

    return _until(matching, client)


def _until(condition, client):
    deadline = time.monotonic() + 3 * HANG_S
    while not (result := condition()):
        assert time.monotonic() < deadline, client.messages
        time.sleep(0.05)
    return result
