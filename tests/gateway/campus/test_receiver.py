"""What the campus server answers to a delivery that it cannot take."""

import hashlib
from contextlib import closing

import pytest
from campus_site import Parts, delivery, fever
from msgspec.json import encode
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fevergate.campus.receiver import Receiver

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


def test_what_the_database_refuses_is_to_be_sent_again(parts, post):
    drop(parts, "items")
    answer = post(encode(delivery(fever(1))))
    assert answer.status_code == 503 and "try again" in answer.json()["error"]["reason"]


def test_a_refusal_that_cannot_be_noted_is_a_refusal_all_the_same(parts, post):
    drop(parts, "refusals")
    assert post(b"{").status_code == 400
