"""What a gateway posts to the campus server, and what that answers: hours, days and fevers.

Each item has a key and a revision: the same one twice is a no-op, a later one replaces it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from fevergate.protocol import Boot, Celsius, Count, Message, Name, Seq, Utc


class HourSummary(Struct, frozen=True, kw_only=True, tag="hour"):
    """One kiosk's hour, for the campus server. A higher `revision` replaces a lower one.

    `hour` is the UTC second at which it begins; `watched` and `fault` have one bit for each
    of its minutes.
    """

    kiosk: Name
    gate: Name
    hour: Utc
    revision: Count
    normal: Count = 0
    fever: Count = 0
    retry: Count = 0
    watched: Annotated[int, Meta(ge=0, lt=2**60)] = 0
    fault: Annotated[int, Meta(ge=0, lt=2**60)] = 0

    @property
    def key(self) -> str:
        return f"hour/{self.kiosk}/{int(self.hour)}"


class DaySummary(Struct, frozen=True, kw_only=True, tag="day"):
    """One kiosk's day in the campus's zone, coverage included, so that a zero can be believed."""

    kiosk: Name
    gate: Name
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    revision: Count
    normal: Count = 0
    fever: Count = 0
    retry: Count = 0
    watched_minutes: Count = 0
    fault_minutes: Count = 0
    silences: Count = 0

    @property
    def key(self) -> str:
        return f"day/{self.kiosk}/{self.date}"


class FeverEvent(Struct, frozen=True, kw_only=True, tag="fever"):
    """One fever and what became of it; sent again with a higher `revision` when that changes."""

    kiosk: Name
    gate: Name
    boot: Boot
    seq: Seq
    revision: Count
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


Summary = HourSummary | DaySummary | FeverEvent


class Delivery(Message, frozen=True, kw_only=True):
    """What a gateway posts to the campus server: at most 500 items, in any order, repeatable."""

    campus: Name
    gateway: Name
    items: Annotated[list[Summary], Meta(max_length=500)]


class Receipt(Message, frozen=True, kw_only=True):
    """The campus server's answer: the keys that it holds, at the revision sent or a later one."""

    held: list[str]
