"""Gateways of a campus learn who was measured at its other gateways; nobody else does."""

import hashlib
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest
from campus_site import DAY, Parts, delivery, local, over
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fevergate.campus.mark_routes import MarkRoutes
from fevergate.campus.marks import MarkExchange
from fevergate.campus.people_routes import PeopleRoutes
from fevergate.campus.receiver import Receiver
from fevergate.campus.schema import items
from fevergate.campus.settings import Campus
from fevergate.campus.statements import CampusStatements
from fevergate.campus.strikes import TokenStrikeWriter
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.store import PeopleStore
from fevergate.protocol.campus_messages import MarkedDay, MarksElsewhere, RollDay
from fevergate.protocol.person_set import packed, unpacked
from harness.campus import CampusHost, SimulatedClock

ON = "2026-09-01"
CAMPUSES = {
    "east": Campus(gateways=["gw-east", "gw-gate-b"]),
    "west": Campus(gateways=["gw-west"]),
}
OLD, NEW = "a" * 16, "0" * 16


class Marks:
    """A campus server's parts with two gateways at campus east, and a list of people: persons 1 to
    9 are expected at campus east, 10 and 11 at campus west, 12 anywhere."""

    def __init__(self, folder, database):
        self.parts = Parts(folder, database, campuses=CAMPUSES)
        self.exchange = MarkExchange(
            self.parts.database, self.parts.settings, self.parts.vault, self.parts.now
        )
        store = PeopleStore(CampusStatements(self.parts.database, self.parts.now), self.parts.vault)
        PeopleChanges(store).replace(listed())
        state = store.state()
        assert state
        self.list_id = state.list

    def day(self, measured=(), excused=(), taken_back=(), *, day=DAY, revision=1, list_id=None):
        return MarkedDay(
            date=day,
            revision=revision,
            list_id=self.list_id if list_id is None else list_id,
            measured=packed(measured),
            excused=packed(excused),
            taken_back=packed(taken_back),
        )

    def send(self, item, gateway="gw-east", campus="east", *, token=NEW):
        body = msgspec.structs.replace(delivery(item, campus=campus), gateway=gateway)
        keys = self.parts.store.keep(body, token)
        self.exchange.apply({item.date})
        return keys

    def index(self, gateway="gw-east", token=NEW, since=""):
        return self.exchange.index("east", gateway, token, since)

    def elsewhere(self, gateway, campus="east"):
        answer = self.exchange.elsewhere(campus, gateway, date.fromisoformat(DAY))
        return unpacked(answer.measured), unpacked(answer.excused)

    def all(self, day=DAY):
        """Return the persons whom the server counts as measured, and those as excused."""
        rows = CampusStatements(self.parts.database, self.parts.now).query(
            "select person, kind from marks_elsewhere where day = ?", (day,)
        )
        kinds = ("measured", "excused")
        return tuple({person for person, of in rows if of == kind} for kind in kinds)


def listed():
    campuses = ["east"] * 9 + ["west"] * 2 + [""]
    return [
        ListEntry(number=f"2026{n:04}", name=f"student {n}", kind="student", campus=campus)
        for n, campus in enumerate(campuses, 1)
    ]


@pytest.fixture
def marks(tmp_path, database_text):
    marks = Marks(tmp_path, database_text)
    yield marks
    marks.parts.close()


def test_who_was_measured_at_one_gate_is_known_at_the_other(marks):
    marks.send(marks.day({1, 2}, {9}))
    marks.send(marks.day({9}), "gw-gate-b")
    assert marks.elsewhere("gw-gate-b") == ({1, 2}, {9})
    assert marks.elsewhere("gw-east") == ({9}, set())
    assert marks.all() == ({1, 2, 9}, set()), "who was measured needs no excuse"


def test_another_campus_neither_learns_nor_changes_who_was_measured(marks):
    marks.send(marks.day({1, 12}))
    marks.send(marks.day({1, 2, 3, 10}, {4}), "gw-west", "west")
    assert marks.all() == ({1, 10, 12}, set())
    assert marks.elsewhere("gw-gate-b") == ({1, 12}, set())
    assert marks.elsewhere("gw-west", "west") == ({12}, set()), "who is expected anywhere"


