"""A kiosk and the real broker on a network with faults."""

import socket
import struct
import threading
import time

import pytest
from kiosk_helpers import ANSWER_S, HEALTHY, kiosk, readings

from harness.broker import LocalBroker


class SilentServer:
    """Accepts connections and never sends a byte, like a half-open broker."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.accepted.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for connection in self.accepted:
            connection.close()


class TimeServer(threading.Thread):
    """SNTP (RFC 4330): answers as the gateway's Pi does."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.requests = 0
        self.start()

    def run(self):
        while True:
            try:
                packet, address = self.socket.recvfrom(64)
            except OSError:
                return
            self.requests += 1
            head = struct.pack(">BBbb", 0x24, 2, 6, -20) + bytes(20)
            now = struct.pack(">II", int(time.time()) + 2_208_988_800, 0)
            self.socket.sendto(head + packet[40:48] + now + now, address)


@pytest.fixture
def board_of(site, tmp_path):
    boards = []

    def make(**changes):
        options = {key: changes.pop(key) for key in ("clock_set",) if key in changes}
        board = kiosk(tmp_path / "flash", site.board_files("north-1", **changes), **options)
        boards.append(board)
        return board

    yield make
    for board in boards:
        board.stop()


def test_a_broker_that_accepts_and_says_nothing_delays_no_answer(board_of):
    server = SilentServer()
    board = board_of(broker_port=server.port)
    board.admit([HEALTHY] * 3)
    board.start()
    board.wait_crowd(ANSWER_S)
    assert server.accepted
    assert [visit.answer for visit in board.visits] == ["green"] * 3
    board.wait_console("link down: timed out", ANSWER_S)
    server.close()


def test_a_broker_with_another_name_is_not_believed(board_of):
    board = board_of(broker_name="somebody-else")
    board.start()
    line = board.wait_console("link down", ANSWER_S)
    assert "CN" in line or "verif" in line.lower() or "certificate" in line.lower()
    assert not any("link up" in line for line in board.console)


def test_a_wrong_password_is_not_let_in_and_people_are_answered(board_of):
    board = board_of(password="wrong")
    board.admit([HEALTHY])
    board.start()
    board.wait_crowd(ANSWER_S)
    board.wait_console("link down: broker rejected CONNECT", ANSWER_S)
    assert board.visits[0].answer == "green"


def test_a_broker_that_restarts_is_found_again(board_of, site):
    broker: LocalBroker = site.broker
    board = board_of()
    board.start()
    board.wait_console("link up", ANSWER_S)
    broker.kill()
    board.wait_console("link down", ANSWER_S)
    broker.start()
    start = len(board.console)
    board.wait_console("link up", ANSWER_S, start=start)


def test_a_board_without_a_clock_asks_the_gateway_and_then_trusts_its_certificate(board_of):
    server = TimeServer()
    board = board_of(clock_set=False, ntp_host="127.0.0.1", ntp_port=server.port)
    board.start()
    board.wait_console("link up", ANSWER_S)
    assert server.requests
    board.admit([HEALTHY])
    board.wait_crowd(ANSWER_S)
    (reading,) = readings(board)
    assert abs(reading["at"] - time.time()) < 3600
    server.socket.close()
