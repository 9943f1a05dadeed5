"""Runs under MicroPython: a kiosk's line when weeks go by.

Arguments: firmware folder. The link's shipped code; the broker is not there.
"""

import sys

sys.path.insert(0, sys.argv[1])

TICKS = 1 << 30  # where a board's go round
WEEK_MS = 7 * 24 * 3600 * 1000


class Machine:
    class RTC:
        pass


sys.modules["machine"] = Machine

from kiosk import link, mqtt, sntp


class Time:
    """In place of `time`."""

    ticks = TICKS - 1000

    def ticks_ms(self):
        return self.ticks & TICKS - 1

    def ticks_add(self, at, ms):
        return at + ms & TICKS - 1

    def ticks_diff(self, end, start):
        return (end - start + TICKS // 2 & TICKS - 1) - TICKS // 2


fake = Time()
link.time = mqtt.time = fake


class Settings:
    kiosk = campus = username = password = broker_name = "a"
    broker_host = "10.0.0.2"
    broker_port = 8883


class Client:
    """In place of the MQTT client."""

    def __init__(self):
        self.state = mqtt._OFF
        self.connects = 0
        self.last_error = None

    def connect(self):
        self.connects += 1
        self.state = mqtt._OPENING

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


def test_a_time_server_that_says_what_cannot_be_is_not_believed():
    head = bytes((0x24, 2, 6, 0)) + bytes(20) + b"asked-it" + bytes(8)
    for now, believed in ((sntp._VALID_TO, False), (sntp._VALID_TO - 1, True), (10**9, False)):
        seconds = now + sntp._NTP_EPOCH & 0xFFFFFFFF
        packet = head + seconds.to_bytes(4, "big") + bytes(4)
        assert (sntp.parse_answer(packet, b"asked-it") == now * 1000) is believed, now


for name in sorted(globals()):
    if name.startswith("test_"):
        globals()[name]()
        print("passed", name)
