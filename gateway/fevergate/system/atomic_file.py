"""Atomic writes of small files: a power cut leaves either the old or the new file, whole."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file atomically, by default readable to its owner only.

    A symbolic link at the path is never followed: root writes into a folder of the service's user.
    Raises `OSError` with the file's name, and then leaves no temporary file.
    """
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = error.filename or str(path)  # the error of a full disk names no file
        raise
    sync_folder(path.parent)


def create_private(path: Path, data: bytes) -> bool:
    """Write a file atomically, readable to its owner only, unless one exists by then; returns
    whether it was written.

    If several processes create a key at the same moment, one succeeds and all read its key.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    write_private(temporary, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return True


def write_public(path: Path, data: bytes) -> None:
    """Write a file atomically, readable to everybody."""
    write_private(path, data, 0o644)


def sync_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
