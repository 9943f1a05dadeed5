"""A bundle of files on flash is checked to the last byte, even if it is signed."""

import asyncio
import binascii
import hashlib
import os

from kiosk.errors import UpdateError
from kiosk.update_bundle import digest_of, empty, unpack
from kiosk.update_offer import check, header, parts

BOARDS = ["esp32-s3-n8r2", "esp32-wrover-e"]
SLOT = "slot-test"
FILE = "bundle-test"


def line(name, data, size=None, digest=None):
    digest = digest or binascii.hexlify(hashlib.sha256(data).digest()).decode()
    return ("%s %d %s\n" % (name, len(data) if size is None else size, digest)).encode() + data


def unpacked(body, version="1.2.3"):
    """Unpack a bundle; return the names in the slot, or the text of the error."""
    empty(SLOT)
    with open(FILE, "wb") as file:
        file.write(body)
    try:
        asyncio.run(unpack(FILE, SLOT, version, 6, BOARDS))
    except UpdateError as error:
        return str(error)
    return sorted(os.listdir(SLOT))


def test_the_files_of_a_bundle_are_in_the_slot():
    body = header("1.2.3", 6, BOARDS) + line("kiosk/app.mpy", b"one" * 900) + line("boot.txt", b"")
    assert unpacked(body) == ["boot.txt", "kiosk"]
    with open(SLOT + "/kiosk/app.mpy", "rb") as file:
        assert file.read() == b"one" * 900
    # The files of the earlier bundle are gone.
    assert unpacked(header("1.2.3", 6, BOARDS) + line("a.mpy", b"x")) == ["a.mpy"]


def test_a_bundle_of_another_version_or_of_none_is_refused():
    for head in (
        header("1.2.4", 6, BOARDS),
        header("1.2.3", 5, BOARDS),
        header("1.2.3", 6, BOARDS[:1]),
        b"PK\x03\x04",
        b"",
    ):
        assert unpacked(head + line("a.mpy", b"x")) == "not a bundle of 1.2.3"


def test_no_file_leaves_the_slot():
    for name in (
        "../a",
        "/a",
        "a//b",
        "a/../b",
        ".a",
        "a/.b",
        "a b",
        "a\\b",
        "x" * 65,
        "a/b/c/d/e",
    ):
        reason = unpacked(header("1.2.3", 6, BOARDS) + line(name, b"x"))
        assert isinstance(reason, str) and ("no path" in reason or "malformed" in reason), (
            name,
            reason,
        )
        assert os.listdir(SLOT) == []


def test_a_bundle_that_is_cut_malformed_too_long_or_altered_is_refused():
    head = header("1.2.3", 6, BOARDS)
    assert "ends too early" in unpacked(head + line("a", b"x", size=2))
    assert "does not hold" in unpacked(head + line("a", b"x", digest="0" * 64))
    assert "malformed line" in unpacked(head + b"a\n")
    assert "malformed line" in unpacked(head + b"a many 00\n")
    assert "more than" in unpacked(head + line("a", b"") * 130)


def test_a_files_digest_is_its_sha256():
    with open(FILE, "wb") as file:
        file.write(b"abc" * 1000)
    expected = binascii.hexlify(hashlib.sha256(b"abc" * 1000).digest()).decode()
    assert asyncio.run(digest_of(FILE)) == expected


OFFER = {
    "version": "1.2.3",
    "issued": 1,
    "size": 10,
    "sha256": "0" * 64,
    "abi": 6,
    "boards": BOARDS,
    "downgrade": False,
    "signature": "AA==",
}


def refused(offer):
    try:
        check(offer)
    except UpdateError as error:
        return str(error)
    return ""


def test_an_offer_says_what_is_wrong_with_it():
    assert refused(OFFER) == ""
    assert refused([]) == "expected a JSON object"
    for name, value in (
        ("version", "1.2"),
        ("version", "1.2.x"),
        ("version", "1.2.3000"),
        ("issued", True),
        ("size", 0),
        ("size", 10_000_000),
        ("sha256", "0"),
        ("abi", "6"),
        ("boards", "esp32-s3-n8r2"),
        ("boards", []),
        ("boards", [""]),
        ("boards", [6]),
        ("boards", ["x" * 60, "y" * 60]),
        ("downgrade", 1),
        ("signature", None),
    ):
        assert refused(dict(OFFER, **{name: value})).startswith(name), name
    incomplete = dict(OFFER)
    del incomplete["signature"]
    assert refused(incomplete) == "signature: expected str"


def test_versions_are_compared_as_numbers():
    assert parts("0.10.0") > parts("0.9.9") > parts("0.9.0")
