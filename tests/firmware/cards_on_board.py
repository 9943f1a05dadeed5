"""Runs under MicroPython: the card reader's task, permits and sealed card numbers. The test plays
the UART and the line to the gateway. Argument: firmware folder.
"""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[1])

import kiosk_board

OPENED = []  # (number, settings) of each UART
LEVELS = {}  # level of each pin, by number; an idle line is high


class UART:
    """The UART of ports/esp32 with timeout 0: `any` counts the waiting bytes, `read` returns them
    or None."""

    line = b""

    def __init__(self, number, **settings):
        OPENED.append((number, settings))

    def any(self):
        return len(UART.line)

    def read(self, most):
        chunk, UART.line = UART.line[:most], UART.line[most:]
        return chunk or None


class Pin:
    OUT = 3

    def __init__(self, number, mode=None, value=None):
        self.number = number
        if number == kiosk_board.READER_RX:
            assert mode is None  # a mode would take the pin from the UART
        if value is not None:
            LEVELS[number] = value

    def value(self, level=None):
        if level is not None:
            LEVELS[self.number] = level
        return LEVELS.get(self.number, 1)


class PWM:
    sounds = 0

    def __init__(self, pin, freq, duty_u16):
        PWM.sounds += 1

    def duty_u16(self, duty):
        pass

    freq = duty_u16

    def deinit(self):
        pass


class Machine:
    pass


Machine.UART, Machine.Pin, Machine.PWM = UART, Pin, PWM
sys.modules["machine"] = Machine

_sleep_ms = asyncio.sleep_ms
asyncio.sleep_ms = lambda ms: _sleep_ms(0)  # the task looks at the UART without pauses

from kiosk import card_seal
from kiosk.cards import Cards
from kiosk.card_decision import CardDecision
from kiosk.panel import Panel
from kiosk.screening import FEVER, NORMAL, RETRY, Judgement
from kiosk.scan import Result
from kiosk.settings import Settings

OWN = {"kiosk": "a", "campus": "b", "broker_host": "c", "username": "d", "password": "e"}
KEY = bytes(range(32))
FRAME = b"\x02\x09\x01\x6b\x3d\x12\xd6\x9a\x03"
NUMBER = b"\0\0\0\0\x6b\x3d\x12\xd6"
BOOT = 41


class App:
    """The part of the app that the cards use."""

    def __init__(self, card, reader="binary"):
        key = "".join(["%02x" % byte for byte in KEY])
        self.settings = Settings(dict(OWN, card=card, card_reader=reader, card_key=key))
        self.boot = BOOT
        self.now_ms = 1000
        self.link = self.uptime = self.report = self
        self.messages = []
        self.news = 0
        self.cards = Cards(self)

    def ms(self):
        return self.now_ms

    def say(self, kind, text, qos=1):
        self.messages.append((kind, json.loads(text), qos))

    def now(self):
        self.news += 1

    def read(self, data, looks=2):
        """Let the task look at the UART `looks` times; `data` is waiting there."""
        UART.line = data

        async def play():
            task = asyncio.create_task(self.cards.run())
            for _ in range(looks):
                await _sleep_ms(0)
            task.cancel()

        asyncio.run(play())
        return self

    def scan(self, verdict=NORMAL):
        """The judgement of a scan that ends now."""
        result = Result(35.0, 22.0, 8, 700, "", card=self.cards.pairing.tap)
        return Judgement(result, verdict, "", 36.0, 36.6, 0.0)

    def answer(self, permit, tap=None, boot=BOOT):
        count = self.cards.pairing.count if tap is None else tap
        self.cards.permit({"v": 1, "boot": boot, "tap": count, "permit": permit})

    def fields(self, judgement, seq=9):
        values = {"seq": seq}
        self.cards.add(values, judgement.scan)
        return values


def opened(label, count, digits):
    import binascii

    return card_seal.seal(KEY, label, BOOT, count, binascii.unhexlify(digits))


def test_the_uart_uses_the_boards_pins_and_never_waits():
    OPENED.clear()
    App("record").read(b"")
    number, settings = OPENED[0]
    assert number == 1 and settings["baudrate"] == 9600
    assert (settings["tx"], settings["rx"]) == (kiosk_board.READER_TX, kiosk_board.READER_RX)
    assert "timeout" not in settings and settings["rxbuf"] >= 256


