"""gateway.toml as typed settings with defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from fevergate.errors import NothingFoundError
from fevergate.protocol.messages import Name
from fevergate.settings.contacts import Contact, NoticeTimes, Smtp, contact_mistakes
from fevergate.settings.names import Names, in_language
from fevergate.settings.people import PeopleSettings
from fevergate.settings.settings_file import SettingsFile, read_settings, settings_error
from fevergate.settings.values import Language, Port
from fevergate.texts.translations import Pair

Title = Annotated[str, Meta(max_length=32)]
"""Name that people gave a campus, gate or kiosk; `title_en` is the English name, if it differs."""


GATEWAY_USER = "gateway"
"""The broker's user under which the gateway stays connected."""


class BrokerSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[broker]: the broker's address, and the credential to sign in with."""

    host: str = "127.0.0.1"
    port: Port = 8883
    local_port: Port | None = None
    """Port of the broker's listener on 127.0.0.1 (`broker_files.configuration`)."""
    name: str = "fevergate-gateway"
    """Name that the broker's certificate must carry; it may differ from `host`."""
    ca: str = "ca.crt"
    username: str = GATEWAY_USER
    password_file: str = "gateway.password"  # noqa: S105 - a file's name
    """A file that holds nothing but the password, readable by the gateway only."""

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Hosts and ports to try, in this order. An older broker configuration has no local
        listener."""
        local = [("127.0.0.1", self.local_port)] if self.local_port else []
        return [*local, (self.host, self.port)]

    @property
    def addresses_for_a_moment(self) -> list[tuple[str, int]]:
        """Hosts and ports to try for a short connection. The gateway's user never tries the
        network's listener: it would give the connection the gateway's client id, and so end the
        gateway's own session."""
        return self.addresses[:1] if self.username == GATEWAY_USER else self.addresses


class AlarmSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[alarm]: when a gate turns amber, and whether its buzzer sounds."""

    silent_after_s: Annotated[float, Meta(ge=5, le=3600)] = 150.0
    """A gate turns amber when one of its kiosks sends nothing for this long; health messages come
    each minute."""
    buzzer: bool = True


class Pins(Struct, forbid_unknown_fields=True, kw_only=True):
    """[pins]: the gpiozero pin factory; `auto` takes what works on this machine, and logs it."""

    factory: Literal["auto", "rpigpio", "lgpio", "mock"] = "auto"


MAX_GATES = 64
"""Most gates of one gateway: each is a tab of the board, a retained topic and a row in every
report."""


class Gate(Struct, forbid_unknown_fields=True, kw_only=True):
    """[[gates]]: an entrance with its kiosks and its lamps."""

    name: Name
    kiosks: Annotated[list[Name], Meta(min_length=1)]
    lamps: Literal["pins", "none"] = "pins"
    """`pins`: on the Pi's own pins; `none`: red is shown only by the kiosk's own light and on the
    board."""
    pins: Name = "gate1"
    """The set of pins of its lamps (hardware/pins.toml), with `lamps = "pins"`."""
    watched_by: Name | None = None
    """For a door without lamps or guard: the gate whose lamps, lamp posts and button serve it,
    too."""
    posts: list[Name] = msgspec.field(default_factory=list)
    """Lamp posts: boards with lamps of their own that show this gate's alarm as well."""
    title: Title = ""
    title_en: Title = ""

    @property
    def lit(self) -> bool:
        """Whether it has lamps of its own, on pins or on posts."""
        return self.lamps != "none" or bool(self.posts)


class KioskTitle(Struct, forbid_unknown_fields=True, kw_only=True):
    """[kiosk_titles.NAME]: what people call a kiosk."""

    title: Title = ""
    title_en: Title = ""


class CampusServerSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[campus_server]: where summaries are posted; without it nothing is forwarded."""

    url: Annotated[str, Meta(pattern="^https://")]
    token_file: str = "campus.token"  # noqa: S105 - a file's name
    ca: str | None = None
    """Certificate of a private authority; without it the system's authorities are trusted."""
    every_s: Annotated[float, Meta(ge=0.1, le=3600)] = 60.0
    persons: bool = False
    """Whether a follow-up is sent with name, unit, telephone and note; the campus decides."""
    own_list: bool = False
    """Whether the list of people is kept at this gateway. The server, for example a province's,
    then has no list of this campus, and receives counts only."""


