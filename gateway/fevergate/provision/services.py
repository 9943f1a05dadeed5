"""Running programs told of what has changed: the broker by its own signal, units by systemd."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from fevergate.command_line.options import FOLDER
from fevergate.crypto import pki
from fevergate.errors import BrokerError, ProvisionError
from fevergate.mosquitto import broker_files, connection_limit
from fevergate.mqtt import one_shot
from fevergate.protocol.messages import KIOSK_SAYS, Topic
from fevergate.settings.gateway import GatewaySettings

CUT_OFF_S = 10
RUNTIME = Path("/run/mosquitto")
IN_MEMORY = RUNTIME / "store" / broker_files.PID_FILE
"""Where a broker writes its process that could write nothing to the card."""

LOOK_S = 120
START_S = 300
"""How long `fevergate broker` may look at the broker's files, and each step of the start may take,
in s. By systemd's own 90 s the broker of an overloaded Pi never started: each time the look took
longer, the whole start was given up and begun anew."""

SYSTEMD = Path("/run/systemd/system")
"""There where systemd runs (sd_booted(3))."""

UNITS_FOLDER = Path("/etc/systemd/system")
BROKER = "mosquitto.service"
RENEW = "fevergate-renew.timer"
CAMPUS = "fevergate-campus.service"

UNITS = {
    "fevergate-gateway": "gateway --settings {folder}/gateway.toml",
    "fevergate-web": "web --settings {folder}/gateway.toml",
}
"""What runs out of a gateway's folder."""


def write_drop_ins(folder: Path) -> None:
    """Its systemd/, to be copied into /etc/systemd/system: see `drop_ins`."""
    for name, text in drop_ins(folder).items():
        path = folder / "systemd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pki.write_public(path, text.encode())


def drop_ins(folder: Path) -> dict[str, str]:
    """The broker with this folder's configuration, the port of which the limit is, and, where it is
    not the usual folder, the gateway's units with its settings: by name below
    /etc/systemd/system."""
    # Not as root for a moment: its configuration is the service's user's. It starts whatever a
    # power cut left of its files, and without a card that takes anything; and it is never given up.
    texts = {
        "mosquitto": "ExecStartPre=\nUser=mosquitto\nRuntimeDirectory=mosquitto\n"
        f"Restart=always\nRestartSec=1\nLimitNOFILE={broker_files.FILES}\n"
        # Looking at its files may take long on a busy machine: it then starts with what is there.
        f"ExecStartPre=-timeout --kill-after=10 {LOOK_S} fevergate broker {folder}\n"
        f"TimeoutStartSec={START_S}\n"
        f"ExecStart=\nExecStart=/bin/sh -c 'c={RUNTIME}/mosquitto.conf; [ -s $$c ] ||"
        f" c={folder}/mosquitto.conf; exec /usr/sbin/mosquitto -c $$c'\n"
        "[Unit]\nStartLimitIntervalSec=0\n",
        connection_limit.UNIT.removesuffix(".service"): connection_limit.drop_in(
            broker_files.network_port(folder)
        ),
    }
    if folder != FOLDER:
        for unit, arguments in UNITS.items():
            command = f"fevergate {arguments.format(folder=folder)}"
            texts[unit] = f"ExecStart=\nExecStart={command}\nReadWritePaths={folder}\n"
    head = "# Made by `fevergate provision gateway`; made again by each run.\n[Service]\n"
    return {f"{unit}.service.d/fevergate.conf": head + text for unit, text in texts.items()}


def start(folder: Path, *, broker_anew: bool) -> bool:
    """Have systemd run the broker with this folder's configuration, and what is installed of the
    gateway; now and at each boot. Returns whether it did: as root, in the usual folder, where
    systemd runs. Raises `ProvisionError` with systemd's words."""
    systemctl = _systemctl(folder)
    if systemctl is None or os.geteuid() != 0:
        return False
    broker_anew |= not _drop_in().exists()
    # Made here, not copied: what lies in the folder is as trusted as the service's user is.
    for name, text in drop_ins(folder).items():
        path = UNITS_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pki.write_public(path, text.encode())
    _run(systemctl, "daemon-reload")
    _run(systemctl, "enable", "--quiet", BROKER)
    connection_limit.start(systemctl)
    _run(systemctl, "restart" if broker_anew else "reload-or-restart", BROKER)
    _start(systemctl, *(f"{unit}.service" for unit in UNITS), RENEW)
    return True


def start_campus(folder: Path) -> bool:
    """The same for the campus server, which needs no broker."""
    systemctl = _systemctl(folder)
    if systemctl is None or os.geteuid() != 0:
        return False
    return _start(systemctl, CAMPUS)


def _start(systemctl: str, *units: str) -> bool:
    """Those that are installed, at each boot and anew now; whether there are any."""
    installed = [
        unit
        for unit in units
        if subprocess.run([systemctl, "cat", unit], capture_output=True).returncode == 0
    ]
    if installed:
        _run(systemctl, "enable", "--quiet", *installed)
        _run(systemctl, "restart", *installed)
    return bool(installed)


