"""`fevergate broker`: repairs mosquitto's files before it starts, for instance after a power cut.

mosquitto ends with "Couldn't open database" if its store is truncated or full of null bytes. It
does not start either if it cannot write its pid file, and it refuses every client if its password
file is empty. So this command sets a damaged store aside, and replaces a damaged configuration file
or certificate by its last good copy. If the SD card is read-only, it keeps the store in memory.
Each repair is logged, and `fevergate doctor` reports it.
"""

import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from fevergate.errors import BrokerError, SettingsError
from fevergate.mosquitto.broker_files import (
    ACL_END,
    ACL_HEAD,
    ADMIN,
    GATEWAY,
    GOOD,
    PID_FILE,
    STORE,
    WEB,
    stores_aside,
)
from fevergate.settings import last_good

log = logging.getLogger(__name__)

TRIAL_S = 30.0
"""Longest wait for a trial start to succeed or fail."""

MAX_ASIDE = 3
"""Damaged stores that are kept; older ones are deleted."""

MEMORY_SHARE = 0.5
"""Share of the free memory that a store in memory may take."""


def program() -> str:
    """Path of mosquitto. Raises `BrokerError` if mosquitto is not installed."""
    # Debian has servers in sbin, which is not in a plain user's PATH.
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if program := shutil.which("mosquitto", path=path):
        return program
    raise BrokerError("mosquitto: not found; apt-get install mosquitto")


def prepare(folder: Path, runtime: Path) -> Path:
    """Repair the broker's files in `folder`; returns the path of the configuration to start the
    broker with.

    If the configuration in `folder` cannot be used as it is, the path leads to a changed copy in
    `runtime`. Raises `SettingsError` if no configuration can be read.
    """
    chosen = _provisioned(folder)
    try:
        text = chosen["mosquitto.conf"].read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{chosen['mosquitto.conf']}: {error}") from error
    for name, path in chosen.items():
        text = text.replace(str(folder / name), str(path))
    store = folder / "broker"
    if _is_writable(store):
        _set_aside_damaged_store(store, runtime)
    else:
        text = _in_memory(text, store, runtime)
    if os.geteuid() == 0:
        # Started as root, mosquitto would switch to a user who may not enter the private temporary
        # folder.
        text += "\nuser root\n"
    plain = folder / "mosquitto.conf"
    with suppress(OSError, UnicodeDecodeError):
        if text == plain.read_text():
            return plain
    configuration = runtime / "mosquitto.conf"
    configuration.write_text(text)
    return configuration


def _provisioned(folder: Path) -> dict[str, Path]:
    """Path to use for each file that mosquitto reads: the file itself or, if it is damaged, its
    last good copy."""
    good = folder / "broker" / GOOD
    checks = {
        "mosquitto.conf": _configuration,
        "broker.acl": _access_list,
        "broker.passwords": lambda data: _passwords(data, _named(chosen["broker.acl"])),
    }
    chosen = {name: folder / name for name in (*checks, *_PAIR)}
    for name, check in checks.items():
        try:
            chosen[name], wrong = last_good.choose(folder / name, check, good)
        except SettingsError as error:
            log.error("%s: run fevergate provision", error)  # mosquitto may still accept it
        else:
            if wrong:
                log.error("%s; the last sound copy is taken: run fevergate provision", wrong)
    try:
        pair, wrong = last_good.choose_pair(folder / _PAIR[0], folder / _PAIR[1], good)
    except SettingsError as error:
        log.error("%s: run fevergate provision", error)
    else:
        chosen |= dict(zip(_PAIR, pair, strict=True))
        if wrong:
            log.error("%s; the last sound pair is taken: run fevergate provision", wrong)
    return chosen


def _configuration(data: bytes) -> None:
    text = last_good.text(data)
    for key in ("listener", "password_file", "acl_file", "certfile", "keyfile"):
        if not re.search(rf"(?m)^{key} \S", text):
            raise ValueError(f"has no {key}")


def _passwords(data: bytes, names: Iterable[str]) -> None:
    """Raise `ValueError` if the password file is damaged or lacks a user; `names` are the users in
    the access list."""
    users = set()
    for line in last_good.text(data).splitlines():
        user, _, hashed = line.partition(":")
        if not re.fullmatch(r"\$\d\$\S+", hashed):
            raise ValueError("has a line that is no user's")
        users.add(user)
    if lost := {*names, GATEWAY} - {ADMIN, WEB} - users:
        raise ValueError(f"does not name {', '.join(sorted(lost))}")


