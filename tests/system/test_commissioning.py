"""A new board: its own Wi-Fi, its page, and settings that are tried before they are kept."""

import json
import random
import re
import socket
import struct
import time

import httpx
import pytest
from kiosk_helpers import ANSWER_S, FIRMWARE, changed, kiosk, until

from fevergate.local_broker import free_port
from fevergate.provision import provision


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("provision") / "site"
    gates = {"north": ["north-1"]}
    provision(folder, campus="east", gateway="gw", gates=gates, wifi_ssid="campus")
    return folder / "kiosks" / "north-1"


@pytest.fixture
def board(tmp_path):
    """A new board, its page on ports that a test may have."""
    board = kiosk(tmp_path / "flash", {})
    ports = ((f"{name}_PORT = {port}", port) for name, port in (("HTTP", 80), ("DNS", 53)))
    changed(
        board,
        "kiosk/commissioning.py",
        *((line, line.replace(str(port), str(free_port()))) for line, port in ports),
    )
    with board:
        board.start()
        board.wait_console("commissioning: join the Wi-Fi FeverGate-", ANSWER_S)
        until(lambda: answers(board))
        yield board


def port(board, name):
    text = (board.flash_dir / "kiosk" / "commissioning.py").read_text()
    return int(text.split(f"{name}_PORT = ")[1].split()[0])


def url(board, path="/"):
    return f"http://127.0.0.1:{port(board, 'HTTP')}{path}"


def answers(board):
    try:
        return httpx.get(url(board, "/state"), timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def submit(board, provisioned, **changes):
    values = {
        "file": (provisioned / "kiosk.json").read_text(),
        "ssid": "campus",
        "password": "long enough",
        "language": "en",
        "anyway": False,
    }
    answer = httpx.post(url(board, "/settings"), json=values | changes, timeout=20)
    assert answer.status_code == 200
    return answer.json()["error"]


def state(board):
    return httpx.get(url(board, "/state"), timeout=20).json()


def kept(board):
    """What it wrote beside what was flashed."""
    firmware = (".py", ".mpy", ".bin")
    return sorted(path.name for path in board.flash_dir.glob("*.*") if path.suffix not in firmware)


def test_the_page_is_in_both_languages_and_needs_nothing_from_elsewhere(board):
    page = httpx.get(url(board), timeout=20)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "测温机设置" in page.text and "Set up this kiosk" in page.text
    assert not re.findall(r"(?:src|href)=|https?://", page.text)
    assert len(page.content) < 8192
    assert state(board)["networks"] == ["campus", "library"]
    assert kept(board) == []


@pytest.mark.parametrize(
    "path", ["/generate_204", "/hotspot-detect.html", "/connecttest.txt", "/x"]
)
def test_a_phone_that_looks_for_the_internet_is_led_to_the_page(board, path):
    answer = httpx.get(url(board, path), timeout=20)
    assert answer.status_code == 302 and answer.headers["location"] == "/"


def test_settings_are_kept_once_the_wifi_takes_the_board_and_it_starts_with_them(
    board, provisioned
):
    assert submit(board, provisioned) == ""
    until(lambda: kept(board) == ["ca.der", "settings.json"])
    until(lambda: board.boots == 2)
    settings = json.loads((board.flash_dir / "settings.json").read_text())
    assert settings["wifi_password"] == "long enough" and settings["language"] == "en"
    wanted = json.loads((provisioned / "settings.json").read_text())
    changed = {name for name in wanted if settings[name] != wanted[name]}
    assert changed <= {"wifi_password", "language"}
    assert (board.flash_dir / "ca.der").read_bytes() == (provisioned / "ca.der").read_bytes()
    time.sleep(1)
    assert not answers(board)  # no page any more


def test_a_wrong_wifi_password_is_said_and_nothing_kept_unless_wished(board, provisioned):
    assert submit(board, provisioned, password="short") == ""
    until(lambda: state(board)["state"] == "failed")
    assert "Cannot join campus" in state(board)["text"] and "连不上" in state(board)["text"]
    assert kept(board) == []
    assert submit(board, provisioned, password="short", anyway=True) == ""
    until(lambda: kept(board) == ["ca.der", "settings.json"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"file": ""}, "the file is not JSON"),
        ({"file": "[]"}, "no kiosk.json"),
        ({"file": 5}, "expected the kiosk's file"),
        ({"file": '{"settings": {}, "ca": ""}'}, "missing, expected str"),
        ({"language": "fr"}, "language: expected"),
        ({"ssid": 5}, "ssid: expected text"),
        ({"ssid": "x" * 33}, "a name of 32"),
    ],
)
def test_what_is_wrong_is_one_line_in_both_languages(board, provisioned, changes, why):
    error = submit(board, provisioned, **changes)
    assert why in error and "有误" in error
    assert kept(board) == []


