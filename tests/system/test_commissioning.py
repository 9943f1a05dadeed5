"""Setting up a new board by its own Wi-Fi and page; settings are tried before they are kept."""

import base64
import json
import random
import re
import socket
import struct
import time

import httpx
import pytest
import real_micropython
from commissioning_helpers import (
    OURS,
    SSID,
    WIFI_PASSWORD,
    NewBoard,
    gateway_that_answers,
    provisioned_site,
)
from cryptography.fernet import Fernet
from kiosk_helpers import ANSWER_S, FIRMWARE, closed_port, until

from kiosk import setup_code

CODE = "7KQM2XPA9BCDEFGHJKLM"
PATH = setup_code.path_of(CODE)


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory):
    return provisioned_site(tmp_path_factory.mktemp("provision") / "site")


@pytest.fixture(scope="module")
def file(provisioned):
    """The text of kiosk.json."""
    return (provisioned / "kiosk.json").read_text()


@pytest.fixture
def board(tmp_path):
    with NewBoard(tmp_path) as board:
        board.invite()
        yield board


def sealed(text, code=CODE):
    fernet = Fernet(base64.urlsafe_b64encode(setup_code.key_of(code)))
    return base64.urlsafe_b64decode(fernet.encrypt(text.encode()))


def test_the_page_is_in_both_languages_and_needs_nothing_from_elsewhere(board):
    page = board.get()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "设备设置" in page.text and "Set up this device" in page.text
    assert not re.findall(r"(?:src|href)=|https?://", page.text)
    assert len(page.content) < 8192
    assert board.state()["networks"] == ["campus", "library"]
    assert board.kept() == []


@pytest.mark.parametrize(
    "path", ["/generate_204", "/hotspot-detect.html", "/connecttest.txt", "/x"]
)
def test_a_phone_that_looks_for_the_internet_is_led_to_the_page(board, path):
    for headers in (OURS, {"Host": "captive.apple.com"}):
        answer = board.get(path, headers)
        assert answer.status_code == 302
        assert answer.headers["location"] == "http://192.168.4.1/"


def test_the_display_shows_a_wifi_code_for_cameras_with_a_new_password_each_time(board):
    name, password = board.wifi_code()
    assert re.fullmatch(r"FeverGate-[0-9A-F]{4}", name)
    assert re.fullmatch(r"[abcdefhjkmnprtuvwxy2346789]{14}", password)
    assert board.state()["wifi"] == name
    assert password not in board.get().text + board.get("/state").text + "\n".join(board.console)
    board.stop()
    board.invite()
    assert board.wifi_code()[1] != password


def test_the_glass_shows_the_address_and_the_name_besides(board):
    """In turn: the Wi-Fi code, then name and password, then the address, then the code again."""
    screens = []

    def turned():
        glass = board.display.to_text()
        if glass not in screens:
            screens.append(glass)
        return len(screens) >= 3 and glass == screens[0]

    board.wifi_code()
    until(turned)


def test_an_access_point_that_opens_before_it_is_protected_is_a_fault(tmp_path):
    """The simulator reports the fault; a real board would be an open network for a moment."""

    def opens_first(text):
        configures = "        point.config("
        assert configures in text
        return text.replace(configures, "        point.active(True)\n" + configures)

    with NewBoard(tmp_path, opens_first) as board:
        board.start()
        board.wait_console("an access point without a password is on the air", ANSWER_S)


def test_settings_are_kept_once_the_wifi_takes_the_board_and_it_starts_with_them(
    board, provisioned, file
):
    assert board.send(file) == ""
    assert "north-1" in board.until_state("saved")["text"]
    assert board.kept() == ["ca.der", "settings.json"]
    settings = board.settings()
    assert settings["wifi_password"] == WIFI_PASSWORD and settings["language"] == "en"
    original = json.loads((provisioned / "settings.json").read_text())
    changed = {name for name in original if settings[name] != original[name]}
    assert changed <= {"wifi_password", "language"}
    assert (board.flash_dir / "ca.der").read_bytes() == (provisioned / "ca.der").read_bytes()
    board.get("/state?seen")
    until(lambda: board.boots == 2)
    until(lambda: not board.answers())  # no page any more


