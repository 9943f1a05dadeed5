"""The virtual radio and name servers do what MicroPython's ports/esp32 and lwIP do, their failures
included."""

import socket
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiosk_helpers import ANSWER_S, closed_port, until

from simulator import Board
from simulator.dns_server import ServerBehaviour
from simulator.radio import (
    BEACON_MS,
    OPEN,
    STAT_CONNECTING,
    STAT_GOT_IP,
    STAT_IDLE,
    WPA3,
    AccessPoint,
    Station,
    WifiError,
)

KEY = b"long enough"


def station(*points: AccessPoint) -> Station:
    wlan = Station(list(points) or [AccessPoint()])
    wlan.activate(True)
    return wlan


def test_a_join_has_stages_and_connect_during_one_is_refused():
    wlan = station()
    assert wlan.connect(0, b"campus", KEY, b"") == WifiError.NONE
    assert wlan.status(500) == STAT_CONNECTING
    assert wlan.connect(500, b"campus", KEY, b"") == WifiError.STATE
    assert wlan.scan(500) is None
    assert wlan.status(1200) == STAT_CONNECTING  # joined, without an address yet
    assert wlan.point is not None
    assert wlan.connect(1200, b"campus", KEY, b"") == WifiError.CONN
    assert wlan.status(2300) == STAT_GOT_IP
    assert wlan.disconnect(2400) == WifiError.NONE
    assert wlan.status(2400) == STAT_IDLE


def test_without_a_bssid_the_first_that_is_heard_is_taken_and_never_left():
    near = AccessPoint(bssid=b"\x02near!", channel=11, rssi_dbm=-40)
    far = AccessPoint(bssid=b"\x02far!!", channel=1, rssi_dbm=-85)
    wlan = station(near, far)
    wlan.connect(0, b"campus", KEY, b"")
    wlan.advance(60_000)
    assert wlan.point is far
    wlan.disconnect(60_000)
    wlan.connect(60_000, b"campus", KEY, near.bssid)
    wlan.advance(70_000)
    assert wlan.point is near


@pytest.mark.parametrize(
    ("point", "key", "code"),
    [
        (AccessPoint(b"other"), KEY, 201),
        (AccessPoint(key=b"another key"), KEY, 15),
        (AccessPoint(key=b"another key", security=WPA3), KEY, 202),
        (AccessPoint(refuses=203), KEY, 203),
        (AccessPoint(), b"", 210),
        (AccessPoint(security=OPEN), KEY, 211),
        (AccessPoint(dhcp=False), KEY, STAT_CONNECTING),
    ],
)
def test_each_way_to_fail_has_the_code_of_the_port(point, key, code):
    wlan = station(point)
    wlan.reconnects(0)
    wlan.connect(0, b"campus", key, b"")
    assert wlan.status(30_000) == code


def test_a_wrong_key_is_never_told_while_the_port_reconnects_for_ever():
    wlan = station(AccessPoint(key=b"another key"))
    wlan.connect(0, b"campus", KEY, b"")
    assert {wlan.status(now_ms) for now_ms in range(0, 60_000, 100)} == {STAT_CONNECTING}


def test_an_old_reason_stays_while_it_joins_again():
    point = AccessPoint(on=False)
    wlan = station(point)
    wlan.connect(0, b"campus", KEY, b"")
    assert wlan.status(3000) == 201
    point.on = True
    assert wlan.status(5000) == 201
    assert wlan.status(60_000) == STAT_GOT_IP


def test_a_lost_access_point_is_noticed_after_seconds():
    point = AccessPoint()
    wlan = station(point)
    wlan.connect(0, b"campus", KEY, b"")
    wlan.advance(10_000)
    point.on = False
    assert not wlan.through(10_000)
    assert wlan.status(10_000 + BEACON_MS - 1) == STAT_GOT_IP
    assert wlan.status(10_000 + BEACON_MS) != STAT_GOT_IP


@given(st.lists(st.tuples(st.sampled_from("acdsx"), st.integers(0, 9000)), max_size=40))
def test_whatever_is_called_the_station_says_it_is_connected_only_when_joined(calls):
    point = AccessPoint(flap_ms=7000)
    wlan = station(point)
    now_ms = 0
    for call, wait_ms in calls:
        now_ms += wait_ms
        if call == "a":
            wlan.activate(not wlan.active)
        elif call == "c":
            wlan.connect(now_ms, b"campus", KEY, b"")
        elif call == "d":
            wlan.disconnect(now_ms)
        elif call == "s":
            wlan.scan(now_ms)
        connected = wlan.status(now_ms) == STAT_GOT_IP
        assert not connected or (wlan.active and wlan.point is point and wlan.reason == 0)
        assert not wlan.through(now_ms) or connected


