"""Settings of notices: the mail server, the contacts with their channels, and who is told when."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from fevergate.protocol.messages import Name
from fevergate.settings.values import ClockTime, Language, Minutes, Port

Kind = Literal["fever", "confirmed", "silent", "report", "unmeasured", "inside"]
KINDS: tuple[Kind, ...] = ("fever", "confirmed", "silent", "report", "unmeasured", "inside")

MAX_LEVEL = 9
"""Highest `level` of a contact."""


class Smtp(Struct, forbid_unknown_fields=True, kw_only=True):
    """[smtp]: the mail server."""

    host: str
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, Meta(pattern=r"^[^@\s<>]+@[^@\s<>]+\Z", max_length=254)]
    username: str = ""
    password_file: str = "smtp.password"  # noqa: S105 - a file's name
    ca: str | None = None


class Contact(Struct, forbid_unknown_fields=True, kw_only=True):
    """[[contacts]]: a person on duty, and the channel by which to reach them."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    channel: Literal["email", "webhook", "ntfy", "wecom", "dingtalk"]
    address: Annotated[str, Meta(min_length=1, max_length=1000)]
    """An e-mail address, or a URL to post to; with most services the URL is a secret."""
    kinds: list[Kind] = msgspec.field(default_factory=lambda: list(KINDS))
    campuses: list[Name] = []
    """Campuses whose notices they get; empty: all."""
    language: Language | None = None
    level: Annotated[int, Meta(ge=1, le=MAX_LEVEL)] = 1
    """Contacts of level 2 are told if those of level 1 do not act, and so on."""
    on_duty: bool = False
    """Told only while the duty list has their name; otherwise at any time."""


class NoticeTimes(Struct, forbid_unknown_fields=True, kw_only=True):
    """[escalation]: how long until a notice is repeated, and until the next level is told."""

    fever_after_min: Minutes = 10
    """Time until a notice is sent of a fever that nobody acknowledges."""
    again_min: Minutes = 10
    """Time until the notice of a confirmed fever that nobody has taken over is repeated."""
    next_level_min: Minutes = 10
    """Time until the contacts of the next level are told, too."""
    unmeasured_at: Annotated[list[ClockTime], Meta(max_length=24)] = msgspec.field(
        default_factory=lambda: ["10:00"]
    )
    """Local times of the notice of how many people on the list are not measured yet."""


class NoticeSettings(Protocol):
    """The part of the settings that the channels use."""

    @property
    def smtp(self) -> Smtp | None: ...

    @property
    def zone(self) -> ZoneInfo: ...

    def path(self, name: str) -> Path:
        """Path of a file that the settings name, relative to their folder."""
        ...


class ContactSettings(Protocol):
    """The part of the settings that says whom a notice concerns."""

    @property
    def contacts(self) -> list[Contact]: ...

    @property
    def language(self) -> Language: ...


def contact_mistakes(
    contacts: Sequence[Contact], smtp: Smtp | None, campuses: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the mistakes that the types do not show: (key, what was expected). `campuses`: the only
    ones that a contact may name; empty: any."""
    for number, contact in enumerate(contacts):
        place = f"contacts[{number}]"
        if contact.channel == "email":
            if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", contact.address):
                yield f"{place}.address", "expected an e-mail address"
            if smtp is None:
                yield f"{place}.channel", "email needs [smtp]"
        elif urlsplit(contact.address).scheme not in ("https", "http"):
            yield f"{place}.address", "expected a URL to post to"
        for campus in contact.campuses:
            if campuses and campus not in campuses:
                yield f"{place}.campuses", f"there is no campus {campus!r}"
