"""A campus server that doubts its clock dates, signs and deletes nothing by it; each doubt ends."""

import hashlib

import pytest
from campus_site import DAY, Parts, after, fever, local, over
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fevergate.campus.account_store import AccountStore
from fevergate.campus.clock import CampusClock, confirm_clock
from fevergate.campus.escalation import Escalation
from fevergate.campus.receiver import Receiver
from fevergate.campus.report_versions import Reports
from fevergate.campus.scheduler import Scheduler
from fevergate.campus.summary_store import CampusStore
from fevergate.errors import ReportError
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.notice_sender import Sender

DAY_S = 86_400.0
RIGHT = local("2026-11-24 08:00")


class Server:
    """A campus server; the test sets its clock (`at`, Unix time in s) and its uptime (`up_s`)."""

    def __init__(self, folder):
        self.parts = Parts(folder)
        self.at, self.up_s, self.synchronised = RIGHT, 1000.0, False
        self.start()

    def start(self):
        parts = self.parts
        self.clock = CampusClock(
            parts.database,
            parts.settings,
            utc=lambda: self.at,
            monotonic=lambda: self.up_s,
            synchronised=lambda: self.synchronised,
        )
        judge = (self.clock.now, self.clock.believed)
        self.store = CampusStore(parts.database, parts.settings.zone, parts.vault, *judge)
        self.reports = Reports(parts.database, parts.settings, parts.vault, *judge)
        notices = Notices(AccountStore(parts.database, self.clock.now), parts.settings)
        escalation = Escalation(parts.database, parts.settings, notices, self.clock.now)
        sender = Sender(notices, {})
        self.clerk = Scheduler(
            *(parts.settings, self.store, self.reports, escalation, sender),
            self.clock.tick,
        )
        self.receiver = Receiver(parts.settings, self.store, self.clock.gateway_says)
        self.clerk.tick()

    def go(self, seconds, step_s=3600.0):
        """Let time go by."""
        end = self.up_s + seconds
        while self.up_s < end:
            self.up_s += step_s
            self.at += step_s
            self.clerk.tick()

    def post(self, *items, sent_at=None):
        """Deliver from campus east. `sent_at` is the time (Unix, s) of its gateway's clock; if it
        is None, both clocks agree."""
        self.parts.settings.tokens["gw-east"] = hashlib.sha256(b"secret").hexdigest()
        body = {"v": 1, "campus": "east", "gateway": "gw-east", "items": items}
        body["sent_at"] = self.at if sent_at is None else sent_at
        with TestClient(Starlette(routes=self.receiver.routes)) as client:
            headers = {"Authorization": "Bearer secret"}
            return client.post("/v1/summaries", json=body, headers=headers)

    def set(self, text):
        self.at = local(text)
        self.clerk.tick()

    def days(self):
        return self.reports.dated("1970-01-01", "2999-12-31")


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    server.parts.keep(over(), fever(), after(person="王芳", closed=True))
    server.clerk.tick()
    yield server
    server.parts.close()


@pytest.mark.parametrize("wrong_time", ["1970-01-02 08:00", "2030-03-01 08:00", "2026-01-01 08:00"])
@pytest.mark.parametrize("running", [True, False], ids=["set while it runs", "so at its start"])
def test_nothing_is_drafted_signed_or_forgotten_by_a_clock_that_is_wrong(
    server, wrong_time, running
):
    before = server.days()
    assert before == {DAY}
    if running:
        server.set(wrong_time)
    else:
        server.at = local(wrong_time)
        server.start()
    assert not server.clock.believed()
    server.go(6 * 3600)
    assert server.days() == before
    assert server.store.persons("east", "north-1/1/1")["person"] == "王芳"
    with pytest.raises(ReportError, match="clock"):
        server.reports.sign(DAY, 1, "李伟")
    server.synchronised = True
    server.up_s += 60
    server.set("2026-11-24 15:00")
    assert server.clock.believed()
    server.reports.sign(DAY, 1, "李伟")


def test_a_doubt_ends_by_a_persons_word(server):
    server.set("2027-03-01 08:00")
    assert not server.clock.believed()
    confirm_clock(server.parts.database)
    server.go(60, step_s=10)
    assert server.clock.believed() and server.clock.state().why == "confirmed"


def test_a_doubt_ends_when_gateways_have_agreed_for_three_hours(server):
    server.set("2027-03-01 08:00")
    for _ in range(19):
        assert server.post().status_code == 200
        server.go(600, step_s=600)
    assert server.clock.believed() and server.clock.state().why == "agreed"


def test_one_gateway_that_lies_is_not_the_majority(server):
    server.set("2027-03-01 08:00")
    for _ in range(24):
        server.clock.gateway_says("gw-east", server.at)
        server.clock.gateway_says("gw-west", RIGHT)
        server.go(600, step_s=600)
    assert not server.clock.believed()


def test_a_doubt_ends_by_itself_after_a_day_of_uptime_of_all_runs_together(server):
    server.set("2027-03-01 08:00")
    server.go(15 * 3600)
    server.start()
    assert not server.clock.believed()
    server.go(10 * 3600)
    assert server.clock.believed() and server.clock.state().why == "waited"


def test_what_came_while_the_clock_was_wrong_is_dated_right_afterwards(server):
    server.set("2029-03-01 08:00")
    server.parts.store = server.store
    server.parts.keep(fever(2))
    server.synchronised = True
    server.up_s += 60
    server.set("2026-11-24 09:00")
    (gateway,) = (gateway for gateway in server.store.heard() if gateway.gateway == "gw-east")
    assert abs(gateway.heard_at - server.clock.now()) < 2 * 3600


def test_a_server_at_1970_takes_a_day_that_its_gateway_states(server):
    server.at = local("1970-01-02 08:00")
    server.start()
    day = {"type": "gateway_day", "date": "2026-11-25", "revision": 1, "kiosks": []}
    assert server.post(day, sent_at=RIGHT).status_code == 200
