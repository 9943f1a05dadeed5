"""The campus server takes each valid item once, however deliveries are repeated or reordered."""

import signal
from datetime import datetime, timedelta

import msgspec
import pytest
from campus_helpers import CampusProcess
from campus_site import DAY, over
from samples import AT

from fevergate.protocol.campus_messages import (
    DaySummary,
    Delivery,
    FeverEvent,
    HourSummary,
    Summary,
)

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


def test_what_was_refused_is_noted_for_whoever_looks(campus):
    campus.post(delivery(hour()).replace(b"north-1", b"North 1"))
    refusals = campus.refusals()
    assert ("gw-east", "$.items[0].kiosk") in refusals
    campus.post(delivery(hour(), gateway="gw-west"))
    assert ("gw-east", "$.gateway") in campus.refusals()


def test_a_day_that_is_still_to_come_is_not_over(campus):
    day = (datetime.now(campus.zone) + timedelta(days=1)).date().isoformat()
    answer = campus.post(delivery(over(day=day)))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["field"], error["items"]) == ("$.items[0].date", [0])
    assert "this day is not over yet" in error["reason"] and "expected" in error["reason"]
    assert campus.post(delivery(over(day="2026-02-30"))).status_code == 422
    assert campus.post(delivery(over())).status_code == 200


def test_a_clock_that_is_years_ahead_leaves_no_days_and_takes_no_real_one_along(campus):
    far_hour = msgspec.structs.replace(hour(normal=9), hour=HOUR + 5 * 366 * 86400)
    days = [
        DaySummary(date=date, kiosk="ahead", gate="north", revision=1, normal=9)
        for date in ("2031-05-01", "2019-05-01")
    ]
    real = hour(1, "real", normal=2)
    before = campus.received().readings
    answer = campus.post(delivery(real, far_hour, *days))
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (422, "$.items[1].hour")
    assert error["items"] == [1, 2, 3] and "look at the gateway's clock" in error["reason"]
    assert campus.post(delivery(real)).status_code == 200
    assert campus.received().readings == before + 2


def test_a_gateway_speaks_for_its_own_campus_alone(campus):
    body = delivery(hour()).replace(b'"campus":"east"', b'"campus":"west"')
    answer = campus.post(body)
    assert answer.status_code == 403 and answer.json()["error"]["field"] == "$.campus"


def test_nobody_sees_anything_without_signing_in(campus):
    for path in ("/", "/reports", f"/reports/{DAY}", f"/reports/{DAY}.pdf", "/status"):
        answer = campus.client.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    assert "Content-Security-Policy" in campus.client.get("/sign-in").headers
    assert campus.client.get("/v1/nothing").status_code == 404
