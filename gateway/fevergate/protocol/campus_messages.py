"""Summaries that a gateway posts to the campus server, and the server's answer.

A summary has a key and a revision: a repeated one changes nothing, one with a higher revision
replaces that of the same key.
"""

import hashlib
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from fevergate.protocol.messages import Boot, Celsius, Count, Message, Name, Seq, Utc
from fevergate.protocol.person_set import PersonSet
from fevergate.protocol.visible_text import HIDDEN, REPLACEMENT, make_visible

Revision = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Rises with each change of a summary, within one epoch and under one token of the gateway."""

Epoch = Annotated[str, Meta(pattern=r"^[0-9a-f]{0,16}\Z")]
"""Identifies a period of a gateway's operation; see `Delivery`."""

MOST_CORRECTIONS = 100
"""Most later epochs that `corrected_by` names; if there are more, the newest ones."""

Date = Annotated[str, Meta(pattern=r"^2[0-9]{3}-[0-9][0-9]-[0-9][0-9]\Z")]


Tally = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""What one epoch adds to a figure. Gateways before 2026-12 sent some below 0, for readings of an
earlier epoch that they had moved to another hour."""


class HourSummary(Struct, frozen=True, kw_only=True, tag="hour"):
    """Counts and coverage of one kiosk in one hour.

    `hour` is the Unix time (s) at which it begins; `watched` and `fault` have one bit for each
    of its minutes.
    """

    kiosk: Name
    gate: Name
    hour: Utc
    revision: Revision
    normal: Tally = 0
    fever: Tally = 0
    retry: Tally = 0
    watched: Annotated[int, Meta(ge=0, lt=2**60)] = 0
    fault: Annotated[int, Meta(ge=0, lt=2**60)] = 0

    @property
    def key(self) -> str:
        return f"hour/{self.kiosk}/{int(self.hour)}"


MOST_STRIKES = 50
"""Most strikes of one kiosk's day, including those that were undone."""

MAX_REASON = 200
"""Most characters of a strike's reason."""


class StruckSpan(Struct, frozen=True, kw_only=True):
    """Whole hours of a kiosk from `begin` to `end` (Unix time, s) that were struck from the log.

    `people` and `fevers` are the numbers that no longer count. `undone_at`, `undone_by` and
    `undone_reason` are set when the strike is undone.
    """

    begin: Utc
    end: Utc
    at: Utc
    by: Annotated[str, Meta(max_length=64)]
    reason: Annotated[str, Meta(max_length=MAX_REASON)]
    people: Count = 0
    fevers: Count = 0
    undone_at: Utc | None = None
    undone_by: Annotated[str, Meta(max_length=64)] = ""
    undone_reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""

    def __post_init__(self) -> None:
        make_visible(self, "by", "reason", "undone_by", "undone_reason")

    @property
    def key(self) -> tuple[float, float, float]:
        """Identifies the strike among those of its kiosk."""
        return self.begin, self.end, self.at


class KioskCount(Struct, frozen=True, kw_only=True):
    """Counts and coverage of one kiosk on one day, without the hours in `struck`.

    `late_minutes` are the watched minutes that were reported long afterwards.
    """

    kiosk: Name
    gate: Name
    normal: Tally = 0
    fever: Tally = 0
    retry: Tally = 0
    watched_minutes: Count = 0
    fault_minutes: Count = 0
    silences: Count = 0
    late_minutes: Count = 0
    struck: Annotated[list[StruckSpan], Meta(max_length=MOST_STRIKES)] = []


class DaySummary(KioskCount, frozen=True, kw_only=True, tag="day"):
    """One kiosk's day in the campus's zone; its coverage shows whether zero fevers is proof."""

    date: Date
    revision: Revision

    @property
    def key(self) -> str:
        return f"day/{self.kiosk}/{self.date}"


class GatewayDay(Struct, frozen=True, kw_only=True, tag="gateway_day"):
    """A gateway's report that a day is over, with every kiosk of its settings, idle ones included.

    The campus server counts a day as reported only with this message. It is sent again with a
    higher revision if data of the day arrives late.
    """

    date: Date
    revision: Revision
    kiosks: Annotated[list[KioskCount], Meta(max_length=200)]

    @property
    def key(self) -> str:
        return f"gateway_day/{self.date}"


class FeverEvent(Struct, frozen=True, kw_only=True, tag="fever"):
    """One fever, its red light and its acknowledgement; sent again when one of them changes."""

    kiosk: Name
    gate: Name
    boot: Boot
    seq: Seq
    revision: Revision
    at: Utc
    body_c: Celsius | None = None
    skin_c: Celsius | None = None
    threshold_c: Celsius | None = None
    raised_at: Utc | None = None
    acknowledged_at: Utc | None = None
    acknowledged_by: str = ""
    """At most 64 characters; a longer one, which no gateway sends, is cut off."""

    def __post_init__(self) -> None:
        force_setattr(self, "acknowledged_by", self.acknowledged_by[:64])
        make_visible(self, "acknowledged_by")

    @property
    def key(self) -> str:
        return f"fever/{self.kiosk}/{self.boot}/{self.seq}"


