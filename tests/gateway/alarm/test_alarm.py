"""The red light: lit at once, lit until acknowledged, and never lit without a fever."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from samples import reading

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gate_state import MAX_WAITING, AcknowledgedFevers, ShownAlarm
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Identity, decode, encode


class Lamps:
    """Lamps that remember whether red and amber are lit and the buzzer sounds. `history` keeps the
    order of the calls."""

    def __init__(self):
        self.red = self.amber = self.buzzing = False
        self.history = []

    def show(self, *, red, amber):
        self.red, self.amber = red, amber
        self.history.append("red" if red else "dark")

    def buzz(self, on):
        self.buzzing = on
        self.history.append("buzz" if on else "quiet")


@pytest.fixture
def lamps():
    return {"north": Lamps(), "south": Lamps()}


@pytest.fixture
def states():
    return []


@pytest.fixture
def alarm(lamps, states):
    return Alarm(lamps, states.append, now=lambda: 1_795_400_000.0)


def fever(seq, kiosk="north-1"):
    return reading(seq, "fever", kiosk=kiosk)


def shown_of(state):
    """What a board that shows this state sends back when its button is pressed."""
    last = state.last
    return ShownAlarm(state.since, state.fevers, Identity(last.kiosk, last.boot, last.seq))


def test_a_fever_lights_red_and_sounds_before_anybody_is_told(alarm, lamps, states):
    assert alarm.fever("north", fever(1)) is not None
    assert lamps["north"].history[:2] == ["red", "buzz"]
    assert states[-1].state == "raised" and states[-1].last.seq == 1
    assert not lamps["south"].red


def test_it_stays_red_until_acknowledged_and_more_fevers_are_counted(alarm, lamps, states):
    alarm.fever("north", fever(1))
    alarm.fever("north", fever(2))
    assert states[-1].fevers == 2
    assert alarm.acknowledge("north", "Li").fevers == (
        Identity("north-1", 1, 1),
        Identity("north-1", 1, 2),
    )
    assert not lamps["north"].red and not lamps["north"].buzzing
    assert states[-1].state == "clear" and states[-1].by == "Li"


def test_the_light_tells_since_when_it_waits_however_many_fevers_follow(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    for seq, now[0] in enumerate((200.0, 201.0, 202.0)):
        assert alarm.fever("north", fever(seq)) == now[0]
    assert [state.since for state in states] == [200.0, 200.0, 200.0]
    now[0] = 300.0
    alarm.acknowledge("north", "Li")
    now[0] = 400.0
    alarm.fever("north", fever(4))
    assert [(state.since, state.by) for state in states[-2:]] == [(300.0, "Li"), (400.0, "")]


def test_a_kiosk_gone_mad_is_counted_and_not_remembered_for_ever(alarm, states):
    for seq in range(1, MAX_WAITING + 11):
        assert alarm.fever("north", fever(seq)) is not None
    assert states[-1].fevers == MAX_WAITING + 10
    acknowledgement = alarm.acknowledge("north", "Li")
    assert (len(acknowledgement.fevers), acknowledgement.more) == (MAX_WAITING, 10)
    assert (states[-1].state, states[-1].fevers) == ("clear", 0)
    assert alarm.acknowledge("north", "Li") == AcknowledgedFevers()


def test_a_press_at_a_board_counts_for_what_was_on_it_and_hides_no_later_fever(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    for seq in (1, 2, 3):
        now[0] += 1
        alarm.fever("north", fever(seq))
    shown = [shown_of(state) for state in states]
    assert alarm.acknowledge("north", "Li", shown[1]).fevers == (
        fever(1).identity,
        fever(2).identity,
    )
    assert lamps["north"].red and lamps["north"].buzzing
    assert (states[-1].state, states[-1].fevers, states[-1].since) == ("raised", 1, 103.0)
    before = len(states)
    for stale in (*shown[:2], ShownAlarm(100.0, 1)):
        assert alarm.acknowledge("north", "Li", stale) == AcknowledgedFevers()
    assert len(states) == before
    assert alarm.acknowledge("north", "Li", shown[2]).fevers == (fever(3).identity,)
    assert not lamps["north"].red and (states[-1].state, states[-1].by) == ("clear", "Li")


def test_at_a_flooded_gate_a_press_ends_no_fever_that_its_board_did_not_show(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    for seq in range(1, MAX_WAITING + 11):
        now[0] += 1
        alarm.fever("north", fever(seq))
    shown, early = (
        shown_of(states[-5]),
        shown_of(states[-12]),
    )  # only counted; the last but one held
    now[0] += 1
    assert len(alarm.acknowledge("north", "Li", early).fevers) == MAX_WAITING - 1
    now[0] += 1
    alarm.fever("north", fever(MAX_WAITING + 11))
    assert alarm.acknowledge("north", "Li", shown) == AcknowledgedFevers()  # `since` has changed
    assert states[-1].fevers == 12 and states[-1].last.seq == MAX_WAITING + 11
    acknowledgement = alarm.acknowledge("north", "Li", shown_of(states[-1]))
    assert (len(acknowledgement.fevers), acknowledgement.more, states[-1].state) == (2, 10, "clear")


def test_a_press_at_a_flooded_gate_ends_all_but_one_of_those_that_are_held(alarm, states):
    for seq in range(1, MAX_WAITING + 11):
        alarm.fever("north", fever(seq))
    acknowledgement = alarm.acknowledge("north", "Li", shown_of(states[-5]))
    assert (len(acknowledgement.fevers), acknowledgement.more) == (MAX_WAITING - 1, 0)
    assert (states[-1].state, states[-1].fevers) == ("raised", 11)
    assert states[-1].last.seq == MAX_WAITING + 10


def test_a_redelivered_fever_neither_cries_wolf_nor_undoes_an_acknowledgement(alarm, lamps):
    alarm.fever("north", fever(1))
    alarm.acknowledge("north", "Li")
    assert alarm.fever("north", fever(1)) is None
    assert not lamps["north"].red


def test_acknowledging_without_a_fever_announces_nothing(alarm, states):
    assert alarm.acknowledge("north", "Li").fevers == ()
    assert states == []


def test_a_press_from_before_a_fever_was_shown_clears_nothing(alarm, lamps, states):
    alarm.fever("north", fever(1))
    shown = ShownAlarm(states[-1].since, states[-1].fevers)
    alarm.fever("north", fever(2))
    assert alarm.press("north", "button", shown) == {}
    assert lamps["north"].red and lamps["north"].buzzing and states[-1].fevers == 2
    shown = ShownAlarm(states[-1].since, states[-1].fevers)
    assert len(alarm.press("north", "button", shown)["north"].fevers) == 2
    assert not lamps["north"].red and (states[-1].state, states[-1].by) == ("clear", "button")


def test_a_press_for_one_fever_clears_no_other_after_a_restart_without_a_database(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    first, second = fever(1).identity, fever(2).identity
    shown = ShownAlarm(100.0, 1, first)  # at a post that lost its line before the second fever
    alarm.restore([("north", second, 100.0)], ())  # as the broker's retained message says
    assert alarm.press("north", "button", shown) == {}
    assert lamps["north"].red
    acknowledgements = alarm.press("north", "button", shown._replace(last=second))
    assert acknowledgements["north"].fevers == (second,) and not lamps["north"].red


def test_a_press_at_an_alarm_that_is_over_clears_no_other(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    alarm.fever("north", fever(1))
    shown = ShownAlarm(states[-1].since, states[-1].fevers)
    now[0] = 200.0
    alarm.acknowledge("north", "Li")
    now[0] = 300.0
    alarm.fever("north", fever(2))
    before = len(states)
    assert alarm.press("north", "button", shown) == {}
    assert lamps["north"].red and len(states) == before


def test_after_a_restart_unacknowledged_fevers_are_red_again_and_old_ones_stay_quiet(alarm, lamps):
    waiting = [("north", Identity("north-1", 1, 5), 1_795_399_000.0)]
    alarm.restore(waiting, {Identity("north-1", 1, 5), Identity("north-1", 1, 4)})
    assert lamps["north"].red and lamps["north"].buzzing and not lamps["south"].red
    alarm.acknowledge("north", "Li")
    assert alarm.fever("north", fever(4)) is None
    assert not lamps["north"].red


def test_a_gate_that_was_clear_waits_since_its_restored_fever(lamps, states):
    now = [100.0]
    alarm = Alarm(lamps, states.append, now=lambda: now[0])
    now[0] = 300.0
    alarm.restore([("north", Identity("north-1", 1, 5), 200.0)], ())
    assert {state.gate: state.since for state in alarm.states()} == {"north": 200.0, "south": 100.0}


def test_acknowledged_fevers_are_dark_once_a_late_store_is_read(alarm, lamps):
    alarm.fever("north", fever(4))  # acknowledged before the restart, and sent again
    alarm.fever("south", fever(5, "south-1"))
    alarm.acknowledge("south", "Li")
    before = {fever(4).identity, fever(5, "south-1").identity}
    alarm.restore([("south", fever(5, "south-1").identity, 1_795_399_000.0)], before)
    assert not any(lamp.red or lamp.buzzing for lamp in lamps.values())


def test_lamps_that_cannot_be_lit_are_not_tested(alarm, lamps):
    alarm.trouble("north", "lamps", "no lamp can be lit: no pins")
    assert not alarm.try_lamp("north", "red") and not lamps["north"].red
    assert alarm.try_lamp("south", "red") and lamps["south"].red


def test_lamps_that_come_late_show_and_sound_what_is_so(alarm, states):
    alarm.trouble("north", "lamps", "no lamp can be lit: no pins")
    alarm.fever("north", fever(1))
    late = Lamps()
    alarm.relight("north", late)
    assert late.red and late.buzzing and states[-1].amber == ()


def test_a_fever_ends_a_lamp_test_for_good(alarm, lamps, states):
    alarm.try_lamp("north", "amber")
    alarm.fever("north", fever(1))
    assert lamps["north"].red and states[-1].amber == ()
    alarm.acknowledge("north", "Li")
    assert not lamps["north"].red and not lamps["north"].amber


def test_a_fever_of_a_gate_that_was_renamed_is_not_dark(alarm, lamps):
    alarm.restore([("old-gate", Identity("x", 1, 1), 1_795_399_000.0)], set())
    assert lamps["north"].red


def test_a_silent_kiosk_is_amber_until_it_speaks(alarm, lamps, states):
    alarm.trouble("north", "north-1", "north-1: silent")
    assert lamps["north"].amber and states[-1].amber == ("north-1: silent",)
    alarm.trouble("north", "north-1", None)
    assert not lamps["north"].amber and states[-1].amber == ()


def test_the_same_trouble_is_told_once(alarm, states):
    for _ in range(3):
        alarm.trouble("north", "north-1", "north-1: silent")
    assert len(states) == 1


def test_trouble_never_darkens_a_red_light(alarm, lamps):
    alarm.fever("north", fever(1))
    alarm.trouble("north", "north-2", "north-2: offline")
    assert lamps["north"].red and lamps["north"].amber


def test_the_announcement_of_the_worst_gate_fits_into_a_message(alarm, states):
    for number in range(40):
        kiosk = f"kiosk-with-a-rather-long-name-{number:02d}"
        alarm.trouble("north", kiosk, f"{kiosk}: sensor {'x' * 640}")
    alarm.trouble("north", "lamps", "no lamp can be lit: no pins")
    alarm.fever("north", fever(1, "a" * 32))
    alarm.acknowledge("north", "\U0001f600" * 64)
    assert all(decode(encode(state), AlarmState) for state in states)  # MAX_PAYLOAD at most
    assert states[-1].amber[0] == "no lamp can be lit: no pins"


def test_a_door_without_lamps_is_red_and_loud_at_the_gate_that_watches_it(states):
    lamps = {"north": Lamps(), "south": Lamps(), "door": Lamps()}
    alarm = Alarm(lamps, states.append, watched_by={"door": "north"})
    alarm.fever("door", fever(1, "door-1"))
    assert lamps["north"].red and lamps["north"].buzzing and not lamps["south"].red
    assert {state.gate: state.state for state in alarm.states()} == {
        "north": "clear",
        "south": "clear",
        "door": "raised",
    }
    alarm.fever("north", fever(2))
    assert alarm.acknowledge("north", "Li").fevers == (Identity("north-1", 1, 2),)
    assert lamps["north"].red and lamps["north"].buzzing  # the door's fever still waits
    alarm.acknowledge("door", "Li")
    assert not lamps["north"].red and not lamps["north"].buzzing


def test_a_door_that_does_not_watch_is_amber_at_the_gate_that_watches_it(states):
    lamps = {"north": Lamps(), "door": Lamps()}
    alarm = Alarm(lamps, states.append, watched_by={"door": "north"})
    alarm.trouble("door", "door-1", "door-1: silent")
    assert lamps["north"].amber and states[-1].gate == "door"
    alarm.trouble("door", "door-1", None)
    assert not lamps["north"].amber


def test_a_lamp_test_hides_no_fever_of_a_watched_door(states):
    lamps = {"north": Lamps(), "door": Lamps()}
    alarm = Alarm(lamps, states.append, watched_by={"door": "north"})
    assert alarm.try_lamp("north", "green")
    alarm.fever("door", fever(1, "door-1"))
    assert lamps["north"].red and lamps["north"].buzzing
    assert not alarm.try_lamp("north", "sound") and lamps["north"].red


GATES = st.sampled_from(["north", "door"])


class AlarmMachine(RuleBasedStateMachine):
    """Whatever happens, in any order, the gate is red exactly while a fever is unacknowledged, its
    own or one of the door that it watches."""

    def __init__(self):
        super().__init__()
        self.waiting = {"north": set(), "door": set()}
        self.ever = {}  # fever: gate, in order of arrival
        self.on_board = "north", ShownAlarm(0.0, 1, None), set()
        self.begun()

    def begun(self):
        self.lamps = Lamps()
        lamps = {"north": self.lamps, "door": Lamps()}
        self.alarm = Alarm(lamps, lambda _: None, watched_by={"door": "north"})

    @rule(gate=GATES, seq=st.integers(1, 8))
    def a_fever_or_its_repeat(self, gate, seq):
        reading = fever(seq, f"{gate}-1")
        raised_at = self.alarm.fever(gate, reading)
        assert (raised_at is None) == (reading.identity in self.ever)
        if reading.identity not in self.ever:
            self.waiting[gate].add(reading.identity)
            self.ever[reading.identity] = gate

    @rule(gate=GATES)
    def an_acknowledgement(self, gate):
        assert set(self.alarm.acknowledge(gate, "Li").fevers) == self.waiting[gate]
        self.waiting[gate].clear()

    @rule(gate=GATES)
    def a_board_is_painted(self, gate):
        state = next(state for state in self.alarm.states() if state.gate == gate)
        if state.fevers:
            self.on_board = gate, shown_of(state), set(self.waiting[gate])

    @rule()
    def a_press_at_that_board(self):
        gate, shown, board_fevers = self.on_board
        ended = set(self.alarm.acknowledge(gate, "Li", shown).fevers)
        # Ends all fevers that the board showed, or none if the newest of them has ended meanwhile.
        assert ended == (
            self.waiting[gate] & board_fevers if shown.last in self.waiting[gate] else set()
        )
        self.waiting[gate] -= ended

    @rule()
    def the_button(self):
        ended = self.alarm.press("north", "button")
        assert {gate: set(acknowledgement.fevers) for gate, acknowledgement in ended.items()} == {
            gate: waiting for gate, waiting in self.waiting.items() if waiting
        }
        self.waiting = {"north": set(), "door": set()}

    @rule()
    def a_restart(self):
        self.begun()
        self.alarm.restore(
            [
                (gate, identity, 1_795_399_000.0)
                for identity, gate in self.ever.items()
                if identity in self.waiting[gate]
            ],
            self.ever,
        )

    @rule(gate=GATES, message=st.none() | st.just("silent"))
    def trouble(self, gate, message):
        self.alarm.trouble(gate, "north-2", message)

    @rule(lamp=st.sampled_from(["red", "amber", "green", None]))
    def a_lamp_test(self, lamp):
        assert self.alarm.try_lamp("north", lamp) == (not self.somebody_waits)
        self.alarm.try_lamp("north", None)

    @property
    def somebody_waits(self):
        return any(self.waiting.values())

    @invariant()
    def red_and_loud_exactly_while_somebody_waits(self):
        assert self.lamps.red == self.lamps.buzzing == self.somebody_waits


TestAlarmMachine = AlarmMachine.TestCase
TestAlarmMachine.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