def broker_runs(folder: Path) -> bool:
    """Whether systemd runs the broker of this folder, and this user may say how."""
    systemctl = _systemctl(folder)
    if systemctl is None or os.geteuid() != 0:
        return False
    return _show(systemctl, "ActiveState") == "active" and _drop_in().exists()


def start_broker_anew(folder: Path) -> None:
    """Restart it with the drop-ins that are there now. Raises `ProvisionError`."""
    if systemctl := _systemctl(folder):
        _run(systemctl, "daemon-reload")
        connection_limit.start(systemctl)
        _run(systemctl, "restart", BROKER)


def broker_fell(folder: Path) -> bool:
    """Whether it ended by itself since `start_broker_anew`."""
    systemctl = _systemctl(folder)
    return systemctl is not None and _show(systemctl, "NRestarts") not in ("", "0")


def _show(systemctl: str, name: str) -> str:
    """A property of the broker's unit."""
    command = [systemctl, "show", "--value", f"--property={name}", BROKER]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _drop_in() -> Path:
    return UNITS_FOLDER / f"{BROKER}.d" / "fevergate.conf"


def stop(folder: Path) -> bool:
    """Stop for good what runs out of this folder, the broker too, where systemd runs it. Raises
    `ProvisionError` with systemd's words."""
    systemctl = _systemctl(folder)
    if systemctl is None:
        return False
    for unit in (RENEW, *(f"{unit}.service" for unit in UNITS), BROKER):
        if subprocess.run([systemctl, "cat", unit], capture_output=True).returncode == 0:
            _run(systemctl, "disable", "--quiet", "--now", unit)
    return True


def broker_pid(folder: Path) -> int | None:
    """The process of this folder's broker, whoever started it, or None. Raises `ProvisionError`
    where this user may not ask."""
    path = folder / "broker" / broker_files.PID_FILE
    if IN_MEMORY.exists():
        path = IN_MEMORY
    try:
        pid = int(path.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}; run it as root") from error
    return pid if name == "mosquitto" else None  # else it is gone, and its number another's


def reload_broker(folder: Path) -> bool:
    """Have the running broker read passwords, access list and certificates again (SIGHUP,
    mosquitto(8)): it cuts off at once whom it knows no more. Returns whether one runs here.

    Raises `ProvisionError` where this user may not.
    """
    pid = broker_pid(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise ProvisionError("mosquitto cannot be told to reload; run it as root") from error
    except ProcessLookupError:
        return False
    return True


def clear_retained(settings: GatewaySettings, kiosk: str, password: str) -> None:
    """As a kiosk, with a password that it alone does not know: take back what it left retained, for
    nobody else may write there. Raises `BrokerError` where the broker does not let that in."""
    topics = [str(Topic(settings.campus, kiosk, kind)) for kind in KIOSK_SAYS]
    until = time.monotonic() + CUT_OFF_S
    with _as_kiosk(settings, kiosk, password) as as_it:
        while True:
            try:
                one_shot.clear_once(as_it, topics)
            except BrokerError as error:
                if one_shot.REFUSED not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.2)  # it reads its files now
            else:
                return


@contextmanager
def _as_kiosk(settings: GatewaySettings, kiosk: str, password: str) -> Iterator[GatewaySettings]:
    beside = settings.path(f".{kiosk}.password")
    try:
        pki.write_private(beside, password.encode())
        broker = replace(settings.broker, username=kiosk, password_file=beside.name)
        yield replace(settings, broker=broker)
    finally:
        beside.unlink(missing_ok=True)


def see_refused(settings: GatewaySettings, username: str, password: str) -> None:
    """Wait until the broker refuses a credential.

    Raises `BrokerError` where it cannot be asked, or still takes it after `CUT_OFF_S`.
    """
    with _as_kiosk(settings, username, password) as as_it:
        until = time.monotonic() + CUT_OFF_S
        while time.monotonic() < until:
            try:
                one_shot.probe(as_it)
            except BrokerError as error:
                if one_shot.REFUSED in str(error):
                    return
                raise
            time.sleep(0.2)
    raise BrokerError(f"the broker still lets {username} in: systemctl restart mosquitto")


def restart(folder: Path, units: tuple[str, ...] = tuple(UNITS)) -> bool:
    """Start the running ones of these units anew; returns whether that was possible here, or is
    left to a person. Raises `ProvisionError` with systemd's words."""
    systemctl = _systemctl(folder)
    if systemctl is None:
        return False
    _run(systemctl, "try-restart", *units)
    return True


def _systemctl(folder: Path) -> str | None:
    """The program, where systemd runs what is in this folder."""
    return shutil.which("systemctl") if folder == FOLDER and SYSTEMD.exists() else None


def _run(systemctl: str, *arguments: str) -> None:
    done = subprocess.run([systemctl, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ProvisionError(f"systemctl {' '.join(arguments)}: {' '.join(done.stderr.split())}")
