"""The power may be cut at any change of the flash."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
import real_micropython as micropython
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kiosk.update_offer import header, signed_text
from simulator.interpreters import INTERPRETERS

HERE = Path(__file__).parent
BOARDS_WORDS = "64bit" if INTERPRETERS["32bit"].missing else "32bit"
WAYS = [("clean", "64bit"), ("torn", BOARDS_WORDS)]
"""What a cut leaves of a write, and the interpreter that plays it. A torn write is played with a
board's word size if this machine has such an interpreter."""

AT_ONCE = 20
"""Cuts that one process plays. Garbage is not collected meanwhile, so each takes up to 10 MB."""
BOARDS = ["esp32-s3-n8r2", "esp32-wrover-e"]
FILES = {
    "kiosk/app.mpy": bytes(range(256)) * 21,
    "kiosk/scan.mpy": b"scan" * 1200,
    "kiosk/__init__.mpy": b"new",
}


def survived(script, how, interpreter, *more):
    """Play cut after cut until the script ends before the cut. Return the number of cuts, and for
    each the slot that stays, if the script prints it."""
    lines = []
    cuts = 0
    while True:
        output = micropython.run(
            *(str(HERE / script), str(micropython.ROOT / "firmware")),
            *(how, str(cuts), str(AT_ONCE), str(HERE), *more),
            heap="240M",
            interpreter=interpreter,
        )
        words = output.split()
        assert words[0] == "survived"
        cuts += int(words[1])
        lines.append(words[-1])
        if int(words[1]) < AT_ONCE:
            return cuts, "".join(lines)


@pytest.mark.parametrize(("how", "interpreter"), WAYS)
def test_no_cut_loses_a_reading_doubles_an_identity_or_keeps_the_board_from_booting(
    how, interpreter
):
    assert survived("power_cuts.py", how, interpreter)[0] > 600


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A key, two signed offers and their bundle."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bundle = header("0.9.0", 6, BOARDS) + b"".join(
        f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode() + data
        for name, data in FILES.items()
    )
    offers = []
    for issued in (1_900_000_000, 1_900_000_001):
        offer = {
            "version": "0.9.0",
            "issued": issued,
            "size": len(bundle),
            "sha256": hashlib.sha256(bundle).hexdigest(),
            "abi": 6,
            "boards": BOARDS,
            "downgrade": False,
        }
        text = signed_text("north-1", offer)
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        offers.append(offer | {"signature": base64.b64encode(signature).decode()})
    modulus = key.public_key().public_numbers().n.to_bytes(256, "big")
    path = tmp_path_factory.mktemp("update") / "given.json"
    values = {
        "key": base64.b64encode(modulus).decode(),
        "offers": offers,
        "bundle": bundle.hex(),
        "files": {name: data.hex() for name, data in FILES.items()},
    }
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(("how", "interpreter"), WAYS)
def test_no_cut_of_an_update_leaves_a_board_that_does_not_boot(how, given, interpreter):
    cuts, stays = survived("update_cuts.py", how, interpreter, str(given))
    assert cuts > 50
    # Before the trial is confirmed the old files stay, afterwards the new ones.
    assert set(stays[:50]) == {"a"} and stays.endswith("b") and stays == "".join(sorted(stays))
