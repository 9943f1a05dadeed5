"""Settings of the campus server, `campus.toml`: gateways and tokens, report times, contacts.

```toml
title = "某某职业技术学院"
title_en = "Example Vocational College"

[campuses.east]
title = "东校区"
gateways = ["gw-east"]

[tokens]                      # for each gateway the SHA-256 of its token
gw-east = "..."

[report]
draft_at = "07:00"            # of the day before
deadline = "09:00"

[smtp]
host = "mail.example.edu.cn"
sender = "fevergate@example.edu.cn"

[[contacts]]
name = "Chen Jing"
channel = "email"             # email, webhook, ntfy, wecom or dingtalk
address = "chen@example.edu.cn"
```
"""

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import URL

from fevergate.campus.database import database_url
from fevergate.protocol.messages import Name
from fevergate.settings.contacts import Contact, NoticeTimes, Smtp, contact_mistakes
from fevergate.settings.people import PeopleSettings
from fevergate.settings.settings_file import SettingsFile, read_settings, settings_error
from fevergate.settings.values import ClockTime, Language, Minutes, Port

Title = Annotated[str, Meta(max_length=64)]


class Campus(Struct, forbid_unknown_fields=True, kw_only=True):
    """[campuses.NAME]: one campus that must report, and its gateways."""

    title: Title = ""
    title_en: Title = ""
    gateways: Annotated[list[Name], Meta(min_length=1)]


class Report(Struct, forbid_unknown_fields=True, kw_only=True):
    """[report]: local times at which the report of the previous day is drafted, and is due."""

    draft_at: ClockTime = "07:00"
    deadline: ClockTime = "09:00"
    remind_before_min: Minutes = 30
    to: Title = ""
    """Recipient of the report, noted when it is submitted."""


class EscalationSettings(NoticeTimes, forbid_unknown_fields=True, kw_only=True):
    """[escalation]: times until a contact is notified and until a notice is repeated."""

    silent_after_min: Minutes = 60
    """Time after which a notice of a silent gateway is sent."""


class CampusSettings(SettingsFile, forbid_unknown_fields=True, kw_only=True):
    """campus.toml: all settings of the campus server."""

    host: str = "127.0.0.1"
    port: Port = 8443
    certificate: str = "campus.crt"
    key: str = "campus.key"
    database: str = "campus.db"
    """A file in the settings' folder, or a URL such as postgresql://fevergate@db/fevergate."""
    language: Language = "zh"
    title: Title = ""
    title_en: Title = ""
    tokens: dict[Name, str]
    """SHA-256 (hex) of each gateway's token; a copy of the settings reveals no token."""
    campuses: dict[Name, Campus] = msgspec.field(default_factory=dict)
    """Campuses that must report; if there are none, all campuses that ever reported must."""
    report: Report = msgspec.field(default_factory=Report)
    escalation: EscalationSettings = msgspec.field(default_factory=EscalationSettings)
    smtp: Smtp | None = None
    contacts: list[Contact] = msgspec.field(default_factory=list)
    people: PeopleSettings = msgspec.field(default_factory=PeopleSettings)
    persons_days: Annotated[int, Meta(ge=1, le=36500)] = 30
    """Days for which personal data is kept, if a campus sends any."""

    def titles(self, campus: str) -> tuple[str, str]:
        """A campus's name in Chinese and in English."""
        settings = self.campuses.get(campus)
        title = (settings and settings.title) or campus
        return title, (settings and settings.title_en) or title

    @property
    def url(self) -> URL:
        """URL of the database. Raises `SettingsError`."""
        return database_url(self.database, self.folder)


def load_campus(path: Path) -> CampusSettings:
    """Read `campus.toml`.

    Raises `SettingsError` with one line: the file, the key and what was expected.
    """
    settings = read_settings(path, CampusSettings)
    for name, digest in settings.tokens.items():
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise settings_error(path, f"tokens.{name}", "expected a SHA-256 in hex (64 digits)")
    campus_of: dict[str, str] = {}
    for name, campus in settings.campuses.items():
        for gateway in campus.gateways:
            if gateway not in settings.tokens:
                raise settings_error(path, f"campuses.{name}.gateways", f"{gateway!r} has no token")
            if campus_of.setdefault(gateway, name) != name:
                raise settings_error(
                    path, f"campuses.{name}.gateways", f"{gateway!r} is {campus_of[gateway]}'s"
                )
    if settings.report.draft_at > settings.report.deadline:
        raise settings_error(path, "report.draft_at", "expected a time before the deadline")
    mistakes = contact_mistakes(settings.contacts, settings.smtp, list(settings.campuses))
    for key, expected in mistakes:
        raise settings_error(path, key, expected)
    settings.url  # noqa: B018 - raises if it is invalid
    return settings