def test_a_result_waits_for_a_phone_that_comes_back_and_not_for_ever(tmp_path, file):
    """Fetching the state is not enough: the board restarts early only if the page says that it has
    shown the result."""

    def soon(text):
        assert "SEEN_S = 300" in text
        return text.replace("SEEN_S = 300", "SEEN_S = 120")

    with NewBoard(tmp_path, soon) as board:
        board.invite()
        assert board.send(file) == ""
        board.until_state("saved")
        saved_at = len(board.console)
        assert board.state()["state"] == board.state()["state"] == "saved"
        assert board.boots == 1
        until(lambda: board.boots == 2)
        assert "the kiosk fell" not in "\n".join(board.console[saved_at:])


def test_the_glass_says_how_it_ended(board, file):
    invited = board.wifi_code()
    assert board.send(file, password="short") == ""
    board.until_state("wifi")
    failed_picture = board.display.to_text()
    assert board.wifi_code() == invited  # the code to join again is shown too
    assert board.send(file) == ""
    board.until_state("saved")
    until(lambda: board.display.to_text() not in (failed_picture, ""))
    picture = board.display.to_text()
    with board.world.lock:
        assert sum(map(sum, board.display.rows())) > 200
    assert picture != failed_picture


def test_a_wrong_wifi_password_is_reported_and_nothing_kept_unless_asked_for(board, file):
    assert board.send(file, password="short") == ""
    state = board.until_state("wifi")
    assert "Cannot join campus" in state["text"] and "连不上" in state["text"]
    assert state["given"] and state["anyway"] and state["ssid"] == "campus"
    assert board.kept() == []
    assert board.send(password="short", anyway=True) == ""  # the file is there already
    board.until_state("saved")
    assert board.kept() == ["ca.der", "settings.json"]


def test_a_setup_code_fetches_sealed_settings_from_the_gateway_and_they_are_kept(
    board, provisioned, file
):
    site = provisioned.parents[1]
    with gateway_that_answers(site, lambda _: (200, sealed(file))) as (port, paths):
        assert board.send(f"127.0.0.1:{port}/{CODE}", password="short") == ""
        assert board.until_state("wifi")["given"]
        assert paths == []  # no code is spent on a Wi-Fi that does not take the board
        assert board.send() == ""  # the code is there already
        board.until_state("saved")
        assert paths == [PATH]
    settings = board.settings()
    assert settings["password"] == json.loads(file)["settings"]["password"]
    assert (settings["wifi_ssid"], settings["wifi_password"]) == (SSID, WIFI_PASSWORD)
    assert (board.flash_dir / "ca.der").read_bytes() == (provisioned / "ca.der").read_bytes()


@real_micropython.needs("32bit")
def test_it_works_in_a_board_s_memory(tmp_path, provisioned, file):
    """32-bit words and no PSRAM; no module that only a measuring kiosk needs is loaded."""

    def tells(text):
        assert "import machine\n" in text and "        address = self._open()\n" in text
        return text.replace("import machine\n", "import machine, sys\n").replace(
            "        address = self._open()\n",
            "        address = self._open()\n        print('loaded', *sorted(sys.modules))\n",
        )

    with (
        NewBoard(tmp_path, tells, interpreter="32bit", heap="112K") as board,
        gateway_that_answers(provisioned.parents[1], lambda _: (200, sealed(file))) as (port, _),
    ):
        board.invite()
        board.wifi_code()
        assert board.send(f"127.0.0.1:{port}/{CODE}") == ""
        board.until_state("saved")
        assert "MemoryError" not in "\n".join(board.console)
        loaded = board.wait_console("loaded ", ANSWER_S).split()
    assert "kiosk.commissioning" in loaded
    assert not {"kiosk.app", "kiosk.scan", "kiosk.mqtt_link", "kiosk.outbox"} & set(loaded)


