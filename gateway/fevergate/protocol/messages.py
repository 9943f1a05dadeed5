"""What goes over the wire: topics and message types, validated at the edge.

The lowest room of the package: it imports nothing of the rest. Payloads are UTF-8 JSON of
at most `MAX_PAYLOAD` bytes; unknown fields are ignored, so that a newer kiosk can talk to an
older gateway; every number is bounded, because whatever comes from the network is hostile.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from fevergate.errors import MessageError

MAX_PAYLOAD = 1024
"""Bytes of one MQTT payload; longer ones go to quarantine unread."""

ROOT = "fevergate/v1"

DROPPED = "$SYS/broker/publish/messages/dropped"
"""mosquitto(8): messages that the broker has dropped for want of room."""

T = TypeVar("T", bound=Struct)

NAME_PATTERN = r"^[a-z0-9-]{1,32}$"
_NAME = re.compile(NAME_PATTERN)

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
"""A campus, gate, kiosk or gateway."""

Version = Annotated[int, Meta(ge=1, le=1)]
Celsius = Annotated[float, Meta(ge=-100.0, le=400.0)]
FIRST_AT = 1_577_836_800
LAST_AT = 4_102_444_800
Utc = Annotated[float, Meta(ge=FIRST_AT, le=LAST_AT)]
"""Seconds since 1970, UTC; 2020 to 2100."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
Seq = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Boot = Annotated[int, Meta(ge=0, le=2**31 - 1)]
MAX_MS = 10 * 366 * 86_400_000
"""Ten years: with it no date that is reckoned from `Utc` leaves the calendar."""

Millis = Annotated[int, Meta(ge=0, le=MAX_MS)]
Short = Annotated[str, Meta(pattern=r"^[ -~]{0,64}$")]
"""A word between machines: printable ASCII, so that eight of them fit into any message."""

Line = Annotated[str, Meta(max_length=64)]
"""A few words for people."""

Person = Annotated[str, Meta(min_length=1, max_length=64)]


class Verdict(StrEnum):
    """What the kiosk told the person."""

    NORMAL = "normal"
    FEVER = "fever"
    RETRY = "retry"


class Identity(NamedTuple):
    """What makes a reading that reading: the primary key, and the reason a repeat is a no-op."""

    kiosk: str
    boot: int
    seq: int


class Message(Struct, frozen=True, kw_only=True):
    """Any JSON message; `v` is the protocol's version."""

    v: Version = 1


class Reading(Message, frozen=True, kw_only=True):
    """One scan and its verdict, with all that is needed to compute the verdict again.

    Temperatures in °C, null where the sensor gave none. `body_c` and `threshold_c` are
    axillary equivalents. `at` is null while the kiosk's clock is not set; `up_ms` counts
    from the boot, so that a later dated message of the same boot dates it.
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

    @property
    def identity(self) -> Identity:
        return Identity(self.kiosk, self.boot, self.seq)


class Health(Message, frozen=True, kw_only=True):
    """A kiosk's word, each minute, that it watches, or what keeps it from watching.

    `watched_s` is the time up to `at` in which the kiosk could have measured a person;
    coverage is built from it. `wifi` is why there was no network when the line was last missed:
    ESP-IDF's `wifi_err_reason_t`, a state of MicroPython's `WLAN.status()`, or 1100 where no
    address was given; 0 where it never was.
    """

    kiosk: Name
    boot: Boot
    at: Utc | None
    up_ms: Millis
    state: Annotated[str, Meta(pattern="^(ok|fault)$")]
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
    update: Short = ""
    fw: Short = ""
    board: Short = ""


class CalibrationRecord(Struct, frozen=True, kw_only=True):
    """What one sensor reads wrong, found against a reference by somebody on some day.

    `sensor` is the unit's 64-bit number; the kiosk's `calibration.py` says what the figures mean
    and what is plausible. `uncertainty_c` is the 95 % uncertainty at 37 °C.
    """

    sensor: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    at: Utc
    by: Person
    method: Annotated[str, Meta(pattern="^[a-z-]{1,32}$")]
    offset_c: Annotated[float, Meta(ge=-10, le=10)]
    gain: Annotated[float, Meta(ge=0.5, le=2)] = 1.0
    can_over_air_c: Annotated[float, Meta(ge=-50, le=50)] = 0.0
    uncertainty_c: Annotated[float, Meta(ge=0, le=10)]


class KioskValues(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the gateway sets on a kiosk; what is None is as the kiosk's settings.json has it.

    The kiosk checks each value; times are local, HH:MM.
    """

    site: Short | None = None
    threshold_c: Celsius | None = None
    confirm_scans: Annotated[int, Meta(ge=0, le=3)] | None = None
    baseline: Annotated[str, Meta(pattern="^(auto|fixed|off)$")] | None = None
    baseline_c: Celsius | None = None
    language: Annotated[str, Meta(pattern="^(zh|en)$")] | None = None
    volume: Annotated[int, Meta(ge=0, le=100)] | None = None
    brightness: Annotated[int, Meta(ge=1, le=100)] | None = None
    quiet_from: Annotated[str, Meta(pattern=r"^(\d\d:\d\d)?$")] | None = None
    quiet_to: Annotated[str, Meta(pattern=r"^(\d\d:\d\d)?$")] | None = None
    utc_offset_min: Annotated[int, Meta(ge=-720, le=840)] | None = None
    notice: Annotated[str, Meta(max_length=16)] | None = None
    notice_glyphs: Annotated[str, Meta(max_length=344)] | None = None


