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

    `fevers` is the number of fevers not acknowledged, `last` the newest of them, `since` the Unix
    time (s) at which the state began. `amber` lists the reasons of an amber light; `by` is the
    person who acknowledged last. Lamp posts read this message from the topic `alarm/{gate}/shown`,
    which adds the alarms of the doors that the gate watches: `since` of the oldest alarm, `fevers`
    as the sum, `last` as the newest of all.
    """

    gate: Name
    state: Annotated[str, Meta(pattern=r"^(raised|clear)\Z")]
    since: Utc
    fevers: Count = 0
    last: FeverSeen | None = None
    amber: tuple[Line, ...] = ()
    by: str = ""


BUTTON = "button"
"""`by` of an alarm that was acknowledged with a button, on the Pi's pins or on a lamp post."""


class Acknowledge(Message, frozen=True, kw_only=True):
    """A guard's acknowledgement of all fevers of a gate.

    A lamp post publishes its presses to a topic of its own. They count as presses of the button,
    whatever `by` says, because anybody who knows the post's password could write any name.

    A lamp post and a board send `since`, `fevers` and `last` of the `AlarmState` that they showed
    at the press. A program may send none of the three, and acknowledges all. A press on a board
    acknowledges the fevers of the gate up to `last`; later ones, which nobody saw, stay red. A
    press on a lamp post acknowledges all that it showed, including fevers of watched doors, but
    only if the present state still has the same three values. If it does not, the connection was
    interrupted: nothing is acknowledged, because fevers that nobody saw must stay red.

    A lamp post sends `since` with the digits that it received, because its own floats are too
    short. `last` protects a gateway that restarted without its database and knows only the newest
    of several fevers: a press that was meant for an older fever does not end the newest one.
    """

    by: Person
    since: Utc | None = None
    fevers: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    last: FeverSeen | None = None

    def __post_init__(self) -> None:
        make_visible(self, "by")


class Beat(Message, frozen=True, kw_only=True):
    """Sign of life of the alarm of a gate that has lamp posts, about once a second.

    `n` counts from 1 at each start of the gateway. A lamp post that hears no beat for 4 s turns
    amber.
    """

    n: Annotated[int, Meta(ge=1, le=2**53)]


class LampTest(Message, frozen=True, kw_only=True):
    """Request to light each lamp of a gate in turn and to sound its buzzer."""

    by: Person

    def __post_init__(self) -> None:
        make_visible(self, "by")
