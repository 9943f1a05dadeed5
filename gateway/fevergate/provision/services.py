"""Running programs told of what has changed: the broker by its own signal, units by systemd."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from msgspec.structs import replace

from fevergate import broker_once
from fevergate.errors import BrokerError, ProvisionError
from fevergate.options import FOLDER
from fevergate.settings import GatewaySettings

CUT_OFF_S = 10
SYSTEMD = Path("/run/systemd/system")
"""There where systemd runs (sd_booted(3))."""

UNITS = {
    "fevergate-gateway": "gateway --settings {folder}/gateway.toml",
    "fevergate-web": "web --settings {folder}/gateway.toml",
}
"""What runs out of a gateway's folder."""


def write_drop_ins(folder: Path) -> None:
    """Its systemd/, to be copied into /etc/systemd/system: the broker with this folder's
    configuration, and, where it is not the usual folder, the gateway's units with its settings."""
    texts = {"mosquitto": f"ExecStart=\nExecStart=/usr/sbin/mosquitto -c {folder}/mosquitto.conf\n"}
    if folder != FOLDER:
        for unit, arguments in UNITS.items():
            command = f"fevergate {arguments.format(folder=folder)}"
            texts[unit] = f"ExecStart=\nExecStart={command}\nReadWritePaths={folder}\n"
    for unit, text in texts.items():
        place = folder / "systemd" / f"{unit}.service.d"
        place.mkdir(parents=True, exist_ok=True)
        (place / "fevergate.conf").write_text(
            f"# Made by `fevergate provision gateway`; made again by each run.\n[Service]\n{text}"
        )


def reload_broker(folder: Path) -> bool:
    """Have the running broker read passwords, access list and certificates again (SIGHUP,
    mosquitto(8)): it cuts off at once whom it knows no more. Returns whether one runs here.

    Raises `ProvisionError` where this user may not.
    """
    path = folder / "broker" / "mosquitto.pid"
    try:
        pid = int(path.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ValueError):
        return False
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}; run it as root") from error
    if name != "mosquitto":  # it is gone, and its number another's
        return False
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise ProvisionError("mosquitto cannot be told to reload; run it as root") from error
    except ProcessLookupError:
        return False
    return True


def see_refused(settings: GatewaySettings, username: str, password: str) -> None:
    """Wait until the broker refuses a credential.

    Raises `BrokerError` where it cannot be asked, or still takes it after `CUT_OFF_S`.
    """
    beside = settings.path(f".{username}.password")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        broker = replace(settings.broker, username=username, password_file=beside.name)
        as_it = replace(settings, broker=broker)
        until = time.monotonic() + CUT_OFF_S
        while time.monotonic() < until:
            try:
                broker_once.probe(as_it)
            except BrokerError as error:
                if broker_once.REFUSED in str(error):
                    return
                raise
            time.sleep(0.2)
    finally:
        beside.unlink(missing_ok=True)
    raise BrokerError(f"the broker still lets {username} in: systemctl restart mosquitto")


def restart(folder: Path, units: tuple[str, ...] = tuple(UNITS)) -> bool:
    """Start the running ones of these units anew; returns whether that was possible here, or is
    left to a person. Raises `ProvisionError` with systemd's words."""
    systemctl = shutil.which("systemctl")
    if folder != FOLDER or systemctl is None or not SYSTEMD.exists():
        return False
    done = subprocess.run([systemctl, "try-restart", *units], capture_output=True, text=True)
    if done.returncode:
        raise ProvisionError(f"systemctl try-restart: {done.stderr.strip()}")
    return True