def foreign(file):
    return sealed(file, CODE[::-1])


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        (lambda _: (404, b"no such code"), "code", "used already"),
        (lambda file: (200, foreign(file)), "refused", "not sealed with it"),
        (lambda file: (200, sealed(file)[:-1]), "refused", "not sealed with it"),
        (lambda _: (200, b""), "refused", "not sealed with it"),
        (lambda _: (200, bytes(100_000)), "gateway", "does not answer"),
        (lambda _: (500, b""), "gateway", "does not answer"),
        (lambda _: (200, None), "gateway", "does not answer"),
        (lambda _: (200, sealed("[]")), "refused", "no kiosk.json"),
        (lambda _: (200, sealed("x" * 7000)), "refused", "not JSON"),
        (lambda _: (200, sealed('{"settings": {}, "ca": ""}')), "refused", "missing"),
    ],
)
def test_a_wrong_answer_of_the_gateway_is_reported_and_nothing_kept(
    board, provisioned, file, answer, state, text
):
    with gateway_that_answers(provisioned.parents[1], lambda _: answer(file)) as (port, _):
        assert board.send(f"127.0.0.1:{port}/{CODE}") == ""
        assert text in board.until_state("code", "refused", "gateway", "saved")["text"]
    assert board.state()["state"] == state and board.kept() == []


def test_an_absent_or_silent_gateway_is_reported(board, provisioned):
    assert board.send(f"127.0.0.1:{closed_port()}/{CODE}") == ""
    assert "does not answer" in board.until_state("gateway")["text"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert board.send(f"127.0.0.1:{silent.getsockname()[1]}/{CODE}") == ""
        board.wait_console("commissioning: fetching", ANSWER_S)
        assert board.state()["state"] == "busy"  # the page is served meanwhile
        board.until_state("gateway")
    assert board.kept() == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"given": ""}, "expected a setup code"),
        ({"given": "hello"}, "setup code: expected GATEWAY/"),
        ({"given": f"gateway:70000/{CODE}"}, "a port of 1 to 65535"),
        ({"given": f"gate way/{CODE}"}, "a host's name"),
        ({"given": f"gateway/{CODE}", "ssid": ""}, "Wi-Fi: expected a name"),
        ({"given": "{"}, "the file is not JSON"),
        ({"given": "{}"}, "no kiosk.json"),
        ({"given": 5}, "given: expected text"),
        ({"given": '{"settings": {}, "ca": ""}'}, "missing, expected str"),
        ({"language": "fr"}, "language: expected"),
        ({"ssid": 5}, "ssid: expected text"),
        ({"ssid": "x" * 33}, "a name of 32"),
        ({"ssid": "网" * 11}, "a name of 32"),
        ({"password": "x" * 65}, "a password of 64"),
    ],
)
def test_what_is_wrong_is_one_line_in_both_languages(board, file, changes, why):
    error = board.send(**{"given": file} | changes)
    assert why in error and "有误" in error
    assert board.kept() == []


def test_a_file_without_its_certificate_is_refused(board, file):
    for ca in ("", "AAAA", "%%%", 5, "A" * 6000):
        assert "ca: expected" in board.send(json.dumps(json.loads(file) | {"ca": ca}))


def test_no_answer_of_the_board_ever_holds_a_secret(board, provisioned, file):
    wifi_password = board.wifi_code()[1]
    secrets = (json.loads(file)["settings"]["password"], "hunter2hunter2", "shorty", CODE)
    secrets += (wifi_password, "7KQM")
    texts = [board.send(file, password="shorty")]
    board.until_state("wifi")
    texts.append(board.send(file, language="fr", password="hunter2hunter2"))
    texts.append(board.send(f"127.0.0.1:{closed_port()}/{CODE}", password="hunter2hunter2"))
    board.until_state("gateway")
    texts += [board.get(path).text for path in ("/", "/state", "/settings")]
    texts += ["\n".join(board.console)]
    for text in texts:
        assert not any(secret in text for secret in secrets)
    # The console names the board's own Wi-Fi; only the display shows its password.
    assert re.search(r"FeverGate-[0-9A-F]{4}, its password is on the display", texts[-1])


