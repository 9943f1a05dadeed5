"""Starts, restarts and reloads broker and services, by systemd and the broker's SIGHUP."""

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
from fevergate.protocol.topics import KIOSK_PUBLISHES, POST_PUBLISHES, Topic, press_topic
from fevergate.settings.gateway import GatewaySettings

CUT_OFF_S = 10
RUNTIME = Path("/run/mosquitto")
IN_MEMORY = RUNTIME / "store" / broker_files.PID_FILE
"""PID file of a broker that keeps its store in memory because the SD card is read-only."""

LOOK_S = 120
START_S = 300
"""Time limits (s) of `fevergate broker`, which checks the broker's files, and of each step of the
unit's start. With systemd's 90 s the broker of an overloaded Pi never started: each time the check
took longer, systemd gave up and started anew."""

SYSTEMD = Path("/run/systemd/system")
"""Exists where systemd is the init system (sd_booted(3))."""

UNITS_FOLDER = Path("/etc/systemd/system")
BROKER = "mosquitto.service"
RENEW = "fevergate-renew.timer"
DEVICES = "fevergate-devices.path"
CAMPUS = "fevergate-campus.service"

UNITS = {
    "fevergate-gateway": "gateway --settings {folder}/gateway.toml",
    "fevergate-web": "web --settings {folder}/gateway.toml",
}
"""Units that use a gateway's folder, and their `fevergate` arguments."""


def write_drop_ins(target: Path, folder: Path) -> None:
    """Write the `drop_ins` for a gateway's `folder` into `target`: systemd's own folder, or one
    from which an administrator copies them there."""
    for name, text in drop_ins(folder).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pki.write_public(path, text.encode())


