"""What the campus server answers to a delivery that it cannot take."""

import hashlib
from contextlib import closing

import msgspec
import pytest
from campus_site import Parts, delivery, fever, local, so_far
from msgspec.json import encode
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fevergate.campus import delivery_bounds
from fevergate.campus.receiver import Receiver
from fevergate.campus.schema import items

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def parts(tmp_path):
    tokens = {"gw-east": hashlib.sha256(b"secret").hexdigest()}
    with closing(Parts(tmp_path, tokens=tokens)) as parts:
        yield parts


@pytest.fixture
def post(parts):
    routes = Receiver(parts.settings, parts.store).routes
    with TestClient(Starlette(routes=routes)) as client:
        yield lambda body: client.post("/v1/summaries", content=body, headers=TOKEN)


def drop(parts, table):
    with parts.database.write() as connection:
        connection.execute(text(f"drop table {table}"))


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"campus": "\xff"}', b'{"more": ' + 100_000 * b"["],
    ids=["half of one", "not UTF-8", "nested without end"],
)
def test_a_delivery_that_is_no_json_is_refused_as_such(post, body):
    answer = post(body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "$")


def test_a_gateway_is_told_which_item_is_wrong_so_that_it_can_send_the_others(post):
    body = encode(delivery(fever(1), fever(2))).replace(b'"seq":2', b'"seq":-2')
    answer = post(body)
    assert (answer.status_code, answer.json()["error"]["items"]) == (422, [1])


@pytest.mark.parametrize("epoch", ["", "00000000000000e1"])
def test_what_is_beyond_a_bound_is_named_and_the_rest_can_be_sent(parts, post, monkeypatch, epoch):
    monkeypatch.setattr(delivery_bounds, "MOST_KIOSKS", 2)
    body = delivery(*(so_far(kiosk=kiosk) for kiosk in "abc"))
    answer = post(encode(msgspec.structs.replace(body, epoch=epoch)))
    error = answer.json()["error"]
    assert (answer.status_code, error["field"], error["items"]) == (422, "$.items[2]", [2])


def test_what_comes_too_fast_is_to_be_sent_later(parts, post, monkeypatch):
    monkeypatch.setattr(delivery_bounds, "NEW_ROWS_BURST", 1.0)
    answer = post(encode(delivery(fever(1), fever(2))))
    assert (answer.status_code, answer.json()["error"]["field"]) == (429, "$.items")


def test_a_fever_of_2031_is_taken_under_the_time_at_which_it_came(parts, post):
    misdated = msgspec.structs.replace(fever(1), at=local("2031-05-01 08:00"))
    assert post(encode(delivery(misdated))).status_code == 200
    assert parts.database.scalars(select(items.c.at)) == [parts.now()]


def test_what_the_database_refuses_is_to_be_sent_again(parts, post):
    drop(parts, "items")
    answer = post(encode(delivery(fever(1))))
    assert answer.status_code == 503 and "try again" in answer.json()["error"]["reason"]


def test_a_refusal_that_cannot_be_noted_is_a_refusal_all_the_same(parts, post):
    drop(parts, "refusals")
    assert post(b"{").status_code == 400