def test_a_number_that_is_on_no_list_counts_for_nobody(marks):
    marks.send(marks.day({1, 13, 4000}))
    assert marks.all() == ({1}, set())


def test_numbers_of_another_list_mean_nobody(marks):
    marks.send(marks.day({1, 2}, list_id="f00d"))
    assert marks.all() == (set(), set()) and marks.elsewhere("gw-gate-b") == (set(), set())
    marks.send(marks.day({1}, revision=2))
    assert marks.all() == ({1}, set())


def test_what_a_gateway_says_last_prevails_and_a_mark_is_taken_back(marks):
    marks.send(marks.day({1, 2}, {3}, revision=1))
    marks.send(marks.day({1}, {2}, {3}, revision=2))
    marks.send(marks.day({1, 2}, {3}, revision=1))  # a late repeat of the first message
    assert marks.all() == ({1}, {2})


def test_a_gateway_that_was_restored_forgets_nobody_and_learns_whom_it_forgot(marks):
    marks.send(marks.day({1, 2, 3}, {4}, revision=40))
    marks.send(marks.day({1, 5}, revision=41))
    assert marks.all() == ({1, 2, 3, 5}, {4})
    assert marks.elsewhere("gw-east") == ({2, 3}, {4})
    assert DAY in marks.index().elsewhere
    marks.send(marks.day({1, 4, 5}, (), {2}, revision=42))
    assert marks.all() == ({1, 3, 4, 5}, set())
    assert marks.elsewhere("gw-east") == ({3}, set())


def test_a_gateway_asks_what_is_held_of_it_and_its_new_token_holds_nothing_yet(marks):
    day = marks.day({1, 2}, {3}, revision=7)
    marks.send(day, token=OLD)
    ((key, held_day),) = marks.index(token=OLD).mine.items()
    assert (key, held_day.revision, held_day.digest) == (day.key, 7, day.digest)
    assert marks.index(token=NEW).mine == {}
    marks.send(marks.day({1}, revision=1), token=NEW)
    assert marks.all() == ({1}, set()), "what a token that is no longer in use said"


def test_what_others_marked_has_another_tag_after_each_change(marks):
    assert marks.index().elsewhere == {}
    tags = []
    for number, persons in enumerate(({1}, {1, 2}, {2})):
        marks.send(marks.day(persons, revision=number + 1), "gw-gate-b")
        tags.append(marks.index().elsewhere[DAY])
    assert len(set(tags)) == 3
    marks.send(marks.day({7}))
    assert marks.index().elsewhere[DAY] == tags[-1], "one's own marks are no news"


def test_marks_by_a_stolen_token_are_struck_with_its_other_rows(marks):
    marks.send(marks.day({1, 2, 3}), token=OLD)
    register = TokenStrikeWriter(
        marks.parts.database, marks.parts.settings, marks.parts.now, by="李伟", reason="stolen"
    )
    number = register.strike("gw-east", OLD[:4], None, local(f"{DAY} 07:00")).id
    assert marks.elsewhere("gw-gate-b") == (set(), set())
    assert marks.parts.reports.changed(9, DAY) == [DAY]
    marks.parts.reports.make(DAY)
    assert marks.all() == (set(), set())
    register.take_back(number)
    marks.parts.reports.make(DAY)
    assert marks.all() == ({1, 2, 3}, set())


def test_after_thirty_days_nobody_knows_who_was_there_and_counts_stay(marks):
    marks.send(marks.day({1, 2}))
    marks.send(over())
    marks.parts.store.forget_persons(local(f"{DAY} 00:00"))
    assert marks.elsewhere("gw-gate-b") == ({1, 2}, set())
    marks.parts.store.forget_persons(local(f"{DAY} 00:01"))
    assert marks.elsewhere("gw-gate-b") == (set(), set())
    with marks.parts.database.read() as connection:
        assert connection.execute(select(items.c.kind)).scalars().all() == ["gateway_day"]


