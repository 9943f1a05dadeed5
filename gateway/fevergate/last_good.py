"""Copies of small files as they were when they were last sound, for when they are not.

A power cut or a worn card leaves a file empty, cut off, of null bytes, or gone. What was sound at
the last start lies in a folder beside; whoever starts with it says so.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fevergate.errors import SettingsError
from fevergate.whole_files import write_private

FOLDER = ".good"

Check = Callable[[bytes], object]
"""Raises `ValueError` saying what was expected of a file's content."""


def text(data: bytes) -> str:
    """A text that a power cut did not touch. Raises `ValueError`."""
    if not data.strip():
        raise ValueError("is empty")
    if b"\0" in data:
        raise ValueError("has null bytes")
    if not data.endswith(b"\n"):
        raise ValueError("is cut off")
    return data.decode()


def authority(data: bytes) -> None:
    """A certificate by which others are verified. Raises `ValueError`."""
    try:
        ssl.create_default_context(cadata=data.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError("is no certificate") from error


def choose(path: Path, check: Check, folder: Path) -> tuple[Path, str | None]:
    """Where the content of `path` is: itself where it is sound, which is then kept in `folder`;
    else what was kept there, with what is wrong. Raises `SettingsError` where neither is sound."""
    kept = folder / path.name
    try:
        data = _read(path, check)
    except ValueError as error:
        wrong = f"{path}: {error}"
        try:
            _read(kept, check)
        except ValueError as without:
            raise SettingsError(f"{wrong}; and {kept}: {without}") from error
        return kept, wrong
    _keep(kept, data)
    return path, None


def keep(path: Path, folder: Path) -> None:
    """Keep a file that is known to be sound."""
    with suppress(OSError):
        _keep(folder / path.name, path.read_bytes())


def _keep(kept: Path, data: bytes) -> None:
    with suppress(OSError):  # a card that takes nothing is no reason not to start
        if not kept.exists() or kept.read_bytes() != data:
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(kept, data)


def forget(folder: Path, *names: str) -> None:
    """Keep nothing of these any more: what was good before must not come back."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _read(path: Path, check: Check) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {os.strerror(error.errno or 0)}") from error
    check(data)
    return data