def test_a_tap_asks_for_its_permit_at_once_and_sealed():
    app = App("permit").read(FRAME)
    ((kind, message, qos),) = app.messages
    assert (kind, qos) == ("card", 0)
    assert sorted(message) == ["boot", "tap", "v", "who"] and message["v"] == 1
    assert (message["boot"], message["tap"]) == (BOOT, 1)
    assert opened(b"tap", 1, message["who"]) == NUMBER
    app.now_ms += 5000
    app.read(FRAME)
    assert (
        app.messages[1][1]["who"] != message["who"]
    )  # the same card is sealed differently each time


def test_record_asks_nothing_and_holds_nobody():
    app = App("record").read(FRAME)
    judgement = app.scan()
    assert app.messages == [] and app.cards.hold(judgement) is None
    values = app.fields(judgement)
    assert opened(b"who", 9, values["who"]) == NUMBER and values["permit"] is None
    app_without_card = App("record")
    assert app_without_card.cards.hold(app_without_card.scan()) is None
    assert app_without_card.fields(app_without_card.scan()) == {
        "seq": 9,
        "who": None,
        "permit": None,
    }


def test_only_a_normal_verdict_with_permit_enter_opens_the_door():
    for permit, hold in (("enter", None), ("ask", "ask"), ("stop", "stop"), ("unknown", "ask")):
        app = App("permit").read(FRAME)
        app.answer(permit)
        assert app.cards.hold(app.scan()) == hold
        assert app.fields(app.scan())["permit"] == permit
        for verdict in (FEVER, RETRY):  # the display shows the verdict, whatever the permit
            assert app.cards.hold(app.scan(verdict)) is None
    app = App("permit").read(FRAME)
    assert app.cards.hold(app.scan()) == "ask" and app.fields(app.scan())["permit"] == "late"
    app_without_card = App("permit")
    assert app_without_card.cards.hold(app_without_card.scan()) == "ask"
    assert app_without_card.fields(app_without_card.scan()) == {
        "seq": 9,
        "who": None,
        "permit": None,
    }


class Display:
    """Remembers the last message."""

    shown = None

    def brightness(self, percent):
        pass

    notice = brightness

    def message(self, *shown):
        self.shown = shown

    async def flush(self):
        pass


def shown(permit, verdict=NORMAL):
    """What a person sees and hears when answered as by `App._answer`: the LEDs and the door that
    are on, two lines of the display, and the number of sounds."""
    display = Display()
    app = App("permit").read(FRAME)
    app.answer(permit)
    judgement = app.scan(verdict)

    async def play():
        panel = Panel(display, app.settings, lambda: None)
        before = PWM.sounds
        hold = app.cards.hold(judgement)
        if hold:
            panel.fault(hold)
        else:
            panel.verdict(verdict, "confirm", 36.6)
        for _ in range(40):
            await _sleep_ms(0)
        return PWM.sounds - before

    sounds = asyncio.run(play())
    names = ("GREEN", "AMBER", "RED", "DOOR")
    on = [name for name in names if LEVELS[getattr(kiosk_board, name)]]
    return on, display.shown[:2], sounds


def test_who_is_held_sees_amber_and_hears_nothing():
    assert shown("enter") == (["GREEN", "DOOR"], ("体温正常", "正常请进"), 1)
    assert shown("stop") == (["AMBER"], ("不得入校", "找值班员"), 0)
    assert shown("ask") == (["AMBER"], ("体温正常", "找值班员"), 0)
    for permit in ("stop", "ask"):  # red is for fever alone, and a fever is always red
        assert shown(permit, FEVER) == (["RED"], ("体温偏高", "找值班员"), 1)
        assert shown(permit, RETRY) == (["AMBER"], ("再测一次", "请别走开"), 1)


def test_an_answer_to_another_tap_or_boot_opens_nothing():
    app = App("permit").read(FRAME)
    app.now_ms += 5000
    app.read(FRAME)
    app.answer("enter", tap=1)
    app.answer("enter", boot=BOOT - 1)
    app.answer("enter", tap=3)
    assert app.cards.hold(app.scan()) == "ask"
    app.answer("enter")
    assert app.cards.hold(app.scan()) is None


