"""Each contact is told once, whichever server sends; the record says who was told, and when."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notice_helpers import Clock, WebServer, campus_settings, contact, reply
from samples import AT
from sqlalchemy import URL, make_url

from fevergate.campus.account_store import AccountStore
from fevergate.campus.database import CampusDatabase
from fevergate.notices.channels import channels
from fevergate.notices.notice import Notice, masked, scrubbed
from fevergate.web_common.notice_log import FIRST_WAIT_S, GIVE_UP_S, HOLD_S, MOST_WAIT_S, Notices
from fevergate.web_common.notice_sender import Sender

SUBJECT = ("题", "Subject")
BODY = ("文", "Body")

ONE_SERVER = """
import sys
from sqlalchemy import make_url
sys.path[:0] = sys.argv[2:]
from notice_helpers import campus_settings
from samples import AT
from fevergate.notices.channels import channels
from fevergate.campus.account_store import AccountStore
from fevergate.campus.database import CampusDatabase
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.notice_sender import Sender

store = AccountStore(CampusDatabase(make_url(sys.argv[1])), lambda: AT + 1)
notices = Notices(store, campus_settings())
sender = Sender(notices, channels(campus_settings()))
print("ready", flush=True)
sys.stdin.readline()
while notices.due(1):
    sender.tick()
