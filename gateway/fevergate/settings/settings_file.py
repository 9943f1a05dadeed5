"""Reads any settings file: TOML as typed settings, and secrets from files of their own.

Paths in a settings file are relative to that file, so that its folder can be moved.
"""

import re
import tomllib
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from fevergate.errors import SettingsError


class SettingsFile(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every settings file has; paths in it are relative to its folder."""

    timezone: str = "Asia/Shanghai"
    folder: Path = Path()
    """The folder of the settings file. `read_settings` sets it; it is not a key of the file."""

    def path(self, name: str) -> Path:
        """The absolute path of `name`, which may be relative to the settings file."""
        return self.folder / name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


S = TypeVar("S", bound=SettingsFile)


def settings_error(path: Path, key: str, expected: str) -> SettingsError:
    """The error for one key of a settings file, or for the whole file where `key` is empty."""
    return SettingsError(f"{path}: {key}: {expected}" if key else f"{path}: {expected}")


def read_settings(path: Path, kind: type[S]) -> S:
    """Read a TOML file as settings of one kind.

    Raises `SettingsError`, one line: file, key, what was expected.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise settings_error(path, "", "no such file; `fevergate provision` makes one") from error
    except OSError as error:
        raise settings_error(path, "", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise settings_error(path, "", f"not TOML: {error}") from error
    if "folder" in table:
        raise settings_error(path, "folder", "unknown key")
    try:
        settings = msgspec.convert(table, kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, location = str(error).partition(" - at `$")
        key = location.rstrip("`").lstrip(".")
        if unknown := re.search(r"unknown field `(.+?)`", problem):
            key, problem = ".".join(filter(None, (key, unknown[1]))), "unknown key"
        elif missing := re.search(r"missing required field `(.+?)`", problem):
            key, problem = ".".join(filter(None, (key, missing[1]))), "missing, but required"
        raise settings_error(path, key, problem[0].lower() + problem[1:]) from error
    settings.folder = path.parent
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise settings_error(path, "timezone", "expected a zone such as Asia/Shanghai") from error
    return settings


def read_secret(path: Path) -> str:
    """Read a password or token from its file, without the line end.

    Raises `SettingsError` if the file is missing, empty or unreadable.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: expected a file that holds the secret: {error}") from error
    if not secret:
        raise SettingsError(f"{path}: is empty, expected the secret")
    return secret
