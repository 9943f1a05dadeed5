"""A single kiosk without a broker; it screens people without a connection."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fevergate.crypto.pki import authority_der, ensure_authority
from harness import FIRMWARE
from harness.broker import free_port
from simulator import Board


@contextmanager
def lone_board(settings: dict[str, Any], **options: Any) -> Iterator[Board]:
    """A board that runs the shipped firmware with `settings`; `options` are `Board`'s."""
    values = {
        "kiosk": "measured",
        "campus": "measure",
        "broker_host": "127.0.0.1",
        "broker_port": free_port(),
        "username": "measured",
        "password": "none",
    }
    with tempfile.TemporaryDirectory(prefix="fevergate-measure-") as name:
        folder = Path(name)
        ensure_authority(folder, "measure")
        board = Board("measured", folder / "flash", FIRMWARE, **options)
        board.flash(
            {
                "settings.json": json.dumps(values | settings).encode(),
                "ca.der": authority_der(folder),
            }
        )
        with board:
            yield board


def readings(board: Board) -> list[dict[str, Any]]:
    """Readings that a board has printed on its console."""
    return [
        json.loads(line.removeprefix("reading "))
        for line in list(board.console)
        if line.startswith("reading ")
    ]
