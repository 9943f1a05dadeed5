"""What a lamp post shows: the state of one gate's alarm, and whether that state is still true.

This module only decides; it uses no pin, flash or network. Amber means: do not rely on these lamps.
Amber is shown unless the gateway's beats arrive, so any failure between the gateway and the post is
seen. Red is latched as at the gateway: even without a connection it stays until the gateway clears
it or a guard presses the button.
"""

import json

from kiosk.errors import KioskError

BEAT_MS = 4000
"""Time (ms) without a beat of the gateway after which the lamps show amber."""

TELL_AGAIN_MS = 10_000
"""Time (ms) after which a press that the gateway has not answered is sent again."""

_NUMBER = b"0123456789.eE+-"
_NUMBER_MAX = 24  # characters of a Unix time with fractions
_FEVERS_MAX = 2**31 - 1
_COUNT_MAX = 2**53  # largest boot number or sequence number
_NAME_MAX = 64  # characters of a kiosk's name
_LAST = ("kiosk", "boot", "seq")


class AlarmStateError(KioskError):
    """The gateway's message about a gate's alarm is malformed; the lamps have not changed."""


class LampPost:
    """The lamps of one gate.

    An alarm is a tuple (since, fevers, last). `since` is its beginning (Unix time, s), kept as the
    text that the gateway sent, because a board's floats have 24 bits. `fevers` is the number of its
    fevers, and `last` the newest as (kiosk, boot, seq), or None if the gateway did not send it.
    `kept`: an alarm that was acknowledged before the board started, and whose acknowledgement the
    gateway may not have received, or None.
    """

    def __init__(self, kept=None):
        self._alarm = None  # the alarm that the gateway has raised, None: clear
        self._known = False  # whether the gateway has sent the state on this connection
        self._trouble = False  # whether the gateway asks for amber
        self._beat = None  # number of the last beat
        self._beat_ms = None  # when it arrived, None: no beat on this connection yet
        self._told_ms = None  # when the press was last sent
        self.pressed = kept
        """The alarm that was acknowledged here and that the gateway has not yet answered, or None.
        The caller stores it on flash whenever it changes."""

    def new_line(self):
        """Forget what the gateway sent: the connection to the broker came up or went down."""
        self._known = False
        self._beat_ms = self._told_ms = None

    def beat(self, now_ms, message):
        """Take a beat of the gateway (decoded JSON). Raises `AlarmStateError`.

        The same number as the last is ignored: a broker may repeat an old message."""
        number = message.get("n") if isinstance(message, dict) else None
        if isinstance(number, bool) or not isinstance(number, int):
            raise AlarmStateError("beat: n: expected int")
        if number != self._beat:
            self._beat = number
            self._beat_ms = now_ms

    def state(self, payload):
        """Take an `AlarmState` of the gateway (bytes of JSON). Raises `AlarmStateError`; then the
        lamps do not change."""
        alarm, trouble = understood(payload)
        self._alarm, self._trouble = alarm, trouble
        self._known = True
        if self.pressed != alarm:
            # Cleared, or an alarm that the guard has not seen: the press must not silence it.
            self.pressed = None

    def press(self):
        """Acknowledge the alarm that is shown, and nothing else: the guard pressed the button."""
        if self._alarm is not None and self.pressed != self._alarm:
            self.pressed = self._alarm
            self._told_ms = None

    def to_tell(self, now_ms):
        """The alarm (since, fevers, last) to acknowledge at the gateway now, or None.

        Returned only while the gateway beats and reports this very alarm as raised, and again
        after `TELL_AGAIN_MS` without an answer. The network may still deliver it late: therefore
        the gateway compares all three values with its own."""
        if self.pressed is None or not self.watched(now_ms):
            return None
        if self._told_ms is not None and now_ms - self._told_ms < TELL_AGAIN_MS:
            return None
        return self.pressed

    def told(self, now_ms):
        """Note that the acknowledgement was handed to the broker's connection."""
        self._told_ms = now_ms

    def watched(self, now_ms):
        """Whether the lamps can be relied on: the gateway has sent the state on this connection,
        and beats arrive."""
        beat_ms = self._beat_ms
        return self._known and beat_ms is not None and now_ms - beat_ms < BEAT_MS

    @property
    def red(self):
        """Whether red is lit and the siren sounds: there is an alarm not acknowledged here."""
        return self._alarm is not None and self._alarm != self.pressed

    def lamps(self, now_ms):
        """(red, amber, green), each True if lit now; at least one is always lit."""
        amber = self._trouble or not self.watched(now_ms) or self.pressed is not None
        return self.red, amber, not amber and not self.red


