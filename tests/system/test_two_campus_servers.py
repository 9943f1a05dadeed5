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
        self.received: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def keys(self, kind: str) -> list[str]:
        return [key for key in self.received if key.startswith(kind)]

    def wait(self, kind: str, count: int) -> None:
        until = time.monotonic() + TOLD_S
        while len(self.keys(kind)) < count:
            assert time.monotonic() < until, self.received
            time.sleep(0.1)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert isinstance(self.server, Told)
        self.server.received.append(body["key"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_, **__) -> None:
        pass


@pytest.fixture
def webhook():
    webhook = Told()
    yield webhook
    webhook.shutdown()
    webhook.server_close()


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
    tmp_path, postgres, webhook
):
    more = MORE.format(port=webhook.server_port)
    site = CampusSite(tmp_path, campuses(), postgres.database(), more=more)
    second_site = site.beside()
    first, second = site.start(), second_site.start()
    try:
        yesterday = (datetime.now(site.settings.zone) - timedelta(days=1)).date().isoformat()
        count = KioskCount(kiosk="kiosk-1", gate="gate", normal=3, watched_minutes=60)
        say(site, 0, GatewayDay(date=yesterday, revision=1, kiosks=[count]))
        for seq in range(1, 6):
            fever((site, second_site)[seq % 2], seq % 4, seq)
        webhook.wait("fever/", 5)
        webhook.wait("remind/", 1)
        time.sleep(6)  # both servers look for due messages once more
        assert len(set(webhook.received)) == len(webhook.received)
        first.kill()
        fever(second_site, 0, 77)
        webhook.wait("fever/campus-0/kiosk-1/1/77", 1)
        assert len(set(webhook.received)) == len(webhook.received)
    finally:
        first.__exit__()
        second.__exit__()