class Retention(Struct, forbid_unknown_fields=True, kw_only=True):
    """[retention]: days until data is deleted; counts, coverage and fevers are kept for good."""

    raw_days: Annotated[int, Meta(ge=1, le=36500)] = 400
    """For readings without a fever; until then their verdict can be computed again."""
    persons_days: Annotated[int, Meta(ge=1, le=36500)] = 30
    """For names of people who acknowledged fevers, presences of people with cards, and payloads of
    messages in quarantine."""


class Metrics(Struct, forbid_unknown_fields=True, kw_only=True):
    """[metrics]: the address at which Prometheus scrapes; without it nothing listens."""

    port: Port = 9464
    host: str = "127.0.0.1"


class Web(Struct, forbid_unknown_fields=True, kw_only=True):
    """[web]: address, certificate and database of the gateway's web application."""

    host: str = "127.0.0.1"
    port: Port = 8443
    certificate: str = "web.crt"
    key: str = "web.key"
    database: str = "web.db"


class Desk(Struct, forbid_unknown_fields=True, kw_only=True):
    """[desk]: the sensor at the guards' desk, on an I2C bus of the Pi; without it there is none."""

    bus: Annotated[int, Meta(ge=0, le=255)] = 1
    """Number of the I2C bus: 1 is /dev/i2c-1, on the header's pins (hardware/pins.toml)."""
    site: Literal["canthus", "face_max", "forehead"] = "canthus"
    """The part of the face that fills the sensor's field of view."""
    supply_v: Annotated[float, Meta(ge=2.6, le=3.6)] = 3.3
    """Measured supply voltage of the sensor: 3 V parts are calibrated at 3.0 V."""
    database: str = "desk.db"


class GatewaySettings(SettingsFile, forbid_unknown_fields=True, kw_only=True):
    """gateway.toml: one campus's gateway, its gates and all its sections."""

    campus: Name
    title: Title = ""
    title_en: Title = ""
    gateway: Name
    gates: Annotated[list[Gate], Meta(min_length=1, max_length=MAX_GATES)]
    kiosk_titles: dict[Name, KioskTitle] = msgspec.field(default_factory=dict)
    language: Language = "zh"
    database: str = "fevergate.db"
    broker: BrokerSettings = msgspec.field(default_factory=BrokerSettings)
    alarm: AlarmSettings = msgspec.field(default_factory=AlarmSettings)
    pins: Pins = msgspec.field(default_factory=Pins)
    campus_server: CampusServerSettings | None = None
    metrics: Metrics | None = None
    web: Web = msgspec.field(default_factory=Web)
    desk: Desk | None = None
    people: PeopleSettings = msgspec.field(default_factory=PeopleSettings)
    home_assistant: bool = False
    """Whether kiosks and gates are announced to Home Assistant."""
    retention: Retention = msgspec.field(default_factory=Retention)
    smtp: Smtp | None = None
    contacts: list[Contact] = msgspec.field(default_factory=list)
    """People whom this gateway notifies itself; a campus server notifies its own contacts."""
    escalation: NoticeTimes = msgspec.field(default_factory=NoticeTimes)

    @property
    def keeps_list(self) -> bool:
        """Whether the list of people is kept here, and not copied from the campus server."""
        return self.campus_server is None or self.campus_server.own_list

    def as_user(self, user: str) -> GatewaySettings:
        """A copy that signs in to the broker as `user`, with the password in `USER.password`."""
        broker = replace(self.broker, username=user, password_file=f"{user}.password")
        return replace(self, broker=broker)

    def names(self, language: str) -> Names:
        """The names that people gave campus, gates and kiosks, in `language`."""
        gates = {gate.name: in_language(gate, language) for gate in self.gates}
        kiosks = {
            kiosk: in_language(titles, language) for kiosk, titles in self.kiosk_titles.items()
        }
        return Names(in_language(self, language) or self.campus, gates, kiosks)

    def campus_title(self, language: str) -> str:
        """Display name of the campus in `language`."""
        return self.names(language).campus

    def gate_title(self, gate: str, language: str) -> str:
        """Display name of a gate; its id if it has no name or was removed."""
        return self.names(language).gate(gate)

    def kiosk_title(self, kiosk: str, language: str) -> str:
        """Display name of a kiosk; its id if it has no name."""
        return self.names(language).kiosk(kiosk)

    def in_both(self, name: Callable[[Names], str]) -> Pair:
        """A name in Chinese and in English."""
        return name(self.names("zh")), name(self.names("en"))

    @property
    def kiosks(self) -> list[str]:
        """Names of all kiosks, gate by gate."""
        return [kiosk for gate in self.gates for kiosk in gate.kiosks]

    @property
    def posts(self) -> dict[str, str]:
        """The gate of each lamp post."""
        return {post: gate.name for gate in self.gates for post in gate.posts}

    @property
    def devices(self) -> dict[str, str]:
        """The gate of each kiosk and of each lamp post."""
        return {kiosk: gate.name for gate in self.gates for kiosk in gate.kiosks} | self.posts

    def expect_kiosks(self, *kiosks: str) -> None:
        """Raise `NothingFoundError` for a kiosk that is not in the settings."""
        for kiosk in kiosks:
            if kiosk not in self.kiosks:
                a_post = "is a lamp post, which measures nobody; " if kiosk in self.posts else ""
                expected = f"{a_post}expected one of {', '.join(self.kiosks)}"
                raise NothingFoundError(f"kiosk {kiosk!r}: {expected}")

    def expect_devices(self, *names: str) -> None:
        """Raise `NothingFoundError` for a name that is neither a kiosk's nor a lamp post's."""
        for name in names:
            if name not in self.devices:
                expected = ", ".join(self.devices)
                raise NothingFoundError(f"kiosk or lamp post {name!r}: expected one of {expected}")

    @property
    def watched_by(self) -> dict[str, str]:
        """The name of the watching gate, for each gate that is watched by another."""
        return {gate.name: gate.watched_by for gate in self.gates if gate.watched_by}

    def has_lamps(self, gate: str) -> bool:
        """Whether a gate has lamps on pins; False for a gate that is not in the settings."""
        return any(settings.lamps != "none" for settings in self.gates if settings.name == gate)

    def gate_of(self, kiosk: str) -> Gate | None:
        """The gate at which a kiosk stands, or None for a kiosk that is not in the settings."""
        return next((gate for gate in self.gates if kiosk in gate.kiosks), None)