def _named(path: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return re.findall(r"(?m)^user (\S+)$", path.read_text())
    return []


def _access_list(data: bytes) -> None:
    lines = last_good.text(data).splitlines()
    if f"user {GATEWAY}" not in lines:
        raise ValueError(f"does not name {GATEWAY}")
    if lines[0] == ACL_HEAD and lines[-1] != ACL_END:
        raise ValueError("is cut off")


_PAIR = ("broker.crt", "broker.key")


def _is_writable(folder: Path) -> bool:
    """Whether a file can be written in a folder."""
    probe = folder / ".probe"
    try:
        with probe.open("wb", buffering=0) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        log.error("%s: %s: sessions and messages are kept in memory", folder, error.strerror)
        with suppress(OSError):
            probe.unlink(missing_ok=True)
        return False
    return True


def _set_aside_damaged_store(folder: Path, runtime: Path) -> None:
    """Set the store aside if mosquitto starts only without it."""
    path = folder / STORE
    if not path.exists() or path.stat().st_size == 0 or not _damaged(path, runtime):
        return
    aside = folder / f"{STORE}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    path.rename(aside)
    log.error("%s is damaged; kept as %s, and begun anew: kiosks send again", path, aside.name)
    for old in stores_aside(folder.parent)[:-MAX_ASIDE]:
        old.unlink()


def _in_memory(text: str, folder: Path, runtime: Path) -> str:
    """The configuration with the store in memory. The new store begins as a copy of the SD card's
    store, if that is sound and small enough."""
    memory = runtime / "store"
    memory.mkdir(exist_ok=True)
    path = folder / STORE
    with suppress(OSError):
        room = shutil.disk_usage(memory).free * MEMORY_SHARE
        if path.exists() and 0 < path.stat().st_size < room and not _damaged(path, runtime):
            shutil.copyfile(path, memory / STORE)
    for key, place in (("persistence_location", f"{memory}/"), ("pid_file", memory / PID_FILE)):
        text = re.sub(rf"(?m)^{key} .*$", f"{key} {place}", text)
    return text


def _damaged(path: Path, runtime: Path) -> bool:
    """Whether a broker starts without this store, but not with it."""
    return not _broker_starts(path, runtime) and _broker_starts(None, runtime)


def _broker_starts(store: Path | None, runtime: Path) -> bool:
    """Whether a broker with a copy of `store` (None: without a store) starts; it listens on a
    private Unix socket only."""
    with tempfile.TemporaryDirectory(dir=runtime) as name:
        folder = Path(name)
        if store:
            shutil.copyfile(store, folder / STORE)
        lines = ["listener 0 socket", "persistence true", f"persistence_location {folder}/"]
        lines += ["allow_anonymous true", "log_dest none"]
        lines += ["user root"] if os.geteuid() == 0 else []
        (folder / "trial.conf").write_text("\n".join(lines) + "\n")
        process = subprocess.Popen(
            [program(), "-c", "trial.conf"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + TRIAL_S
            while process.poll() is None and time.monotonic() < until:
                if (folder / "socket").exists():
                    return True
                time.sleep(0.005)
            return process.poll() is None
        finally:
            process.kill()
            process.wait()


@click.command("broker")
@click.argument(
    "folder",
    # The broker's user may pass through this folder, but not list it.
    type=click.Path(path_type=Path, file_okay=False, exists=True, readable=False),
)
def broker_command(folder: Path) -> None:
    """Check and repair the broker's files in FOLDER; mosquitto's unit runs this before each start.

    A message store that a power cut damaged is renamed, and the broker begins an empty one. A
    damaged certificate, password file or access list is replaced by its last good copy. If the SD
    card cannot be written, the store is kept in memory. Prints the path of the configuration to
    start mosquitto with.

    \b
      fevergate broker /etc/fevergate
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    with tempfile.TemporaryDirectory() as temporary:
        runtime = os.environ.get("RUNTIME_DIRECTORY", temporary)
        click.echo(prepare(folder.absolute(), Path(runtime)))
