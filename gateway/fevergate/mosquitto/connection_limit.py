"""Limit of connections per address to the broker, enforced by the kernel.

mosquitto has no such limit: one machine that takes all `max_connections` would keep every kiosk
out. The rule is gateway/machine/broker-limit.nft, loaded into nftables by a systemd unit.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fevergate.command_line.finding import Finding, ok, warning
from fevergate.command_line.options import FOLDER
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import Pair, both

UNIT = "fevergate-broker-limit.service"
NFT = Path("/usr/sbin/nft")


def drop_in(port: int) -> str:
    """Text of the unit's drop-in file with this broker's port; without the file it is 8883."""
    return f"Environment=PORT={port}\n"


def start(systemctl: str) -> None:
    """Enable and restart the unit. If that fails, the broker runs without a limit per address, and
    `finding` reports it."""
    for arguments in (("enable", "--quiet"), ("restart",)):
        subprocess.run([systemctl, *arguments, UNIT], capture_output=True)


def finding(settings: GatewaySettings) -> Iterator[Finding]:
    """Whether the limit is in force; no finding if this machine does not run the broker."""
    installed = settings.folder.resolve() == FOLDER and settings.path("mosquitto.conf").exists()
    systemctl = shutil.which("systemctl")
    if not installed or systemctl is None:
        return
    if not NFT.exists():
        yield _missing(
            both("nft is missing"), f"apt-get install nftables; systemctl restart {UNIT}"
        )
        return
    result = subprocess.run([systemctl, "is-active", UNIT], capture_output=True, text=True)
    if (state := result.stdout.strip()) == "active":
        yield ok("broker", "one address has its limit of connections")
    else:
        why = f"{UNIT}: {state or 'unknown'}"
        yield _missing(why, f"systemctl restart {UNIT}; journalctl -u {UNIT}")


def _missing(why: Pair | str, command: str) -> Finding:
    return warning(
        "broker",
        "one machine can take all the broker's connections and keep the kiosks"
        " out, since no address has a limit: {why}",
        command,
        why=why,
    )
