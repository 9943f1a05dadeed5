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
    time (s) at which the state began; `amber` has the reasons of an amber light, `by` who
    acknowledged last. Lamp posts read it from the topic `alarm/{gate}/shown`, where the alarms of
    the doors that the gate watches are added: `since` is that of the oldest alarm, `fevers` the sum
    of all, `last` the newest of all.
    """

    gate: Name
    state: Annotated[str, Meta(pattern=r"^(raised|clear)\Z")]
    since: Utc
    fevers: Count = 0
    last: FeverSeen | None = None
    amber: tuple[Line, ...] = ()
    by: str = ""


BUTTON = "button"
"""By whom a gate's alarm was acknowledged at its button, on the pins or of a lamp post."""


class Acknowledge(Message, frozen=True, kw_only=True):
    """A guard's acknowledgement of all fevers of a gate.

    A lamp post's presses come on a topic of their own and count as of the button, whatever `by`
    says: whoever knows a post's password could say any name.

    A lamp post and a board send `since`, `fevers` and `last` of the `AlarmState` that they showed
    when they were pressed; a program may send none of the three, and acknowledges all. A person's
    press at a board ends the fevers of the gate up to `last`; later ones, which nobody saw, stay
    red. A lamp post's press ends all that it showed, the fevers of watched doors included, but only
    if the three are still those of the present state. If they are not, the line was down meanwhile:
    nothing is acknowledged, because fevers that nobody saw must stay red.

    `since` is sent with the digits that were received: a lamp post's own floats are too short for
    it. `last` guards against a gateway that restarted without its database and knows only the
    newest of several fevers: without it, it would take a press for an older fever as one for that.
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
