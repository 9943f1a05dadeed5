"""Message types between kiosk and gateway.

A payload is UTF-8 JSON of at most `MAX_PAYLOAD` bytes and is validated when it is decoded. Unknown
fields are ignored, so that a newer kiosk can talk to an older gateway. Every number and text is
bounded, because network input may be hostile.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from fevergate.errors import MessageError
from fevergate.protocol.visible_text import make_visible

MAX_PAYLOAD = 1024
"""Bytes of one MQTT payload; a longer one goes to quarantine without being decoded."""

T = TypeVar("T", bound=Struct)

NAME_PATTERN = r"^[a-z0-9-]{1,32}\Z"

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
"""Name of a campus, gate, kiosk or gateway."""

Version = Annotated[int, Meta(ge=1, le=1)]
Celsius = Annotated[float, Meta(ge=-100.0, le=400.0)]
FIRST_AT = 1_577_836_800
LAST_AT = 4_102_444_800
Utc = Annotated[float, Meta(ge=FIRST_AT, le=LAST_AT)]
"""Unix time in s, 2020 to 2100."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
Seq = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Boot = Annotated[int, Meta(ge=0, le=2**31 - 1)]
MAX_MS = 10 * 366 * 86_400_000
"""Ten years in ms: `Utc` plus or minus a `Millis` is always a valid date."""

Millis = Annotated[int, Meta(ge=0, le=MAX_MS)]
Short = Annotated[str, Meta(pattern=r"^[ -~]{0,64}\Z")]
"""Printable ASCII for programs; eight of them fit into one payload."""

MAX_LINE = 64
Line = Annotated[str, Meta(max_length=MAX_LINE)]
"""Short text for people."""

Person = Annotated[str, Meta(min_length=1, max_length=64)]

SealedCard = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z", max_length=16)]
"""Number of a card, 8 bytes in hex, sealed with the kiosk's card key (firmware, `card_seal.py`)."""

Tap = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Count of a kiosk's taps since its boot."""


class Verdict(StrEnum):
    """Result of a scan, as the kiosk showed it."""

    NORMAL = "normal"
    FEVER = "fever"
    RETRY = "retry"


class Identity(NamedTuple):
    """Primary key of a reading; a message that repeats it is stored once."""

    kiosk: str
    boot: int
    seq: int

    def __str__(self) -> str:
        return f"{self.kiosk}/{self.boot}/{self.seq}"


class Message(Struct, frozen=True, kw_only=True):
    """Base of all JSON messages; `v` is the version of the protocol."""

    v: Version = 1


class Reading(Message, frozen=True, kw_only=True):
    """One scan and its verdict, with all values that the verdict was computed from.

    Temperatures in °C, null where the sensor gave none. `body_c` and `threshold_c` are
    axillary equivalents. `at` is null while the kiosk's clock is not set; `up_ms` counts
    from the boot. With it, a later message of the same boot that has a date gives this one its
    date, too.
    `who` is the card that was tapped for this scan, if any. `permit` is the gateway's answer that
    the kiosk showed, or "late" if no answer came in time.
    """

    kiosk: Name
    boot: Boot
    seq: Seq
    at: Utc | None
    up_ms: Millis
    verdict: Verdict
    reason: Short = ""
    object_c: Celsius | None = None
    ambient_c: Celsius | None = None
    skin_c: Celsius | None = None
    body_c: Celsius | None = None
    threshold_c: Celsius | None = None
    baseline_c: Celsius | None = None
    samples: Count = 0
    scan_ms: Millis = 0
    queued: Count = 0
    fw: Short = ""
    # From here on fields are not stored in the tables of readings (STORED).
    who: SealedCard | None = None
    permit: Literal["enter", "ask", "stop", "unknown", "late"] | None = None

    @property
    def identity(self) -> Identity:
        return Identity(self.kiosk, self.boot, self.seq)


STORED = slice(1, Reading.__struct_fields__.index("who"))
"""The fields of a `Reading` that tables of readings store: from the second one (the first is the
protocol's version) to the last one before `who`."""