class FollowUpEvent(Struct, frozen=True, kw_only=True, tag="follow_up"):
    """Follow-up of a fever, saved at `at`.

    `person`, `unit`, `phone` and `note` are sent only where `[campus_server] persons` is true.
    """

    kiosk: Name
    boot: Boot
    seq: Seq
    revision: Revision
    at: Utc
    clinical_c: Annotated[float, Meta(ge=30, le=45)] | None = None
    clinical_site: Annotated[str, Meta(pattern=r"^(|axillary|oral|ear)\Z")] = ""
    outcome: Annotated[str, Meta(pattern=r"^(|released|home|clinic|other)\Z")] = ""
    closed: bool = False
    person: Annotated[str, Meta(max_length=64)] = ""
    unit: Annotated[str, Meta(max_length=64)] = ""
    phone: Annotated[str, Meta(max_length=32)] = ""
    note: Annotated[str, Meta(max_length=1000)] = ""

    def __post_init__(self) -> None:
        make_visible(self, "person", "unit", "phone")

    @property
    def key(self) -> str:
        return f"follow_up/{self.kiosk}/{self.boot}/{self.seq}"


ListId = Annotated[str, Meta(pattern=r"^[0-9a-f]{0,32}\Z")]
"""Identifies a list of people; a person's number is valid only in that list."""


class MarkedDay(Struct, frozen=True, kw_only=True, tag="marked_day"):
    """People of the campus server's list who were measured or excused on a day, by their numbers.

    Each change sends the whole sets, together with the people whose mark was taken back. People
    whom only another gateway saw are not included. `fevers` counts the people whose measurement by
    hand or at the desk was a fever.
    """

    date: Date
    revision: Revision
    list_id: ListId
    measured: PersonSet = b""
    excused: PersonSet = b""
    taken_back: PersonSet = b""
    fevers: Count = 0

    @property
    def key(self) -> str:
        return f"marked_day/{self.date}"

    @property
    def digest(self) -> str:
        """Identifies the content, whatever the revision."""
        sets = (self.measured, self.excused, self.taken_back)
        head = f"{self.list_id} {[len(persons) for persons in sets]} {self.fevers} "
        return hashlib.sha256(head.encode() + b"".join(sets)).hexdigest()[:16]


class RollDay(Struct, frozen=True, kw_only=True, tag="roll_day"):
    """Numbers of people who were expected, measured and excused on a day, from a gateway that has a
    list of its own; `fevers` as in `MarkedDay`."""

    date: Date
    revision: Revision
    expected: Count
    measured: Count
    excused: Count
    unmeasured: Count
    fevers: Count = 0

    @property
    def key(self) -> str:
        return f"roll_day/{self.date}"

    @property
    def digest(self) -> str:
        """Identifies the content, whatever the revision."""
        return f"{self.expected} {self.measured} {self.excused} {self.unmeasured} {self.fevers}"


Summary = HourSummary | DaySummary | GatewayDay | FeverEvent | FollowUpEvent | MarkedDay | RollDay


GivenName = tuple[Annotated[str, Meta(max_length=32)], Annotated[str, Meta(max_length=32)]]
"""What people call a gate or kiosk, in Chinese and in English."""


class GivenNames(Struct, frozen=True, kw_only=True):
    """The names that people gave a gateway's gates and kiosks, by id."""

    gates: Annotated[dict[Name, GivenName], Meta(max_length=16)] = {}
    kiosks: Annotated[dict[Name, GivenName], Meta(max_length=200)] = {}

    def __post_init__(self) -> None:
        for names in (self.gates, self.kiosks):
            for id_, (chinese, english) in names.items():
                names[id_] = HIDDEN.sub(REPLACEMENT, chinese), HIDDEN.sub(REPLACEMENT, english)


class Delivery(Message, frozen=True, kw_only=True):
    """The body of a gateway's POST: at most 500 summaries in any order; it may be repeated.

    `sent_at` is the gateway's clock, by which the server notices a wrong clock. All items summarise
    readings that arrived in one `epoch`; the server adds the counts of different epochs. After a
    restart of the gateway or a backup of its store, the epoch gets no further readings. So every
    copy of the store has the same counts for it.

    Only corrections of the clock change an epoch later, and two copies of the store may differ in
    them. `corrected_by` lists the later epochs in which the sender corrected this one, the oldest
    first. The server does not store counts of a sender that lacks the correction which it received
    first. `present` is the sender's own epoch; a fever from another sender replaces the stored one,
    whatever its revision. `names` are the present names; without them, the server keeps those that
    it has.
    """

    campus: Name
    gateway: Name
    items: Annotated[list[Summary], Meta(max_length=500)]
    sent_at: Utc | None = None
    epoch: Epoch = ""
    corrected_by: Annotated[tuple[Epoch, ...], Meta(max_length=MOST_CORRECTIONS)] = ()
    present: Epoch | None = None
    names: GivenNames | None = None


class Receipt(Message, frozen=True, kw_only=True):
    """The server's answer: keys of the items that it has, at the sent revision or a higher one."""

    held: list[str]


MOST_MARKED_DAYS = 36_600
"""Most days of which marks are kept."""


class HeldMarks(Struct, frozen=True, kw_only=True):
    """Revision and digest of a `MarkedDay` or `RollDay` that the server holds of a gateway."""

    revision: Revision
    digest: str


class MarkIndex(Message, frozen=True, kw_only=True):
    """Answer to GET /v1/marks?since=DATE: what the server holds of days from `since` on.

    `mine`: what the server received from the asking gateway under its present token, by key.
    `elsewhere`: for each day that other gateways marked, a text that changes with their marks.
    """

    since: Date
    mine: Annotated[dict[str, HeldMarks], Meta(max_length=MOST_MARKED_DAYS)]
    elsewhere: Annotated[dict[Date, str], Meta(max_length=MOST_MARKED_DAYS)]


class MarksElsewhere(Message, frozen=True, kw_only=True):
    """Answer to GET /v1/marks/DATE: people who were marked by other gateways, or by the asking
    gateway before it lost its store."""

    date: Date
    list_id: ListId
    measured: PersonSet = b""
    excused: PersonSet = b""