class KioskSettings(Message, frozen=True, kw_only=True):
    """What is retained for a kiosk: its settings over its own, its sensor's calibration.

    A kiosk takes no `version` below the one that it has.
    """

    version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    values: KioskValues | None = None
    calibration: CalibrationRecord | None = None


class Applied(Message, frozen=True, kw_only=True):
    """A kiosk's answer to its settings: what is in force now, or one line on what is wrong."""

    kiosk: Name
    at: Utc | None = None
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    calibration: CalibrationRecord | None = None
    error: Short = ""


class Command(Message, frozen=True, kw_only=True):
    """Something that a kiosk shall do now. `reference`: what is scanned is no person. `identify`:
    it blinks, chirps and shows its name, so that somebody finds it."""

    command: Annotated[str, Meta(pattern="^(reference|identify)$")]
    on: bool


class UpdateOffer(Message, frozen=True, kw_only=True):
    """Firmware for one kiosk, made for the boards of these names: `signature` (base64, RSA) is over
    `kiosk.update_offer.signed_text`."""

    version: Annotated[str, Meta(pattern=r"^\d{1,3}\.\d{1,3}\.\d{1,3}$")]
    issued: Utc
    size: Count
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    abi: Count
    boards: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]
    downgrade: bool = False
    signature: Annotated[str, Meta(max_length=700)] = ""


class UpdateWant(Message, frozen=True, kw_only=True):
    """A kiosk asks for the bundle's bytes from `offset` on; it is answered on `update/piece` with
    the offset, 4 bytes big-endian, and at most `kiosk.update_offer.PIECE_MAX` bytes."""

    offset: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class UpdateState(Message, frozen=True, kw_only=True):
    """Where a kiosk's update stands; `error` says why it was refused."""

    kiosk: Name
    at: Utc | None
    state: Annotated[str, Meta(pattern="^(refused|restarting|running|rolled back)$")]
    version: Short = ""
    error: Short = ""


class Stored(Message, frozen=True, kw_only=True):
    """What the gateway holds on disk of one boot of a kiosk.

    Every reading from 1 to `seq` is committed, but for those in `gaps` (first and last of
    each run, inclusive); and so are the runs in `also`, which lie above. Only this lets a kiosk
    forget a reading.
    """

    boot: Boot
    seq: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    gaps: tuple[tuple[Seq, Seq], ...] = ()
    also: tuple[tuple[Seq, Seq], ...] = ()


