"""Finds what has set the machine's clock: a time server, a clock chip, or a saved time.

A Raspberry Pi has no clock chip. `fevergate-clock.service` sets a file's modification time each
hour and at shutdown; at boot, systemd advances the clock to that time.
"""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fevergate.command_line.finding import Finding, ok, warning
from fevergate.texts.translations import N_

SAVED = Path("/usr/lib/clock-epoch")
"""File whose modification time is the saved time; systemd reads it (src/shared/clock-util.c,
`clock_apply_epoch`)."""
SYNCHRONISED = Path("/var/lib/fevergate-clock/synchronised")
"""File whose modification time is that of the last save while chrony was synchronised."""
CHIPS = Path("/sys/class/rtc")
CHIP_AGREES_S = 60
"""Largest difference (s) between the clock and a clock chip that it was set from. A chip that is
further off was not read at boot, or its battery is empty."""
WAYS_OUT = N_(
    "give it a network with a time server or a clock module (install.md), or set"
    " it by hand: sudo date -s '2026-11-26 08:00'"
)


def finding(now: datetime, zone: ZoneInfo) -> Finding:
    """Return the finding that `doctor` shows: the time, and whether it is synchronised, comes from
    a clock chip or a saved time, or was never set."""
    local = now.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    synchronised = _synchronised()
    if synchronised is None:
        return ok("clock", local)
    if synchronised:
        return ok("clock", "{local}, synchronised", local=local)
    if chip := _chip(now):
        return ok("clock", "{local}, from the clock chip {chip}", local=local, chip=chip)
    if (last := _time_of(SYNCHRONISED)) is None:
        text = N_("{local}, never set by a time server: right only if somebody set it by hand")
        return warning("clock", text, WAYS_OUT, local=local)
    right = last.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    text = N_("{local}, not synchronised; last right {right}")
    if _time_of(SAVED):
        text = N_(
            "{local}, not synchronised, goes on from the time that was saved; last right {right},"
            " and behind by each power cut since"
        )
    return warning("clock", text, WAYS_OUT, local=local, right=right)


def _chip(now: datetime) -> str | None:
    """Return the name of a clock chip that agrees with the clock, such as `rtc-ds1307`."""
    for chip in sorted(CHIPS.glob("rtc*")):
        try:
            seconds = int((chip / "since_epoch").read_text())
            name = (chip / "name").read_text().split()
        except (OSError, ValueError):  # a chip whose battery is empty has no time
            continue
        if name and abs(seconds - now.timestamp()) <= CHIP_AGREES_S:
            return name[0]
    return None


def _time_of(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except OSError:
        return None


def _synchronised() -> bool | None:
    """Whether systemd reports the clock as synchronised; None if timedatectl is not installed or
    gives no answer."""
    if shutil.which("timedatectl") is None:
        return None
    result = subprocess.run(
        ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
        capture_output=True,
        text=True,
        timeout=10,
    )
    return {"yes": True, "no": False}.get(result.stdout.strip())
