"""The AsyncAPI document says the same as the message types, and is valid AsyncAPI 3."""

import json

import jsonschema
import msgspec
import pytest
import real_micropython
from samples import health, reading

from fevergate.protocol.asyncapi import KIOSK_KINDS, asyncapi_document
from fevergate.protocol.messages import MAX_PAYLOAD, Stored
from fevergate.protocol.topics import KIOSK_PUBLISHES, KIOSK_SUBSCRIBES

ROOT = real_micropython.ROOT
SCHEMA = ROOT / ".venv/node/node_modules/@asyncapi/specs/schemas/3.0.0.json"


KEPT = json.loads((ROOT / "gateway/asyncapi.json").read_text())


def test_the_file_is_what_the_types_say():
    assert asyncapi_document(KEPT) == KEPT, "run tools/make-asyncapi"
    assert f"at most {MAX_PAYLOAD} bytes" in KEPT["info"]["description"]


def test_every_topic_is_in_it():
    assert set(KIOSK_KINDS) == {*KIOSK_PUBLISHES, *KIOSK_SUBSCRIBES}
    addresses = {channel["address"] for channel in asyncapi_document(KEPT)["channels"].values()}
    assert (
        len(addresses) == len(KIOSK_KINDS) - 1 + 7
    )  # without the reserved topic; 7 of the gates and the gateway


def test_it_is_valid_asyncapi():
    assert SCHEMA.exists(), "tools/setup test brings it"
    schema = json.loads(SCHEMA.read_text())
    errors = jsonschema.Draft7Validator(schema).iter_errors(asyncapi_document(KEPT))
    assert [f"{list(error.path)}: {error.message[:100]}" for error in errors] == []


@pytest.mark.parametrize(
    ("name", "message", "wrong"),
    [
        ("Reading", reading(1, "fever"), {"verdict": "perhaps"}),
        ("Health", health(), {"state": "so so"}),
        ("Stored", Stored(boot=1, seq=9, gaps=((2, 3),)), {"gaps": [[1]]}),
    ],
)
def test_messages_fit_their_schemas(name, message, wrong):
    document = asyncapi_document(KEPT)
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    validator = jsonschema.Draft7Validator(schema)
    sent = json.loads(msgspec.json.encode(message))
    assert list(validator.iter_errors(sent)) == []
    assert list(validator.iter_errors(sent | wrong)) != []
