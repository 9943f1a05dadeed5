"""What an open board knows from the messages of the broker."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import AT, health, reading, settings

from fevergate.errors import NothingFoundError
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, FeverSeen
from fevergate.protocol.messages import encode
from fevergate.web.live import TREND_READINGS, Live, events

BASE = "fevergate/v1/east/"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from fevergate.crypto.pki import ensure_authority

    folder = tmp_path_factory.mktemp("live")
    ensure_authority(folder, "east")
    (folder / "gateway.password").write_text("x")
    return folder


def live_of(folder):
    given = settings()
    given.folder = folder
    return Live(given)


@pytest.fixture
def live(folder):
    return live_of(folder)


def say(live, topic, message):
    payload = message if isinstance(message, bytes) else encode(message)
    done = []
    live.heard(BASE + topic, payload, lambda: done.append(1))
    assert done == [1]


def kiosk(live, name="north-1", gate="north"):
    return next(state for state in live.now(gate).kiosks if state.kiosk == name)


def test_it_shows_the_last_reading_its_curve_and_whether_the_kiosk_watches(live):
    assert kiosk(live).online is None
    say(live, "north-1/status", b"online")
    for seq in range(1, TREND_READINGS + 20):
        say(live, "north-1/reading", reading(seq, body_c=36.0 + seq / 100))
    state = kiosk(live)
    assert state.online and state.verdict == "normal"
    assert state.body_c == 36.0 + (TREND_READINGS + 19) / 100 and len(state.trend) == TREND_READINGS
    say(live, "north-1/health", health(state="fault", fault="no answer"))
    assert kiosk(live).fault == "no answer"
    say(live, "north-1/status", b"offline")
    assert kiosk(live).online is False


def test_a_kiosk_that_misses_its_usual_visitors_says_so_on_the_board(live):
    say(live, "north-1/health", health(fault="nobody as usual"))
    assert kiosk(live).online and kiosk(live).trouble == "sensor nobody as usual"
    say(live, "north-1/health", health())
    assert kiosk(live).trouble == ""


def test_a_reading_from_the_future_hides_nothing_that_comes_after(live):
    say(live, "north-1/reading", reading(1, body_c=36.4, at=AT + 30 * 86400))
    say(live, "north-1/reading", reading(2, body_c=36.5, at=AT))
    assert kiosk(live).body_c == 36.5


def test_a_kiosk_that_says_nothing_does_not_look_as_if_it_watched(folder):
    given = settings()
    given.folder = folder
    clock = [0.0]
    live = Live(given, clock=lambda: clock[0])
    say(live, "north-1/status", b"online")
    assert kiosk(live).online and kiosk(live).trouble == ""
    clock[0] += given.alarm.silent_after_s + 1
    assert kiosk(live).online is False and kiosk(live).trouble == "silent"


def test_a_backlog_does_not_replace_the_newest_reading(live):
    say(live, "north-1/reading", reading(9, body_c=36.9, at=AT + 3600))
    say(live, "north-1/reading", reading(1, "fever", body_c=39.0, at=AT))
    assert kiosk(live).body_c == 36.9


def test_without_a_line_to_the_broker_the_gateway_is_not_shown_as_online(live):
    say(live, "gateway/status", b"online")
    assert live.now("north").gateway is False  # there is no line to the broker
    assert live.now("north").line is False


def test_an_alarm_is_shown_only_at_its_own_gate(live):
    state = AlarmState(
        gate="north",
        state="raised",
        since=AT,
        fevers=1,
        last=FeverSeen(kiosk="north-1", boot=1, seq=1, body_c=38.4),
    )
    say(live, "alarm/north", state)
    assert live.now("north").alarm == state and live.now("south").alarm is None
    say(live, "alarm/south", state)  # north's state on south's topic, forged or mixed up
    assert live.now("south").alarm is None


@given(
    st.sampled_from(["north-1/reading", "north-1/health", "alarm/north", "x/y", "north-1/status"]),
    st.one_of(st.binary(max_size=200), st.just(b"[" * 1000), st.just(b'{"v":1}')),
)
def test_invalid_messages_change_nothing_and_raise_nothing(folder, topic, payload):
    live = live_of(folder)
    live.heard(BASE + topic, payload, lambda: None)
    live.heard(topic, payload, lambda: None)
    assert kiosk(live).body_c is None and live.now("north").alarm is None


def test_an_unknown_gate_is_not_found(live):
    for call in (live.now, lambda gate: live.acknowledge(gate, Acknowledge(by="Li"))):
        with pytest.raises(NothingFoundError):
            call("elsewhere")


def test_a_board_is_told_at_once_and_again_when_something_changes(live):
    async def watch():
        live._loop = asyncio.get_running_loop()
        stream = events(live, lambda: msgspec.json.encode(live.now("north")), min_s=0.0)
        first = json.loads((await anext(stream)).removeprefix(b"data: "))
        say(live, "north-1/reading", reading(1, "fever", body_c=38.4))
        second = json.loads((await anext(stream)).removeprefix(b"data: "))
        await stream.aclose()
        return first, second

    first, second = asyncio.run(watch())
    assert first["kiosks"][0]["body_c"] is None
    assert second["kiosks"][0]["body_c"] == 38.4
    assert not live._listeners
