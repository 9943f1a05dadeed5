"""The gateway tells the time to boards whose clock was never set or lost its power.

No SNTP server is there. TLS, too, starts with the clock at 2000-01-01.
"""

import binascii
import json
import math
import time

import pytest
from broker_client import BASE, Client
from kiosk_helpers import ANSWER_S, HEALTHY, readings, until

from harness.system import System

SPEED = 3.0


class Hall(System):
    """A system with one kiosk, whose clock is unset whenever it gets power."""

    def __init__(self, folder):
        gates = {"north": ["north-1"]}
        super().__init__(folder, [], speed=SPEED, gates=gates, clock_unset=True)
        self.board = self.boards[0]

    @property
    def port(self):
        return self.settings.broker.port

    def measure(self):
        """Let a person come; return the kiosk's reading."""
        before = len(readings(self.board))
        self.board.admit([HEALTHY])
        until(lambda: len(readings(self.board)) > before)
        return readings(self.board)[-1]

    def measure_until_dated(self):
        until(lambda: self.measure()["at"] is not None)

    def all_dated_right(self):
        """Wait until each shown reading is stored and dated; return whether all dates are right."""
        errors = self.date_errors
        until(lambda: len(errors()) == len(self.shown) and math.inf not in errors())
        return self.misdated() == []

    def stop_gateway(self):
        assert self.gateway
        self.gateway.kill()


@pytest.fixture
def hall(tmp_path):
    with Hall(tmp_path / "site") as hall:
        yield hall


def test_an_unset_clock_is_set_over_the_connection_and_earlier_readings_are_dated(hall):
    hall.board.stop()
    hall.stop_gateway()
    hall.board.start()
    hall.board.wait_console("link up", ANSWER_S)
    for _ in range(3):
        assert hall.measure()["at"] is None
    hall.run_gateway()
    hall.measure_until_dated()
    assert hall.all_dated_right()


def test_after_a_power_cut_the_kept_time_dates_no_reading_until_it_is_confirmed(hall):
    hall.measure_until_dated()
    hall.broker.kill()
    hall.board.power_cut()
    start = len(hall.board.console)
    hall.board.start()
    hall.board.wait_console("clock: as kept, not confirmed", ANSWER_S, start=start)
    assert hall.measure()["at"] is None
    hall.broker.start()
    hall.board.wait_console("link up", ANSWER_S, start=start)  # TLS goes by the kept time
    hall.measure_until_dated()
    assert hall.all_dated_right()


def test_an_unconfirmed_time_dates_no_reading_after_a_reset_either(hall):
    hall.measure_until_dated()
    hall.stop_gateway()
    hall.board.power_cut()
    start = len(hall.board.console)
    hall.board.start()
    hall.board.wait_console("not confirmed", ANSWER_S, start=start)
    hall.board.panic()
    start = len(hall.board.console)
    hall.board.wait_console("link up", ANSWER_S, start=start)
    assert hall.measure()["at"] is None
    hall.run_gateway()
    hall.measure_until_dated()
    hall.board.panic()  # a confirmed time is kept through a reset
    start = len(hall.board.console)
    hall.board.wait_console("link up", ANSWER_S, start=start)
    assert hall.measure()["at"] is not None
    assert hall.all_dated_right()


def test_a_gateway_that_starts_anew_tells_it_again(hall):
    hall.measure_until_dated()
    hall.kill_gateway()
    hall.board.power_cut()
    hall.board.start()
    hall.measure_until_dated()
    assert hall.all_dated_right()


def test_a_wrong_time_on_flash_does_not_prevent_a_connection(hall):
    hall.measure_until_dated()
    hall.board.stop()
    body = b"1000000 " + json.dumps({"at": int(time.time()) + 10**9, "sure": True}).encode()
    lie = b"%08x %s" % (binascii.crc32(body), body)
    (hall.board.flash_dir / "clock.a").write_bytes(lie)
    start = len(hall.board.console)
    hall.board.start()
    hall.board.wait_console("clock: not believed, begins again", ANSWER_S, start=start)
    hall.board.wait_console("link up", ANSWER_S, start=start)
    hall.measure_until_dated()
    assert hall.all_dated_right()


HOSTILE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"at_ms":',
    b'{"v": 1, "at_ms": "1790000000000", "up_ms": UP}',
    b'{"v": 1, "at_ms": true, "up_ms": UP}',
    b'{"v": 1, "at_ms": 1790000000000.5, "up_ms": UP}',
    b'{"v": 1, "at_ms": 1e12, "up_ms": UP}',
    b'{"v": 1, "at_ms": 1e400, "up_ms": UP}',
    b'{"v": 1, "at_ms": -1790000000000, "up_ms": UP}',
    b'{"v": 1, "at_ms": 9007199254740992, "up_ms": UP}',
    b'{"v": 1, "at_ms": 4102444800000, "up_ms": UP}',
    b'{"v": 1, "at_ms": 1735689599999, "up_ms": UP}',
    b'{"v": 1, "at_ms": 1790000000000}',
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": null}',
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": 0}',  # an answer that came too late
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": -1}',
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": 9007199254740992}',
)


def test_an_impossible_time_is_refused_and_the_connection_stays(hall):
    board = hall.board
    hall.stop_gateway()
    board.stop()
    board.start()
    board.wait_console("link up", ANSWER_S)
    start = len(board.console)
    with Client(hall, "gateway") as gateway:

        def refusals():
            return sum(line.startswith("time: not understood") for line in board.console[start:])

        for count, payload in enumerate(HOSTILE):
            up_ms = hall.measure()["up_ms"] if b"UP" in payload else 0
            gateway.client.publish(f"{BASE}/north-1/time", payload.replace(b"UP", b"%d" % up_ms))
            until(lambda count=count: refusals() > count)
        assert hall.measure()["at"] is None
        assert not any("link down" in line for line in board.console[start:])

        def believed():
            """Whether the kiosk took a right time; it does not if this machine was too slow."""
            up_ms = hall.measure()["up_ms"]
            right = {"v": 1, "at_ms": int(hall.clock.utc() * 1000), "up_ms": up_ms}
            gateway.client.publish(f"{BASE}/north-1/time", json.dumps(right))
            return hall.measure()["at"] is not None

        until(believed)


def test_no_kiosk_tells_another_the_time(hall):
    with Client(hall, "north-1", client_id="thief") as thief, Client(hall, "admin") as admin:
        admin.hear(f"{BASE}/north-1/time")
        thief.client.publish(f"{BASE}/north-1/time", b"forged")
        with Client(hall, "gateway", client_id="ours") as gateway:
            gateway.client.publish(f"{BASE}/north-1/time", b"true")
        admin.wait_for(b"true")
        assert b"forged" not in admin.payloads()


def test_a_line_that_comes_back_brings_the_time_at_once(hall):
    """The kiosk sends its health, and so asks for the time, at once and not a minute later."""
    hall.stop_gateway()
    board = hall.board
    board.stop()
    board.start()
    board.wait_console("link up", ANSWER_S)
    hall.broker.kill()
    board.wait_console("link down", ANSWER_S)
    start = len(board.console)
    hall.broker.start()
    board.wait_console("link up", ANSWER_S, start=start)
    hall.measure()
    words = [line.split()[0] for line in board.console[start:]]
    assert "health" in words[words.index("link") : words.index("reading")]