def understood(payload):
    """Parse an `AlarmState` (bytes of JSON); returns the alarm (since, fevers, last), None if the
    gate is clear, and whether the gateway asks for amber. Raises `AlarmStateError` that names the
    field."""
    try:
        message = json.loads(payload)
    except ValueError:
        raise AlarmStateError("expected JSON")
    if not isinstance(message, dict):
        raise AlarmStateError("expected a JSON object")
    amber = message.get("amber", [])
    if not isinstance(amber, list):
        raise AlarmStateError("amber: expected a list")
    if message.get("state") == "clear":
        return None, bool(amber)
    if message.get("state") != "raised":
        raise AlarmStateError("state: expected raised or clear")
    fevers = message.get("fevers")
    if isinstance(fevers, bool) or not isinstance(fevers, int) or not 0 < fevers <= _FEVERS_MAX:
        raise AlarmStateError("fevers: expected 1 or more")
    last = message.get("last")
    if last is not None:  # red must be shown even without it
        last = _fever([last.get(key) for key in _LAST] if isinstance(last, dict) else last)
        if last is None:
            raise AlarmStateError("last: expected kiosk, boot and seq")
    return (_since(payload), fevers, last), bool(amber)


def acknowledgement(alarm):
    """The JSON message that acknowledges an alarm (since, fevers, last) by the button."""
    since, fevers, last = alarm
    text = '{"v":1,"by":"button","since":%s,"fevers":%d' % (since, fevers)
    if last:
        newest = (json.dumps(last[0]), last[1], last[2])
        text += ',"last":{"kiosk":%s,"boot":%d,"seq":%d}' % newest
    return text + "}"


def kept_press(value):
    """The alarm of a press stored on flash as [since, fevers, [kiosk, boot, seq]]; None if
    `value` is anything else."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    since, fevers, last = value
    if last is not None:
        last = _fever(last)
        if last is None:
            return None
    if not isinstance(since, str) or isinstance(fevers, bool) or not isinstance(fevers, int):
        return None
    if not _is_number(since.encode()) or not 0 < fevers <= _FEVERS_MAX:
        return None
    return since, fevers, last


def _fever(parts):
    """(kiosk, boot, seq) from a list of these three, or None for anything else."""
    if not isinstance(parts, list) or len(parts) != 3:
        return None
    kiosk, boot, seq = parts
    if not isinstance(kiosk, str) or not 0 < len(kiosk) <= _NAME_MAX:
        return None
    for number in (boot, seq):
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _COUNT_MAX:
            return None
    return kiosk, boot, seq


def _since(payload):
    """The number of the field `since` as it was written. Within a JSON string the quotes would be
    escaped, so no text can look like the field. Raises `AlarmStateError`."""
    for before in (b',"since":', b'{"since":', b', "since":', b'{ "since":'):
        at = payload.find(before)
        if at >= 0:
            break
    else:
        raise AlarmStateError("since: missing")
    start = at + len(before)
    while payload[start : start + 1] == b" ":
        start += 1
    end = start
    while end < len(payload) and payload[end] in _NUMBER:
        end += 1
    number = payload[start:end]
    if not _is_number(number):
        raise AlarmStateError("since: expected a number")
    return number.decode()


def _is_number(text):
    """Whether bytes are a JSON number above 0, of at most `_NUMBER_MAX` characters."""
    if not 0 < len(text) <= _NUMBER_MAX:
        return False
    try:
        return json.loads(text) > 0
    except (TypeError, ValueError):
        return False
