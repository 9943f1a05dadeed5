"""Sets a kiosk's settings from the gateway, by a message that the broker retains for the kiosk.

`fevergate settings` and the kiosk's page both use this module. `values_of` checks the values that a
person asks for; `set_values` has the broker retain them; `answers` reads the kiosks' replies.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace
from sqlite_utils import Database

from fevergate.errors import ActionError, KioskValueError, MessageError
from fevergate.kiosks.display_notice import glyphs_of
from fevergate.mqtt.one_shot import publish_once, read_all_retained, read_retained
from fevergate.protocol.messages import KioskSettings, KioskValues, decode, encode
from fevergate.protocol.topics import Topic
from fevergate.settings.gateway import GatewaySettings

THRESHOLD_C = (35.0, 40.0)
"""Lowest and highest axillary threshold (°C) that can be set."""

BASELINE_C = (-0.8, 0.8)
"""Lowest and highest fixed baseline (°C) that can be set."""

log = logging.getLogger(__name__)


class RequestedValues(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values that a person can set; None leaves a value as it is."""

    threshold_c: Annotated[float, Meta(ge=THRESHOLD_C[0], le=THRESHOLD_C[1])] | None = None
    site: Literal["canthus", "face_max", "forehead"] | None = None
    confirm_scans: Annotated[int, Meta(ge=0, le=3)] | None = None
    baseline: Literal["auto", "fixed", "off"] | None = None
    baseline_c: Annotated[float, Meta(ge=BASELINE_C[0], le=BASELINE_C[1])] | None = None
    language: Literal["zh", "en"] | None = None
    volume: Annotated[int, Meta(ge=0, le=100)] | None = None
    brightness: Annotated[int, Meta(ge=1, le=100)] | None = None
    quiet: str | None = None
    """When the beeper is silent: local time, HH:MM-HH:MM, or `off`."""
    notice: str | None = None
    card: Literal["off", "record", "permit"] | None = None
    """What a kiosk does with a tapped card: nothing, record it, or also ask whether the person may
    enter."""
    card_reader: Literal["binary", "line"] | None = None
    """What the card reader sends: frames of bytes, or lines of digits."""
    card_order: Literal["big", "little"] | None = None
    """Which byte of the number in a frame comes first: the highest, or the lowest."""
    card_base: Literal[10, 16] | None = None
    """Base of the digits in a line."""


FIELDS = RequestedValues.__struct_fields__
POST_FIELDS = ("volume", "quiet")
"""The values of a lamp post: when and how loud its siren sounds. A lamp post measures nobody and
has no display."""

CHOICES = ("site", "baseline", "language", "card", "card_reader", "card_order", "card_base")


class Answer(NamedTuple):
    """A kiosk's answer to its settings: the version in force, the error in the last settings
    (empty: none), and the Unix time (s) of the answer."""

    version: int = 0
    error: str = ""
    answered_at: float = 0.0


def values_of(fields: Mapping[str, Any]) -> KioskValues:
    """Check the fields of a command or form (numbers may be text), and convert them to the values
    that are sent to a kiosk. Raises `KioskValueError`."""
    try:
        requested = asdict(msgspec.convert(fields, RequestedValues, strict=False))
    except msgspec.ValidationError as error:
        text, _, field = str(error).replace(" | null", "").partition(" - at `$.")
        name = field.rstrip("`")
        raise KioskValueError(
            f"{name}: {text[0].lower()}{text[1:]}",
            *(name, str(fields.get(name, "")), "choice" if name in CHOICES else "range"),
        ) from error
    quiet, notice = requested.pop("quiet"), requested["notice"]
    if quiet is not None:
        requested["quiet_from"], requested["quiet_to"] = _quiet_hours(quiet)
    if notice is not None:
        requested["notice_glyphs"] = glyphs_of(notice)
    return KioskValues(**requested)


def _quiet_hours(text: str) -> tuple[str, str]:
    if text == "off":
        return "", ""
    begin, _, end = text.partition("-")
    try:
        times = [datetime.strptime(part, "%H:%M").strftime("%H:%M") for part in (begin, end)]
    except ValueError as error:
        raise KioskValueError(
            f"quiet {text!r}: expected HH:MM-HH:MM, or off", "quiet", text, "quiet"
        ) from error
    return times[0], times[1]


def current(settings: GatewaySettings, kiosk: str) -> KioskSettings:
    """The settings retained for a kiosk; version 0 without values if they are missing or invalid.

    Raises `BrokerError`.
    """
    return _understood(kiosk, read_retained(settings, _topic(settings, kiosk)))


def current_of_all(settings: GatewaySettings) -> dict[str, KioskSettings]:
    """The settings retained for each kiosk in `settings`; see `current`. Raises `BrokerError`."""
    retained = read_all_retained(settings, _topic(settings, "+"))
    return {
        kiosk: _understood(kiosk, retained.get(_topic(settings, kiosk)))
        for kiosk in settings.kiosks
    }


def _understood(kiosk: str, payload: bytes | None) -> KioskSettings:
    try:
        return decode(payload, KioskSettings) if payload else KioskSettings()
    except MessageError as error:
        log.warning("%s: the retained settings are invalid and will be replaced: %s", kiosk, error)
        return KioskSettings()


def set_values(
    settings: GatewaySettings,
    database: Database,
    kiosk: str,
    values: KioskValues,
    *,
    reset: bool = False,
    shown_version: int | None = None,
) -> KioskSettings:
    """Retain new values for a kiosk, under a version above all that it may know; returns the
    retained settings.

    `values` are merged into the retained ones; with `reset` they replace them. `shown_version` is
    the version that the person saw: a newer version is not overwritten.

    Raises `KioskValueError` for a value that a lamp post does not have, `ActionError` if the
    retained version is not `shown_version`, and `BrokerError`.
    """
    if kiosk in settings.posts:
        _expect_posts_own(values)
    before = current(settings, kiosk)
    if shown_version not in (None, before.version):
        raise ActionError("meanwhile_set", "")
    in_force = answers(database).get(kiosk, Answer()).version
    base = KioskValues() if reset or before.values is None else before.values
    changes = {name: value for name, value in asdict(values).items() if value is not None}
    offset = datetime.now(settings.zone).utcoffset()
    changes["utc_offset_min"] = int(offset.total_seconds() // 60) if offset else 0
    version = max(before.version, in_force) + 1
    new = replace(before, version=version, values=replace(base, **changes))
    put(settings, kiosk, new)
    return new


def _expect_posts_own(values: KioskValues) -> None:
    for name, value in asdict(values).items():
        if value is not None and name.partition("_")[0] not in POST_FIELDS:
            raise KioskValueError(
                f"{name}: a lamp post has {' and '.join(POST_FIELDS)} only",
                name,
                str(value),
                "post",
            )


def put(settings: GatewaySettings, kiosk: str, new: KioskSettings) -> None:
    """Retain settings for a kiosk; it reads them as soon as it is online. Raises `BrokerError`."""
    publish_once(settings, _topic(settings, kiosk), encode(new), retain=True)


def answers(database: Database) -> dict[str, Answer]:
    """Each kiosk's last answer to its settings, as the gateway stored it."""
    rows = database.execute("select kiosk, version, error, answered_at from applied")
    return {kiosk: Answer(*answer) for kiosk, *answer in rows}


def _topic(settings: GatewaySettings, kiosk: str) -> str:
    return str(Topic(settings.campus, kiosk, "settings"))