STORED_FIELDS = Reading.__struct_fields__[STORED]


class CardTapped(Message, frozen=True, kw_only=True):
    """A card was tapped at a kiosk that asks for the permit; the answer is a `CardPermit`.

    QoS 0 and not retained, since an answer that comes late is of no use.
    """

    boot: Boot
    tap: Tap
    who: SealedCard


class CardPermit(Message, frozen=True, kw_only=True):
    """What the person of a tapped card may do; "unknown" if no list has the card."""

    boot: Boot
    tap: Tap
    permit: Literal["enter", "ask", "stop", "unknown"]


class Health(Message, frozen=True, kw_only=True):
    """A kiosk's state, sent each minute: whether it can measure, or the fault that prevents it.

    `watched_s` is the time up to `at` in which the kiosk could have measured a person; coverage is
    computed from it. `wifi` is the reason of the last Wi-Fi outage: ESP-IDF's `wifi_err_reason_t`,
    a state of MicroPython's `WLAN.status()`, 1100 if DHCP gave no address, 0 without an outage.
    `reader` is the state of the card reader: "ok"; "out" if it is unplugged; "noise" if its bytes
    are no card number; "" if `card` is "off".
    """

    kiosk: Name
    boot: Boot
    at: Utc | None
    up_ms: Millis
    state: Annotated[str, Meta(pattern=r"^(ok|fault)\Z")]
    fault: Short = ""
    watched_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    heap_free: Count = 0
    heap_low: Count = 0
    queued: Count = 0
    dropped: Count = 0
    scans: Count = 0
    pec_errors: Count = 0
    reconnects: Count = 0
    rssi: Annotated[int, Meta(ge=-200, le=100)] | None = None
    wifi: Count = 0
    can_c: Celsius | None = None
    sensor: Short = ""
    reset: Short = ""
    settings_version: Count = 0
    site: Short = ""
    confirm_scans: Count = 1
    baseline_c: Celsius | None = None
    drift: bool = False
    drift_c: Celsius | None = None
    update: Short = ""
    fw: Short = ""
    board: Short = ""
    card: Short = "off"
    reader: Short = ""


class CalibrationRecord(Struct, frozen=True, kw_only=True):
    """Calibration of one sensor against a reference: when, by whom, and the correction.

    `sensor` is the unit's 64-bit serial number; the kiosk's `calibration.py` defines `offset_c`,
    `gain` and `can_over_air_c` and their plausible ranges. `uncertainty_c` is the 95 % uncertainty
    at 37 °C. `supply_v` is the value of the setting `supply_v` at that time, None if unknown.
    """

    sensor: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
    at: Utc
    by: Person
    method: Annotated[str, Meta(pattern=r"^[a-z-]{1,32}\Z")]
    offset_c: Annotated[float, Meta(ge=-10, le=10)]
    gain: Annotated[float, Meta(ge=0.5, le=2)] = 1.0
    can_over_air_c: Annotated[float, Meta(ge=-50, le=50)] = 0.0
    uncertainty_c: Annotated[float, Meta(ge=0, le=10)]
    supply_v: Annotated[float, Meta(ge=2.6, le=3.6)] | None = None

    def __post_init__(self) -> None:
        make_visible(self, "by")


