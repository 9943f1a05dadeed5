"""Boards whose clock was never set, or lost its power, are told the time by the gateway: nobody
serves SNTP here. The clock is 2000-01-01 for TLS, too."""

import json
import time

import pytest
from kiosk_helpers import ANSWER_S, HEALTHY, readings, until
from test_broker_access import BASE, Client

from demonstration.day import Clock
from demonstration.system import System
from fevergate.database import open_reader

SPEED = 3.0
WITHIN_S = 2
"""Of when a person was answered: kiosks say whole seconds, and leave what is less wrong."""


class Hall(System):
    """One kiosk; its clock is unset whenever it gets power. Kiosk and gateway live by a clock that
    goes as fast as the kiosk's ticks."""

    def __init__(self, folder):
        self.clock = Clock(time.time(), SPEED)
        super().__init__(folder, [], speed=SPEED, gates={"north": ["north-1"]})
        self.board = self.boards[0]

    def board_options(self):
        return {"clock_set": False, "utc": self.clock.utc}

    def board_settings(self):
        return {"ntp_host": ""}

    def gateway_options(self):
        return self.clock.options()

    @property
    def port(self):
        return self.settings.broker.port

    def measure(self):
        """Somebody comes; returns what the kiosk says of it."""
        before = len(readings(self.board))
        self.board.admit([HEALTHY])
        until(lambda: len(readings(self.board)) > before)
        return readings(self.board)[-1]

    def measure_until_dated(self):
        until(lambda: self.measure()["at"] is not None)

    def dates(self):
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            return [row[0] for row in reader.execute("select at from readings order by boot, seq")]
        finally:
            reader.close()

    def all_dated_right(self):
        """Wait until all that was shown is stored and dated; whether as it was lit."""
        until(lambda: len(self.dates()) == len(self.shown) and None not in self.dates())
        shown = sorted(self.shown, key=lambda one: one.identity)
        errors = [
            at - self.clock.at_host(one.lit_at) for at, one in zip(self.dates(), shown, strict=True)
        ]
        return max(map(abs, errors)) <= WITHIN_S

    def stop_gateway(self):
        assert self.gateway
        self.gateway.kill()


@pytest.fixture
def hall(tmp_path):
    with Hall(tmp_path / "site") as hall:
        yield hall


def test_an_unset_clock_gets_line_and_time_and_what_was_measured_before_is_dated(hall):
    hall.board.stop()
    hall.stop_gateway()
    hall.board.start()
    hall.board.wait_console("link up", ANSWER_S)
    for _ in range(3):
        assert hall.measure()["at"] is None
    hall._start_gateway()
    hall.measure_until_dated()
    assert hall.all_dated_right()


def test_after_a_power_cut_the_clock_is_as_kept_and_dates_nothing_until_it_is_told(hall):
    hall.measure_until_dated()
    hall.broker.kill()
    hall.board.power_cut()
    heard = len(hall.board.console)
    hall.board.start()
    hall.board.wait_console("clock: as kept, not confirmed", ANSWER_S, start=heard)
    assert hall.measure()["at"] is None
    hall.broker.start()
    hall.board.wait_console("link up", ANSWER_S, start=heard)  # TLS goes by the kept time
    hall.measure_until_dated()
    assert hall.all_dated_right()


def test_what_was_not_confirmed_is_not_believed_after_a_reset_either(hall):
    hall.measure_until_dated()
    hall.stop_gateway()
    hall.board.power_cut()
    heard = len(hall.board.console)
    hall.board.start()
    hall.board.wait_console("not confirmed", ANSWER_S, start=heard)
    hall.board.panic()
    heard = len(hall.board.console)
    hall.board.wait_console("link up", ANSWER_S, start=heard)
    assert hall.measure()["at"] is None
    hall._start_gateway()
    hall.measure_until_dated()
    hall.board.panic()  # and what was confirmed goes on
    heard = len(hall.board.console)
    hall.board.wait_console("link up", ANSWER_S, start=heard)
    assert hall.measure()["at"] is not None
    assert hall.all_dated_right()


def test_a_gateway_that_starts_anew_tells_it_again(hall):
    hall.measure_until_dated()
    hall.kill_gateway()
    hall.board.power_cut()
    hall.board.start()
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
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": 0}',  # an answer that waited
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": -1}',
    b'{"v": 1, "at_ms": 1790000000000, "up_ms": 9007199254740992}',
)


def test_a_time_that_cannot_be_is_refused_and_the_line_stays(hall):
    board = hall.board
    hall.stop_gateway()
    board.stop()
    board.start()
    board.wait_console("link up", ANSWER_S)
    heard = len(board.console)
    with Client(hall, "gateway") as gateway:

        def said():
            return sum(line.startswith("time: not understood") for line in board.console[heard:])

        for count, payload in enumerate(HOSTILE):
            up_ms = hall.measure()["up_ms"] if b"UP" in payload else 0
            gateway.client.publish(f"{BASE}/north-1/time", payload.replace(b"UP", b"%d" % up_ms))
            until(lambda count=count: said() > count)
        assert hall.measure()["at"] is None
        assert not any("link down" in line for line in board.console[heard:])
        up_ms = hall.measure()["up_ms"]
        right = {"v": 1, "at_ms": int(hall.clock.utc() * 1000), "up_ms": up_ms}
        gateway.client.publish(f"{BASE}/north-1/time", json.dumps(right))
        until(lambda: hall.measure()["at"] is not None)


def test_no_kiosk_tells_another_the_time(hall):
    with Client(hall, "north-1", client_id="thief") as thief, Client(hall, "admin") as admin:
        admin.hear(f"{BASE}/north-1/time")
        thief.client.publish(f"{BASE}/north-1/time", b"forged")
        with Client(hall, "gateway", client_id="ours") as gateway:
            gateway.client.publish(f"{BASE}/north-1/time", b"true")
        admin.wait_for(b"true")
        assert b"forged" not in admin.payloads()