class KioskTime(Message, frozen=True, kw_only=True):
    """The gateway's clock, in answer to a kiosk's health: at QoS 0, for what waited is worth
    nothing.

    `at_ms` is UTC in ms since 1970, `up_ms` is that of the health: by it the kiosk knows how long
    the answer took, and takes none that is older than some seconds.
    """

    at_ms: Annotated[int, Meta(ge=FIRST_AT * 1000, le=LAST_AT * 1000)]
    up_ms: Millis


class FeverSeen(Struct, frozen=True, kw_only=True):
    """The fever that an alarm names."""

    kiosk: Name
    boot: Boot
    seq: Seq
    body_c: Celsius | None = None


NOT_RECORDED = "acknowledgement: not recorded yet"
"""What a gate says beside its amber light while a guard's acknowledgement waits for the disk."""


class AlarmState(Message, frozen=True, kw_only=True):
    """A gate's alarm, retained, so that a board that opens later shows it too."""

    gate: Name
    state: Annotated[str, Meta(pattern="^(raised|clear)$")]
    since: Utc
    fevers: Count = 0
    last: FeverSeen | None = None
    amber: tuple[Line, ...] = ()
    by: str = ""


class Acknowledge(Message, frozen=True, kw_only=True):
    """A guard's word that the fevers of a gate up to now are seen to."""

    by: Person


class LampTest(Message, frozen=True, kw_only=True):
    """A person wants to see each lamp of a gate lit, and hear its sound."""

    by: Person


class Topic(NamedTuple):
    """A topic taken apart: `fevergate/v1/<campus>/<name>/<kind>`."""

    campus: str
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.campus}/{self.name}/{self.kind}"


KIOSK_SAYS = (
    "reading",
    "health",
    "status",
    "settings/applied",
    "command/result",
    "update/want",
    "update/state",
)
"""What a kiosk may write below its own name, and nothing else."""

KIOSK_HEARS = ("stored", "time", "settings", "command", "update", "update/piece")
"""What a kiosk may read below its own name, and nothing else."""

ADMIN_SAYS = ("settings", "command", "update", "update/piece")
"""What a person at the gateway may write below a kiosk's name."""


AT_MOST_ONCE = ("time",)
"""What is said at QoS 0; all else at QoS 1."""

OURSELVES = "gateway"
"""Below this name the gateway says of itself whether it is there; no kiosk is called so."""


def gateway_status_topic(campus: str) -> str:
    """Retained: `online`, or `offline` by last will. A board whose gateway is gone must not look
    like one where all is well."""
    return f"{ROOT}/{campus}/{OURSELVES}/status"


def alarm_topic(campus: str, gate: str) -> str:
    """The retained state of one gate's alarm."""
    return f"{ROOT}/{campus}/alarm/{gate}"


def acknowledge_topic(campus: str, gate: str) -> str:
    """Where a guard's acknowledgement is published."""
    return f"{alarm_topic(campus, gate)}/acknowledge"


def lamp_test_topic(campus: str, gate: str) -> str:
    """Where a test of a gate's lamps is asked for."""
    return f"{alarm_topic(campus, gate)}/test"


@lru_cache(4096)
def parse_topic(topic: str) -> Topic:
    """Take a topic apart.

    Raises `MessageError` where it is not one of ours.
    """
    parts = topic.split("/", 4)
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT:
        raise MessageError(f"topic is not {ROOT}/<campus>/<name>/<kind>")
    _, _, campus, name, kind = parts
    if not _NAME.match(campus) or not _NAME.match(name):
        raise MessageError("campus or name in the topic is not [a-z0-9-]{1,32}")
    return Topic(campus, name, kind)


def decode(payload: bytes, kind: type[T]) -> T:
    """Decode and validate one payload.

    Raises `MessageError` with field and expectation.
    """
    if len(payload) > MAX_PAYLOAD:
        raise MessageError(f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD} expected")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MessageError(str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"not UTF-8 JSON: {error}") from error


def encode(message: Struct) -> bytes:
    """The JSON that goes onto the wire."""
    return msgspec.json.encode(message)
