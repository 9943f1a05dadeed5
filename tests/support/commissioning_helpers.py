"""A new board that is set up by phone, and what the phone and the gateway do."""

import http.server
import json
import shutil
import ssl
import threading
from contextlib import contextmanager
from typing import Self

import httpx
import numpy as np
import zxingcpp
from kiosk_helpers import ANSWER_S, FIRMWARE, SPEED, until

from fevergate.provision import provision
from harness.broker import free_port
from simulator import Board

OURS = {"Host": "192.168.4.1"}
SSID, WIFI_PASSWORD = "campus", "long enough"


class NewBoard(Board):
    """A board without settings. Its page and its name server use free ports instead of 80 and 53;
    `http` chooses the page's port."""

    def __init__(self, folder, change=lambda text: text, http=None, **options):
        source = folder / "firmware"
        shutil.copytree(FIRMWARE, source, ignore=shutil.ignore_patterns("__pycache__"))
        self.http, self.dns = http or free_port(), free_port()
        path = source / "kiosk" / "commissioning.py"
        text = path.read_text().replace("HTTP_PORT = 80\n", f"HTTP_PORT = {self.http}\n")
        path.write_text(change(text.replace("DNS_PORT = 53\n", f"DNS_PORT = {self.dns}\n")))
        super().__init__("north-1", folder / "flash", source, speed=SPEED, **options)
        self.flash({})

    def __enter__(self) -> Self:
        return self

    def invite(self):
        """Switch the board on and wait until it waits for a phone."""
        self.start()
        self.wait_console("commissioning: join the Wi-Fi FeverGate-", ANSWER_S)
        until(self.answers)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.http}{path}"

    def get(self, path="/", headers=OURS):
        return httpx.get(self.url(path), headers=headers, timeout=ANSWER_S)

    def answers(self):
        try:
            return self.get("/state").status_code == 200
        except httpx.TransportError:
            return False

    def state(self):
        return self.get("/state").json()

    def send(self, given="", **changes):
        """Send the settings as the page does; returns the error that the board answers."""
        values = {"given": given, "ssid": SSID, "password": WIFI_PASSWORD, "language": "en"}
        answer = httpx.post(
            self.url("/settings"),
            json=values | {"anyway": False} | changes,
            headers=OURS,
            timeout=ANSWER_S,
        )
        assert answer.status_code == 200
        return answer.json()["error"]

    def until_state(self, *names):
        until(lambda: self.state()["state"] in names)
        return self.state()

    def kept(self):
        names = (path.name for path in self.flash_dir.glob("*.*"))
        return sorted(name for name in names if name in ("ca.der", "settings.json"))

    def settings(self):
        return json.loads((self.flash_dir / "settings.json").read_text())

    def wifi_code(self):
        """(name, password) of the board's own Wi-Fi, as a camera reads them off its display."""
        read = []

        def seen():
            glass = np.array(self.display.rows(), np.uint8) * 255
            bezel = np.pad(np.kron(glass, np.ones((4, 4), np.uint8)), 40)
            read[:] = [code.text for code in zxingcpp.read_barcodes(bezel)]
            return read

        until(seen)
        kind, name, password = read[0].removesuffix(";;").removeprefix("WIFI:").split(";")
        assert kind == "T:WPA"
        return name.removeprefix("S:"), password.removeprefix("P:")


def provisioned_site(folder):
    provision(folder, campus="east", gateway="gw", gates={"north": ["north-1"]}, wifi_ssid=SSID)
    return folder / "kiosks" / "north-1"


@contextmanager
def gateway_that_answers(site, answer):
    """A stand-in for the gateway's pages that a board requests. `answer(path)` returns (status,
    body); with the body None, the Content-Length is no number. Yields the port and the list of
    requested paths."""
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "many" if body is None else str(len(body)))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format, *args):  # noqa: A002 - the base's name
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site / "web.crt", site / "web.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], paths
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
