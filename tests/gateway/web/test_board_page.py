"""The guard's board: its live events, acknowledgements and lamp tests."""

import asyncio
import re

from pages_site import OURS, csrf, post
from samples import AT

from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, FeverSeen
from fevergate.web import board, lamps, live

BOARD = "/board/{gate:str}"


def test_an_open_board_ends_with_its_session(site, guard, monkeypatch):
    monkeypatch.setattr(board, "SESSION_CHECK_S", 0.0)
    monkeypatch.setattr(live, "BEAT_S", 0.3)

    async def listen():
        pages = next(r.endpoint.__self__ for r in site.pages.app.routes if r.path == BOARD)
        token = guard.cookies["__Host-fevergate"]
        async for _ in pages._stream(token, site.pages.accounts.session(token), "en"):
            events.append(1)
            if len(events) == 3:
                site.pages.accounts.remove("Zhang")

    events = []
    asyncio.run(asyncio.wait_for(listen(), 20))
    assert len(events) == 3


def test_a_press_tells_the_gateway_which_fever_was_on_the_board(site, guard):
    calls = []
    site.pages.live.acknowledge = lambda *arguments: calls.append(arguments) or True
    newest = FeverSeen(kiosk="north-1", boot=7, seq=9)
    last = AlarmState(gate="north", state="raised", since=AT + 0.5, fevers=5, last=newest)
    site.pages.live._alarms["north"] = last  # newer than the one that is sent
    on_board = {"since": repr(AT + 0.5), "fevers": "2", "kiosk": "north-1", "boot": "7", "seq": "8"}
    form = {"csrf": csrf(guard), "by": "Zhang", **on_board}
    assert guard.post("/board/north/acknowledge", data=form, headers=OURS).status_code == 200
    fever = FeverSeen(kiosk="north-1", boot=7, seq=8)
    assert calls == [("north", Acknowledge(by="Zhang", since=AT + 0.5, fevers=2, last=fever))]
    for change in ({"since": ""}, {"fevers": "x"}, {"seq": "-1"}, {"boot": ""}, {"kiosk": "#"}):
        answer = guard.post("/board/north/acknowledge", data=form | change, headers=OURS)
        assert answer.status_code == 400
    assert len(calls) == 1


def test_open_boards_are_bounded(site, guard, monkeypatch):
    monkeypatch.setattr(board, "MAX_BOARDS", 0)
    answer = guard.get("/events")
    assert answer.status_code == 503


def test_proxies_are_asked_to_pass_on_each_event_at_once(guard, monkeypatch):
    async def once(*_):
        yield b"data: {}\n\n"

    monkeypatch.setattr(board, "events", once)
    answer = guard.get("/events")
    assert answer.status_code == 200 and answer.headers["x-accel-buffering"] == "no"


def test_an_acknowledgement_without_a_connection_says_that_it_was_not_sent(guard):
    form = {"csrf": csrf(guard), "by": "Zhang", "since": str(AT), "fevers": "1"}
    answer = guard.post("/board/north/acknowledge", data=form, headers=OURS)
    assert answer.status_code == 503 and answer.json() == {
        "error": "line",
        "detail": "The gateway cannot be reached: press the button at the gate.",
    }


def untried(site, client, **state):
    """The board's text after a lamp test was requested at a gate in this state."""
    if state:
        given = {"gate": "north", "state": "clear", "since": AT} | state
        site.pages.live._alarms["north"] = AlarmState(**given)
    answer = post(client, "/board/north/lamps", "/board/north", by="Zhang")
    assert answer.status_code == 303
    text = client.get(answer.headers["location"]).text
    match = re.search(r'role="alert">([^<]*(?:lamps were not|灯光未)[^<]*)<', text)
    return match[1] if match else ""


def test_the_board_says_that_no_lamp_was_tried_and_why(site, guard, monkeypatch):
    # There is no connection to the gateway.
    assert "the gateway cannot be reached" in untried(site, guard)
    monkeypatch.setattr(site.pages.live, "try_lamps", lambda gate, by: True)
    monkeypatch.setattr(lamps, "ANSWER_S", 0.0)
    assert "Does it know this gate?" in untried(site, guard)  # the gateway ignores the request
    monkeypatch.undo()
    monkeypatch.setattr(site.pages.live, "try_lamps", lambda gate, by: True)
    assert untried(site, guard, state="raised", fevers=1).endswith("this gate is red.")
    dark = "no lamp can be lit: lgpio is not installed"
    assert "the reason is shown above" in untried(site, guard, amber=(dark,))
    chinese = site.client("Zhang", "zh")
    assert untried(site, chinese, amber=(dark,)) == "灯光未测试：灯无法点亮，原因见上方。"
    assert not any(action == "try lamps" for _, action, _ in site.audit())


def test_the_server_stops_waiting_before_the_button_does(guard):
    words = re.search(
        r'id="silent"[^>]* data-seconds="(\d+)"[^>]*>([^<]*)<', guard.get("/board/north").text
    )
    assert words
    assert int(words[1]) > lamps.ANSWER_S and f"within {words[1]} seconds" in words[2]


def test_a_guards_lamp_test_is_in_the_audit_with_the_guards_name(site, guard, monkeypatch):
    """The gateway begins the test after the request has been answered."""
    calls = []

    def try_lamps(gate, by):
        calls.append((gate, by))
        state = AlarmState(gate=gate, state="clear", since=AT, amber=("lamp test: red",))
        site.pages.live._alarms[gate] = state
        return True

    monkeypatch.setattr(site.pages.live, "try_lamps", try_lamps)
    site.pages.live._alarms["north"] = AlarmState(gate="north", state="clear", since=AT)
    assert post(guard, "/board/north/lamps", "/board/north", by="Nobody").status_code == 400
    assert guard.post("/board/north/lamps", data={"by": "Zhang"}, headers=OURS).status_code == 403
    assert calls == []
    assert untried(site, guard) == "" and calls == [("north", "Zhang")]
    assert ("Zhang", "try lamps", "north by Zhang") in site.audit()


def test_a_query_in_the_address_puts_no_text_onto_the_board(guard):
    text = guard.get("/board/north?untried=<b>Go+home").text
    assert "Go home" not in text and '<details id="lamps" class="card lamps">' in text
