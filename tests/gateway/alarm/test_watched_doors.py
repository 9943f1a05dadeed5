"""Doors without lamps: the pins and the lamp posts of the gate that watches a door show its
alarms."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from samples import reading
from samples import settings as site

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gate_state import MAX_WAITING, ShownAlarm
from fevergate.gateway.restore_alarms import told_by
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState
from fevergate.protocol.messages import Identity, decode, encode
from fevergate.protocol.topics import alarm_topic, shown_topic
from fevergate.settings.gateway import Gate
from kiosk.lamp_post import TELL_AGAIN_MS, LampPost, acknowledgement, kept_press

DOORS = ("gym", "lab")
NAMES = ("hall", *DOORS)
SITE = site(
    gates=[
        Gate(name="gym", kiosks=["gym-1"], lamps="none", watched_by="hall"),
        Gate(name="hall", kiosks=["hall-1"], lamps="none", posts=["hall-post"]),
        Gate(name="lab", kiosks=["lab-1"], lamps="none", watched_by="hall", posts=["lab-post"]),
    ]
)


class Lamps:
    red = amber = buzzing = False

    def show(self, *, red, amber):
        self.red, self.amber = red, amber

    def buzz(self, on):
        self.buzzing = on


def fever(gate, seq):
    return reading(seq, "fever", kiosk=f"{gate}-1")


@pytest.fixture
def post_states():
    return []


@pytest.fixture
def alarm(post_states):
    return Alarm(
        {name: Lamps() for name in NAMES},
        lambda _: None,
        lambda: 1_795_795_200.0,
        watched_by=SITE.watched_by,
        posts=["hall"],
        show=post_states.append,
    )


def press_of(state):
    return ShownAlarm(state.since, state.fevers, Identity(*_last(state)))


def _last(state):
    return state.last.kiosk, state.last.boot, state.last.seq


def test_a_post_is_shown_the_fevers_and_troubles_of_the_doors_too(alarm, post_states):
    alarm.fever("gym", fever("gym", 1))
    alarm.fever("hall", fever("hall", 1))
    alarm.fever("lab", fever("lab", 1))
    assert [(state.gate, state.state, state.fevers) for state in post_states] == [
        ("hall", "raised", 1),
        ("hall", "raised", 2),
        ("hall", "raised", 3),
    ]
    assert len({state.since for state in post_states}) == 1 and _last(post_states[-1])[0] == "lab-1"
    alarm.trouble("lab", "lab-1", "lab-1: silent")
    assert post_states[-1].amber == ("lab-1: silent",)
    alarm.acknowledge("lab", "Li")
    assert (post_states[-1].fevers, _last(post_states[-1])[0]) == (2, "hall-1")


def test_a_lamp_post_is_told_before_subscribers_that_only_read():
    calls = []
    site = Alarm(
        {"hall": Lamps()}, calls.append, posts=["hall"], show=lambda _: calls.append("post")
    )
    site.fever("hall", fever("hall", 1))
    assert calls[0] == "post" and len(calls) == 2


def test_one_press_ends_what_was_shown_at_each_door_and_says_which(alarm, post_states):
    for gate in NAMES:
        alarm.fever(gate, fever(gate, 1))
    ended = alarm.press("hall", "button", press_of(post_states[-1]))
    assert {gate: fevers.fevers for gate, fevers in ended.items()} == {
        gate: (fever(gate, 1).identity,) for gate in NAMES
    }
    assert {state.state for state in alarm.states()} == {"clear"}
    assert (post_states[-1].state, post_states[-1].by) == ("clear", "button")


def test_a_press_made_before_a_doors_fever_was_shown_ends_nothing(alarm, post_states):
    alarm.fever("hall", fever("hall", 1))
    before = press_of(post_states[-1])
    alarm.fever("gym", fever("gym", 1))
    assert alarm.press("hall", "button", before) == {}
    assert post_states[-1].fevers == 2


def test_a_press_at_a_door_ends_nothing_at_the_gate_that_watches_it(alarm, post_states):
    alarm.fever("hall", fever("hall", 1))
    alarm.fever("lab", fever("lab", 1))
    assert set(alarm.press("lab", "button")) == {"lab"}
    assert (post_states[-1].state, post_states[-1].fevers) == ("raised", 1)


def test_a_press_ends_nothing_if_other_fevers_make_the_same_number(alarm, post_states):
    alarm.fever("gym", fever("gym", 1))
    for seq in range(1, MAX_WAITING + 2):
        alarm.fever("lab", fever("lab", seq))
    before = press_of(post_states[-1])
    alarm.acknowledge("gym", "Li")
    alarm.fever("lab", fever("lab", MAX_WAITING + 2))
    assert post_states[-1].fevers == before.fevers  # one fever less and one more
    assert alarm.press("hall", "button", before) == {}


def test_what_the_worst_doors_show_fits_into_a_message(alarm, post_states):
    for gate in NAMES:
        for number in range(9):
            alarm.trouble(gate, f"{number}", f"{gate}-{number}: sensor {'x' * 640}")
        alarm.fever(gate, fever(gate, 1))
    assert all(decode(encode(state), AlarmState) for state in post_states)  # MAX_PAYLOAD at most


def test_a_restart_without_a_database_knows_which_doors_fever_was_the_newest():
    began = 1_795_795_200.0
    retained, now = {}, [began]
    lamps = {name: Lamps() for name in NAMES}

    def gateway():
        return Alarm(
            lamps,
            lambda state: retained.update({alarm_topic("east", state.gate): encode(state)}),
            lambda: now[0],
            SITE.watched_by,
            ["hall"],
            lambda state: retained.update({shown_topic("east", "hall"): encode(state)}),
        )

    alarm = gateway()
    alarm.fever("gym", fever("gym", 1))
    now[0] = began + 1
    alarm.fever("hall", fever("hall", 1))
    press = ShownAlarm(began, 2, fever("hall", 1).identity)
    alarm.fever("gym", fever("gym", 2))  # the post, whose line is down, does not hear of this one
    alarm = gateway()
    alarm.restore(told_by(SITE, retained), ())
    assert alarm.press("hall", "button", press) == {}
    assert lamps["hall"].red


def test_what_an_earlier_run_left_is_older_than_all_that_came_since(alarm, post_states):
    alarm.fever("hall", fever("hall", 1))
    alarm.fever("gym", fever("gym", 1))  # a fever of the earlier run, sent again
    records = [(gate, fever(gate, 1).identity, 1.0) for gate in ("lab", "gym")]
    alarm.restore(records, ())
    alarm.tell_all()
    assert (post_states[-1].fevers, _last(post_states[-1])[0]) == (3, "hall-1")


def test_a_fever_announced_only_to_posts_is_restored_at_its_door():
    alarm = Alarm({"hall": Lamps()}, lambda _: None, posts=["hall"], show=(states := []).append)
    alarm.fever("hall", fever("lab", 1))
    ((gate, identity, _),) = told_by(SITE, {shown_topic("east", "hall"): encode(states[-1])})
    assert (gate, identity) == ("lab", fever("lab", 1).identity)


class KilledError(Exception):
    """The gateway is killed between two messages."""


class Watched(RuleBasedStateMachine):
    """Fevers at three doors, a guard at the board, and the real `LampPost`. The post's line comes
    and goes and holds messages back; the gateway restarts with or without its database.

    While its line is up, the post shows every fever for which its button was not pressed. No press
    ends a fever that the post did not show when the button was pressed."""

    def __init__(self):
        super().__init__()
        self.now_s, self.now_ms, self.number = 1_795_795_200.0, 0, 0
        self.retained = {}
        self.raised_at = {}  # fever: Unix time (s), of each fever ever raised, oldest first
        self.waiting = {name: set() for name in NAMES}
        self.post, self.flash, self.up = LampPost(), None, False
        self.displayed = self.seen_fevers = frozenset()
        self.on_the_way = []  # presses that have not arrived, each with the fevers that it is for
        self.killed = False
        self.begin()

    def begin(self):
        self.lamps = Lamps()
        lamps = {name: Lamps() for name in DOORS} | {"hall": self.lamps}
        self.alarm = Alarm(
            lamps, self.announced, lambda: self.now_s, SITE.watched_by, ["hall"], self.show
        )

    def announced(self, state):
        if self.killed:
            raise KilledError
        self.retained[alarm_topic("east", state.gate)] = encode(state)

    def show(self, state):
        self.retained[shown_topic("east", "hall")] = encode(state)
        self.content = frozenset().union(*self.waiting.values())
        self.deliver()

    def deliver(self):
        """The retained message reaches the post, if its line is up."""
        if self.up and (payload := self.retained.get(shown_topic("east", "hall"))):
            self.post.state(payload)
            self.displayed = self.content

    @rule(gate=st.sampled_from(NAMES), seq=st.integers(1, 12), killed=st.booleans())
    def a_fever(self, gate, seq, killed):
        reading = fever(gate, seq)
        if reading.identity in self.raised_at:
            assert self.alarm.fever(gate, reading) is None
            return
        self.waiting[gate].add(reading.identity)
        self.raised_at[reading.identity] = self.now_s
        self.killed = killed
        try:
            self.alarm.fever(gate, reading)
        except KilledError:
            self.killed = False
            self.a_restart_without_a_database()

    @rule(gate=st.sampled_from(NAMES))
    def a_guard_at_the_board(self, gate):
        waiting, self.waiting[gate] = self.waiting[gate], set()
        assert set(self.alarm.acknowledge(gate, "Li").fevers) == waiting

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds):
        self.now_s += seconds
        self.now_ms += TELL_AGAIN_MS

    @rule(up=st.booleans())
    def the_line(self, up):
        self.up = up
        self.post.new_line()
        self.deliver()

    @rule()
    def the_power_of_the_post_is_cut(self):
        self.post = LampPost(kept_press(self.flash))
        self.up, self.displayed = False, frozenset()

    @rule()
    def the_button(self):
        if self.post.red:
            self.seen_fevers = self.displayed
        self.post.press()

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def a_press_arrives(self, data):
        text, seen_fevers = self.on_the_way[data.draw(st.integers(0, len(self.on_the_way) - 1))]
        message = decode(text, Acknowledge)
        before = {name: frozenset(waiting) for name, waiting in self.waiting.items()}
        for waiting in self.waiting.values():
            waiting.clear()  # a press that is accepted ends all of them
        assert message.since and message.fevers
        alarm = ShownAlarm(message.since, message.fevers, Identity(*_last(message)))
        ended = self.alarm.press("hall", "button", alarm)
        if ended:
            fevers = {fever for of in ended.values() for fever in of.fevers}
            assert fevers == frozenset().union(*before.values()) <= seen_fevers
        else:
            self.waiting = {name: set(waiting) for name, waiting in before.items()}

    @rule()
    def a_restart(self):
        self.begin()
        self.alarm.restore(told_by(SITE, self.retained), ())
        of = {fever: name for name in NAMES for fever in self.waiting[name]}
        waiting = [(of[fever], fever, at) for fever, at in self.raised_at.items() if fever in of]
        self.alarm.restore(waiting, self.raised_at)
        self.alarm.tell_all()

    @rule()
    def a_restart_without_a_database(self):
        """The gateway knows only the newest fever of each gate and the state last shown at the
        post. The kiosks will send the other fevers again."""
        self.begin()
        records = list(told_by(SITE, self.retained))
        self.alarm.restore(records, ())
        self.waiting = {name: {at for gate, at, _ in records if gate == name} for name in NAMES}
        waiting_fevers = {fever for waiting in self.waiting.values() for fever in waiting}
        self.raised_at = {
            fever: at for fever, at in self.raised_at.items() if fever in waiting_fevers
        }
        self.alarm.tell_all()

    @invariant()
    def pins_show_whatever_waits(self):
        assert self.lamps.red == self.lamps.buzzing == any(self.waiting.values())

    @invariant()
    def a_post_shows_each_fever_that_no_press_of_its_was_for(self):
        if self.up:
            waiting = frozenset().union(*self.waiting.values())
            assert self.post.red or waiting <= self.seen_fevers
            assert bool(waiting) or not self.post.red

    @invariant()
    def the_press_is_told(self):
        self.number += 1
        if self.up:
            self.post.beat(self.now_ms, {"v": 1, "n": self.number})
        self.flash = json.loads(json.dumps(self.post.pressed))
        if self.up and (alarm := self.post.to_tell(self.now_ms)):
            self.on_the_way.append((acknowledgement(alarm).encode(), self.seen_fevers))
            self.post.told(self.now_ms)


TestWatched = Watched.TestCase
TestWatched.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