"""


class Servers:
    """Several servers on one database, with one clock."""

    def __init__(self, database: CampusDatabase, *contacts) -> None:
        self.database = database
        self.clock = Clock()
        self.settings = campus_settings(*(contacts or [contact()]))
        self.a, self.b = self.another(), self.another()

    def another(self, **fields) -> Notices:
        return Notices(AccountStore(self.database, self.clock), self.settings)

    def post(self, key="remind/2026-11-22") -> int:
        return self.a.post(key, "report", "", SUBJECT, BODY)

    def claimed(self) -> Notice:
        (due,) = self.a.due(10)
        claim = self.a.take(due)
        assert claim
        return claim


@pytest.fixture
def servers(campus_database):
    return Servers(campus_database)


def test_each_contact_concerned_has_one_row_in_their_language(campus_database):
    notices = Servers(
        campus_database,
        contact("Chen", language="en"),
        contact("Li", "email"),
        contact("Zhou", kinds=["report"]),
        contact("Wu", campuses=["west"]),
        contact("Sun", campuses=["east"], kinds=["fever"]),
    ).a
    assert notices.post("fever/1", "fever", "east", SUBJECT, BODY) == 3
    assert {(t.contact, t.channel, t.subject, t.body) for t in notices.recent()} == {
        ("Chen", "webhook", "Subject", "Body"),
        ("Li", "email", "题", "文"),
        ("Sun", "webhook", "题", "文"),
    }


def test_a_notice_about_all_campuses_also_goes_to_contacts_of_one_campus(campus_database):
    servers = Servers(campus_database, contact("Wu", campuses=["west"]))
    assert servers.post() == 1


def test_two_addresses_of_one_name_are_both_told(campus_database):
    contacts = [contact("Chen", "email", address=f"{n}@example.edu.cn") for n in ("a", "b")]
    servers = Servers(campus_database, *contacts)
    assert (servers.post(), servers.post()) == (2, 0)
    assert {t.address for t in servers.a.recent()} == {"a@example.edu.cn", "b@example.edu.cn"}


def test_a_notice_that_several_servers_post_at_once_exists_once(campus_database):
    servers = Servers(campus_database, contact("Chen"), contact("Li"))
    with ThreadPoolExecutor(8) as pool:
        counts = list(
            pool.map(lambda _: servers.another().post("k", "fever", "", SUBJECT, BODY), "x" * 16)
        )
    assert sum(counts) == 2 and len(servers.a.recent()) == 2
    assert servers.b.told(["k", "other"]) == {"k"}


def test_only_one_of_many_servers_gets_the_claim_on_a_notice(campus_database):
    servers = Servers(campus_database)
    servers.post()
    (due,) = servers.a.due(1)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: servers.another().take(due), "x" * 16))
    assert len([claim for claim in claims if claim]) == 1
    assert servers.a.due(1) == []


def test_a_server_that_died_with_a_claim_loses_it_and_another_sends(servers):
    servers.post()
    servers.claimed()
    servers.clock.at += HOLD_S - 1
    assert servers.b.due(1) == []
    servers.clock.at += 1
    (due,) = servers.b.due(1)
    claim = servers.b.take(due)
    servers.b.sent(claim)
    (notice,) = servers.b.recent()
    assert (notice.attempts, notice.sent_at, notice.next_at) == (2, servers.clock.at, None)
    assert [failure.reason for failure in notice.failures] == ["no word of whoever claimed it"]


def test_a_server_without_the_claim_cannot_report_failure_but_can_report_success(servers):
    servers.post()
    slow = servers.claimed()
    servers.clock.at += HOLD_S
    claim = servers.b.take(servers.b.due(1)[0])
    servers.a.failed(slow, "too late")
    assert servers.a.due(1) == []  # the other server's claim stays in force
    servers.a.sent(slow)
    servers.b.failed(claim, "mail server away")
    (notice,) = servers.a.recent()
    assert notice.sent_at == servers.clock.at
    servers.clock.at += GIVE_UP_S
    assert servers.a.due(1) == []


def test_a_failure_is_tried_again_ever_later_and_given_up_with_every_reason_kept(servers):
    servers.post()
    waits, tries = [], 0
    while True:
        claim = servers.claimed()
        tries += 1
        servers.a.failed(claim, f"421 away {tries}")
        (notice,) = servers.a.recent()
        if notice.given_up_at:
            break
        waits.append(notice.next_at - servers.clock.at)
        servers.clock.at = notice.next_at - 0.1
        assert servers.b.due(1) == []
        servers.clock.at = notice.next_at
    for number, wait_s in enumerate(waits):
        plain = min(MOST_WAIT_S, FIRST_WAIT_S * 2**number)
        assert 0.75 * plain <= wait_s <= 1.25 * plain
    assert len(set(waits[-5:])) > 1  # waits differ, so that the servers do not all try at once
    assert [failure.reason for failure in notice.failures] == [
        f"421 away {n + 1}" for n in range(tries)
    ]
    assert notice.given_up_at - notice.made_at >= GIVE_UP_S and notice.next_at is None
    servers.clock.at += 10 * GIVE_UP_S
    assert servers.a.due(1) == [] and 10 < tries < 30


def test_a_notice_on_which_every_server_crashes_is_given_up(servers):
    servers.post()
    claims = 0
    while servers.a.due(1):
        claims += servers.a.take(servers.a.due(1)[0]) is not None
        servers.clock.at += HOLD_S
    (notice,) = servers.a.recent()
    assert notice.given_up_at and claims == GIVE_UP_S / HOLD_S


def test_a_notice_that_was_never_tried_is_tried_however_late(servers):
    servers.post()
    servers.clock.at += 2 * GIVE_UP_S
    servers.a.sent(servers.claimed())
    assert servers.a.recent()[0].sent_at == servers.clock.at


def test_a_contact_who_left_the_settings_is_still_told_what_was_recorded(servers):
    servers.post()
    notices = Notices(AccountStore(servers.database, servers.clock), campus_settings())
    (due,) = notices.due(1)
    assert due.address == contact().address and notices.take(due)
    assert notices.post("later", "report", "", SUBJECT, BODY) == 0


def test_a_clock_that_was_set_back_holds_nothing_up(servers):
    servers.clock.at += 365 * 86400
    servers.post()
    servers.clock.at = AT
    assert servers.claimed()
    assert servers.b.due(1) == []


def test_an_address_that_cannot_be_reached_does_not_hide_the_others(campus_database):
    servers = Servers(
        campus_database, contact("Away", kinds=["fever"]), contact("Li", kinds=["report"])
    )
    for number in range(30):
        servers.a.post(f"fever/{number}", "fever", "east", SUBJECT, BODY)
        servers.clock.at += 1
    servers.post()
    assert sorted(due.contact for due in servers.a.due(3)) == ["Away"] * 3 + ["Li"]


def test_a_flood_at_one_campus_holds_up_neither_anothers_fever_nor_a_silence(campus_database):
    notices = Servers(campus_database, contact("Li"), contact("Chen")).a
    for number in range(30):
        notices.post(f"fever/east/{number}", "fever", "east", SUBJECT, BODY)
    notices.post("fever/west/1", "fever", "west", SUBJECT, BODY)
    notices.post("silent/east", "silent", "east", SUBJECT, BODY)
    first = notices.due(4)
    assert [due.key for due in first if due.contact == "Li"] == [
        "fever/east/0",
        "fever/west/1",
        "silent/east",
        "fever/east/1",
    ]
    assert {due.contact for due in first[:2]} == {"Li", "Chen"}


def test_a_flood_of_one_kiosk_holds_up_no_neighbours_fever(campus_database):
    notices = Servers(campus_database, contact("Li")).a
    flood = [f"fever/east/north-1/7/{number}" for number in range(1, 31)]
    neighbours = ["fever/east/north-2/1/1", "fever/east/north-12/7/1"]
    for key in (*flood, *neighbours, "fever/west/north-1/7/1"):
        notices.post(key, "fever", key.split("/")[1], SUBJECT, BODY)
    assert [due.key for due in notices.due(5)] == [
        flood[0],
        "fever/west/north-1/7/1",
        *neighbours,
        flood[1],
    ]


def test_the_record_shows_no_secret(campus_database):
    secret = "https://robot:hunter22@example.edu.cn/send/T0pSecret?key=abcd-efgh"
    servers = Servers(campus_database, contact(address=secret))
    servers.post()
    claim = servers.claimed()
    servers.a.failed(claim, f"no such key\nabcd-efgh at {secret}")
    (notice,) = servers.a.recent()
    text = f"{notice!r} {claim!r}"
    assert notice.address == "https://example.edu.cn/…"
    assert not any(part in text for part in ("hunter22", "T0pSecret", "abcd-efgh", "\\n"))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="/?#&=+;%"), min_size=4).filter(
        lambda text: text not in "https://example.cn/…" and "…" not in text
    ),
    st.text(),
)
def test_a_secret_url_that_the_far_side_repeats_in_its_error_is_not_recorded(secret, around):
    address = f"https://example.cn/{quote(secret)}?key={quote(secret)}"
    error = f"{around}{secret}{around}{quote(secret)}{around}{address}"
    record = scrubbed(error, address)
    assert address not in record and masked(address) == "https://example.cn/…"
    if secret not in around and quote(secret) not in around:
        joined = f"{around}…{around}…"
        assert secret not in record or secret in joined


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["take", "die", "sent", "failed", "wait", "post"]), max_size=40))
def test_whatever_happens_to_the_servers_nothing_is_lost_and_nothing_sent_by_two(
    tmp_path_factory, steps
):
    database = CampusDatabase(
        URL.create("sqlite", database=str(tmp_path_factory.mktemp("notices") / "campus.db"))
    )
    servers = Servers(database)
    posted, sent, in_force = 0, set(), []
    for step in steps:
        if step == "post":
            posted += servers.post(f"remind/{posted}")
        elif step == "wait":
            servers.clock.at += HOLD_S
            in_force.clear()  # claims last for `HOLD_S` and have expired
        elif step == "take":
            claims = [servers.a.take(due) for due in servers.a.due(1)]
            assert not {claim.id for claim in claims if claim} & (sent | {c.id for c in in_force})
            in_force += [claim for claim in claims if claim]
        elif in_force:
            claim = in_force.pop()
            if step == "sent":
                servers.a.sent(claim)
                sent.add(claim.id)
            elif step == "failed":
                servers.b.failed(claim, "no")
    for _ in range(100):
        servers.clock.at += MOST_WAIT_S
        for due in servers.b.due(100):
            if claim := servers.b.take(due):
                servers.b.sent(claim)
    notices = servers.a.recent(1000)
    assert len(notices) == posted and all(t.sent_at or t.given_up_at for t in notices)
    database.close()


def fifty(database: CampusDatabase, web: WebServer) -> Servers:
    servers = Servers(database, contact(address=f"{web.url}/hook"))
    for number in range(50):
        servers.post(f"remind/{number:02}")
    servers.clock.at += 1
    return servers


def test_two_senders_send_each_notice_once(campus_url):
    first, second = CampusDatabase(campus_url), CampusDatabase(campus_url)
    with WebServer() as web:
        servers = fifty(first, web)
        senders = [
            Sender(
                Notices(AccountStore(database, servers.clock), servers.settings),
                channels(servers.settings),
            )
            for database in (first, second)
        ]

        def drive(sender: Sender) -> int:
            return sum(sender.tick() for _ in range(5))

        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(drive, senders)) == 50
        assert sorted(web.keys()) == [f"remind/{number:02}" for number in range(50)]
        assert all(notice.sent_at and notice.attempts == 1 for notice in servers.a.recent())
    first.close()
    second.close()


def start_server(url: str) -> subprocess.Popen[str]:
    tests = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", ONE_SERVER, url, tests / "support", tests.parent / "tools"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout and child.stdout.readline() == "ready\n"
    return child


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin
    child.stdin.write("\n")
    child.stdin.flush()


def test_two_processes_on_one_postgresql_send_each_once(postgres):
    url = postgres.database()
    database = CampusDatabase(make_url(url))
    with WebServer() as web:
        fifty(database, web)
        children = [start_server(url) for _ in range(2)]
        for child in children:
            go(child)
        for child in children:
            child.communicate(timeout=60)
            assert child.returncode == 0
        assert sorted(web.keys()) == [f"remind/{number:02}" for number in range(50)]
    database.close()


def test_when_a_server_is_killed_while_it_sends_the_other_goes_on(postgres):
    url = postgres.database()
    database = CampusDatabase(make_url(url))
    tenth, killed = threading.Event(), threading.Event()
    keys: list[str] = []

    def answer(to):
        key = web.posted[-1][1]["key"]
        if len(web.posted) == 10:
            tenth.set()
            killed.wait(60)
            return  # without an answer: the server that asked was killed
        keys.append(key)
        reply(to, 200, b"{}")

    with WebServer() as web:
        web.answer = answer
        servers = fifty(database, web)
        child = start_server(url)
        go(child)
        assert tenth.wait(60)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        killed.set()
        sender = Sender(servers.b, channels(servers.settings))
        while sender.tick():
            pass
        assert len(keys) == 49  # the killed server still has the claim on one notice
        servers.clock.at += HOLD_S
        assert sender.tick() == 1
        assert sorted(keys) == [f"remind/{number:02}" for number in range(50)]
    database.close()
