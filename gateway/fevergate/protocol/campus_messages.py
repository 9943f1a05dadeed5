"""What a gateway posts to the campus server, and what that answers: hours, days, fevers, and what
became of them.

Each item has a key and a revision: the same one twice is a no-op, a later one replaces it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from fevergate.protocol.messages import Boot, Celsius, Count, Message, Name, Seq, Utc

Revision = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Grows with each change, within an epoch of the gateway and under one token."""

Epoch = Annotated[str, Meta(pattern="^[0-9a-f]{0,16}$")]

Date = Annotated[str, Meta(pattern=r"^2\d{3}-\d\d-\d\d$")]


Tally = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""What one epoch adds to a figure; below 0 where readings that an earlier epoch has told are of
another hour now (a restored backup whose clock was wrong). All epochs together are at least 0."""


class HourSummary(Struct, frozen=True, kw_only=True, tag="hour"):
    """One kiosk's hour, for the campus server. A higher `revision` replaces a lower one.

    `hour` is the UTC second at which it begins; `watched` and `fault` have one bit for each
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
"""Of one kiosk's day, those that were taken back too."""

REASON = 200
"""Characters of a strike's reason."""


class StruckSpan(Struct, frozen=True, kw_only=True):
    """Whole hours of a kiosk from `begin` to `end` (UTC s) that somebody has struck: what they had,
    which counts no longer; and who took that back, if anybody has."""

    begin: Utc
    end: Utc
    at: Utc
    by: Annotated[str, Meta(max_length=64)]
    reason: Annotated[str, Meta(max_length=REASON)]
    people: Count = 0
    fevers: Count = 0
    undone_at: Utc | None = None
    undone_by: Annotated[str, Meta(max_length=64)] = ""
    undone_reason: Annotated[str, Meta(max_length=REASON)] = ""

    @property
    def key(self) -> tuple[float, float, float]:
        """What makes it that one, of its kiosk."""
        return self.begin, self.end, self.at


class KioskCount(Struct, frozen=True, kw_only=True):
    """What one kiosk saw of a day, and how much of the day it watched; of that `late_minutes` are
    known by words alone that came long after. What is `struck` is in none of the figures."""

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
    """One kiosk's day in the campus's zone, coverage included, so that a zero can be believed."""

    date: Date
    revision: Revision

    @property
    def key(self) -> str:
        return f"day/{self.kiosk}/{self.date}"


class GatewayDay(Struct, frozen=True, kw_only=True, tag="gateway_day"):
    """A gateway's word that a day is over, and all that it has of it: every kiosk of its settings,
    those that saw nobody too. Only this makes a day reported; said again where something of the day
    came late."""

    date: Date
    revision: Revision
    kiosks: Annotated[list[KioskCount], Meta(max_length=200)]

    @property
    def key(self) -> str:
        return f"gateway_day/{self.date}"


class FeverEvent(Struct, frozen=True, kw_only=True, tag="fever"):
    """One fever and what became of it; sent again with a higher `revision` when that changes."""

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

    @property
    def key(self) -> str:
        return f"fever/{self.kiosk}/{self.boot}/{self.seq}"


class FollowUpEvent(Struct, frozen=True, kw_only=True, tag="follow_up"):
    """What became of a fever; `at` is when that was saved. Who it was about is in it only where the
    campus's policy says so (`[campus_server] persons`)."""

    kiosk: Name
    boot: Boot
    seq: Seq
    revision: Revision
    at: Utc
    clinical_c: Annotated[float, Meta(ge=30, le=45)] | None = None
    clinical_site: Annotated[str, Meta(pattern="^(|axillary|oral|ear)$")] = ""
    outcome: Annotated[str, Meta(pattern="^(|released|home|clinic|other)$")] = ""
    closed: bool = False
    person: Annotated[str, Meta(max_length=64)] = ""
    unit: Annotated[str, Meta(max_length=64)] = ""
    phone: Annotated[str, Meta(max_length=32)] = ""
    note: Annotated[str, Meta(max_length=1000)] = ""

    @property
    def key(self) -> str:
        return f"follow_up/{self.kiosk}/{self.boot}/{self.seq}"


Summary = HourSummary | DaySummary | GatewayDay | FeverEvent | FollowUpEvent


class Delivery(Message, frozen=True, kw_only=True):
    """What a gateway posts to the campus server: at most 500 items, in any order, repeatable.

    `sent_at` is the gateway's own clock as it posts, so that one that is wrong shows. `epoch` names
    the store that the counts come from: a new card, or a restored backup, begins another one, whose
    hours and days are added to those of before, and whose revisions begin anew.

    `serial` counts what a store has sent, `run` is drawn at each start of the gateway: a new run
    that does not count on from where the last one was is of a store that was put back by a copy.
    """

    campus: Name
    gateway: Name
    items: Annotated[list[Summary], Meta(max_length=500)]
    sent_at: Utc | None = None
    epoch: Epoch = ""
    run: Epoch = ""
    serial: Revision = 0


class Receipt(Message, frozen=True, kw_only=True):
    """The campus server's answer: the keys that it holds, at the revision sent or a later one."""

    held: list[str]
