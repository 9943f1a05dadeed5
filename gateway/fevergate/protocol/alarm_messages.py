"""Messages between the gateway and the guards of a gate."""

from typing import Annotated

from msgspec import Meta, Struct

from fevergate.protocol.messages import Boot, Celsius, Count, Line, Message, Name, Person, Seq, Utc


class FeverSeen(Struct, frozen=True, kw_only=True):
    """The newest fever of a gate's alarm."""

    kiosk: Name
    boot: Boot
    seq: Seq
    body_c: Celsius | None = None


NOT_RECORDED = "acknowledgement: not recorded yet"
"""Amber line of a gate while a guard's acknowledgement is not yet written to disk."""


class AlarmState(Message, frozen=True, kw_only=True):
    """State of a gate's lamps; retained, so that a board that is opened later shows it too.

    `fevers` are those not acknowledged, `amber` the reasons of an amber light, `by` whoever
    acknowledged last.
    """

    gate: Name
    state: Annotated[str, Meta(pattern="^(raised|clear)$")]
    since: Utc
    fevers: Count = 0
    last: FeverSeen | None = None
    amber: tuple[Line, ...] = ()
    by: str = ""


class Acknowledge(Message, frozen=True, kw_only=True):
    """A guard's acknowledgement of all fevers of a gate up to now."""

    by: Person


class LampTest(Message, frozen=True, kw_only=True):
    """Request to light each lamp of a gate in turn and to sound its buzzer."""

    by: Person
