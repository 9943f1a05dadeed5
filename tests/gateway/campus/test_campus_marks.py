"""Gateways of a campus learn who was measured at the others, and nobody else learns it."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from campus_site import DAY, Parts, delivery, local, over
from sqlalchemy import select

from fevergate.campus.marks import MarkExchange, read_marked
from fevergate.campus.schema import items
from fevergate.campus.settings import Campus
from fevergate.campus.strikes import Register
from fevergate.protocol.campus_messages import MarkedDay, MarksElsewhere
from fevergate.protocol.person_set import packed, unpacked
from harness.campus import CampusHost, SimulatedClock

ON = "2026-09-01"
CAMPUSES = {
    "east": Campus(gateways=["gw-east", "gw-gate-b"]),
    "west": Campus(gateways=["gw-west"]),
}
OLD, NEW = "a" * 16, "0" * 16


def marked(measured=(), excused=(), day=DAY, revision=1) -> MarkedDay:
    return MarkedDay(
        date=day, revision=revision, measured=packed(measured), excused=packed(excused)
    )


class Marks:
    """A campus server's parts with two gateways at campus east."""

    def __init__(self, folder, database):
        self.parts = Parts(folder, database, campuses=CAMPUSES)
        self.exchange = MarkExchange(self.parts.database, self.parts.settings)

    def send(self, item, gateway="gw-east", campus="east", *, epoch="", token=NEW):
        whole = msgspec.structs.replace(
            delivery(item, campus=campus), gateway=gateway, present=epoch
        )
        return self.parts.store.keep(whole, token)

    def index(self, gateway="gw-east", token=NEW):
        return self.exchange.index("east", gateway, token, self.parts.now())

    def elsewhere(self, gateway, campus="east"):
        answer = self.exchange.elsewhere(campus, gateway, DAY)
        return unpacked(answer.measured), unpacked(answer.excused)

    def all(self, campus="east"):
        with self.parts.database.read() as connection:
            known = read_marked(connection, campus, DAY)
        return set(known.measured), set(known.excused)


@pytest.fixture
def marks(tmp_path, database_text):
    marks = Marks(tmp_path, database_text)
    yield marks
    marks.parts.close()


def test_who_was_measured_at_one_gate_is_known_at_the_other(marks):
    marks.send(marked({1, 2}, {9}))
    marks.send(marked({9}), "gw-gate-b")
    assert marks.elsewhere("gw-gate-b") == ({1, 2}, {9})
    assert marks.elsewhere("gw-east") == ({9}, set())
    assert marks.all() == ({1, 2, 9}, set()), "who was measured needs no excuse"


def test_another_campus_neither_learns_nor_changes_who_was_measured(marks):
    marks.send(marked({1}))
    marks.send(marked({5}), "gw-west", "west")
    assert marks.all() == ({1}, set()) and marks.all("west") == ({5}, set())
    assert marks.elsewhere("gw-west", "west") == (set(), set())


def test_what_a_gateway_says_last_prevails_and_a_mark_is_taken_back(marks):
    marks.send(marked({1, 2}, revision=1))
    marks.send(marked({1}, revision=2))
    marks.send(marked({1, 2}, revision=1))  # the first once more, late
    assert marks.all() == ({1}, set())


def test_a_gateway_that_was_restored_is_heard_although_its_revisions_begin_anew(marks):
    marks.send(marked({1, 2}, revision=40), epoch="ca4d")
    marks.send(marked({1}, revision=3), epoch="f00d")
    assert marks.all() == ({1}, set())


def test_a_gateway_asks_what_is_held_of_it_and_its_new_token_holds_nothing_yet(marks):
    day = marked({1, 2}, {3}, revision=7)
    marks.send(day, token=OLD)
    (held,) = marks.index(token=OLD).mine.values()
    assert (held.revision, held.digest) == (7, day.digest)
    assert marks.index(token=NEW).mine == {}
    marks.send(marked({1}, revision=1), token=NEW)
    assert marks.all() == ({1}, set())


def test_what_others_marked_has_another_tag_after_each_change(marks):
    assert marks.index().elsewhere == {}
    tags = []
    for number, persons in enumerate(({1}, {1, 2}, {2})):
        marks.send(marked(persons, revision=number + 1), "gw-gate-b")
        tags.append(marks.index().elsewhere[DAY])
        assert marks.exchange.elsewhere("east", "gw-east", DAY).tag == tags[-1]
    assert len(set(tags)) == 3
    marks.send(marked({7}))
    assert marks.index().elsewhere[DAY] == tags[-1], "one's own marks are no news"


