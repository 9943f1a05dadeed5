"""Settings of notices: the mail server, and the contacts with their channels."""

from pathlib import Path
from typing import Annotated, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from fevergate.protocol.messages import Name
from fevergate.settings.gateway import Language, Port

Kind = Literal["fever", "silent", "report"]
KINDS: tuple[Kind, ...] = ("fever", "silent", "report")


class Smtp(Struct, forbid_unknown_fields=True, kw_only=True):
    """[smtp]: the mail server."""

    host: str
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]
    username: str = ""
    password_file: str = "smtp.password"  # noqa: S105 - a file's name
    ca: str | None = None


class Contact(Struct, forbid_unknown_fields=True, kw_only=True):
    """[[contacts]]: a person on duty, and the channel by which to reach them."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    channel: Literal["email", "webhook", "ntfy", "wecom", "dingtalk"]
    address: Annotated[str, Meta(min_length=1, max_length=1000)]
    """An e-mail address, or a URL to post to, which is a secret with most services."""
    kinds: list[Kind] = msgspec.field(default_factory=lambda: list(KINDS))
    campuses: list[Name] = []
    """Campuses whose notices they get; empty: all."""
    language: Language | None = None


class NoticeSettings(Protocol):
    """The part of the settings that the channels use."""

    @property
    def smtp(self) -> Smtp | None: ...

    @property
    def zone(self) -> ZoneInfo: ...

    def path(self, name: str) -> Path:
        """Path of a file that the settings name, relative to their folder."""
        ...
