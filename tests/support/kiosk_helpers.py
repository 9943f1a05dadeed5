"""A simulated kiosk that runs the shipped firmware, for tests of the whole system."""

import datetime
import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import real_micropython as micropython
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fevergate.crypto import pki
from fevergate.evaluation.people_file import Person
from simulator import Board, Habits

FIRMWARE = micropython.ROOT / "firmware"
ANSWER_S = 120
"""Time after which something counts as hung; far longer than any answer takes."""

SPEED = 6.0

SENSOR_READS = 60
"""Number of sensor reads in about 3 s of a kiosk's work."""

HEALTHY = Person("healthy", (35.6, 35.6, 35.6, 35.6), 22.0)
FEVERISH = Person("feverish", (37.4, 37.4, 37.4, 37.4), 22.0)
FROM_THE_COLD = Person("from the cold", (32.0, 32.0, 32.0, 32.0), 22.0)


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(**changes: Any) -> bytes:
    """Contents of a board's settings.json. No broker answers there, as in a hall whose network is
    down."""
    values = {
        "kiosk": "north-1",
        "campus": "east",
        "broker_host": "127.0.0.1",
        "broker_port": closed_port(),
        "username": "north-1",
        "password": "none",
    }
    return json.dumps(values | changes).encode()


def kiosk(folder: Path, files: dict[str, bytes], **options: Any) -> Board:
    """A flashed board, not yet switched on."""
    options.setdefault("speed", SPEED)
    options["habits"] = patient(options.get("habits") or Habits(), options["speed"])
    board = Board("north-1", folder, FIRMWARE, **options)
    board.flash(files)
    return board


def patient(habits: Habits, speed: float) -> Habits:
    """`habits` with the usual patience counted in the host's time, so that no virtual person leaves
    the kiosk because the test machine stalled."""
    usual = habits.patience_ms == Habits.patience_ms
    return replace(habits, patience_ms=habits.patience_ms * speed) if usual else habits


def changed(board: Board, module: str, *replaced: tuple[str, str]) -> None:
    """Put a changed version of a firmware module onto the flash, as source text."""
    text = (FIRMWARE / module).read_text()
    for before, after in replaced:
        assert before in text, f"{module}: no {before!r}"
        text = text.replace(before, after)
    path = board.flash_dir / module
    path.write_text(text)
    path.with_suffix(".mpy").unlink()


def readings(board: Board) -> list[dict[str, Any]]:
    """The readings that the board has printed on its console."""
    lines = [line for line in board.console if line.startswith("reading ")]
    return [json.loads(line.removeprefix("reading ")) for line in lines]


def until(ready) -> None:
    """Wait until `ready()` is true; fail after `ANSWER_S`."""
    end = time.monotonic() + ANSWER_S
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.005)


def settled(board: Board) -> str:
    """The picture on the display, once it is complete. The kiosk reads its sensor between any two
    steps of drawing, so the picture is complete if it is unchanged after `SENSOR_READS` reads."""
    picture, since = "", 0

    def drawn() -> bool:
        nonlocal picture, since
        now = board.display.to_text()
        if now != picture:
            picture, since = now, board.sensor.transfers
        return bool(picture.strip()) and board.sensor.transfers - since >= SENSOR_READS

    until(drawn)
    return picture


def authority_der() -> bytes:
    """Certificate (DER) of an authority that has signed nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(pki.BEGINS)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)
