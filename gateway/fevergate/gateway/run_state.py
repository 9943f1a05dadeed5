"""State file of the running gateway, for `fevergate status` and `fevergate doctor`.

The commands cannot find out this state themselves: systemd's sandbox gives the gateway other
devices and rights than a command has. The file is in memory, in systemd's `RuntimeDirectory`, which
systemd deletes when the gateway ends.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from fevergate import __version__
from fevergate.clock.machine import uptime
from fevergate.system.atomic_file import write_public

FOLDER = Path("/run/fevergate")
NAME = "gateway.json"
MAX_BYTES = 65536

STALE_S = 15.0
"""Age of the state above which the gateway counts as hanging; it writes its state about once a
second."""


class RunState(Struct, kw_only=True):
    """The state that a gateway reports of itself."""

    settings: str
    """Folder of the gateway's settings."""
    pid: int
    version: str = __version__
    boot_s: float
    """When this state was written, in s since the machine's boot."""
    since_s: float
    """When the gateway started, in s since the machine's boot."""
    pins: str = ""
    """Name of the pin library; empty if none could be opened."""
    chip: int | None = None
    """Number of the GPIO chip that the lamps are connected to."""
    dark: dict[str, str] = {}
    """Gates whose lamps cannot be lit, each with the reason."""
    clock: bool = True
    """Whether the gateway believes its clock."""
    disk: str = ""
    """Why nothing can be stored; empty while storing works."""
    line: bool = False
    """Whether the gateway is connected to the broker."""

    @property
    def age_s(self) -> float:
        """Seconds since this state was written."""
        return max(0.0, uptime() - self.boot_s)

    @property
    def hangs(self) -> bool:
        """Whether the gateway counts as hanging: it should have written a newer state."""
        return self.age_s > STALE_S


def write_run_state(state: RunState) -> None:
    """Write the state file, if systemd gave the gateway a runtime folder."""
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if not folder:
        return
    with suppress(OSError):  # out of memory: readers see the old state and its age
        write_public(Path(folder) / NAME, msgspec.json.encode(state))


def read_run_state(settings_folder: Path, folder: Path = FOLDER) -> RunState | None:
    """Return the state of the gateway with these settings; None if none runs under systemd."""
    try:
        with (folder / NAME).open("rb") as file:
            state = msgspec.json.decode(file.read(MAX_BYTES), type=RunState)
    except (OSError, msgspec.MsgspecError):
        return None
    return state if state.settings == str(settings_folder.resolve()) else None
