"""Wipes files: overwrites them before they are deleted."""

import os
from contextlib import suppress
from pathlib import Path

from fevergate.system.atomic_file import sync_folder


def wipe(path: Path) -> None:
    """Overwrite and delete a file. If it is a symbolic link, only the link is deleted.

    An SD card's controller may keep the old blocks: only destroying the card is certain.
    """
    with suppress(FileNotFoundError):
        if path.is_file() and not path.is_symlink():
            size = path.stat().st_size
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW), "wb") as file:
                for at in range(0, size, 1 << 20):
                    file.write(bytes(min(1 << 20, size - at)))
                file.flush()
                os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
