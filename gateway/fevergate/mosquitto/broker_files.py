"""Writes mosquitto's files: configuration, access list and passwords.

They suit mosquitto 2.0.11 (Debian 12) and 2.1. Both listeners share passwords and access list, so
that nothing depends on `per_listener_settings`. Source: mosquitto.conf(5).
"""

import errno
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path

from fevergate.errors import ProvisionError
from fevergate.protocol.messages import MAX_PAYLOAD
from fevergate.protocol.topics import (
    ADMIN_PUBLISHES,
    DROPPED,
    GATEWAY_NAME,
    KIOSK_PUBLISHES,
    KIOSK_SUBSCRIBES,
    POST_PUBLISHES,
    POST_SUBSCRIBES,
    ROOT,
    acknowledge_topic,
    beat_topic,
    press_topic,
    shown_topic,
)
from fevergate.settings import last_good
from fevergate.settings.gateway import GATEWAY_USER
from fevergate.system.atomic_file import sync_folder

STORE = "mosquitto.db"
PID_FILE = "mosquitto.pid"


def stores_aside(folder: Path) -> list[Path]:
    """Damaged broker stores that `fevergate broker` set aside, the oldest first."""
    return sorted((folder / "broker").glob(f"{STORE}.damaged-*"))


GOOD = "good"
"""Folder below `broker/` with the last good copies of the broker's files."""

MAX_QUEUED = 20_000
"""Messages queued for an absent client; further ones are dropped."""

MAX_CONNECTIONS = 3000
"""Connections over the network, including those without a CONNECT, which mosquitto closes after
90 s (1.5 times its initial keep-alive of 60 s). The listener on 127.0.0.1 has no limit."""

FILES = 8192
"""LimitNOFILE of the broker's systemd unit, whose default is 1024; each connection is an open file.
"""

CLIENT_IDS = "use_username_as_clientid true"
"""Option that prevents a client from using another client's id; see `configuration`."""

GATEWAY = GATEWAY_USER
ADMIN = "admin"
WEB = "web"
COLLECT = "collect"
COLLECTORS = tuple(f"{COLLECT}-{number}" for number in range(1, 9))
"""Users of the collectors 1 to 8, all with the same password. Each collector needs a user of its
own, because over the network a user has only one client id. `collect` is for a single collector
with older settings."""
HOME_ASSISTANT = "homeassistant"
"""Home Assistant's user, and the root of its discovery topics."""


PORT = 8883
"""Default port: MQTT over TLS (IANA)."""

EPHEMERAL = 32_768
"""First port that Linux assigns to outgoing connections (ip_local_port_range)."""


def local_port(port: int) -> int:
    """Port of the local listener: the one after `port`, or any free one if that is ephemeral."""
    if port < EPHEMERAL - 1:
        return port + 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(folder: Path, bind: str, port: int, local: int) -> str:
    """The text of mosquitto.conf; both listeners require TLS.

    A client that connects with another client's id disconnects the other client and may delete its
    session (MQTT 3.1.1, 3.1.4-2). So on the network listener the client id is the user's name,
    whatever the client sends (mosquitto's handle_connect.c, from 1.5 on). On 127.0.0.1, which
    kiosks cannot reach, each of our programs has a client id of its own.
    """
    template = resources.files("fevergate.mosquitto").joinpath("mosquitto.conf")
    return template.read_text("utf-8").format(
        folder=folder,
        bind=bind,
        port=port,
        local=local,
        client_ids=CLIENT_IDS,
        max_connections=MAX_CONNECTIONS,
        max_payload=MAX_PAYLOAD,
        max_packet=2 * MAX_PAYLOAD,
        max_queued=MAX_QUEUED,
    )


ACL_HEAD = "# Made by `fevergate provision`; made again by each run of it; whole to its last line."
ACL_END = "# The end."
"""Last line of the access list. If it is missing, the file was truncated, and mosquitto would
refuse kiosks."""


def access_list(
    campus: str,
    kiosks: list[str],
    *,
    posts: Mapping[str, str] | None = None,
    home_assistant: bool = False,
    collect: bool = False,
) -> str:
    """The access list: each user's topics are spelled out, so that the file can be audited.

    `posts` gives the gate of each lamp post. A post reads what that gate's lamps show, and reports
    that the button was pressed. It cannot acknowledge in a person's name: people have a topic of
    their own.
    """
    base = f"{ROOT}/{campus}"
    # Lamp posts write to the press topic too. People's programs keep the right to it for older
    # releases, which use it, and for gates without posts.
    acknowledge = [f"write {make(campus, '+')}" for make in (acknowledge_topic, press_topic)]
    lamps = [*acknowledge, f"write {base}/alarm/+/test"]
    users = {
        GATEWAY: [
            *(f"read {base}/+/{kind}" for kind in KIOSK_PUBLISHES),
            f"read {acknowledge_topic(campus, '+')}",
            f"read {press_topic(campus, '+')}",
            f"read {base}/alarm/+/test",
            *(f"write {base}/+/{kind}" for kind in KIOSK_SUBSCRIBES if kind not in ADMIN_PUBLISHES),
            f"write {base}/{GATEWAY_NAME}/status",
            f"readwrite {base}/alarm/+",  # it reads its last state when it starts
            f"readwrite {base}/alarm/+/shown",
            f"write {base}/alarm/+/beat",
            "read $SYS/#",
            *([f"write {HOME_ASSISTANT}/+/+/+/config"] if home_assistant else []),
        ],
        ADMIN: [
            f"read {base}/#",
            *lamps,
            *(f"write {base}/+/{kind}" for kind in ADMIN_PUBLISHES),
            "read $SYS/#",
        ],
        WEB: [
            *(f"read {base}/+/{kind}" for kind in ("reading", "card", "health", "status")),
            f"read {base}/alarm/+",
            *lamps,
        ],
    }
    if home_assistant:
        # Home Assistant reads the state of kiosks and lamps, but no readings: they are personal.
        users[HOME_ASSISTANT] = [
            f"readwrite {HOME_ASSISTANT}/#",
            *(f"read {base}/+/{kind}" for kind in ("health", "status")),
            f"read {base}/alarm/+",
            *acknowledge,
        ]
    if collect:
        # Collectors read the readings of all campuses of this broker, and write nothing.
        topics = [f"read {ROOT}/+/+/reading", f"read {DROPPED}"]
        users |= dict.fromkeys((COLLECT, *COLLECTORS), topics)
    for kiosk in kiosks:
        users[kiosk] = [
            *(f"write {base}/{kiosk}/{kind}" for kind in KIOSK_PUBLISHES),
            *(f"read {base}/{kiosk}/{kind}" for kind in KIOSK_SUBSCRIBES),
        ]
    for post, gate in (posts or {}).items():
        users[post] = [
            *(f"write {base}/{post}/{kind}" for kind in POST_PUBLISHES),
            f"write {press_topic(campus, gate)}",
            *(f"read {base}/{post}/{kind}" for kind in POST_SUBSCRIBES),
            f"read {shown_topic(campus, gate)}",
            f"read {beat_topic(campus, gate)}",
        ]
    sections = (
        "\n".join([f"user {user}", *(f"topic {topic}" for topic in topics)])
        for user, topics in users.items()
    )
    return "\n".join([ACL_HEAD, "\n\n".join(sections), ACL_END]) + "\n"