class KioskValues(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Values that the gateway sets on a kiosk; None leaves the value of the kiosk's settings.json.

    The kiosk validates each value; times are local, HH:MM.
    """

    site: Short | None = None
    threshold_c: Celsius | None = None
    confirm_scans: Annotated[int, Meta(ge=0, le=3)] | None = None
    baseline: Annotated[str, Meta(pattern=r"^(auto|fixed|off)\Z")] | None = None
    baseline_c: Celsius | None = None
    language: Annotated[str, Meta(pattern=r"^(zh|en)\Z")] | None = None
    volume: Annotated[int, Meta(ge=0, le=100)] | None = None
    brightness: Annotated[int, Meta(ge=1, le=100)] | None = None
    quiet_from: Annotated[str, Meta(pattern=r"^([0-9][0-9]:[0-9][0-9])?\Z")] | None = None
    quiet_to: Annotated[str, Meta(pattern=r"^([0-9][0-9]:[0-9][0-9])?\Z")] | None = None
    utc_offset_min: Annotated[int, Meta(ge=-720, le=840)] | None = None
    notice: Annotated[str, Meta(max_length=16)] | None = None
    notice_glyphs: Annotated[str, Meta(max_length=344)] | None = None
    card: Literal["off", "record", "permit"] | None = None
    card_reader: Literal["binary", "line"] | None = None
    card_order: Literal["big", "little"] | None = None
    card_base: Literal[10, 16] | None = None


class KioskSettings(Message, frozen=True, kw_only=True):
    """Retained settings and calibration of one kiosk.

    A kiosk ignores a `version` that is lower than the one it has.
    """

    version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    values: KioskValues | None = None
    calibration: CalibrationRecord | None = None


class Applied(Message, frozen=True, kw_only=True):
    """A kiosk's answer to `KioskSettings`: the version in force, or one line on what is wrong."""

    kiosk: Name
    at: Utc | None = None
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    calibration: CalibrationRecord | None = None
    error: Short = ""


class Command(Message, frozen=True, kw_only=True):
    """Switches a mode of a kiosk on or off.

    `reference`: scans are of a calibration reference, not of a person. `identify`: the kiosk
    blinks, chirps and shows its name, so that it can be found.
    """

    command: Annotated[str, Meta(pattern=r"^(reference|identify)\Z")]
    on: bool


class UpdateOffer(Message, frozen=True, kw_only=True):
    """Offer of a firmware bundle to one kiosk; `boards` are the board models that it was built for.

    `signature` (base64, RSA) signs `kiosk.update_offer.signed_text`.
    """

    version: Annotated[str, Meta(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\Z")]
    issued: Utc
    size: Count
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    abi: Count
    boards: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]
    downgrade: bool = False
    signature: Annotated[str, Meta(max_length=700)] = ""


class UpdateWant(Message, frozen=True, kw_only=True):
    """A kiosk's request for the bundle's bytes from `offset` on.

    The answer on `update/piece` is the offset, 4 bytes big-endian, and at most
    `kiosk.update_offer.PIECE_MAX` bytes.
    """

    offset: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class UpdateState(Message, frozen=True, kw_only=True):
    """Progress of a kiosk's update; `error` says why it was refused."""

    kiosk: Name
    at: Utc | None
    state: Annotated[str, Meta(pattern=r"^(refused|restarting|running|rolled back)\Z")]
    version: Short = ""
    error: Short = ""


class Stored(Message, frozen=True, kw_only=True):
    """The readings of one kiosk boot that the gateway has committed to disk.

    Committed are all sequence numbers from 1 to `seq` except the ranges in `gaps`, and the ranges
    in `also`, which lie above `seq`; a range is its first and last number, inclusive. A kiosk
    deletes a reading from its outbox only when this message covers it.
    """

    boot: Boot
    seq: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    gaps: tuple[tuple[Seq, Seq], ...] = ()
    also: tuple[tuple[Seq, Seq], ...] = ()


class KioskTime(Message, frozen=True, kw_only=True):
    """The gateway's clock, in answer to a kiosk's health message.

    `at_ms` is Unix time in ms. `up_ms` is copied from the health message: from it the kiosk
    computes how long the answer took, and ignores an answer that took seconds. QoS 0, since a
    repeated answer would be too old to use.
    """

    at_ms: Annotated[int, Meta(ge=FIRST_AT * 1000, le=LAST_AT * 1000)]
    up_ms: Millis


def decode(payload: bytes, kind: type[T]) -> T:
    """Decode and validate one payload. Raises `MessageError` with field and expectation."""
    if len(payload) > MAX_PAYLOAD:
        raise MessageError(f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD} expected")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MessageError(str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"not UTF-8 JSON: {error}") from error


def encode(message: Struct) -> bytes:
    """Encode a message as JSON."""
    return msgspec.json.encode(message)
