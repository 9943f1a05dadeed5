"""Runs under MicroPython: a kiosk's line when weeks go by, or its clock is ahead.

Arguments: firmware folder. The link's and the clock's shipped code; the broker is not there.
"""

import sys
import time as board_time

sys.path.insert(0, sys.argv[1])

TICKS = 1 << 30  # where a board's go round
WEEK_MS = 7 * 24 * 3600 * 1000
UNSET_S = 946_684_800  # 2000-01-01


class RTC:
    """The board's clock, and that of its TLS."""

    now_s = UNSET_S

    def datetime(self, value):
        year, month, day, _, hour, minute, second, _ = value
        RTC.now_s = board_time.mktime((year, month, day, hour, minute, second, 0, 0))
        RTC.now_s -= board_time.mktime((1970, 1, 1, 0, 0, 0, 0, 0))


class Machine:
    pass


Machine.RTC = RTC
sys.modules["machine"] = Machine

from kiosk import clock, link, mqtt


class Time:
    """In place of `time`."""

    ticks = TICKS - 1000

    def ticks_ms(self):
        return self.ticks & TICKS - 1

    def ticks_add(self, at, ms):
        return at + ms & TICKS - 1

    def ticks_diff(self, end, start):
        return (end - start + TICKS // 2 & TICKS - 1) - TICKS // 2

    def time(self):
        return RTC.now_s

    def time_ns(self):
        return RTC.now_s * 1_000_000_000

    gmtime = board_time.gmtime


fake = Time()
link.time = mqtt.time = clock.time = fake
clock._EPOCH_S = 0
clock.Slots = lambda path: Kept


class Kept:
    def read():
        pass

    def write(values):
        pass


class Settings:
    kiosk = campus = username = password = broker_name = "a"
    broker_host = "10.0.0.2"
    broker_port = 8883


class Client:
    """In place of the MQTT client."""

    def __init__(self):
        self.state = mqtt.OFF
        self.connects = 0
        self.last_error = None

    def connect(self):
        self.connects += 1
        self.state = mqtt.OPENING

    def handle(self):
        pass

    def fails(self, error):
        self.state = mqtt.FAILED
        self.last_error = error


class Line:
    def __init__(self):
        self.wifi = True
        self.link = link.Link(Settings, (), None, lambda: self.wifi, {}, {})
        self.client = self.link._client = Client()
        self.link._waiting = True

    def after(self, ms, step_ms=60_000):
        for _ in range(ms // step_ms):
            fake.ticks += step_ms
            self.link._step()


def test_after_a_week_without_a_network_it_comes_back_at_once():
    line = Line()
    line.after(60_000)
    line.client.fails(OSError(113))
    line.after(60_000)
    line.wifi = False
    line.client.fails(OSError(113))
    line.after(WEEK_MS)
    connects = line.client.connects
    line.wifi = True
    line.after(10, 10)
    assert line.client.connects == connects + 1


def test_after_a_week_it_comes_back_between_two_people_of_a_queue():
    line = Line()
    line.wifi = False
    line.after(WEEK_MS)
    line.wifi = line.link.present = True
    line.after(10, 10)
    assert line.client.connects == 1


def test_who_steps_up_during_a_handshake_puts_it_off_for_a_minute_at_most():
    line = Line()
    line.after(10, 10)
    line.client.fails(OSError(113))
    line.after(1100, 100)
    assert line.client.connects == 2
    line.link.present = True
    calls = []
    line.client.handle = lambda: calls.append(1)
    line.after(50_000, 100)
    assert not calls
    line.after(15_000, 100)
    assert calls


for name in sorted(globals()):
    if name.startswith("test_"):
        globals()[name]()
        print("passed", name)
