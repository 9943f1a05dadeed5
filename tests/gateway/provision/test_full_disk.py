"""`fevergate provision` on a disk that becomes full half way, and again once there is room."""

import os
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fevergate import cli
from fevergate.crypto import pki
from fevergate.mosquitto import broker_files
from fevergate.provision.files import kiosk_names, users_of
from fevergate.settings.gateway import load_gateway

PAGE = 4096
GATEWAY = (
    *("--campus", "east", "--gateway", "gw-east", "--gate", "north=north-1,north-2"),
    *("--campus-server", "https://campus.example:8443", "--collect"),
)
CAMPUS = ("--url", "https://campus.example:8443", "--gateways", "east=gw-east,gw-2")


class Card:
    """A small file system of its own; `room` fills all of it but a number of pages."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={256 * PAGE}", "tmpfs", folder]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("mounting a file system needs root")

    def room(self, pages):
        free = os.statvfs(self.folder)
        (self.folder / "filler").write_bytes(bytes((free.f_bavail - pages) * PAGE))

    def make_room(self):
        (self.folder / "filler").unlink()

    def close(self):
        subprocess.run(["umount", "--lazy", self.folder], check=True)


@pytest.fixture
def card(tmp_path):
    card = Card(tmp_path / "card")
    yield card
    card.close()


@pytest.fixture
def provision(monkeypatch, capsys):
    """A function that runs the command; it returns the exit code and the text on standard error."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=pki.UPDATE_KEY_BITS)
    monkeypatch.setattr(pki.rsa, "generate_private_key", lambda **_: key)  # a new one takes seconds

    def run(role, folder, *options):
        monkeypatch.setattr(sys, "argv", ["fevergate", "provision", role, str(folder), *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().err

    return run


def is_whole(folder):
    """Keys fit their certificates, and every user and kiosk has a password at the broker."""
    for certificate in folder.glob("*.crt"):
        key = serialization.load_pem_private_key(certificate.with_suffix(".key").read_bytes(), None)
        cert = x509.load_pem_x509_certificate(certificate.read_bytes())
        assert key.public_key() == cert.public_key(), certificate
    assert not list(folder.rglob("*.new*"))
    if (folder / "gateway.toml").exists():
        load_gateway(folder / "gateway.toml")
        lines = (folder / "broker.passwords").read_text().splitlines()
        names = {line.partition(":")[0] for line in lines if ":$7$" in line}
        assert names >= {*users_of(folder), *kiosk_names(folder)}


@pytest.mark.parametrize(("what", "options"), [("gateway", GATEWAY), ("campus", CAMPUS)])
def test_a_disk_that_is_full_half_way_leaves_nothing_that_the_next_run_takes_for_whole(
    tmp_path, provision, what, options
):
    pages, message = 0, ""
    while pages < 100:
        card = Card(tmp_path / str(pages))
        try:
            card.room(pages)
            code, message = provision(what, card.folder / "made", *options)
            if code == 0:
                break
            assert code == 2 and message.count("\n") == 1 and "make room" in message, message
            assert message.startswith(f"fevergate: {card.folder}/made"), message
            assert not list(card.folder.rglob("*.new*"))
            card.make_room()
            assert provision(what, card.folder / "made", *options) == (0, "")
            is_whole(card.folder / "made")
        finally:
            card.close()
        pages += 1
    assert 5 < pages < 100


def test_mosquittos_tool_on_a_full_disk_leaves_no_password_in_the_clear(card):
    """Otherwise the tool's own copy would stay, and other users might read it."""
    passwords = {f"kiosk-{number}": "secret" * 6 for number in range(90)}
    card.room(2)
    with pytest.raises(OSError, match="No space left") as full:
        broker_files.write_passwords(card.folder / "broker.passwords", passwords)
    assert full.value.filename == str(card.folder / "broker.passwords")
    card.make_room()
    assert list(card.folder.iterdir()) == []
    broker_files.write_passwords(card.folder / "broker.passwords", passwords)
    assert (card.folder / "broker.passwords").read_text().count(":$7$") == 90
