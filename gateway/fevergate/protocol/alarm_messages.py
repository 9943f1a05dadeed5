"""Messages between the gateway and the guards of a gate."""

from typing import Annotated

from msgspec import Meta, Struct

from fevergate.protocol.messages import Boot, Celsius, Count, Line, Message, Name, Person, Seq, Utc
from fevergate.protocol.visible_text import make_visible


class FeverSeen(Struct, frozen=True, kw_only=True):
    """The newest fever of a gate's alarm."""

    kiosk: Name
    boot: Boot
    seq: Seq
    body_c: Celsius | None = None


NOT_RECORDED = "acknowledgement: not recorded yet"
"""Amber line of a gate while a guard's acknowledgement is not yet written to disk."""


class AlarmState(Message, frozen=True, kw_only=True):
    """State of a gate's alarm; retained, so that a board that is opened later shows it too.

    `fevers` are those not acknowledged, `amber` the reasons of an amber light, `by` whoever
    acknowledged last. On the topic `alarm/{gate}/shown`, which is for the gate's lamp posts, it is
    the gate's alarm with those of the doors that it watches: `since` of the oldest, `fevers` of
    all, `last` the newest of all.
    """

    gate: Name
    state: Annotated[str, Meta(pattern=r"^(raised|clear)\Z")]
    since: Utc
    fevers: Count = 0
    last: FeverSeen | None = None
    amber: tuple[Line, ...] = ()
    by: str = ""


class Acknowledge(Message, frozen=True, kw_only=True):
    """A guard's acknowledgement of all fevers of a gate.

    `since` and `fevers`, both or neither, are those of the `AlarmState` that a lamp post showed
    when its button was pressed, with them `last`. It ends all that was shown, the fevers of watched
    doors too. Where these are not those of the present state nothing is acknowledged: the line was
    down meanwhile, and fevers that nobody saw must stay red.
    `since` is sent as the digits that came, since a board's own floats are too short for it.
    Without `last` a gateway that restarted without its database, and knows of several fevers only
    the newest, would take a press at an older one for it.
    """

    by: Person
    since: Utc | None = None
    fevers: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    last: FeverSeen | None = None

    def __post_init__(self) -> None:
        make_visible(self, "by")


class Beat(Message, frozen=True, kw_only=True):
    """Sign of life of the alarm of a gate that has lamp posts, about once a second.

    `n` counts from 1 at each start of the gateway. A post without a beat for 4 s is amber.
    """

    n: Annotated[int, Meta(ge=1, le=2**53)]


class LampTest(Message, frozen=True, kw_only=True):
    """Request to light each lamp of a gate in turn and to sound its buzzer."""

    by: Person

    def __post_init__(self) -> None:
        make_visible(self, "by")
