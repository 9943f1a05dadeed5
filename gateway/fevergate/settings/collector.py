"""`collect.toml`: whose readings a collector takes, and where it puts them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from fevergate.settings.gateway import Broker, Metrics, decode, read_secret, refused


class CollectBroker(Broker, kw_only=True):
    """Where the shared subscription is, and how it is kept there."""

    username: str = "collect"
    """`{name}` in it stands for the collector's name: a broker may give each user one client id."""
    password_file: str = "collect.password"  # noqa: S105 - a file's name
    group: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")] = "raw"
    """Collectors of one group share the readings; another group gets them all once more."""
    window: Annotated[int, Meta(ge=1, le=65535)] = 4000
    """MQTT 5's receive maximum: messages that a collector is given and has not committed."""
    session_days: Annotated[float, Meta(gt=0, le=365)] = 14.0
    """How long the broker keeps what is an absent collector's; after that it is lost."""


class CollectDatabase(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the readings go."""

    url: Annotated[str, Meta(pattern="^postgres(ql)?://")]
    password_file: str | None = None
    """A file that holds the password alone; without it PostgreSQL must let us in otherwise."""
    ca: str | None = None
    """The database's authority: with it the server's certificate and name are verified."""


class Partitions(Struct, forbid_unknown_fields=True, kw_only=True):
    """The days of which the table is made."""

    ahead_days: Annotated[int, Meta(ge=1, le=60)] = 3
    """Made so long before they begin."""
    keep_days: Annotated[int, Meta(ge=2, le=36500)] | None = None
    """Older ones are dropped; without it nothing is."""


class CollectSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """`collect.toml`."""

    timezone: str = "Asia/Shanghai"
    """Where a day begins; of one database all collectors must agree."""
    broker: CollectBroker = msgspec.field(default_factory=CollectBroker)
    database: CollectDatabase
    partitions: Partitions = msgspec.field(default_factory=Partitions)
    metrics: Metrics | None = None

    folder: Path = Path()

    def named(self, name: str) -> CollectSettings:
        """The settings of one collector."""
        username = self.broker.username.replace("{name}", name)
        return replace(self, broker=replace(self.broker, username=username))

    def share(self) -> str:
        """The shared subscription's name at the broker: all members have the same secret, and a
        credential without it cannot take their messages away by joining in (MQTT 5, 4.8.2)."""
        secret = read_secret(self.path(self.broker.password_file))
        digest = hashlib.sha256(f"fevergate share {self.broker.group} {secret}".encode())
        return f"{self.broker.group}-{digest.hexdigest()[:32]}"

    def path(self, name: str) -> Path:
        """A path of this file, which is relative to it."""
        return self.folder / name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def load_collect(path: Path) -> CollectSettings:
    """Read `collect.toml`.

    Raises `SettingsError`, one line: file, key, what was expected.
    """
    settings = decode(path, CollectSettings)
    try:
        parts = urlsplit(settings.database.url)
        secret = parts.password or "password=" in parts.query
    except ValueError as error:
        raise refused(path, "database.url", f"expected postgresql://USER@HOST/NAME: {error}") from (
            error
        )
    if secret:  # which `ps`, a backup or a screen would show
        raise refused(path, "database.url", "expected no password; it goes into password_file")
    return settings