@pytest.fixture
def board(tmp_path):
    boards: list[Board] = []

    def make(program: str, **options) -> Board:
        folder = tmp_path / "firmware"
        folder.mkdir()
        (folder / "main.py").write_text("import time\n" + dedent(program))
        new = Board("net-1", tmp_path / "flash", folder, speed=5, **options)
        new.flash()
        boards.append(new)
        return new

    yield make
    for kiosk in boards:
        kiosk.stop()


LOOK_UP = """
import socket
def look_up(host):
    began = time.ticks_ms()
    try:
        way = socket.getaddrinfo(host, 8883, 0, socket.SOCK_STREAM)[0][-1]
        what = "way"
    except OSError as error:
        what = error.args[0]
    print("looked up", what, time.ticks_diff(time.ticks_ms(), began) // 7000)
look_up("127.0.0.1")
look_up("gateway.campus.example")
time.sleep(100)
"""


@pytest.mark.parametrize(
    ("moods", "line"),
    [
        ((ServerBehaviour.RIGHT, ServerBehaviour.RIGHT), "looked up way 0"),
        ((ServerBehaviour.SILENT, ServerBehaviour.RIGHT), "looked up way 1"),
        ((ServerBehaviour.SILENT, ServerBehaviour.SILENT), "looked up -202 2"),
        ((ServerBehaviour.NOT_FOUND, ServerBehaviour.RIGHT), "looked up -202 0"),
    ],
)
def test_a_look_up_of_a_name_stops_the_board_as_long_as_lwip_takes(board, moods, line):
    """The program prints the time in units of 7 s, which is how long lwIP waits for one server."""
    kiosk = board(LOOK_UP)
    kiosk.world.air.names["gateway.campus.example"] = "127.0.0.1"
    for server, mood in zip(kiosk.world.air.name_servers.values(), moods, strict=True):
        server.mood = mood
    kiosk.start()
    kiosk.wait_console(line, ANSWER_S, start=1)
    assert kiosk.console[0] == "looked up way 0"


SENDS = """
import network, socket
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect(b"campus", "long enough")
print("no way", socket.getaddrinfo("127.0.0.1", PORT, 0, socket.SOCK_STREAM)[0][-1] != None)
while not wlan.isconnected():
    time.sleep_ms(20)
print(wlan.ifconfig())
line = socket.socket()
line.connect(socket.getaddrinfo("127.0.0.1", PORT, 0, socket.SOCK_STREAM)[0][-1])
number = 0
while True:
    line.write(b"%d." % number)
    number += 1
    time.sleep_ms(50)
"""


def test_packets_wait_while_the_access_point_is_away(board):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kiosk = board(SENDS.replace("PORT", str(listener.getsockname()[1])))
        kiosk.start()
        connection, _ = listener.accept()
        kiosk.wait_console("('10.66.0.23', '255.255.255.0', '10.66.0.1'", ANSWER_S)
        assert connection.recv(2) == b"0."
        kiosk.wifi(False)
        data = b"0."

        def silent():
            """Whether everything that was sent before has arrived and nothing more comes."""
            nonlocal data
            connection.settimeout(0.3)
            try:
                data += connection.recv(4096)
            except TimeoutError:
                return True
            return False

        until(silent)
        kiosk.wifi(True)
        connection.settimeout(ANSWER_S)
        until(lambda: bool(connection.recv(1, socket.MSG_PEEK)))
        data += connection.recv(4096)
        numbers = data.decode().split(".")[:-1]
        assert numbers == [str(number) for number in range(len(numbers))]


SCANS = """
import network
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
began = time.ticks_ms()
heard = wlan.scan()
blocked = time.ticks_diff(time.ticks_ms(), began) >= 2400
print("scan", blocked, heard[0][:1], heard[1][0], heard[1][5])
wlan.connect("campus", "long enough")
print("scan", wlan.scan())
try:
    wlan.connect("campus", "long enough")
except OSError as error:
    print("refused:", error)
"""


def test_a_scan_blocks_shows_no_hidden_name_and_fails_in_silence_while_joining(board):
    kiosk = board(SCANS)
    kiosk.start()
    kiosk.wait_console("refused: Wifi Internal State Error", ANSWER_S)
    assert kiosk.console[:2] == ["scan True (b'campus',) b'' False", "scan []"]


def test_a_board_without_a_station_goes_straight_to_the_host(board):
    kiosk = board(LOOK_UP.replace("8883", str(closed_port())))
    kiosk.world.air.names["gateway.campus.example"] = "127.0.0.1"
    kiosk.start()
    kiosk.wait_console("looked up way 0", ANSWER_S, start=1)
