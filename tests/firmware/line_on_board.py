"""Runs under MicroPython: a kiosk's line over weeks, and its clock.

Argument: firmware folder. The link is the shipped code; there is no broker.
"""

import sys

sys.path.insert(0, sys.argv[1])

TICKS = 1 << 30  # at which a board's ticks wrap
WEEK_MS = 7 * 24 * 3600 * 1000


class Machine:
    class RTC:
        pass


sys.modules["machine"] = Machine

from kiosk import clock, mqtt_link, mqtt, sntp


class Time:
    """Replaces `time`."""

    ticks = TICKS - 1000

    def ticks_ms(self):
        return self.ticks & TICKS - 1

    def ticks_add(self, at, ms):
        return at + ms & TICKS - 1

    def ticks_diff(self, end, start):
        return (end - start + TICKS // 2 & TICKS - 1) - TICKS // 2


fake = Time()
mqtt_link.time = mqtt.time = fake


class Settings:
    kiosk = campus = username = password = broker_name = "a"
    broker_host = "10.0.0.2"
    broker_port = 8883


class Client:
    """Replaces the MQTT client."""

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
        self.link = mqtt_link.MqttLink(Settings, (), None, lambda: self.wifi, {}, {})
        self.client = self.link.client = Client()
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


def test_an_impossible_time_from_a_time_server_is_refused():
    head = bytes((0x24, 2, 6, 0)) + bytes(20) + b"asked-it" + bytes(8)
    for now, believed in ((sntp._VALID_TO, False), (sntp._VALID_TO - 1, True), (10**9, False)):
        seconds = now + sntp._NTP_EPOCH & 0xFFFFFFFF
        packet = head + seconds.to_bytes(4, "big") + bytes(4)
        assert (sntp.parse_answer(packet, b"asked-it") == now * 1000) is believed, now


EXPIRED = ValueError("\nThe certificate validity has expired\n")  # as modtls_mbedtls.c words it
TRUE_S = 1_795_400_000
LIE_S = 2_900_000_000
UNSET_S = 946_684_800


class Board:
    """Replaces the clock's `time` and its RTC; the clock's files are in the current folder."""

    def __init__(self):
        clock.time = self
        clock.set_utc = self.set_utc
        clock._KEPT = "clock"
        self.utc = UNSET_S
        self.start()

    def start(self):
        clock._sure, clock._told_s, clock._kept_s = True, 0, 0
        clock.restore()

    def set_utc(self, now, ms=0):
        self.utc = now

    def time(self):
        return self.utc

    def time_ns(self):
        return self.utc * 1_000_000_000

    def tls_refuses(self):
        line = Line()
        line.after(10, 10)
        line.client.fails(EXPIRED)
        line.after(10, 10)

    def told(self, now):
        clock.take_answer({"at_ms": now * 1000, "up_ms": 5}, 5)


def test_a_lie_of_a_time_server_ends_with_the_first_certificate_that_it_refuses():
    board = Board()
    clock.confirm(LIE_S * 1000)
    assert clock.utc() == LIE_S
    board.tls_refuses()
    assert board.utc == UNSET_S and clock.utc() is None
    board.start()
    assert board.utc == UNSET_S and clock.utc() is None  # nor was the lie kept
    board.told(TRUE_S)
    assert clock.utc() == TRUE_S


def test_a_clock_that_the_line_set_stays_whatever_a_certificate_says():
    board = Board()
    board.told(TRUE_S)
    board.tls_refuses()
    assert clock.utc() == TRUE_S
    clock.confirm(LIE_S * 1000)  # but a time that SNTP has set since does not stay
    board.tls_refuses()
    assert clock.utc() is None


def test_a_kept_lie_costs_no_more_than_one_connection_after_a_power_cut():
    board = Board()
    clock.confirm(LIE_S * 1000)
    board.utc = UNSET_S
    board.start()
    assert board.utc == LIE_S and clock.utc() is None
    board.tls_refuses()
    assert board.utc == UNSET_S


def test_a_clock_that_was_never_set_is_not_kept_at_each_refusal():
    board = Board()
    keep, writes = clock._keep, []
    clock._keep = lambda: writes.append(1)
    for _ in range(3):
        board.tls_refuses()
    clock._keep = keep
    assert not writes and board.utc == UNSET_S


for name in sorted(globals()):
    if name.startswith("test_"):
        globals()[name]()
        print("passed", name)
