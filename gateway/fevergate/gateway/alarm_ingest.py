"""Takes messages about a gate's alarm: acknowledgements by buttons and pages, and lamp tests.

Each acknowledgement ends the fevers that its sender was shown, and is handed over to be stored.
"""

from collections.abc import Callable

import msgspec

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gate_state import AcknowledgedFevers, ShownAlarm
from fevergate.errors import MessageError
from fevergate.gateway.unrecorded import UnrecordedAcknowledgements
from fevergate.protocol.alarm_messages import BUTTON, Acknowledge, LampTest
from fevergate.protocol.messages import Identity, decode
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.records import Acknowledged, Record

Keep = Callable[[Record, Callable[[], None]], None]
"""Takes a record to store, and a function to call once the record is stored."""

TEST, PRESS, PERSON = "test", "acknowledge", "acknowledge/person"


class AlarmIngest:
    """Takes the messages of the topics `alarm/GATE/...`, and presses of buttons on GPIO pins.

    `lamp_test` is called with the gate and the person's name for every requested lamp test.
    `unrecorded` knows which acknowledgements are not stored yet.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        keep: Keep,
        now: Callable[[], float],
        lamp_test: Callable[[str, str], None],
    ) -> None:
        """`now` returns the Unix time (s)."""
        self._settings = settings
        self._names = frozenset(gate.name for gate in settings.gates)
        self._with_posts = frozenset(settings.posts.values())
        self._alarm = alarm
        self._keep = keep
        self._now = now
        self._lamp_test = lamp_test
        self.unrecorded = UnrecordedAcknowledgements()

    def message(self, kind: str, payload: bytes) -> None:
        """Act on a message; `kind` is the topic after `alarm/`. Raises `MessageError`."""
        gate, _, verb = kind.partition("/")
        if gate not in self._names:
            raise MessageError("no such gate")
        if verb == TEST:
            if not self._settings.has_lamps(gate):
                raise MessageError("the gate has no lamps to test")
            self._lamp_test(gate, decode(payload, LampTest).by)
            return
        if verb not in (PRESS, PERSON):
            raise MessageError("neither an acknowledgement nor a lamp test")
        acknowledge = decode(payload, Acknowledge)
        if verb == PRESS and gate in self._with_posts:
            acknowledge = _of_post(acknowledge)
        shown_alarm = _shown(acknowledge)
        if shown_alarm and verb == PRESS:
            self.press(gate, acknowledge.by, shown_alarm)
        elif (ended := self._alarm.acknowledge(gate, acknowledge.by, shown_alarm)).fevers:
            self._store(gate, acknowledge.by, ended)

    def press(self, gate: str, by: str, shown_alarm: ShownAlarm | None = None) -> None:
        """Acknowledge in the name of `by` the fevers that a gate's lamps show, and store that; see
        `Alarm.press`."""
        for name, ended in self._alarm.press(gate, by, shown_alarm).items():
            self._store(name, by, ended)

    def _store(self, gate: str, by: str, ended: AcknowledgedFevers) -> None:
        record = Acknowledged(ended.fevers, by, self._now(), gate if ended.more else None)
        self._keep(record, self.unrecorded.begin(gate))


def _of_post(acknowledge: Acknowledge) -> Acknowledge:
    """The press of a lamp post's button, without a person's name. Raises `MessageError` if the
    message does not say what the post showed."""
    if acknowledge.since is None:
        raise MessageError(
            "expected since and fevers, as the gate has lamp posts; people's acknowledgements come"
            " on .../acknowledge/person"
        )
    return msgspec.structs.replace(acknowledge, by=BUTTON)


def _shown(acknowledge: Acknowledge) -> ShownAlarm | None:
    """The alarm that the sender was shown; None if the message does not say. Raises
    `MessageError`."""
    last = acknowledge.last
    if acknowledge.since is None and acknowledge.fevers is None and last is None:
        return None
    if acknowledge.since is None or acknowledge.fevers is None:
        raise MessageError("since and fevers: expected both or neither, and last with both")
    newest = Identity(last.kiosk, last.boot, last.seq) if last else None
    return ShownAlarm(acknowledge.since, acknowledge.fevers, newest)