def test_marks_by_a_stolen_token_are_struck_with_its_other_rows(marks):
    marks.send(marked({1, 2, 3}), token=OLD)
    register = Register(
        marks.parts.database, marks.parts.settings, marks.parts.now, by="李伟", reason="stolen"
    )
    number = register.strike("gw-east", OLD[:4], None, local(f"{DAY} 07:00")).id
    assert marks.all() == (set(), set()) and marks.elsewhere("gw-gate-b") == (set(), set())
    assert marks.parts.reports.changed(9, DAY) == [DAY]
    register.take_back(number)
    assert marks.all() == ({1, 2, 3}, set())


def test_after_thirty_days_nobody_knows_who_was_there_and_counts_stay(marks):
    marks.send(marked({1, 2}))
    marks.send(over())
    marks.parts.store.forget_persons(local(f"{DAY} 00:00"))
    assert marks.all() == ({1, 2}, set())
    marks.parts.store.forget_persons(local(f"{DAY} 00:01"))
    assert marks.all() == (set(), set())
    with marks.parts.database.read() as connection:
        assert connection.execute(select(items.c.kind)).scalars().all() == ["gateway_day"]


def test_only_days_whose_marks_are_kept_are_asked_for(marks):
    for day in ("2026-10-24", "2026-10-25", "2026-10-26"):
        marks.send(marked({1}, day=day))
    index = marks.index()
    assert index.since == "2026-10-26" and list(index.mine) == ["2026-10-26"]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    clock = SimulatedClock(DAY, ZoneInfo("Asia/Shanghai"))
    clock.set(DAY, "09:00")
    campuses = {name: campus.gateways for name, campus in CAMPUSES.items()}
    with CampusHost(tmp_path_factory.mktemp("campus"), campuses, clock) as host:
        yield host


def post(host, gateway, campus, item):
    with host.client() as client:
        return client.post(
            "/v1/summaries",
            content=msgspec.json.encode(
                msgspec.structs.replace(delivery(item, campus=campus), gateway=gateway)
            ),
            headers=bearer(host, gateway),
        )


def bearer(host, gateway):
    return {"Authorization": f"Bearer {(host.folder / f'{gateway}.token').read_text()}"}


def test_a_gateway_asks_by_its_token_and_gets_its_own_campus(host):
    assert post(host, "gw-gate-b", "east", marked({4})).status_code == 200
    with host.client() as client:
        index = client.get("/v1/marks", headers=bearer(host, "gw-east")).json()
        assert list(index["elsewhere"]) == [DAY] and index["mine"] == {}
        of_day = client.get(f"/v1/marks/{DAY}", headers=bearer(host, "gw-east")).content
        assert unpacked(msgspec.json.decode(of_day, type=MarksElsewhere).measured) == {4}
        other = client.get("/v1/marks", headers=bearer(host, "gw-west")).json()
        assert other["elsewhere"] == {}
        for path in ("/v1/marks", f"/v1/marks/{DAY}"):
            answer = client.get(path, headers={"Authorization": "Bearer guessed"})
            assert answer.status_code == 401
            assert answer.json()["error"]["field"] == "authorization"
        wrong = client.get("/v1/marks/yesterday", headers=bearer(host, "gw-east"))
        assert wrong.status_code == 422 and wrong.json()["error"]["field"] == "date"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ((b'"campus":"west"', b'"campus":"east"'), 403, "$.campus"),
        ((b'"measured":"EA=="', b'"measured":"?"'), 422, "$.items[0].measured"),
        (
            (b'"measured":"EA=="', b'"measured":"' + b"A" * 60_000 + b'"'),
            422,
            "$.items[0].measured",
        ),
        ((b'"date":"2026-11-23"', b'"date":"2026-11-25"'), 422, "$.items[0].date"),
        ((b'"date":"2026-11-23"', b'"date":"2026-02-30"'), 422, "$.items[0].date"),
    ],
    ids=["another campus", "no bitmap", "too large", "a day to come", "no day"],
)
def test_a_hostile_gateway_marks_nobody(host, change, status, field):
    body = msgspec.json.encode(delivery(marked({4}), campus="west"))
    assert change[0] in body
    with host.client() as client:
        answer = client.post(
            "/v1/summaries", content=body.replace(*change), headers=bearer(host, "gw-west")
        )
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
        assert client.get("/v1/marks", headers=bearer(host, "gw-west")).json()["mine"] == {}
