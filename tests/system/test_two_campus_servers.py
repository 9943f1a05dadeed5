"""Two campus servers on one PostgreSQL send each message once; each works on if the other dies."""

import json
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from bench_suite.campus import campuses
from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.protocol.campus_messages import FeverEvent, GatewayDay, KioskCount
from harness.campus import CampusSite

TOLD_S = 240


class Told(ThreadingHTTPServer):
    """The webhook of the person on duty; keeps the keys of the messages that came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def keys(self, kind: str) -> list[str]:
        return [key for key in self.came if key.startswith(kind)]

    def wait(self, kind: str, count: int) -> None:
        until = time.monotonic() + TOLD_S
        while len(self.keys(kind)) < count:
            assert time.monotonic() < until, self.came
            time.sleep(0.1)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert isinstance(self.server, Told)
        self.server.came.append(body["key"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_, **__) -> None:
        pass


@pytest.fixture
def told():
    told = Told()
    yield told
    told.shutdown()
    told.server_close()


MORE = """
[report]
draft_at = "00:00"
deadline = "23:59"
remind_before_min = 1439
[escalation]
fever_after_min = 1
[[contacts]]
name = "Chen Jing"
channel = "webhook"
address = "http://127.0.0.1:{port}/"
"""
"""Settings by which a reminder of yesterday's report is due at any time of day."""


def say(site, number, summary):
    """Send one gateway's summary to one server."""
    gates = {"gate": ["kiosk-1"]}
    sender = SummarySender(site.gateway_settings(f"campus-{number}", f"gw-{number}", gates))
    item = Item(summary.key, summary.revision, msgspec.json.encode(summary).decode())
    assert len(sender.send([item]).held) == 1
    sender.close()


def fever(site, number, seq):
    """Report to one server a fever that has waited five minutes for an acknowledgement."""
    at = time.time() - 300
    event = FeverEvent(
        kiosk="kiosk-1", gate="gate", boot=1, seq=seq, revision=1, at=at, raised_at=at, body_c=38.2
    )
    say(site, number, event)


def test_each_message_goes_out_once_and_one_server_goes_on_without_the_other(
    tmp_path, postgres, told
):
    more = MORE.format(port=told.server_port)
    one = CampusSite(tmp_path, campuses(), postgres.database(), more=more)
    two = one.beside()
    first, second = one.start(), two.start()
    try:
        yesterday = (datetime.now(one.settings.zone) - timedelta(days=1)).date().isoformat()
        count = KioskCount(kiosk="kiosk-1", gate="gate", normal=3, watched_minutes=60)
        say(one, 0, GatewayDay(date=yesterday, revision=1, kiosks=[count]))
        for seq in range(1, 6):
            fever((one, two)[seq % 2], seq % 4, seq)
        told.wait("fever/", 5)
        told.wait("remind/", 1)
        time.sleep(6)  # both servers look for due messages once more
        assert len(set(told.came)) == len(told.came)
        first.kill()
        fever(two, 0, 77)
        told.wait("fever/campus-0/kiosk-1/1/77", 1)
        assert len(set(told.came)) == len(told.came)
    finally:
        first.__exit__()
        second.__exit__()
