"""Copies of settings, secrets and certificates from the last start at which they were intact.

A power cut or a worn SD card leaves a small file empty, truncated, full of null bytes, or missing.
At each start an intact file is copied into the folder `.good` beside it. If a file is damaged, this
run uses its copy; the log and the gate's amber light report that.
"""

import logging
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fevergate.errors import SettingsError
from fevergate.settings.collector import CollectSettings
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.system.atomic_file import write_private

log = logging.getLogger(__name__)

FOLDER = ".good"
"""Name of the folder of copies, beside the files that are copied."""

Check = Callable[[bytes], object]
"""Checks a file's content; raises `ValueError` with what is wrong."""


def text(data: bytes) -> str:
    """Decode a text file that is neither empty nor truncated. Raises `ValueError`."""
    if not data.strip():
        raise ValueError("is empty")
    if b"\0" in data:
        raise ValueError("has null bytes")
    if not data.endswith(b"\n"):
        raise ValueError("is cut off")
    return data.decode()


def secret(data: bytes) -> None:
    """Check a password or token, with a line end or without. Raises `ValueError`."""
    text(data.rstrip() + b"\n")


def authority(data: bytes) -> None:
    """Check a PEM certificate of an authority. Raises `ValueError`."""
    secret(data)
    try:
        ssl.create_default_context(cadata=data.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError("is no certificate") from error


def choose(path: Path, check: Check, folder: Path) -> tuple[Path, str | None]:
    """Return the path of the intact file or of its copy, and what is wrong with the file, or None.

    An intact file is copied into `folder`. Raises `SettingsError` if file and copy are both
    damaged.
    """
    copy = folder / path.name
    try:
        data = _read(path, check)
    except ValueError as error:
        wrong = f"{path}: {error}"
        try:
            _read(copy, check)
        except ValueError as without:
            raise SettingsError(f"{wrong}; and {copy}: {without}") from error
        return copy, wrong
    _keep(copy, data)
    return path, None


def keep(path: Path, folder: Path) -> None:
    """Copy a file that is known to be intact into `folder`; does nothing if that cannot be
    written."""
    with suppress(OSError):
        _keep(folder / path.name, path.read_bytes())


def _keep(copy: Path, data: bytes) -> None:
    with suppress(OSError):  # a read-only card must not prevent a start
        if not copy.exists() or copy.read_bytes() != data:
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(copy, data)


def choose_pair(certificate: Path, key: Path, folder: Path) -> tuple[tuple[Path, Path], str | None]:
    """Do what `choose` does, for a certificate and its key, which must match each other."""
    copies = (folder / certificate.name, folder / key.name)
    try:
        _check_pair(certificate, key)
    except ValueError as error:
        wrong = f"{certificate}, {key}: expected certificate and key: {error}"
        try:
            _check_pair(*copies)
        except ValueError:
            raise SettingsError(f"{wrong}; `fevergate provision` makes them") from error
        return copies, wrong
    for path in (certificate, key):
        keep(path, folder)
    return (certificate, key), None


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        # Without this password OpenSSL would ask at the terminal for the password of an encrypted
        # key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="-")  # noqa: S106
    except (OSError, ssl.SSLError) as error:
        raise ValueError(str(error)) from error


def load_settings(path: Path) -> tuple[GatewaySettings, str | None]:
    """Read gateway.toml, or else its copy; returns also what is wrong with the file, or None.

    The lamps of a gate must work even before somebody has repaired the file. Raises `SettingsError`
    if file and copy are both damaged.
    """
    folder = path.parent / FOLDER
    try:
        settings = load_gateway(path)
    except SettingsError as error:
        try:
            settings = load_gateway(folder / path.name)
        except SettingsError:
            raise error from None
        settings.folder = path.parent
        return settings, str(error)
    keep(path, folder)
    return settings, None


def choose_secrets(settings: GatewaySettings | CollectSettings) -> None:
    """Point `settings.broker` at the copies of its password and authority if they are damaged.

    Each damaged file is logged. Raises `SettingsError` if its copy is damaged, too.
    """
    folder, broker = settings.folder / FOLDER, settings.broker
    password, lost = choose(settings.folder / broker.password_file, secret, folder)
    ca, damaged = choose(settings.folder / broker.ca, authority, folder)
    broker.password_file, broker.ca = str(password), str(ca)
    for wrong in (lost, damaged):
        if wrong:
            log.error("%s; the last sound copy is taken: run fevergate provision", wrong)


def forget(folder: Path, *names: str) -> None:
    """Delete the copies of these files: a revoked credential must not come back."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def renew(folder: Path, *paths: Path) -> None:
    """Replace the copies of these files, if `folder` exists.

    If this runs as root, the folder's owner gets the copies. No symbolic link is followed.
    """
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for path in paths:
                _renew(opened, path)
        finally:
            os.close(opened)


def _renew(folder: int, path: Path) -> None:
    new, owner = f"{path.name}.new", os.fstat(folder)
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(new, flags, 0o600, dir_fd=folder), "wb") as file:
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _read(path: Path, check: Check) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {os.strerror(error.errno or 0)}") from error
    check(data)
    return data
