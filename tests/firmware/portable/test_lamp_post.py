"""What a lamp post shows, given the gateway's alarm and beats, the line and the button."""

from kiosk.lamp_post import (
    BEAT_MS,
    TELL_AGAIN_MS,
    AlarmStateError,
    LampPost,
    acknowledgement,
    kept_press,
    understood,
)

SINCE = "1795795200.123456"


def message(state="raised", since=SINCE, fevers=1, amber=""):
    return b'{"v":1,"gate":"north","state":"%s","since":%s,"fevers":%d,"amber":[%s]}' % (
        state.encode(),
        since.encode(),
        fevers,
        amber.encode(),
    )


CLEAR = message("clear", fevers=0)


def online(now_ms=0, state=CLEAR, post=None):
    """A post that hears its gateway; its gate has this state."""
    post = post or LampPost()
    post.new_line()
    post.state(state)
    post.beat(now_ms, {"v": 1, "n": now_ms + 1})
    return post


def lit(post, now_ms=0):
    red, amber, green = post.lamps(now_ms)
    return ("red " if red else "") + ("amber " if amber else "") + ("green " if green else "")


def test_a_post_that_knows_nothing_shows_amber():
    post = LampPost()
    assert lit(post) == "amber "
    post.new_line()
    assert lit(post) == "amber "
    post.beat(0, {"v": 1, "n": 1})
    assert lit(post) == "amber "
    post.state(CLEAR)
    assert lit(post) == "green "


def test_amber_is_lit_as_soon_as_beats_have_been_missing_for_too_long():
    post = online()
    assert lit(post, BEAT_MS - 1) == "green "
    assert lit(post, BEAT_MS) == "amber "
    post.beat(BEAT_MS, {"v": 1, "n": 2})
    assert lit(post, BEAT_MS) == "green "
    assert BEAT_MS < 5000


def test_a_repeated_beat_does_not_count():
    post = online()
    post.beat(BEAT_MS, {"v": 1, "n": 1})
    assert lit(post, BEAT_MS) == "amber "


def test_the_gateways_trouble_is_shown():
    assert lit(online(state=message("clear", fevers=0, amber='"north-2 is silent"'))) == "amber "


def test_red_stays_while_the_line_is_away_and_amber_says_that_it_is():
    post = online(state=message())
    assert lit(post) == "red " and post.red
    post.new_line()
    assert lit(post) == "red amber "
    post.press()
    assert lit(post) == "amber " and not post.red
    assert post.to_tell(0) is None


def test_a_press_is_told_when_the_line_is_back_and_forgotten_when_the_gateway_has_answered():
    post = online(state=message())
    post.new_line()
    post.press()
    online(5, message(), post)
    assert post.to_tell(5) == (SINCE, 1, None) and lit(post, 5) == "amber "
    post.told(5)
    post.press()
    assert post.to_tell(5) is None
    post.new_line()
    post.state(message())
    post.beat(5, {"n": 98})
    assert post.to_tell(5) == (SINCE, 1, None)  # at once on a new line
    post.told(5)
    assert post.to_tell(5 + TELL_AGAIN_MS) is None  # without a beat nobody is there to answer
    post.beat(5 + TELL_AGAIN_MS, {"n": 99})
    assert post.to_tell(5 + TELL_AGAIN_MS) == (SINCE, 1, None)
    post.state(CLEAR)
    assert post.pressed is None and lit(post, 5) == "green "


def test_a_press_is_told_only_once_the_gateway_has_said_that_this_alarm_is_still_raised():
    post = LampPost(kept=(SINCE, 1, None))
    post.new_line()
    post.beat(0, {"n": 1})
    assert post.to_tell(0) is None
    post.state(message())
    assert post.to_tell(0) == (SINCE, 1, None)


def test_a_later_fever_is_never_silenced_by_a_press_for_another():
    for later in (message(fevers=2), message(since="1795795200.223456")):
        post = online(state=message())
        post.new_line()
        post.press()
        online(5, later, post)
        assert post.red and post.pressed is None and post.to_tell(5) is None
        post.state(message())  # the press does not count again for the earlier state
        assert post.red


