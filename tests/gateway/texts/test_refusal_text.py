"""Why a delivery was refused, in the reader's language."""

import hashlib
import re

import msgspec
import pytest
from campus_site import Clock, counts, fever, over, settings, so_far
from starlette.testclient import TestClient

from fevergate.campus import delivery_bounds, new_kiosks
from fevergate.campus.app import CampusServer
from fevergate.campus.settings import Campus
from fevergate.protocol.campus_messages import Delivery, HourSummary
from fevergate.texts.refusal_text import REASONS, refused_because
from fevergate.texts.translations import translator

ZH = translator("zh")


def hour(at: float) -> HourSummary:
    return HourSummary(kiosk="north-1", gate="north", hour=int(at) // 3600 * 3600, revision=1)


def delivery(*items, campus="east", gateway="gw-east", **fields) -> Delivery:
    return Delivery(campus=campus, gateway=gateway, items=list(items), **fields)


NOW = Clock("2026-11-24 08:00")
BODIES = {
    "no JSON": b"{",
    "a field is missing": b"{}",
    "a type": b'{"campus": 1}',
    "a type of item": msgspec.json.encode(delivery(so_far())).replace(b'"day"', b'"week"', 1),
    "a name": msgspec.json.encode(delivery(so_far())).replace(b"north-1", b"North 1"),
    "a bound": msgspec.json.encode(delivery(so_far(normal=1))).replace(b":1", b":-1"),
    "another's gateway": delivery(gateway="gw-west"),
    "another's campus": delivery(campus="west"),
    "no date": delivery(over(day="2026-02-30")),
    "an hour of 1970": delivery(hour(NOW.at - 20 * 366 * 86_400)),
    "a day of 1970": delivery(over(day="1970-01-02")),
    "a day not over": delivery(over(day="2026-11-24")),
    "an hour to come": delivery(hour(NOW.at + 366 * 86_400)),
    "a day to come": delivery(so_far(day="2027-11-24")),
    "many fevers": delivery(fever(1), fever(2), fever(3)),
    "many rows": delivery(so_far("a"), so_far("b"), so_far("c"), over(counts())),
    "many kiosks": delivery(so_far("a"), so_far("b"), so_far("c")),
    "many kiosks with fevers": delivery(*(fever(1, kiosk=name) for name in "abc")),
    "much at once": delivery(so_far("a")),
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    token = hashlib.sha256(b"token").hexdigest()
    campuses = {"east": Campus(gateways=["gw-east"])}
    campus_server = CampusServer(
        settings(tmp_path, tokens={"gw-east": token}, campuses=campuses), NOW
    )
    monkeypatch.setattr(delivery_bounds, "MOST_FEVERS", 2)
    monkeypatch.setattr(delivery_bounds, "MOST_COUNTS", 3)
    monkeypatch.setattr(delivery_bounds, "MOST_KIOSKS", 2)
    monkeypatch.setattr(new_kiosks, "MOST_KIOSKS", 2)
    yield campus_server
    campus_server.close()


def test_each_reason_has_its_chinese_and_its_english_is_as_it_was(server):
    client = TestClient(server.app)
    reasons = {}
    for case, body in BODIES.items():
        if case == "much at once":
            server.store._new_rows.take = lambda *_: False
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        answer = client.post(
            "/v1/summaries", content=content, headers={"authorization": "Bearer token"}
        )
        assert answer.status_code >= 400, case
        reasons[case] = answer.json()["error"]["reason"]
    for case, reason in reasons.items():
        assert refused_because(reason, translator("en")) == reason, case
        chinese = refused_because(reason, ZH)
        assert re.match("[一-鿿]|gw-east|north-1|2026", chinese) and chinese != reason, (
            case,
            reason,
        )


def test_an_unknown_reason_stays_as_it_is():
    for text in ("", "another release's reason", "<script>\nalert(1)</script>"):
        assert refused_because(text, ZH) == text
    assert len(set(REASONS)) == len(REASONS)