def drop_ins(folder: Path) -> dict[str, str]:
    """Drop-in files of systemd, by path below /etc/systemd/system: for the broker, for the limit of
    connections to its port, and, unless the folder is the usual one, for the gateway's units."""
    # The broker never runs as root: its configuration belongs to the service's user. It starts with
    # damaged files and with a read-only SD card too, and systemd never gives up restarting it.
    texts = {
        "mosquitto": "ExecStartPre=\nUser=mosquitto\nRuntimeDirectory=mosquitto\n"
        f"Restart=always\nRestartSec=1\nLimitNOFILE={broker_files.FILES}\n"
        # The check of its files may take long on a busy machine: after LOOK_S it starts anyway.
        f"ExecStartPre=-timeout --kill-after=10 {LOOK_S} fevergate broker {folder}\n"
        f"TimeoutStartSec={START_S}\n"
        # Real-time priority, as the thread that lights the lamp has; "-": it also runs without.
        "ExecStartPost=-+chrt --rr --all-tasks --pid 1 $MAINPID\n"
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
    """Enable and start the broker with this folder's configuration, and the gateway's installed
    units. Returns False, having done nothing, unless run as root, under systemd, for the usual
    folder. Raises `ProvisionError` with systemd's message."""
    systemctl = _systemctl_as_root(folder)
    if systemctl is None:
        return False
    broker_anew |= not _drop_in().exists()
    # Generated, not copied: the service's user could have changed the copies in its folder.
    write_drop_ins(UNITS_FOLDER, folder)
    _run(systemctl, "daemon-reload")
    _run(systemctl, "enable", "--quiet", BROKER)
    connection_limit.start(systemctl)
    _run(systemctl, "restart" if broker_anew else "reload-or-restart", BROKER)
    _start(systemctl, *(f"{unit}.service" for unit in UNITS), RENEW, DEVICES)
    return True


def start_campus(folder: Path) -> bool:
    """Enable and start the campus server; returns False as `start` does, or if not installed."""
    systemctl = _systemctl_as_root(folder)
    return systemctl is not None and _start(systemctl, CAMPUS)


def _start(systemctl: str, *units: str) -> bool:
    """Enable and restart those units that are installed; returns whether there are any."""
    installed = [unit for unit in units if _is_installed(systemctl, unit)]
    if installed:
        _run(systemctl, "enable", "--quiet", *installed)
        _run(systemctl, "restart", *installed)
    return bool(installed)


def _is_installed(systemctl: str, unit: str) -> bool:
    return subprocess.run([systemctl, "cat", unit], capture_output=True).returncode == 0


def broker_runs(folder: Path) -> bool:
    """Whether systemd runs this folder's broker and this user, root, may change that."""
    systemctl = _systemctl_as_root(folder)
    if systemctl is None:
        return False
    return _show(systemctl, "ActiveState") == "active" and _drop_in().exists()


def restart_broker(folder: Path) -> None:
    """Restart the broker with the current drop-ins. Raises `ProvisionError`."""
    if systemctl := _systemctl(folder):
        _run(systemctl, "daemon-reload")
        connection_limit.start(systemctl)
        _run(systemctl, "restart", BROKER)


def broker_was_restarted(folder: Path) -> bool:
    """Whether systemd had to restart the broker since `restart_broker`."""
    systemctl = _systemctl(folder)
    return systemctl is not None and _show(systemctl, "NRestarts") not in ("", "0")


def _show(systemctl: str, name: str) -> str:
    """Value of a property of the broker's unit."""
    command = [systemctl, "show", "--value", f"--property={name}", BROKER]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _drop_in() -> Path:
    return UNITS_FOLDER / f"{BROKER}.d" / "fevergate.conf"


def stop(folder: Path) -> bool:
    """Stop and disable all units that use this folder, including the broker; returns False where
    systemd does not run them. Raises `ProvisionError` with systemd's message."""
    systemctl = _systemctl(folder)
    if systemctl is None:
        return False
    for unit in (RENEW, DEVICES, *(f"{unit}.service" for unit in UNITS), BROKER):
        if _is_installed(systemctl, unit):
            _run(systemctl, "disable", "--quiet", "--now", unit)
    return True


def broker_pid(folder: Path) -> int | None:
    """PID of this folder's running broker, whoever started it, or None. Raises `ProvisionError` if
    this user may not read it."""
    path = folder / "broker" / broker_files.PID_FILE
    if IN_MEMORY.exists():
        path = IN_MEMORY
    try:
        pid = int(path.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}; run this command as root") from error
    return pid if name == "mosquitto" else None  # else another process has that PID now


def reload_broker(folder: Path) -> bool:
    """Make the broker reload passwords, access list and certificates (SIGHUP, mosquitto(8)); it
    disconnects clients whose user is gone. Returns whether a broker runs here.

    Raises `ProvisionError` if this user may not signal it.
    """
    pid = broker_pid(folder)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError as error:
        raise ProvisionError(
            "mosquitto cannot be told to reload; run this command as root"
        ) from error
    except ProcessLookupError:
        return False
    return True


def clear_retained(settings: GatewaySettings, kiosk: str, password: str) -> None:
    """Delete the retained messages of a kiosk or lamp post. Signs in as that device, since only it
    may publish there, by a new password that its board does not have. Raises `BrokerError`."""
    gate = settings.posts.get(kiosk)
    kinds = POST_PUBLISHES if gate else KIOSK_PUBLISHES
    topics = [str(Topic(settings.campus, kiosk, kind)) for kind in kinds]
    if gate:
        topics.append(press_topic(settings.campus, gate))
    until = time.monotonic() + CUT_OFF_S
    with _as_kiosk(settings, kiosk, password) as as_it:
        while True:
            try:
                one_shot.clear_once(as_it, topics)
            except BrokerError as error:
                if one_shot.REFUSED not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.2)  # the broker is still reloading its files
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


def wait_until_refused(settings: GatewaySettings, username: str, password: str) -> None:
    """Wait until the broker refuses a credential.

    Raises `BrokerError` if it cannot be reached, or still accepts it after `CUT_OFF_S`.
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
    """Restart those of the units that run. Returns False where systemd does not run this folder's
    units, so that a person must. Raises `ProvisionError` with systemd's message."""
    systemctl = _systemctl(folder)
    if systemctl is None:
        return False
    _run(systemctl, "try-restart", *units)
    return True


def _systemctl(folder: Path) -> str | None:
    """Path of systemctl; None where systemd does not run this folder's units."""
    return shutil.which("systemctl") if folder == FOLDER and SYSTEMD.exists() else None


def _systemctl_as_root(folder: Path) -> str | None:
    """The result of `_systemctl` for root; None for other users, who may not change units."""
    return _systemctl(folder) if os.geteuid() == 0 else None


def _run(systemctl: str, *arguments: str) -> None:
    result = subprocess.run([systemctl, *arguments], capture_output=True, text=True)
    if result.returncode:
        raise ProvisionError(f"systemctl {' '.join(arguments)}: {' '.join(result.stderr.split())}")