def test_a_file_without_its_certificate_is_refused(board, provisioned):
    file = json.loads((provisioned / "kiosk.json").read_text())
    for ca in ("", "AAAA", "%%%", 5, "A" * 6000):
        assert "ca: expected" in submit(board, provisioned, file=json.dumps(file | {"ca": ca}))


def test_no_answer_of_the_board_ever_holds_a_secret(board, provisioned):
    file = json.loads((provisioned / "kiosk.json").read_text())
    secrets = (file["settings"]["password"], "hunter2hunter2", "short")
    heard = [submit(board, provisioned, password="short")]
    until(lambda: state(board)["state"] == "failed")
    heard.append(submit(board, provisioned, language="fr", password="hunter2hunter2"))
    heard += [httpx.get(url(board, path), timeout=20).text for path in ("/", "/state", "/settings")]
    heard += ["\n".join(board.console)]
    for text in heard:
        assert not any(secret in text for secret in secrets)
    # The board's own Wi-Fi is named on the console, its password is on the display alone.
    assert re.search(r"FeverGate-[0-9A-F]{4}, its password is on the display", heard[-1])
    assert sum(map(sum, board.display.rows())) > 300


def test_another_sites_page_cannot_set_up_the_board(board, provisioned):
    """A browser sends JSON of another origin only after asking, which is refused."""
    body = json.dumps({"file": (provisioned / "kiosk.json").read_text()})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = httpx.post(
            url(board, "/settings"), content=body, headers={"content-type": kind}, timeout=20
        )
        assert answer.status_code == 415
    assert httpx.request("OPTIONS", url(board, "/settings"), timeout=20).status_code == 405
    assert state(board)["state"] == "idle"


def raw(board, data, patience=3.0):
    """Send bytes, as they are, and read what comes."""
    with socket.create_connection(("127.0.0.1", port(board, "HTTP")), timeout=10) as line:
        line.settimeout(patience)
        try:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            return line.recv(4096)
        except OSError:
            return b""


def test_garbage_slowness_and_crowds_leave_the_page_as_it_is(board):
    chance = random.Random(4)
    for _ in range(60):
        raw(board, chance.randbytes(chance.randrange(1, 3000)))
    for request in (
        b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 20_000,
        b"POST /settings HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /settings HTTP/1.1\r\nContent-Length: -5\r\n\r\n{}",
        b"POST /settings HTTP/1.1\r\nContent-Length: many\r\n\r\n{}",
        b"POST /settings HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}",
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\n\r\n",
    ):
        assert not raw(board, request).startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text")
    slow = [socket.create_connection(("127.0.0.1", port(board, "HTTP"))) for _ in range(4)]
    time.sleep(0.3)
    for line in slow:
        line.sendall(b"GET / HT")
    until(lambda: answers(board))  # their time runs out
    for line in slow:
        line.close()
    assert board.boots == 1 and kept(board) == []


def question(name, kind=1):
    labels = b"".join(bytes((len(part),)) + part for part in name.encode().split(b"."))
    head = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack(">HH", kind, 1)


def test_every_name_is_the_boards_and_hostile_questions_are_not_answered(board):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        chance = random.Random(5)
        there = ("127.0.0.1", port(board, "DNS"))
        for _ in range(200):
            asker.sendto(
                chance.randbytes(chance.randrange(0, 600)), ("127.0.0.1", port(board, "DNS"))
            )
        asker.sendto(
            b"\0" * 4 + b"\0\1" + b"\0" * 6 + b"\x3f" * 40, ("127.0.0.1", port(board, "DNS"))
        )
        asker.sendto(question("connectivitycheck.gstatic.com"), there)
        while True:
            answer = asker.recv(1024)
            if answer[:2] == b"\x12\x34":
                break
    assert answer[2:4] == b"\x81\x80" and answer[-4:] == bytes((192, 168, 4, 1))


def test_the_firmware_uses_the_ports_that_phones_ask():
    text = (FIRMWARE / "kiosk" / "commissioning.py").read_text()
    assert "HTTP_PORT = 80\n" in text and "DNS_PORT = 53\n" in text
