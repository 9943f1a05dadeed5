"""How a rollout follows the updates of kiosks, and what hostile kiosks cannot do to it."""

import itertools
import json
import queue
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.kiosks import rollout
from fevergate.kiosks.rollout import (
    AWAY,
    AWAY_S,
    DONE,
    FETCHING,
    MOST_HEARD,
    ROLLED_BACK,
    STALLED,
    TRIAL,
    KioskMessages,
    Progress,
    Rollout,
)
from fevergate.protocol.messages import Health, encode


def after(state, **health):
    """Return a kiosk's progress after its update was at `state` and a health message came."""
    under_way = Rollout.__new__(Rollout)
    under_way._bundle = SimpleNamespace(version="0.2.0")  # type: ignore[assignment]
    under_way._moved = lambda progress: None
    kiosk = Progress("north-1", state)
    message = Health(v=1, kiosk="north-1", boot=7, at=None, up_ms=1000, state="ok", **health)
    under_way._step(kiosk, "health", encode(message))
    return kiosk


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ({"fw": "0.1.0", "update": "rolled back 0.2.0"}, ROLLED_BACK),
        ({"fw": "0.2.0", "update": ""}, TRIAL),
        ({"fw": "0.2.0", "update": "on trial"}, TRIAL),
        ({"fw": "0.1.0", "update": ""}, TRIAL),
    ],
)
def test_health_tells_that_a_trial_failed_if_the_update_state_was_lost(health, state):
    assert after(TRIAL, **health).state == state


def test_before_the_trial_no_health_ends_an_update():
    assert after(FETCHING, fw="0.1.0", update="rolled back 0.1.9").state == FETCHING
    assert "did not prove healthy" in after(TRIAL, update="rolled back 0.2.0").why


def state_after(before, **fields):
    """Return the state of a kiosk's update that was at `before`, after the kiosk said `says`."""
    under_way = Rollout.__new__(Rollout)
    under_way._bundle = SimpleNamespace(version="0.2.0")  # type: ignore[assignment]
    under_way._moved = lambda progress: None
    kiosk = Progress("north-1", before)
    message = {"v": 1, "kiosk": "north-1", "at": None} | fields
    under_way._step(kiosk, "update/state", json.dumps(message).encode())
    return kiosk.state


def test_only_the_new_firmware_itself_says_that_it_runs():
    assert state_after(TRIAL, state="running", version="0.2.0") == DONE
    assert state_after(TRIAL, state="running", version="0.1.0") == TRIAL


def test_what_was_rolled_back_before_this_update_does_not_end_it():
    assert state_after(FETCHING, state="rolled back", version="0.1.9") == FETCHING
    assert state_after(TRIAL, state="rolled back", version="0.2.0") == ROLLED_BACK


DATA = b"x" * 2500


def rolling(monkeypatch, hostile, honest=("north-2",)):
    """A rollout to a hostile kiosk and to `honest` ones; its clock goes on by 1 s each time it is
    read. `hostile` yields the hostile kiosk's `update/want` payloads without end."""
    clock = itertools.count()
    monkeypatch.setattr(rollout.time, "monotonic", lambda: float(next(clock)))
    updater: Any = Rollout.__new__(Rollout)
    updater._posts = frozenset()
    updater._bundle = SimpleNamespace(
        version="0.2.0",
        data=DATA,
        piece=lambda offset: offset.to_bytes(4, "big") + DATA[offset : offset + 1000],
    )
    states = []
    updater._moved = lambda progress: states.append(progress.state)
    updater._offer = lambda progress: updater._change(progress, rollout.WAITING, AWAY_S)
    sent = []
    updater._publish = lambda kiosk, kind, payload: sent.append((kiosk, payload))
    payloads = iter(hostile)

    def next_message(timeout):
        for name in [name for name in offered if name in honest]:
            offered.remove(name)
            running = {"v": 1, "kiosk": name, "at": None, "state": "running", "version": "0.2.0"}
            return f"fevergate/v1/east/{name}/update/state", json.dumps(running).encode()
        return "fevergate/v1/east/north-1/update/want", next(payloads)

    offered = []
    offer = updater._offer
    updater._offer = lambda progress: (offer(progress), offered.append(progress.kiosk))
    updater._heard = KioskMessages()
    updater._heard.get = next_message
    return updater, sent


@pytest.mark.parametrize(
    "offset", [2**40, 2**32, 2**32 - 1, 2**53, -1, 1e300, None, "0", len(DATA) + 1]
)
def test_a_kiosk_that_asks_for_an_impossible_piece_holds_up_no_rollout(monkeypatch, offset):
    payloads = itertools.repeat(json.dumps({"v": 1, "offset": offset}).encode())
    updater, sent = rolling(monkeypatch, payloads)
    ends = {
        progress.kiosk: progress.state
        for progress in updater.run(["north-1", "north-2"], at_once=1)
    }
    assert ends == {"north-1": AWAY, "north-2": DONE} and sent == []