def test_a_press_without_a_red_light_acknowledges_nothing():
    post = online()
    post.press()
    assert post.pressed is None
    post.state(message())
    assert lit(post) == "red "


def test_a_press_for_the_next_alarm_is_told_at_once_although_one_was_told_just_before():
    post = online(state=message())
    post.press()
    post.told(0)
    post.state(message(fevers=2))
    assert post.to_tell(1) is None
    post.press()
    assert post.to_tell(1) == (SINCE, 2, None)


def test_a_press_that_was_kept_over_a_power_cut_is_not_lost_by_another_press():
    post = LampPost(kept=(SINCE, 1, None))
    post.press()
    assert online(5, message(), post).to_tell(5) == (SINCE, 1, None)


def test_the_time_of_an_alarm_is_kept_to_its_last_digit():
    assert understood(message(since="1795795200.0000019"))[0] == ("1795795200.0000019", 1, None)
    assert acknowledgement((SINCE, 3, None)) == (
        '{"v":1,"by":"button","since":1795795200.123456,"fevers":3}'
    )


def test_no_text_can_look_like_the_field():
    text = b'{"by":",\\"since\\":7,","state":"raised","fevers":1,"since":1795795200.5}'
    assert understood(text)[0] == ("1795795200.5", 1, None)


def test_what_is_wrong_is_named_and_changes_nothing():
    post = online(state=message())
    for payload, word in (
        (b"", "JSON"),
        (b"[]", "object"),
        (b'{"state":"green"}', "state"),
        (b'{"state":"raised","fevers":0,"since":1}', "fevers"),
        (b'{"state":"raised","fevers":true,"since":1}', "fevers"),
        (b'{"state":"raised","fevers":1}', "since"),
        (b'{"state":"raised","fevers":1,"since":"1"}', "since"),
        (b'{"state":"raised","fevers":1,"since":-1}', "since"),
        (b'{"state":"raised","fevers":1,"since":0}', "since"),
        (b'{"state":"raised","fevers":1,"since":1,"last":7}', "last"),
        (b'{"state":"raised","fevers":1,"since":1,"last":{"kiosk":"x"}}', "last"),
        (b'{"state":"clear","amber":"x"}', "amber"),
    ):
        try:
            post.state(payload)
        except AlarmStateError as error:
            assert word in str(error), (payload, error)
        else:
            raise AssertionError(payload)
        assert lit(post) == "red "
    for beat in (None, [], {}, {"n": "1"}, {"n": True}):
        try:
            post.beat(0, beat)
        except AlarmStateError:
            pass
        else:
            raise AssertionError(beat)


def test_what_flash_gives_back_is_a_press_or_nothing():
    assert kept_press([SINCE, 2, None]) == (SINCE, 2, None)
    assert kept_press([SINCE, 2, ["north-1", 7, 9]]) == (SINCE, 2, ("north-1", 7, 9))
    for value in (None, 1, [], [SINCE], [SINCE, 2], [1, SINCE, None], ["x", 1, None]):
        assert kept_press(value) is None, value
    for value in ([SINCE, 0, None], [SINCE, True, None], ["", 1, None]):
        assert kept_press(value) is None, value
    for last in ([], ["", 1, 1], ["x" * 65, 1, 1], ["x", -1, 1], ["x", 1, True], {}, ["x", 1]):
        assert kept_press([SINCE, 1, last]) is None, last


def test_a_press_for_one_fever_does_not_count_for_another_that_looks_the_same():
    # A gateway that restarted without its database knows only the newest fever, with the time at
    # which the first was raised.
    first, second = [
        message().replace(b"{", b'{"last":{"kiosk":"north-1","boot":7,"seq":%d},' % seq, 1)
        for seq in (1, 2)
    ]
    post = online(state=first)
    post.new_line()
    post.press()
    assert acknowledgement(post.pressed) == (
        '{"v":1,"by":"button","since":1795795200.123456,"fevers":1,'
        '"last":{"kiosk":"north-1","boot":7,"seq":1}}'
    )
    online(5, second, post)
    assert post.red and post.pressed is None and post.to_tell(5) is None
