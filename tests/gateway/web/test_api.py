"""The API for programs answers as its document says, and gives nothing without the token's
scope."""

import json
from typing import Any

import pytest
import schemathesis
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from pages_site import DAY, FEVER, OURS, post
from samples import AT, health
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from fevergate.errors import BrokerError
from fevergate.storage.records import HealthArrived
from fevergate.texts.word_tables import SCOPES
from fevergate.web import kiosk_actions

API = "/api/v1"
NOT_HELD = [
    # No schema says that one day must be before another, or an outcome one of a list.
    positive_data_acceptance,
    # A wrong value may become an empty one in an address; wrong values are tried below.
    negative_data_rejection,
]


@pytest.fixture
def program(site, monkeypatch):
    """A program with every scope, at a gateway that reaches its broker."""
    monkeypatch.setattr(kiosk_actions, "publish_once", lambda *_, **__: None)
    monkeypatch.setattr(
        site.pages.live, "acknowledge", lambda gate, _: bool(site.pages.live.now(gate))
    )
    return site.program(*SCOPES)


@pytest.fixture
def schema(site, program):
    return schemathesis.openapi.from_asgi(
        f"{API}/openapi.json", site.pages.app, headers=dict(program.headers)
    )


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_asked_is_answered_as_the_document_says(schema, program, mode):
    count = 0
    for entry in schema.get_all_operations():
        operation = entry.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and not _takes_something(operation):
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
        )
        def ask(case):
            nonlocal count
            count += 1
            case.call_and_validate(
                headers={"Authorization": program.headers["Authorization"]},
                excluded_checks=NOT_HELD,
            )

        ask()
    assert count > 100


def _takes_something(operation):
    return operation.query or operation.path_parameters or operation.body


def test_the_document_is_one_of_openapi_and_names_every_operation(site, program):
    document = program.get(f"{API}/openapi.json").json()
    validate(document)
    routes = {
        (method, route.path)
        for route in site.pages.app.routes
        if route.path.startswith(API) and not route.path.endswith("openapi.json")
        for method in route.methods - {"HEAD"}
    }
    operations = {(m.upper(), path) for path, by in document["paths"].items() for m in by}
    assert operations == routes and len(operations) == 24


def test_a_token_opens_what_its_scopes_say_and_nothing_else(site, program):
    operations = program.get(f"{API}/openapi.json").json()["paths"]
    blanks = {"gate": "north", "kiosk": "north-1", "boot": 1, "seq": 2}
    blanks |= {"register": "visitors", "id": 1}
    for scope in SCOPES:
        client = site.program(scope)
        allowed = 0
        for path, by in operations.items():
            for method, operation in by.items():
                is_in_scope = operation["description"] == f"Scope: `{scope}`."
                answer = client.request(method, path.format(**blanks), json={})
                assert (answer.status_code != 403) == is_in_scope, (scope, method, path)
                allowed += is_in_scope
        assert allowed, scope


def test_nobody_without_a_token_gets_data(site):
    client = site.client()
    for secret in ("", "fg_wrong", "x" * 5000, "Bearer"):
        answer = client.get(f"{API}/log", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401 and "north-1" not in answer.text
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_may_look_but_changes_nothing_here(site, administrator, guard):
    assert administrator.get(f"{API}/log").status_code == 200
    assert guard.get(f"{API}/log").status_code == 403
    body = json.dumps({"by": "Mallory"})
    answer = administrator.post(f"{API}/gates/north/acknowledge", content=body, headers=OURS)
    assert answer.status_code == 403


def test_a_token_opens_no_page(site):
    client = site.program(*SCOPES)
    assert client.get("/admin/log").url.path == "/sign-in"


def test_the_log_is_the_pages_log_without_names(site, guard):
    post(guard, FEVER, action="close", clinical_c="38.0", outcome="clinic", person="王芳")
    answer = site.program("log").get(f"{API}/log?date={DAY}")
    document = answer.json()
    assert document["log"]["fevers"][0]["body_c"] == 38.4
    assert document["outcomes"] == {"north-1/1/2": "clinic"}
    assert "王芳" not in answer.text and "138" not in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("date=tomorrow", "date"),
        ("date=2026-02-30", "YYYY-MM-DD"),
        ("day=2026-11-23", "'day'"),
        ("date=2026-11-23&date=2026-11-22", "once"),
    ],
)
def test_an_invalid_query_is_answered_with_what_was_expected(site, query, said):
    answer = site.program("log").get(f"{API}/log?{query}")
    assert answer.status_code == 400 and said in answer.json()["detail"]