def test_another_sites_page_cannot_set_up_the_board(board, file):
    """A browser asks before it sends JSON to another origin, and the board refuses. The board also
    refuses requests for another host name, as from a page whose name now resolves to the board."""
    body = json.dumps({"given": file})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = httpx.post(
            board.url("/settings"),
            content=body,
            headers=OURS | {"content-type": kind},
            timeout=ANSWER_S,
        )
        assert answer.status_code == 415
    for name in ("shop.example", "192.168.4.10", "x192.168.4.1", ""):
        headers = {"Host": name, "content-type": "application/json"}
        answer = httpx.post(board.url("/settings"), content=body, headers=headers, timeout=ANSWER_S)
        assert answer.status_code == 421
        for path in ("/", "/state"):
            assert board.get(path, {"Host": name}).status_code == 302
    assert httpx.request("OPTIONS", board.url("/settings"), timeout=ANSWER_S).status_code == 405
    assert board.state()["state"] == "idle"


def raw(board, data, patience=3.0):
    """Send bytes unchanged, and return the first bytes of the answer, or none."""
    with socket.create_connection(("127.0.0.1", board.http), timeout=ANSWER_S) as line:
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
    host = b"Host: 192.168.4.1\r\n"
    for request in (
        b"GET / HTTP/1.1\r\n" + host + b"x: " + b"y" * 20_000,
        b"POST /settings HTTP/1.1\r\n" + host + b"Content-Length: 99999999\r\n\r\n",
        b"POST /settings HTTP/1.1\r\n" + host + b"Content-Length: -5\r\n\r\n{}",
        b"POST /settings HTTP/1.1\r\n" + host + b"Content-Length: many\r\n\r\n{}",
        b"POST /settings HTTP/1.1\r\n" + host + b"Content-Length: 9\r\n\r\n{}",
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\n\r\n",
    ):
        assert not raw(board, request).startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text")
    slow = [socket.create_connection(("127.0.0.1", board.http)) for _ in range(4)]
    time.sleep(0.3)
    for line in slow:
        line.sendall(b"GET / HT")
    until(board.answers)  # the slow connections time out
    for line in slow:
        line.close()
    assert board.boots == 1 and board.kept() == []


def question(name, number):
    labels = b"".join(bytes((len(part),)) + part for part in name.encode().split(b"."))
    head = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack(">HH", 1, 1)


def test_every_name_is_the_boards_and_hostile_questions_are_not_answered(board):
    """The good question is repeated until it is answered: a datagram may be lost among so many."""
    address = ("127.0.0.1", board.dns)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        chance = random.Random(5)
        for _ in range(200):
            asker.sendto(chance.randbytes(chance.randrange(0, 600)), address)
        asker.sendto(b"\0" * 4 + b"\0\1" + b"\0" * 6 + b"\x3f" * 40, address)
        answers = []

        def answered():
            asker.sendto(question("connectivitycheck.gstatic.com", 0x1234), address)
            try:
                while True:
                    answers.append(asker.recv(1024))
            except TimeoutError:
                return any(answer[:2] == b"\x12\x34" for answer in answers)

        until(answered)
    answer = next(answer for answer in answers if answer[:2] == b"\x12\x34")
    assert answer[2:4] == b"\x81\x80" and answer[-4:] == bytes((192, 168, 4, 1))


def test_the_firmware_uses_the_ports_that_phones_ask():
    text = (FIRMWARE / "kiosk" / "commissioning.py").read_text()
    assert "HTTP_PORT = 80\n" in text and "DNS_PORT = 53\n" in text
