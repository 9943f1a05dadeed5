"""The private authority and its certificates: made, renewed, and sound after a power cut."""

import base64
import errno
import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store
from provision_helpers import make

from fevergate.crypto import pki
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision import steps


def test_the_brokers_certificate_is_small_signed_and_names_its_addresses(tmp_path):
    make(tmp_path / "a", broker_host="192.168.1.10")
    authority = pki.read_certificate(tmp_path / "a/ca.crt")
    broker = pki.read_certificate(tmp_path / "a/broker.crt")
    broker.verify_directly_issued_by(authority)
    # What OpenSSL's strict mode demands, which is Python's default from 3.13 on.
    key_id = broker.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert key_id.key_identifier
    assert isinstance(broker.public_key(), ec.EllipticCurvePublicKey)
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} >= {"fevergate-gateway", "192.168.1.10"}


def test_a_certificate_near_its_end_is_renewed_and_a_young_one_is_not(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    make(folder)
    first = pki.read_certificate(folder / "broker.crt")
    make(folder)
    assert pki.read_certificate(folder / "broker.crt") == first
    monkeypatch.setattr(pki, "RENEW_DAYS", pki.SERVER_DAYS)
    make(folder)
    assert pki.read_certificate(folder / "broker.crt") != first


YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)


def certificates_of(folder):
    return {path.name: pki.read_certificate(path) for path in folder.glob("*.crt")}


def test_no_certificate_begins_after_a_clock_that_was_never_set(tmp_path):
    make(tmp_path / "a", campus_server_url="https://campus.example:8443")
    certificates = certificates_of(tmp_path / "a")
    assert set(certificates) == {"ca.crt", "broker.crt", "web.crt", "campus.crt"}
    for certificate in certificates.values():
        assert certificate.not_valid_before_utc <= YEAR_2000
        assert b"\x17\x0d700101000000Z" in certificate.tbs_certificate_bytes  # a UTCTime
    assert 823 < pki.days_left(certificates["web.crt"]) <= 825
    assert 3648 < pki.days_left(certificates["ca.crt"]) <= 3650


@pytest.mark.parametrize("year", [1970, 2000, 2026])
def test_a_client_whose_clock_is_at_1970_or_2000_trusts_the_certificates(tmp_path, year):
    """Verified by the rules for browsers that python-cryptography implements."""
    make(tmp_path / "a")
    issued = certificates_of(tmp_path / "a")
    at = datetime(year, 1, 1) + timedelta(days=0 if year < 2026 else 360)
    policy = PolicyBuilder().store(Store([issued["ca.crt"]])).time(at)
    for name in ("broker.crt", "web.crt"):
        policy.build_server_verifier(x509.DNSName("fevergate-gateway")).verify(issued[name], [])


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A folder as earlier versions made it: its certificates are valid from yesterday."""
    with monkeypatch.context() as before:
        before.setattr(pki, "BEGINS", datetime.now(UTC) - timedelta(days=1))
        make(tmp_path / "a", campus_server_url="https://campus.example:8443", language="en")
    return tmp_path / "a"


@pytest.mark.parametrize("again", ["renew", "gateway"])
def test_a_campus_in_use_gets_certificates_that_begin_early_from_the_same_key(old, again):
    before, password = certificates_of(old), (old / "kiosks/north-1/settings.json").read_bytes()
    assert all(certificate.not_valid_before_utc > YEAR_2000 for certificate in before.values())
    if again == "renew":
        lines = list(steps.renew(old, [], everything=False))
        assert lines[0] == "renewed: ca.crt, broker.crt, web.crt, campus.crt"
        assert "same key: boards keep their line" in lines[1]
    else:
        make(old, gates={"north": ["north-1"]}, campus_server_url="https://campus.example:8443")
    after = certificates_of(old)
    for certificate in after.values():
        assert certificate.not_valid_before_utc <= YEAR_2000
        certificate.verify_directly_issued_by(
            before["ca.crt"]
        )  # kiosks that have the old certificate trust it
    new, authority = after["ca.crt"], before["ca.crt"]
    assert new.subject == authority.subject and new.public_key() == authority.public_key()
    assert new.not_valid_after_utc == authority.not_valid_after_utc
    der = pki.authority_der(old)
    for kiosk in ("north-1", "north-2", "south-1"):
        assert (old / "kiosks" / kiosk / "ca.der").read_bytes() == der
        document = json.loads((old / "kiosks" / kiosk / "kiosk.json").read_text())
        assert base64.b64decode(document["ca"]) == der
    assert (old / "kiosks/north-1/settings.json").read_bytes() == password
    assert list(steps.renew(old, [], everything=False)) == ["no certificate is near its end"]


def test_a_renewal_that_was_cut_off_is_finished_by_the_next(old):
    assert pki.renew_authority(old)  # then the power fails
    list(steps.renew(old, [], everything=False))
    assert (old / "kiosks/south-1/ca.der").read_bytes() == pki.authority_der(old)


def test_a_key_whose_certificate_could_not_be_written_gets_one_later(tmp_path, monkeypatch):
    """Otherwise the broker never starts again, and no later run sees why."""
    make(tmp_path / "a")

    def full(path, _data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as disk:
        disk.setattr(pki, "write_public", full)
        with pytest.raises(OSError, match=r"broker\.crt"):
            make(tmp_path / "a", broker_host="192.168.1.10")
        with pytest.raises(OSError, match=r"web\.crt"):
            pki.renew_server(tmp_path / "a", "web", everything=True)
    make(tmp_path / "a")
    for name in ("broker", "web"):
        key = pki._read_key(tmp_path / "a" / f"{name}.key")
        assert key.public_key() == pki.read_certificate(tmp_path / "a" / f"{name}.crt").public_key()


def test_an_authority_with_another_key_is_not_renewed(old):
    shutil.copy(old / "web.key", old / "ca.key")
    with pytest.raises(ProvisionError, match="do not belong together"):
        list(steps.renew(old, [], everything=False))


def test_an_authority_with_half_its_files_is_reported_and_not_replaced(tmp_path):
    make(tmp_path / "a")
    (tmp_path / "a/ca.key").unlink()
    with pytest.raises(ProvisionError, match=r"belong together, ca\.key is missing"):
        make(tmp_path / "a")


def test_an_authority_whose_certificate_was_not_written_keeps_its_key(tmp_path):
    pki.ensure_authority(tmp_path, "East")
    key = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.crt").unlink()
    assert pki.ensure_authority(tmp_path, "East")
    assert (tmp_path / "ca.key").read_bytes() == key
    public = pki.read_certificate(tmp_path / "ca.crt").public_key()
    assert public == pki._read_key(tmp_path / "ca.key").public_key()


def test_an_authority_near_its_end_is_announced_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pki, "AUTHORITY_DAYS", 700)
    make(tmp_path / "a", language="en")
    assert "the authority ends in 69" in list(steps.renew(tmp_path / "a", [], everything=False))[-1]


def test_renew_refuses_an_unknown_name(tmp_path):
    make(tmp_path / "a")
    with pytest.raises(
        NothingFoundError, match="'north-9': expected one of admin, gateway, north-1"
    ):
        list(steps.renew(tmp_path / "a", ["north-9"], everything=False))
