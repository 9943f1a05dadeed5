"""The gateway's TOML settings, and reading any: typed, with defaults, refused in one line.

Paths in a file are relative to that file, so that a folder of settings can be moved.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from fevergate.errors import SettingsError
from fevergate.protocol.messages import Name

Port = Annotated[int, Meta(ge=1, le=65535)]
Language = Literal["zh", "en"]
Title = Annotated[str, Meta(max_length=32)]
"""What people call something; `title_en` where it is called otherwise in English."""


class Broker(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the broker is, and who we are there."""

    host: str = "127.0.0.1"
    port: Port = 8883
    local_port: Port | None = None
    """The broker's listener for this machine alone: see `broker_files.configuration`."""
    name: str = "fevergate-gateway"
    """The name in the broker's certificate, which need not be its address."""
    ca: str = "ca.crt"
    username: str = "gateway"
    password_file: str = "gateway.password"  # noqa: S105 - a file's name
    """A file that holds the password alone, readable by the gateway only."""

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where to try, in this order: a broker may not know its local listener yet."""
        local = [("127.0.0.1", self.local_port)] if self.local_port else []
        return [*local, (self.host, self.port)]


class Alarm(Struct, forbid_unknown_fields=True, kw_only=True):
    """How the guard is told."""

    silent_after_s: Annotated[float, Meta(ge=5, le=3600)] = 150.0
    """A kiosk that says nothing for so long turns its gate amber; health comes each minute."""
    buzzer: bool = True


class Pins(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which library drives the pins; `auto` takes what the machine has, and says so."""

    factory: Literal["auto", "rpigpio", "lgpio", "mock"] = "auto"


class Gate(Struct, forbid_unknown_fields=True, kw_only=True):
    """One entrance: its kiosks, and the set of pins (hardware/pins.toml) of its lights."""

    name: Name
    kiosks: Annotated[list[Name], Meta(min_length=1)]
    pins: Name = "gate1"
    title: Title = ""
    title_en: Title = ""