def test_only_days_whose_marks_are_kept_are_asked_for(marks):
    for day in ("2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27"):
        marks.send(marks.day({1}, day=day))
    index = marks.index()
    keys = ["marked_day/2026-10-26", "marked_day/2026-10-27"]
    assert index.since == "2026-10-26" and list(index.mine) == keys
    assert list(marks.index(since="2026-10-27").mine) == keys[1:]


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
    store = PeopleStore(
        CampusStatements(host.server.database, host.clock), Vault(host.folder / KEY)
    )
    PeopleChanges(store).replace(listed())
    state = store.state()
    assert state
    day = MarkedDay(date=DAY, revision=1, list_id=state.list, measured=packed({4}))
    assert post(host, "gw-gate-b", "east", day).status_code == 200
    with host.client() as client:
        index = client.get("/v1/marks", headers=bearer(host, "gw-east")).json()
        assert list(index["elsewhere"]) == [DAY] and index["mine"] == {}
        of_day = client.get(f"/v1/marks/{DAY}", headers=bearer(host, "gw-east")).content
        assert unpacked(msgspec.json.decode(of_day, type=MarksElsewhere).measured) == {4}
        of_day = client.get(f"/v1/marks/{DAY}", headers=bearer(host, "gw-west")).content
        assert msgspec.json.decode(of_day, type=MarksElsewhere).measured == b""
        for path in ("/v1/marks", f"/v1/marks/{DAY}"):
            answer = client.get(path, headers={"Authorization": "Bearer guessed"})
            assert answer.status_code == 401
            assert answer.json()["error"]["field"] == "authorization"
        refusal = client.get("/v1/marks/yesterday", headers=bearer(host, "gw-east"))
        assert refusal.status_code == 422 and refusal.json()["error"]["field"] == "date"


@pytest.mark.parametrize("path", ["/v1/people", "/v1/marks", f"/v1/marks/{DAY}"])
def test_a_gateway_of_no_campus_is_told_nothing_of_people(tmp_path, path):
    token = "of a gateway that is in no campus"
    tokens = {"gw-x": hashlib.sha256(token.encode()).hexdigest()}
    parts = Parts(tmp_path, "campus.db", campuses=CAMPUSES, tokens=tokens)
    try:
        store = PeopleStore(CampusStatements(parts.database, parts.now), parts.vault)
        PeopleChanges(store).replace(listed())
        marks = MarkExchange(parts.database, parts.settings, parts.vault, parts.now)
        people = PeopleRoutes(parts.settings, store)
        app = Starlette(routes=[*people.routes, *MarkRoutes(parts.settings, marks).routes])
        answer = TestClient(app).get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 403, answer.text[:200]
        assert "gw-x is in no [campuses.NAME]" in answer.json()["error"]["reason"]
    finally:
        parts.close()


@pytest.mark.parametrize(
    "item",
    [
        MarkedDay(date=DAY, revision=1, list_id=OLD, measured=packed({4}), fevers=1),
        RollDay(date=DAY, revision=1, expected=1, measured=1, excused=0, unmeasured=0),
    ],
)
def test_a_gateway_of_no_campus_marks_nobody(tmp_path, item):
    token = "of a gateway that is in no campus"
    tokens = {"gw-x": hashlib.sha256(token.encode()).hexdigest()}
    parts = Parts(tmp_path, "campus.db", campuses=CAMPUSES, tokens=tokens)
    try:
        body = msgspec.structs.replace(delivery(item, campus="east"), gateway="gw-x")
        app = Starlette(routes=Receiver(parts.settings, parts.store).routes)
        answer = TestClient(app).post(
            "/v1/summaries",
            content=msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {token}"},
        )
        assert (answer.status_code, answer.json()["error"]["field"]) == (403, "$.items[0]")
        assert "gw-x is in no [campuses.NAME]" in answer.json()["error"]["reason"]
        assert not parts.database.rows(select(items))
    finally:
        parts.close()


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
    day = MarkedDay(date=DAY, revision=1, list_id="f00d", measured=packed({4}))
    body = msgspec.json.encode(delivery(day, campus="west"))
    assert change[0] in body
    with host.client() as client:
        answer = client.post(
            "/v1/summaries", content=body.replace(*change), headers=bearer(host, "gw-west")
        )
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
        assert client.get("/v1/marks", headers=bearer(host, "gw-west")).json()["mine"] == {}