def test_a_clinic_says_what_became_of_a_fever(site):
    client = site.program("persons")
    body = {"clinical_c": 38.3, "clinical_site": "ear", "outcome": "clinic", "closed": True}
    answer = client.put(f"{API}{FEVER}/follow-up", json=body)
    assert answer.status_code == 200 and answer.json()["by"] == "token program"
    assert client.get(f"{API}{FEVER}").json()["follow_up"]["clinical_c"] == 38.3
    for fields, field in (
        ({"clinical_c": 50}, "clinical_c"),
        ({"outcome": "escaped"}, "outcome"),
        ({"outcome": "", "clinical_c": 38.3, "closed": True}, "outcome"),
        ({"surprise": 1}, "surprise"),
        ({"note": "x" * 1001}, "note"),
    ):
        answer = client.put(f"{API}{FEVER}/follow-up", json=fields)
        assert answer.status_code == 400 and field in answer.json()["detail"], fields
    answer = client.put(f"{API}{FEVER}/follow-up", json=body)
    assert answer.status_code == 409  # sent without a revision, but one exists
    correction = body | {"revision": 1}
    answer = client.put(f"{API}{FEVER}/follow-up", json=correction)
    assert answer.status_code == 400 and "reason" in answer.json()["detail"]  # it is closed
    correction["reason"] = "another thermometer"
    assert client.put(f"{API}{FEVER}/follow-up", json=correction).status_code == 200
    answer = client.put(f"{API}{FEVER}/follow-up", content=b"x" * 100_000)
    assert answer.status_code == 413
    entry = ("token program", "save follow-up", "north-1/1/2 reason: another thermometer")
    assert entry in site.audit()


def test_an_unreachable_broker_is_reported(site, monkeypatch):
    def fail(*_args, **_more):
        raise BrokerError("gone")

    monkeypatch.setattr(kiosk_actions, "publish_once", fail)
    client = site.program("actions", "acknowledge")
    assert client.post(f"{API}/kiosks/north-1/identify").status_code == 503
    answer = client.post(f"{API}/gates/north/acknowledge", json={"by": "Zhang"})
    assert answer.status_code == 503 and answer.json()["error"] == "line"


def resources(client) -> list[Any]:
    """The resources that a clinic is sent, checked by FHIR's own rules."""
    answer = client.get(f"{API}{FEVER}/fhir")
    assert answer.headers["content-type"].startswith("application/fhir+json")
    observations = [entry.resource for entry in Bundle.model_validate_json(answer.text).entry or []]
    assert all(isinstance(observation, Observation) for observation in observations)
    return observations


def test_a_fever_goes_to_a_clinic_as_fhir(site, guard):
    form = {"clinical_c": "38.2", "clinical_site": "ear", "person": "王芳", "phone": "138"}
    post(guard, FEVER, action="save", **form)
    client = site.program("persons")
    screening, clinical = resources(client)
    for resource, value, status in (
        (screening, 38.4, "preliminary"),
        (clinical, 38.2, "preliminary"),
    ):
        assert resource.status == status
        code = resource.code.coding[0]
        assert (code.system, code.code) == ("http://loinc.org", "8310-5")
        quantity = resource.valueQuantity
        assert float(quantity.value) == value and quantity.code == "Cel"
        assert (
            resource.contained[0].name[0].text == "王芳" and resource.subject.reference == "#person"
        )
    assert screening.effectiveDateTime.timestamp() == AT + 2
    post(guard, FEVER, action="close", outcome="clinic", **form)
    assert resources(client)[1].status == "final"
    assert ("token program", "take FHIR", "north-1/1/2") in site.audit()


def test_fhir_of_a_fever_that_nobody_followed_up_names_nobody(site):
    (only,) = resources(site.program("persons"))
    assert only.contained is None and only.subject.display == "not identified"


def test_kiosks_are_listed_with_their_health(site):
    site.gateway.commit([HealthArrived(health(scans=7, fw="1.0.0"), AT + 60, "north")])
    client = site.program("kiosks")
    kiosks = {kiosk["kiosk"]: kiosk for kiosk in client.get(f"{API}/kiosks").json()}
    assert kiosks["north-1"]["health"]["scans"] == 7 and kiosks["north-2"]["heard_at"] is None
    assert client.get(f"{API}/kiosks/north-1").json()["kiosk"]["gate"] == "north"
    assert client.get(f"{API}/kiosks/west-1").status_code == 404


def test_a_program_enters_corrects_and_ends_a_visit_and_the_audit_says_so(site, program):
    entries = f"{API}/registers/visitors/entries"
    visitor = {"name": "王小明", "phone": "13800000001", "whom": "Chen Jing", "celsius": 36.5}
    body = {"id": 17, "gate": "north", "fields": visitor}
    entry = program.post(entries, json=body).json()
    assert program.post(entries, json=body).json() == entry  # sent again
    assert (entry["id"], entry["revision"], entry["fields"]) == (17, 1, visitor)
    changed = body | {"revision": 1, "fields": visitor | {"unit": "送货"}}
    del changed["id"]
    assert program.put(f"{entries}/17", json=changed).json()["fields"]["unit"] == "送货"
    assert program.put(f"{entries}/17", json=changed).status_code == 409
    assert len(program.get(entries).json()["open"]) == 1
    assert program.post(f"{entries}/17/close", json={"revision": 2}).json()["closed_at"]
    answer = program.get(entries).json()
    assert (answer["count"], answer["open"]) == (1, [])
    refused = program.post(entries, json={"gate": "north", "fields": {"name": "x"}})
    assert refused.status_code == 400 and "phone" in refused.json()["detail"]
    audit = [detail for user, _, detail in site.audit() if user == "token program"]
    assert {"visitors 17", "visitors 17 unit"} <= set(audit)
    assert not [detail for detail in audit if "王小明" in detail]
    declared = {register["name"]: register for register in program.get(f"{API}/registers").json()}
    assert declared["duty"]["for"] == "administrators"
