"""The private certificate authority of one campus, and what it signs.

ECDSA P-256 for TLS: small enough for a handshake on a board. The authority's key never leaves
the folder in which `provision` made it.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fevergate.errors import ProvisionError
from fevergate.system.atomic_file import write_private as write_private
from fevergate.system.atomic_file import write_public as write_public

BEGINS = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
"""What every certificate is valid from: before any clock that was never set.

An ESP32's begins at 2000-01-01, and mbedTLS refuses what "starts in the future", the authority's
certificate included (x509_crt.c, `x509_crt_verify_chain`); a machine without a clock chip may begin
at 1970. RFC 5280 (4.1.2.5) writes the years 1950 to 2049 as UTCTime; Firefox (mozpkix, TimeChoice)
and rustls read none before 1970.
Nothing is lost by it: what a certificate must not outlive is its end. Apple limits a server's
certificate to 825 days where its notBefore is after 2019-07-01 (support.apple.com/103769); Chrome
and Firefox limit those of public authorities alone.
"""

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
"""From the day on which it is made."""

RENEW_DAYS = 90

UPDATE_KEY = "update.key"
UPDATE_KEY_BITS = 3072


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def read_certificate(path: Path) -> x509.Certificate:
    """Read a PEM certificate. Raises `ProvisionError` naming the file."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ProvisionError(f"{path}: expected a PEM certificate: {error}") from error


def days_left(certificate: x509.Certificate) -> float:
    """Days until it expires; negative when it has."""
    return (certificate.not_valid_after_utc - now()).total_seconds() / 86400


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ProvisionError(f"{path}: expected a private key in PEM: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ProvisionError(f"{path}: expected an elliptic curve key")
    return key


def _builder(
    name: x509.Name, public_key: ec.EllipticCurvePublicKey, ends: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def ensure_authority(folder: Path, campus: str) -> bool:
    """Make `ca.key` and `ca.crt` unless they are there; returns whether they were made."""
    key_path, path = folder / "ca.key", folder / "ca.crt"
    if path.exists() and key_path.exists():
        return False
    if path.exists() or key_path.exists():
        raise ProvisionError(f"{folder}: ca.crt and ca.key belong together, one is missing")
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(key_path, _key_pem(key))
    _write_authority(path, key, _name(f"FeverGate {campus}"), _in_days(AUTHORITY_DAYS))
    return True


def renew_authority(folder: Path) -> bool:
    """Make `ca.crt` anew where it begins too late; returns whether it was.

    Name, key and end stay: whoever trusts the old one takes what is signed from now on too, and is
    told of its end in time. Only a board whose clock was never set needs the new one.
    """
    path = folder / "ca.crt"
    old = read_certificate(path)
    if not _begins_late(old):
        return False
    key = _read_key(folder / "ca.key")
    if key.public_key() != old.public_key():
        raise ProvisionError(f"{folder}: ca.crt and ca.key do not belong together")
    _write_authority(path, key, old.subject, old.not_valid_after_utc)
    return True


def _write_authority(
    path: Path, key: ec.EllipticCurvePrivateKey, name: x509.Name, ends: datetime.datetime
) -> None:
    certificate = (
        _builder(name, key.public_key(), ends)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_public(path, certificate.public_bytes(serialization.Encoding.PEM))


def _in_days(days: int) -> datetime.datetime:
    return now() + datetime.timedelta(days=days)


def _begins_late(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc > BEGINS


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def ensure_server(folder: Path, name: str, hosts: list[str]) -> bool:
    """Make or renew `name.key` and `name.crt` for a server; returns whether they were made.

    `hosts` are the DNS names and IP addresses by which clients know it. Renewed when it has
    less than `RENEW_DAYS` left, begins too late, or lacks one of them.
    """
    path = folder / f"{name}.crt"
    if path.exists() and (folder / f"{name}.key").exists():
        old = read_certificate(path)
        if not _is_due(old) and set(hosts) <= set(_hosts_of(old)):
            return False
    _make_server(folder, name, hosts)
    return True


def renew_server(folder: Path, name: str, *, everything: bool = False) -> bool:
    """Renew a server's certificate for the hosts that it names, where less than `RENEW_DAYS` are
    left, it begins too late, or `everything` is to be; returns whether it was."""
    old = read_certificate(folder / f"{name}.crt")
    if not (_is_due(old) or everything):
        return False
    _make_server(folder, name, _hosts_of(old))
    return True


def _is_due(certificate: x509.Certificate) -> bool:
    return days_left(certificate) <= RENEW_DAYS or _begins_late(certificate)


def _make_server(folder: Path, name: str, hosts: list[str]) -> None:
    """A new key and its certificate."""
    authority = read_certificate(folder / "ca.crt")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(hosts[0]), key.public_key(), _in_days(SERVER_DAYS))
        .issuer_name(authority.subject)
        .add_extension(
            # Strict verifiers, such as Python's from 3.13 on, want it (RFC 5280, 4.2.1.1).
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        .sign(_read_key(folder / "ca.key"), hashes.SHA256())
    )
    write_private(folder / f"{name}.key", _key_pem(key))
    write_public(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))


def authority_der(folder: Path) -> bytes:
    """The authority's certificate as a board loads it."""
    return read_certificate(folder / "ca.crt").public_bytes(serialization.Encoding.DER)


def ensure_update_key(folder: Path) -> bool:
    """The key that updates of the kiosks are signed with; whether it was made just now.

    RSA: MicroPython has long integers and no other public-key arithmetic.
    """
    path = folder / UPDATE_KEY
    if path.exists():
        return False
    key = rsa.generate_private_key(public_exponent=65537, key_size=UPDATE_KEY_BITS)
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_private(path, key.private_bytes(encoding, private, serialization.NoEncryption()))
    return True


def read_update_key(path: Path) -> rsa.RSAPrivateKey:
    """The key of `ensure_update_key`. Raises `ProvisionError` where there is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ProvisionError(f"{path}: expected the key that updates are signed with") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ProvisionError(f"{path}: expected an RSA key")
    return key


def update_modulus(folder: Path) -> str:
    """The public part, base64, as a kiosk's settings hold it."""
    numbers = read_update_key(folder / UPDATE_KEY).public_key().public_numbers()
    return base64.b64encode(numbers.n.to_bytes(UPDATE_KEY_BITS // 8, "big")).decode()


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts_of(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]
