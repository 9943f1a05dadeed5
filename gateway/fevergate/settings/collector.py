"""collect.toml as typed settings: which readings a collector takes, and where it stores them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from fevergate.settings.gateway import BrokerSettings, Metrics
from fevergate.settings.settings_file import (
    SettingsFile,
    read_secret,
    read_settings,
    settings_error,
)


class CollectBroker(BrokerSettings, kw_only=True):
    """[broker]: the keys of the gateway's section, and the collectors' shared subscription (MQTT 5,
    4.8.2)."""

    username: str = "collect"
    """`{name}` stands for the collector's name: a broker may allow each user one client id only."""
    password_file: str = "collect.password"  # noqa: S105 - a file's name
    group: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")] = "raw"
    """Collectors of one group share the readings; each further group is sent all of them."""
    window: Annotated[int, Meta(ge=1, le=65535)] = 4000
    """MQTT 5 receive maximum: most messages that are sent to a collector before it has committed
    them."""
    session_days: Annotated[float, Meta(gt=0, le=365)] = 14.0
    """How long the broker keeps messages for an absent collector; after that they are lost."""


class CollectDatabase(Struct, forbid_unknown_fields=True, kw_only=True):
    """[database]: the PostgreSQL database that readings are written to."""

    url: Annotated[str, Meta(pattern="^postgres(ql)?://")]
    password_file: str | None = None
    """A file that holds nothing but the password; None if PostgreSQL asks for no password."""
    ca: str | None = None
    """The database's authority; with it the server's certificate and name are verified."""


class PartitionSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[partitions]: the daily partitions of the readings table."""

    ahead_days: Annotated[int, Meta(ge=1, le=60)] = 3
    """A partition is created this many days before its day begins."""
    keep_days: Annotated[int, Meta(ge=2, le=36500)] | None = None
    """Partitions older than this are dropped; None keeps all."""


class CollectSettings(SettingsFile, forbid_unknown_fields=True, kw_only=True):
    """collect.toml: broker, database and partitions of one or several collectors.

    A partition's day begins in `timezone`; all collectors of one database need the same time zone.
    """

    broker: CollectBroker = msgspec.field(default_factory=CollectBroker)
    database: CollectDatabase
    partitions: PartitionSettings = msgspec.field(default_factory=PartitionSettings)
    metrics: Metrics | None = None

    def named(self, name: str) -> CollectSettings:
        """A copy for the collector `name`, whose broker user is filled in."""
        username = self.broker.username.replace("{name}", name)
        return replace(self, broker=replace(self.broker, username=username))

    def share(self) -> str:
        """Name of the shared subscription (MQTT 5, 4.8.2), derived from the collectors' password.

        Another client that may read the same topics cannot guess it, and so cannot join the group
        and take messages away from its members.
        """
        secret = read_secret(self.path(self.broker.password_file))
        digest = hashlib.sha256(f"fevergate share {self.broker.group} {secret}".encode())
        return f"{self.broker.group}-{digest.hexdigest()[:32]}"


def load_collect(path: Path) -> CollectSettings:
    """Read collect.toml, and refuse a password in its database URL.

    Raises `SettingsError`, one line: file, key, what was expected.
    """
    settings = read_settings(path, CollectSettings)
    try:
        parts = urlsplit(settings.database.url)
        secret = parts.password or "password=" in parts.query
    except ValueError as error:
        raise settings_error(
            path, "database.url", f"expected postgresql://USER@HOST/NAME: {error}"
        ) from (error)
    if secret:  # a backup or a screen would show it
        raise settings_error(
            path, "database.url", "expected no password; it goes into password_file"
        )
    return settings