def bound_to(folder: Path) -> str | None:
    """Address of the network listener in this folder's mosquitto.conf, or None."""
    try:
        listener = re.search(r"(?m)^listener \d+ (\S+)$", (folder / "mosquitto.conf").read_text())
    except FileNotFoundError:
        return None
    return listener[1] if listener else None


def network_port(folder: Path) -> int:
    """Port of the network listener in this folder's mosquitto.conf."""
    listener = re.search(r"(?m)^listener (\d+) ", (folder / "mosquitto.conf").read_text())
    return int(listener[1]) if listener else PORT


def write_passwords(path: Path, passwords: dict[str, str]) -> None:
    """Write mosquitto's password file. The tool gets the passwords in a file, because a process
    list would show its arguments.

    Raises `ProvisionError` if mosquitto's tool is missing or refuses, and `OSError` if the disk is
    full. After an error, no other file with passwords is left beside this one.
    """
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        raise ProvisionError("mosquitto_passwd: not found; apt-get install mosquitto")
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{user}:{password}\n" for user, password in passwords.items())
        result = subprocess.run([tool, "-U", str(beside)], capture_output=True, text=True)
        if result.returncode:
            if not os.statvfs(path.parent).f_bavail:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            why = result.stderr.strip() or result.stdout.strip()
            raise ProvisionError(f"mosquitto_passwd: {why}")
        beside.chmod(0o600)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        beside.unlink(missing_ok=True)
        path.with_name(beside.name + ".tmp").unlink(
            missing_ok=True
        )  # the tool's copy, with unhashed passwords
    sync_folder(path.parent)
    # A revoked credential must not come back with the last good copies.
    last_good.forget(path.parent / "broker" / GOOD, "broker.passwords", "broker.acl")


_OF_THE_BROKER = ("broker", "broker.crt", "broker.key", "broker.passwords", "broker.acl")


def set_owners(folder: Path) -> None:
    """As root, give the broker's files to user `mosquitto`, and all others to user `fevergate`.

    Without root's rights, no owner is changed. Raises `ProvisionError` if the folder has a broker
    and mosquitto is not installed.
    """
    has_broker = (folder / "mosquitto.conf").exists()  # a campus server's folder has none
    if has_broker:
        (folder / "broker").mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return
    if _has_user("fevergate"):
        service = pwd.getpwnam("fevergate")
        os.chown(folder, service.pw_uid, service.pw_gid, follow_symlinks=False)
        # `fwalk` works on the open folder, whose path may have been replaced meanwhile.
        for parent, folders, files, opened in os.fwalk(folder, follow_symlinks=False):
            if parent == str(folder) and has_broker:
                # The broker keeps its own files: it starts only if it owns its pid file.
                folders[:] = [name for name in folders if name not in _OF_THE_BROKER]
                files = [name for name in files if name not in _OF_THE_BROKER]
            for name in (*folders, *files):
                with suppress(FileNotFoundError):  # a database's journal, deleted meanwhile
                    os.chown(
                        name, service.pw_uid, service.pw_gid, dir_fd=opened, follow_symlinks=False
                    )
    if not has_broker:
        return
    if not _has_user("mosquitto"):
        raise ProvisionError("no user mosquitto: apt-get install mosquitto")
    broker = pwd.getpwnam("mosquitto")
    for name in _OF_THE_BROKER:
        if _has_user("fevergate"):  # this user reads the broker's files for backups
            group, mode = pwd.getpwnam("fevergate").pw_gid, 0o750 if name == "broker" else 0o640
        else:
            group, mode = broker.pw_gid, None
        _give(folder / name, broker.pw_uid, group, mode)
    # mosquitto may pass through the folder, but not list it.
    _give(folder, -1, broker.pw_gid, 0o710)


def _give(path: Path, user: int, group: int, mode: int | None) -> None:
    """Change owner and mode of a file. Raises `ProvisionError` for a symbolic link, because the
    service's user may have put it there."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ProvisionError(f"{path}: expected no link: {error.strerror}") from error
    try:
        os.fchown(opened, user, group)
        if mode is not None:
            os.fchmod(opened, mode)
    finally:
        os.close(opened)


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
