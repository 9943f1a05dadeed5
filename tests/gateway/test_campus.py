"""The campus server takes what validates, once, whatever is repeated or reordered."""

import signal
import time

import msgspec
import pytest
from campus_helpers import CampusProcess
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import AT

from fevergate.campus_store import CampusStore
from fevergate.summaries import Delivery, FeverEvent, HourSummary, Summary

HOUR = int(AT // 3600 * 3600)


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    campus = CampusProcess(tmp_path_factory.mktemp("campus") / "site")
    campus.start()
    yield campus
    campus.stop()


def hour(revision=1, kiosk="north-1", **counts) -> HourSummary:
    return HourSummary(kiosk=kiosk, gate="north", hour=HOUR, revision=revision, **counts)


def fever(seq=1, revision=1, **fields) -> FeverEvent:
    return FeverEvent(
        kiosk="north-1", gate="north", boot=1, seq=seq, revision=revision, at=AT, **fields
    )


def delivery(*items: Summary, gateway="gw-east") -> bytes:
    return msgspec.json.encode(Delivery(campus="east", gateway=gateway, items=list(items)))


def test_the_same_delivery_twice_counts_once(campus):
    body = delivery(hour(5, "twice", normal=3, fever=1))
    before = campus.received().readings
    for _ in range(2):
        assert campus.post(body).json() == {"v": 1, "held": [f"hour/twice/{HOUR}"]}
    assert campus.received().readings == before + 4


def test_an_older_revision_that_comes_late_changes_nothing(campus):
    campus.post(delivery(hour(9, "late", normal=8)))
    before = campus.received().readings
    assert campus.post(delivery(hour(2, "late", normal=1))).status_code == 200
    assert campus.received().readings == before


def test_a_kill_after_the_answer_loses_nothing(campus):
    assert campus.post(delivery(fever(77))).status_code == 200
    before = campus.received()
    campus.stop(signal.SIGKILL)
    campus.start()
    assert campus.received() == before


@pytest.mark.parametrize("token", ["wrong", "x" * 4000, "ä"])
def test_without_a_gateways_token_nothing_is_taken(campus, token):
    answer = campus.client.post(
        "/v1/summaries",
        content=delivery(hour()),
        headers={b"Authorization": b"Bearer " + token.encode()},
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["field"] == "authorization"


def test_a_token_speaks_for_its_own_gateway_alone(campus):
    answer = campus.post(delivery(hour(), gateway="gw-west"))
    assert answer.status_code == 403
    assert answer.json()["error"]["field"] == "$.gateway"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "$"),
        (b"\xff", 400, "$"),
        (b"{}", 422, "$"),
        (delivery(hour()).replace(b'"hour":', b'"hour":-'), 422, "$.items[0].hour"),
        (delivery(hour()).replace(b"north-1", b"North 1"), 422, "$.items[0].kiosk"),
        (delivery(hour()).replace(b'"type":"hour"', b'"type":"week"'), 422, "$.items[0].type"),
        (b" " * (1024 * 1024 + 1), 413, "$"),
    ],
)
def test_what_does_not_validate_is_refused_with_field_and_reason(campus, body, status, field):
    before = campus.received()
    answer = campus.post(body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert answer.json()["error"]["reason"]
    assert campus.received() == before


def test_the_page_and_its_json_need_a_credential_and_show_the_last_of_each_campus(campus):
    now = time.time() // 3600 * 3600
    today = msgspec.structs.replace(hour(99, "page-1", normal=7, fever=1), hour=now)
    campus.post(delivery(today))
    assert campus.client.get("/").status_code == 401
    assert campus.client.get("/", auth=("gw-west", campus.token)).status_code == 401
    page = campus.client.get("/?language=zh", auth=("gw-east", campus.token))
    assert "page-1" in page.text and "测温机" in page.text
    assert "Content-Security-Policy" in page.headers
    assert "Kiosk" in campus.client.get("/?language=en", auth=("gw-east", campus.token)).text
    (shown,) = campus.client.get("/v1/campuses", auth=("gw-east", campus.token)).json()
    kiosk = next(kiosk for kiosk in shown["kiosks"] if kiosk["kiosk"] == "page-1")
    assert (kiosk["normal"], kiosk["fever"]) == (7, 1)


def test_a_page_that_is_not_there_has_the_same_shape_of_error(campus):
    answer = campus.client.get("/nothing")
    assert answer.status_code == 404 and set(answer.json()["error"]) == {"field", "reason"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 9)), max_size=30))
def test_in_whatever_order_they_come_the_highest_revision_stays(tmp_path_factory, sent):
    store = CampusStore(tmp_path_factory.mktemp("store") / "campus.db")
    for kiosk, revision in sent:
        store.keep("east", "gw-east", [hour(revision, kiosk, normal=revision)])
    kept = dict(store.db.execute("select key, revision from items"))
    expected = {f"hour/{kiosk}/{HOUR}": max(r for k, r in sent if k == kiosk) for kiosk, _ in sent}
    assert kept == expected
    store.close()