def test_until_one_kiosk_runs_the_update_each_goes_alone(monkeypatch):
    """The first kiosk is not online, which shows nothing of the firmware."""
    payloads = itertools.repeat(json.dumps({"v": 1, "offset": -1}).encode())
    updater, _ = rolling(monkeypatch, payloads)
    moves: list[tuple[str, str]] = []
    updater._moved = lambda progress: moves.append((progress.kiosk, progress.state))
    names = ["north-1", "north-2", "north-3", "north-4"]
    ends = updater.run(names, at_once=3)
    assert [progress.state for progress in ends] == [AWAY, DONE, AWAY, AWAY]
    assert moves.index(("north-2", DONE)) < moves.index(("north-3", rollout.WAITING))
    assert moves.index(("north-4", rollout.WAITING)) < moves.index(("north-3", AWAY))


@given(
    st.permutations(["north-1", "north-2", "north-3", "a-post", "b-post", "c-post"]),
    st.sets(st.sampled_from(["north-2", "north-3", "a-post", "b-post", "c-post"])),
)
def test_kiosks_and_posts_are_each_tried_first_on_one_of_their_own_kind(names, honest):
    """In any order and whoever is online: a device is updated beside another only if one of its
    kind already runs the update."""
    with pytest.MonkeyPatch.context() as patch:
        payloads = itertools.repeat(json.dumps({"v": 1, "offset": -1}).encode())
        updater, _ = rolling(patch, payloads, honest)
        updater._posts = frozenset(name for name in names if name.endswith("post"))
        under_way, proven, order = [], set(), []

        def note_move(progress):
            name, kind = progress.kiosk, progress.kiosk.endswith("post")
            if progress.over:
                under_way.remove(name)
                proven.update([kind] if progress.state == DONE else [])
            elif progress.state == rollout.WAITING:
                order.append(name)
                under_way.append(name)
                kinds = {device.endswith("post") for device in under_way}
                assert len(under_way) == 1 or kinds <= proven
                assert len(under_way) <= 3

        updater._moved = note_move
        ends = updater.run(names, at_once=3)
    assert order == names
    assert {end.kiosk for end in ends if end.state == DONE} == honest


def test_a_kiosk_that_asks_for_the_same_piece_for_ever_is_given_up(monkeypatch):
    payloads = itertools.repeat(json.dumps({"v": 1, "offset": 0}).encode())
    updater, sent = rolling(monkeypatch, payloads)
    (hostile,) = updater.run(["north-1", "north-3"], at_once=1)  # north-3 is not begun
    assert hostile.state == STALLED and "asked for" in hostile.why
    assert len(sent) <= rollout.MOST_ASKED * 3


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [(("state",), "while on trial"), (("want", "state"), "not done in 1 h")],
    ids=["a restart each second", "always anew from the beginning"],
)
def test_a_kiosk_that_prolongs_its_own_trial_is_given_up(monkeypatch, kinds, reason):
    updater, _ = rolling(monkeypatch, ())
    monkeypatch.setattr(rollout, "LONGEST_S", 3600)
    monkeypatch.setattr(rollout, "MOST_ASKED", 10**6)
    payloads = {
        "want": b'{"v": 1, "offset": 0}',
        "state": b'{"v": 1, "kiosk": "north-1", "at": null, "state": "restarting", "version": ""}',
    }
    messages = itertools.cycle(
        [(f"fevergate/v1/east/north-1/update/{k}", payloads[k]) for k in kinds]
    )
    updater._heard.get = lambda timeout: next(messages)
    (hostile,) = updater.run(["north-1", "north-2"], at_once=1)
    assert hostile.state == STALLED and reason in hostile.why


@given(st.binary(max_size=60) | st.builds(lambda n: b'{"v":1,"offset":%d}' % n, st.integers()))
def test_whatever_a_kiosk_asks_for_a_rollout_does_not_end_in_a_traceback(payload):
    with pytest.MonkeyPatch.context() as patch:
        updater, _ = rolling(patch, itertools.repeat(payload))
        (progress,) = updater.run(["north-1"], at_once=1)
        assert progress.over


def test_a_kiosk_that_sends_too_much_crowds_out_no_other_kiosk():
    """Whether or not the loud kiosk is being updated; and its messages fill no memory."""
    updater: Any = Rollout.__new__(Rollout)
    inbox = updater._heard = KioskMessages()
    for kiosk in ("north-1", "north-2"):
        inbox.listen(kiosk)
    topics = [f"fevergate/v1/east/{name}/update/want" for name in ("stray", "north-1", "north-2")]
    for topic in ("a", *topics[:2]):
        for _ in range(2 * MOST_HEARD):
            updater._on_message(None, None, SimpleNamespace(topic=topic, payload=b""))
    updater._on_message(None, None, SimpleNamespace(topic=topics[2], payload=b""))
    taken_topics = [inbox.get(0.0)[0] for _ in range(MOST_HEARD + 1)]
    assert taken_topics == [topics[1]] * MOST_HEARD + [topics[2]]
    with pytest.raises(queue.Empty):
        inbox.get(0.0)
    for topic in topics:
        inbox.put(topic, b"")
    assert [inbox.get(0.0)[0] for _ in range(2)] == topics[1:]


def test_a_kiosk_whose_update_is_over_is_heard_no_more(monkeypatch):
    updater, _ = rolling(monkeypatch, itertools.repeat(b""))
    updater.run(["north-2"], at_once=1)
    updater._heard.put("fevergate/v1/east/north-2/health", b"")
    with pytest.raises(queue.Empty):
        KioskMessages.get(updater._heard, 0.0)