def load_gateway(path: Path) -> GatewaySettings:
    """Read gateway.toml, and check that no gate, kiosk or pin set occurs twice, and that contacts
    can be reached.

    Raises `SettingsError`, one line: file, key, what was expected.
    """
    settings = read_settings(path, GatewaySettings)
    gate_of: dict[str, str] = {}
    for index, gate in enumerate(settings.gates):
        names = [("gate", gate.name)]
        if gate.lamps == "pins":
            names.append(("pins", gate.pins))
        for kind, name in names:
            if gate_of.setdefault(f"{kind} {name}", gate.name) != gate.name or (
                kind == "gate" and [g.name for g in settings.gates].count(name) > 1
            ):
                raise settings_error(
                    path, f"gates[{index}]", f"{kind} {name!r} is taken by another gate"
                )
        for kiosk in gate.kiosks:
            if gate_of.setdefault(f"kiosk {kiosk}", gate.name) != gate.name:
                raise settings_error(
                    path, f"gates[{index}].kiosks", f"{kiosk!r} stands at another gate"
                )
    watchers = [gate.name for gate in settings.gates if gate.lit and not gate.watched_by]
    for index, gate in enumerate(settings.gates):
        if gate.watched_by is None:
            continue
        key = f"gates[{index}].watched_by"
        if gate.lamps != "none":
            raise settings_error(path, key, 'only with lamps = "none"')
        if gate.watched_by not in watchers:
            have = ", ".join(watchers) or "none"
            expected = f"expected a gate that has lamps and is not watched itself: {have}"
            raise settings_error(path, key, expected)
    posts = [post for gate in settings.gates for post in gate.posts]
    for index, gate in enumerate(settings.gates):
        for post in gate.posts:
            if post in settings.kiosks or posts.count(post) > 1:
                expected = f"{post!r} is the name of a kiosk or of another post"
                raise settings_error(path, f"gates[{index}].posts", expected)
    for key, expected in contact_mistakes(settings.contacts, settings.smtp, [settings.campus]):
        raise settings_error(path, key, expected)
    return settings
