"""A lamp post shows the truth in whatever order messages, presses, power cuts and changes of the
line come."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.lamp_post import BEAT_MS, AlarmStateError, LampPost, kept_press, understood

FIRST, SECOND = ("north-1", 7, 1), ("north-1", 7, 2)
ALARMS = [
    None,
    ("1795795200.1", 1, FIRST),
    ("1795795200.1", 2, SECOND),
    ("1795795200.1", 1, SECOND),
    ("1795795300.5", 1, None),
]
"""States of a gate: clear; raised; a second fever of that alarm; only the second fever, as a
gateway announces it after a restart without its database; another alarm."""

events = st.one_of(
    st.tuples(st.just("state"), st.sampled_from(ALARMS), st.booleans()),
    st.tuples(st.just("line"), st.booleans()),
    st.tuples(st.just("beat")),
    st.tuples(st.just("press")),
    st.tuples(st.just("wait"), st.integers(1, 9000)),
    st.tuples(st.just("power")),
)


def payload(alarm, trouble):
    since, fevers, last = alarm or ("1795795000.0", 0, None)
    newest = dict(zip(("kiosk", "boot", "seq"), last, strict=True)) if last else None
    amber = ["a kiosk is silent"] if trouble else []
    state = "raised" if alarm else "clear"
    return (
        f'{{"v":1,"gate":"north","state":"{state}","since":{since},"fevers":{fevers},'
        f'"last":{json.dumps(newest)},"amber":{json.dumps(amber)}}}'
    ).encode()


@settings(max_examples=1500, deadline=None)
@given(st.lists(events, max_size=60))
def test_lamps_follow_gateway_line_and_button(played):
    post, flash = LampPost(), None
    now_ms = number = 0
    up = state_known = trouble = False
    alarm = beat_ms = None
    unseen = False  # whether an alarm is shown for which nobody pressed
    for event, *values in played:
        match event:
            case "state" if up:
                unseen = unseen if values[0] == alarm else values[0] not in (None, post.pressed)
                (alarm, trouble), state_known = values, True
                post.state(payload(alarm, trouble))
            case "line":
                (up,), state_known, beat_ms = values, False, None
                post.new_line()
            case "beat" if up:
                number, beat_ms = number + 1, now_ms
                post.beat(now_ms, {"v": 1, "n": number})
            case "press":
                unseen = False
                post.press()
            case "wait":
                now_ms += values[0]
            case "power":
                post = LampPost(kept=kept_press(flash))
                up = state_known = trouble = unseen = False
                alarm = beat_ms = None
        flash = json.loads(json.dumps(post.pressed))
        red, amber, green = post.lamps(now_ms)
        assert red == unseen  # red until a press for this very alarm, or until the gateway ends it
        gateway_heard = up and state_known and beat_ms is not None and now_ms - beat_ms < BEAT_MS
        assert amber or (gateway_heard and not trouble)
        assert not amber or not gateway_heard or trouble or post.pressed is not None
        assert green == (not red and not amber)
        notice = post.to_tell(now_ms)
        if notice is not None:  # only the alarm that the gateway has now
            assert gateway_heard and notice == alarm
            post.told(now_ms)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_state_or_refused_by_name(text):
    try:
        understood(text)
    except AlarmStateError as error:
        assert str(error)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists))
def test_any_value_of_a_state_is_taken_or_refused(value):
    text = json.dumps({"state": "raised", "since": value, "fevers": value, "amber": value})
    try:
        understood(text.encode())
    except AlarmStateError as error:
        assert str(error)