def test_a_hostile_answer_is_refused():
    app = App("permit").read(FRAME)
    wrong = [None, [], "enter", {}, {"boot": BOOT, "tap": 1}, {"boot": BOOT, "permit": "enter"}]
    for permit in (None, "", "late", "open", [], {}, 1, True, "x" * 900):
        wrong.append({"v": 1, "boot": BOOT, "tap": 1, "permit": permit})
    for message in wrong:
        try:
            app.cards.permit(message)
        except (KeyError, TypeError, ValueError) as error:
            print("refused, as the line does:", repr(error)[:40])
        assert app.cards.hold(app.scan()) == "ask", message
    app.cards.pairing.tap = None
    app.answer("enter")  # for a tap whose scan has ended


def test_a_reader_that_is_unplugged_or_plugged_in_again_is_reported():
    app = App("record").read(b"", 30)
    assert app.cards.state == "ok" and app.news == 0
    LEVELS[kiosk_board.READER_RX] = 0
    app.read(b"\0\0", 10)
    assert app.cards.state == "ok"  # so short a low level may be a byte
    app.read(b"\0\0", 30)
    assert app.cards.state == "out" and app.news == 1
    LEVELS[kiosk_board.READER_RX] = 1
    app.read(bytes(200), 3)
    assert app.cards.state == "ok" and app.news == 2  # plugging in is no noise
    app.read(FRAME, 3)
    assert app.cards.state == "ok" and app.cards.pairing.tap is not None
    assert app.cards.hold(app.scan()) is None


def test_a_reader_set_to_another_format_is_reported():
    app = App("record", "line").read(FRAME * 20, 3)
    assert app.cards.state == "noise" and app.news == 1
    app.read(b"\r\n0009334109\r\n", 3)
    assert app.cards.state == "ok" and app.news == 2


def test_half_a_frame_is_given_up_when_the_line_is_quiet():
    app = App("record").read(FRAME[:5], 12)
    app.read(FRAME[5:] + FRAME, 4)
    assert app.cards.pairing.count == 1


def test_no_card_number_is_said_or_kept_in_clear():
    app = App("permit").read(FRAME)
    digits = "".join(["%02x" % byte for byte in NUMBER])
    tap = app.cards.pairing.tap
    for text in (json.dumps(app.messages), json.dumps(app.fields(app.scan())), tap.kept):
        assert digits not in text and digits[8:] not in text and "1799164630" not in text


def test_the_alarm_after_a_power_cut_has_its_card_again():
    files = ("crowd", "unit", "middle")
    app = App("permit").read(FRAME)
    decision = CardDecision(app.settings, app.cards.pairing, *files)
    for now_ms in range(100, 3000, 100):
        decision.sample(now_ms, 22.0, 22.0)
    app.now_ms = 3000
    app.read(FRAME)
    for now_ms in range(3000, 4000, 100):
        decision.sample(now_ms, 37.2, 22.0)
    assert decision.screening.pending is not None
    decision.remember()
    after = App("permit")
    after.boot = BOOT + 1
    alarm = CardDecision(after.settings, after.cards.pairing, *files).left_over
    values = after.fields(alarm, seq=1)
    import binascii

    sealed = binascii.unhexlify(values["who"])
    assert card_seal.seal(KEY, b"who", BOOT + 1, 1, sealed) == NUMBER
    assert values["permit"] == "late"
    for card in (
        "",
        "x",
        "00-1-2",
        "zz-1-2",
        "0011223344556677-1",
        "0011223344556677-1-%d" % 2**40,
    ):
        alarm.scan.card = card
        after.fields(alarm)  # whatever the flash holds, the alarm is sent


def test_changed_card_settings_restart_the_kiosk_once_nobody_is_there():
    from kiosk.restart import once_idle

    class Busy:
        state = 1
        on_trial = True
        pending = None

    busy = Busy()
    busy.decision = busy.update = busy.commands = busy.scan = busy.screening = busy
    restarts = []
    busy.restart = lambda: restarts.append((busy.state, busy.pending, busy.on_trial))

    async def play():
        task = asyncio.create_task(once_idle(busy))
        for state, pending, on_trial in (
            (1, None, True),
            (0, None, True),
            (2, None, False),
            (0, "a first positive", False),
            (0, None, False),
        ):
            busy.state, busy.pending, busy.on_trial = state, pending, on_trial
            for _ in range(5):
                await _sleep_ms(0)
        await task

    asyncio.run(play())
    assert restarts == [(0, None, False)]


for name in sorted(globals()):
    if name.startswith("test_"):
        globals()[name]()
        print("passed", name)
