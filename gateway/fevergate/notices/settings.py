"""What notices need of a settings file: the mail server, and whom to tell by which channel."""

from __future__ import annotations

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
    """The mail server."""

    host: str
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]
    username: str = ""
    password_file: str = "smtp.password"  # noqa: S105 - a file's name
    ca: str | None = None


class Contact(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody on duty, and the way to tell that one."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    channel: Literal["email", "webhook", "ntfy", "wecom", "dingtalk"]
    address: Annotated[str, Meta(min_length=1, max_length=1000)]
    """An e-mail address, or the URL to post to, which is a secret with most services."""
    kinds: list[Kind] = msgspec.field(default_factory=lambda: list(KINDS))
    campuses: list[Name] = []
    """Of which campuses; empty for all."""
    language: Language | None = None


class NoticeSettings(Protocol):
    """What a settings file says that the channels use."""

    @property
    def smtp(self) -> Smtp | None: ...

    @property
    def zone(self) -> ZoneInfo: ...

    def path(self, name: str) -> Path:
        """Where a file lies that the settings name."""
        ...