class CampusServer(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where summaries go; without it nothing is forwarded."""

    url: Annotated[str, Meta(pattern="^https://")]
    token_file: str = "campus.token"  # noqa: S105 - a file's name
    ca: str | None = None
    """A private authority's certificate; the system's authorities without it."""
    every_s: Annotated[float, Meta(ge=0.1, le=3600)] = 60.0
    persons: bool = False
    """Whether a follow-up is sent with name, unit, telephone and note: the campus's policy."""


class Retention(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long what is kept; counts, coverage and fevers stay."""

    raw_days: Annotated[int, Meta(ge=1, le=36500)] = 400
    """Readings without a fever: temperatures, times, all that a verdict can be made of again."""
    persons_days: Annotated[int, Meta(ge=1, le=36500)] = 30
    """Who acknowledged a fever; what was in messages that were not understood."""


class Metrics(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where Prometheus may ask how the gateway is; without it nothing listens."""

    port: Port = 9464
    host: str = "127.0.0.1"


class Web(Struct, forbid_unknown_fields=True, kw_only=True):
    """The pages: the guard's board, the fever log."""

    host: str = "127.0.0.1"
    port: Port = 8443
    certificate: str = "web.crt"
    key: str = "web.key"
    database: str = "web.db"


class Desk(Struct, forbid_unknown_fields=True, kw_only=True):
    """The guards' own sensor on an I2C bus of the Pi; without it there is none."""

    bus: Annotated[int, Meta(ge=0, le=255)] = 1
    """Which one: 1 is /dev/i2c-1, on the header's pins (hardware/pins.toml)."""
    site: Literal["canthus", "face_max", "forehead"] = "canthus"
    """What of a face fills its view."""
    supply_v: Annotated[float, Meta(ge=2.6, le=3.6)] = 3.3
    """What feeds the sensor, by a voltmeter: 3 V parts are calibrated at 3.0 V."""
    database: str = "desk.db"


class GatewaySettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """`gateway.toml`."""

    campus: Name
    title: Title = ""
    title_en: Title = ""
    gateway: Name
    gates: Annotated[list[Gate], Meta(min_length=1, max_length=16)]
    timezone: str = "Asia/Shanghai"
    language: Language = "zh"
    database: str = "fevergate.db"
    broker: Broker = msgspec.field(default_factory=Broker)
    alarm: Alarm = msgspec.field(default_factory=Alarm)
    pins: Pins = msgspec.field(default_factory=Pins)
    campus_server: CampusServer | None = None
    metrics: Metrics | None = None
    web: Web = msgspec.field(default_factory=Web)
    desk: Desk | None = None
    home_assistant: bool = False
    """Whether kiosks and gates shall appear in Home Assistant."""
    retention: Retention = msgspec.field(default_factory=Retention)

    folder: Path = Path()
    """Where the file lies; set by `load`, not by the file."""

    def as_user(self, user: str) -> GatewaySettings:
        """A copy that signs in to the broker as `user`, with the password in `USER.password`."""
        broker = replace(self.broker, username=user, password_file=f"{user}.password")
        return replace(self, broker=broker)

    def path(self, name: str) -> Path:
        """The absolute path of `name`, which may be relative to the settings file."""
        return self.folder / name

    def campus_title(self, language: str) -> str:
        """What people call the campus."""
        return _titled(self.title, self.title_en, self.campus, language)

    def gate_title(self, gate: str, language: str) -> str:
        """What people call a gate; one of before keeps its name."""
        for one in self.gates:
            if one.name == gate:
                return _titled(one.title, one.title_en, gate, language)
        return gate

    def gate_of(self, kiosk: str) -> Gate | None:
        """The gate at which a kiosk stands, or None for a kiosk that nobody has named."""
        return next((gate for gate in self.gates if kiosk in gate.kiosks), None)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def _titled(title: str, title_en: str, name: str, language: str) -> str:
    return (title_en or title or name) if language == "en" else (title or name)


class Located(Protocol):
    """Settings that know where their file lies."""

    timezone: str
    folder: Path


S = TypeVar("S", bound=Located)


def refused(path: Path, key: str, expected: str) -> SettingsError:
    """What is wrong with a file, in one line."""
    return SettingsError(f"{path}: {key}: {expected}" if key else f"{path}: {expected}")


def decode(path: Path, kind: type[S]) -> S:
    """A file as settings of one kind. Raises `SettingsError`, one line: file, key, expectation."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise refused(path, "", "no such file; `fevergate provision` makes one") from error
    except OSError as error:
        raise refused(path, "", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise refused(path, "", f"not TOML: {error}") from error
    if "folder" in table:
        raise refused(path, "folder", "unknown key")
    try:
        settings = msgspec.convert(table, kind, strict=True)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        key = where.rstrip("`").lstrip(".")
        if unknown := re.search(r"unknown field `(.+?)`", what):
            key, what = ".".join(filter(None, (key, unknown[1]))), "unknown key"
        elif missing := re.search(r"missing required field `(.+?)`", what):
            key, what = ".".join(filter(None, (key, missing[1]))), "missing, but required"
        raise refused(path, key, what[0].lower() + what[1:]) from error
    settings.folder = path.parent
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise refused(path, "timezone", "expected a zone such as Asia/Shanghai") from error
    return settings


def load_gateway(path: Path) -> GatewaySettings:
    """Read `gateway.toml`.

    Raises `SettingsError`, one line: file, key, what was expected.
    """
    settings = decode(path, GatewaySettings)
    seen: dict[str, str] = {}
    for index, gate in enumerate(settings.gates):
        for kind, name in (("gate", gate.name), ("pins", gate.pins)):
            if seen.setdefault(f"{kind} {name}", gate.name) != gate.name or (
                kind == "gate" and [g.name for g in settings.gates].count(name) > 1
            ):
                raise refused(path, f"gates[{index}]", f"{kind} {name!r} is taken by another gate")
        for kiosk in gate.kiosks:
            if seen.setdefault(f"kiosk {kiosk}", gate.name) != gate.name:
                raise refused(path, f"gates[{index}].kiosks", f"{kiosk!r} stands at another gate")
    return settings


def read_secret(path: Path) -> str:
    """A password or token from its file, without the line's end.

    Raises `SettingsError` where it is missing, empty or unreadable.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: expected a file that holds the secret: {error}") from error
    if not secret:
        raise SettingsError(f"{path}: is empty, expected the secret")
    return secret
