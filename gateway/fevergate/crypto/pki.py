"""The private certificate authority of one campus, its server certificates, and the update key.

TLS uses ECDSA P-256, which is small enough for a handshake on an ESP32. The authority's key never
leaves the folder in which `provision` created it.
"""

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
"""notBefore of every certificate: earlier than any clock that was never set.

An ESP32's clock starts at 2000-01-01, and mbedTLS refuses a certificate that "starts in the
future", the authority's included (x509_crt.c, `x509_crt_verify_chain`); a machine without a clock
chip may start at 1970. RFC 5280 (4.1.2.5) encodes the years 1950 to 2049 as UTCTime; Firefox
(mozpkix, TimeChoice) and rustls read no date before 1970.
An early notBefore costs nothing, since security rests on notAfter. Apple limits a server
certificate to 825 days if its notBefore is after 2019-07-01 (support.apple.com/103769); Chrome and
Firefox limit only certificates of public authorities.
"""

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
"""Days for which the authority's certificate and a server's certificate are valid once created."""

RENEW_DAYS = 90
"""A certificate with fewer days left is renewed."""

UPDATE_KEY = "update.key"
UPDATE_KEY_BITS = 3072


def now() -> datetime.datetime:
    """The present time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def read_certificate(path: Path) -> x509.Certificate:
    """Read a PEM certificate. Raises `ProvisionError` naming the file."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ProvisionError(f"{path}: expected a PEM certificate: {error}") from error


def days_left(certificate: x509.Certificate) -> float:
    """Days until a certificate expires; negative once it has."""
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
    """Create `ca.key` and `ca.crt` unless they exist; returns whether they were created.

    If only the key exists, because the disk was full, its certificate is created. Raises
    `ProvisionError` if only the certificate exists.
    """
    key_path, path = folder / "ca.key", folder / "ca.crt"
    if path.exists():
        if not key_path.exists():
            raise ProvisionError(f"{folder}: ca.crt and ca.key belong together, ca.key is missing")
        return False
    if key_path.exists():
        key = _read_key(key_path)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(key_path, _key_pem(key))
    _write_authority(path, key, _name(f"FeverGate {campus}"), _in_days(AUTHORITY_DAYS))
    return True


def renew_authority(folder: Path) -> bool:
    """Replace a `ca.crt` whose notBefore is later than `BEGINS`; returns whether it was replaced.

    Name, key and notAfter stay the same, so that clients which trust the old certificate also
    accept server certificates signed from now on. Only a board whose clock was never set needs the
    new `ca.crt`.
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
    """Create or renew `name.key` and `name.crt` of a server; returns whether they were written.

    `hosts` are the DNS names and IP addresses by which clients reach the server. A certificate is
    renewed if it has `RENEW_DAYS` or fewer left, if its notBefore is later than `BEGINS`, if it
    lacks one of `hosts`, or if it does not belong to the key, because only the key was written.
    """
    path, key = folder / f"{name}.crt", folder / f"{name}.key"
    if path.exists() and key.exists():
        old = read_certificate(path)
        if not _is_due(old, key) and set(hosts) <= set(_hosts_of(old)):
            return False
    _make_server(folder, name, hosts)
    return True


def renew_server(folder: Path, name: str, *, everything: bool = False) -> bool:
    """Renew a server's certificate for the same hosts; returns whether it was renewed.

    Without `everything`, it is renewed only if it is about to expire, if its notBefore is later
    than `BEGINS`, or if it does not belong to the key, because only the key was written.
    """
    old = read_certificate(folder / f"{name}.crt")
    if not (_is_due(old, folder / f"{name}.key") or everything):
        return False
    _make_server(folder, name, _hosts_of(old))
    return True


def _is_due(certificate: x509.Certificate, key: Path) -> bool:
    if days_left(certificate) <= RENEW_DAYS or _begins_late(certificate):
        return True
    try:
        private_key = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False  # a person has removed the key or replaced it by one that we cannot read
    return private_key.public_key() != certificate.public_key()


def _make_server(folder: Path, name: str, hosts: list[str]) -> None:
    """Write a new key and its certificate."""
    authority = read_certificate(folder / "ca.crt")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(hosts[0]), key.public_key(), _in_days(SERVER_DAYS))
        .issuer_name(authority.subject)
        .add_extension(
            # Required by strict verifiers, such as Python 3.13's (RFC 5280, 4.2.1.1).
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
    """Return the authority's certificate in DER, the format that a board loads."""
    return read_certificate(folder / "ca.crt").public_bytes(serialization.Encoding.DER)


def ensure_update_key(folder: Path) -> bool:
    """Create the key that signs firmware updates, unless it exists; returns whether it was created.

    RSA, because MicroPython has long integers and no other public-key arithmetic.
    """
    path = folder / UPDATE_KEY
    if path.exists():
        return False
    key = rsa.generate_private_key(public_exponent=65537, key_size=UPDATE_KEY_BITS)
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_private(path, key.private_bytes(encoding, private, serialization.NoEncryption()))
    return True


def read_update_key(path: Path) -> rsa.RSAPrivateKey:
    """Read the key that `ensure_update_key` creates. Raises `ProvisionError` if there is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ProvisionError(f"{path}: expected the key that updates are signed with") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ProvisionError(f"{path}: expected an RSA key")
    return key


def update_modulus(folder: Path) -> str:
    """Return the update key's public modulus in base64, with which a kiosk checks the signature of
    an update."""
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
