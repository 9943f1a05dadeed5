"""What the running gateway has: a small file in its runtime folder, for `status` and `doctor`.

They would have other pins, rights and devices themselves: the unit's sandbox is the gateway's.
The folder is systemd's (`RuntimeDirectory`), in memory, and goes when the gateway ends.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from fevergate import __version__

FOLDER = Path("/run/fevergate")
NAME = "gateway.json"
MAX_BYTES = 65536

STALE_S = 15.0
"""It is written about once a second; one this old is of a gateway that hangs."""


class Running(Struct, kw_only=True):
    """How a gateway is, by its own word."""

    settings: str
    """The folder of its settings."""
    pid: int
    version: str = __version__
    boot_s: float
    """When it said so, s since the machine's boot."""
    since_s: float
    """When it began, s since the machine's boot."""
    pins: str = ""
    """The pin library, or empty where it has none."""
    chip: int | None = None
    """The number of the GPIO chip that its lamps hang on."""
    dark: dict[str, str] = {}
    """Gates no lamp of which can be lit, and why."""
    clock: bool = True
    """Whether it believes its clock."""
    disk: str = ""
    """Why nothing is stored, if so."""
    line: bool = False
    """Whether it is connected to the broker."""

    @property
    def age_s(self) -> float:
        """How long ago it said so."""
        return max(0.0, boot_s() - self.boot_s)

    @property
    def hangs(self) -> bool:
        """Whether it should have said more since."""
        return self.age_s > STALE_S


def boot_s() -> float:
    """Seconds since the machine's boot, the same for every program."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def tell(running: Running) -> None:
    """Write it for whoever asks, if systemd gave the gateway a runtime folder."""
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if not folder:
        return
    path = Path(folder) / NAME
    new = path.with_suffix(".new")
    with suppress(OSError):  # memory is full: what is read is old, and says so
        new.write_bytes(msgspec.json.encode(running))
        new.chmod(0o644)
        new.replace(path)


def ask(settings_folder: Path, folder: Path = FOLDER) -> Running | None:
    """What the gateway of these settings says; None where none runs under systemd."""
    try:
        with (folder / NAME).open("rb") as file:
            running = msgspec.json.decode(file.read(MAX_BYTES), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None
    return running if running.settings == str(settings_folder.resolve()) else None
