"""A campus server's own folder, and the one file that a gateway needs to know the server."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from fevergate.campus.settings import load_campus
from fevergate.cli import cli
from fevergate.crypto import pki
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.forwarding.http_sender import campus_context
from fevergate.settings.gateway import load_gateway
from fevergate.settings.settings_file import read_secret

URL = "https://campus.example.edu.cn:8443"


def fevergate(*arguments):
    done = CliRunner().invoke(cli, ["provision", *map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    fevergate("campus", folder, "--url", URL, "--gateways", "east=gw-east,gw-lab")
    return folder


def gateway(folder, server, name="gw-east"):
    file = server / "gateways" / f"{name}.json"
    return fevergate(
        *("gateway", folder, "--campus", "east", "--gateway", "gw-east"),
        *("--gate", "north=north-1", "--campus-server", file),
    )


def test_a_gateway_with_its_file_and_the_server_trust_each_other(server, tmp_path):
    gateway(tmp_path / "gw", server)
    settings = load_gateway(tmp_path / "gw/gateway.toml")
    assert settings.campus_server and settings.campus_server.url == URL
    assert campus_context(settings, settings.campus_server).cert_store_stats()["x509_ca"] == 1
    token = read_secret(tmp_path / "gw/campus.token")
    campus = load_campus(server / "campus.toml")
    assert campus.tokens["gw-east"] == hashlib.sha256(token.encode()).hexdigest()
    assert campus.campuses["east"].gateways == ["gw-east", "gw-lab"]
    assert token not in (server / "campus.toml").read_text()


def test_more_gateways_are_added_and_what_was_written_by_hand_stays(server):
    path = server / "campus.toml"
    path.write_text(path.read_text().replace('deadline = "09:00"', 'deadline = "08:30"  # ours'))
    before = load_campus(path).tokens
    fevergate("campus", server, "--url", URL, "--gateways", "west=gw-west")
    after = load_campus(path)
    assert after.report.deadline == "08:30" and "# ours" in path.read_text()
    assert set(after.tokens) == {*before, "gw-west"}
    assert {name: after.tokens[name] for name in before} == before
    assert list(after.campuses) == ["east", "west"]


def test_a_revoked_gateway_has_no_token_and_must_still_report(server):
    before = load_campus(server / "campus.toml").tokens
    output = fevergate("revoke", server, "gw-lab")
    assert "must still report" in output
    campus = load_campus(server / "campus.toml")
    assert campus.tokens["gw-lab"] != before["gw-lab"]
    assert campus.tokens["gw-east"] == before["gw-east"]
    assert campus.campuses["east"].gateways == ["gw-east", "gw-lab"]
    assert not (server / "gateways/gw-lab.json").exists()
    fevergate("campus", server, "--url", URL, "--gateways", "east=gw-lab")
    token = json.loads((server / "gateways/gw-lab.json").read_text())["token"]
    digest = load_campus(server / "campus.toml").tokens["gw-lab"]
    assert digest == hashlib.sha256(token.encode()).hexdigest() != before["gw-lab"]
    with pytest.raises(NothingFoundError, match="expected one of gw-east, gw-lab"):
        fevergate("revoke", server, "gw-far")


def test_another_gateways_file_is_refused(server, tmp_path):
    with pytest.raises(ProvisionError, match="made for gateway 'gw-lab', expected 'gw-east'"):
        gateway(tmp_path / "gw", server, "gw-lab")


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"gateway": 1}), "x" * 100_000])
def test_a_gateways_file_of_another_form_is_named(tmp_path, text):
    (tmp_path / "gateways").mkdir()
    (tmp_path / "gateways/gw-east.json").write_text(text)
    with pytest.raises(ProvisionError, match=r"gw-east\.json: expected gateways/NAME\.json"):
        gateway(tmp_path / "gw", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--url", "http://x", "--gateways", "east=gw"], "expected https"),
        (["--url", "https://x:99999", "--gateways", "east=gw"], "expected https"),
        (["--url", URL, "--gateways", "East=gw"], "campus 'East'"),
        (["--url", URL, "--gateways", "east=a", "--gateways", "west=a"], "is listed twice"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, arguments, says):
    with pytest.raises(ProvisionError, match=says):
        fevergate("campus", tmp_path / "server", *arguments)


def test_a_campus_servers_folder_is_renewed_with_the_same_key(tmp_path, monkeypatch):
    folder = tmp_path / "server"
    with monkeypatch.context() as before:
        before.setattr(pki, "BEGINS", datetime.now(UTC) - timedelta(days=1))
        fevergate("campus", folder, "--url", URL, "--gateways", "east=gw-east")
    old = pki.read_certificate(folder / "ca.crt")
    assert "renewed: ca.crt, campus.crt" in fevergate("renew", folder)
    new = pki.read_certificate(folder / "campus.crt")
    new.verify_directly_issued_by(old)
    assert new.not_valid_before_utc == pki.BEGINS
