"""The verdict over people: what one scan means, and what the scans before it say about it.

Pure: no I/O, no clock, the same under MicroPython and CPython; board, simulator, evaluation
and the gateway's second look all run this file. It screens and does not diagnose: `fever`
means "measure again with a clinical thermometer". The scale is that of `estimate`.

Where the limits come from:

- **Too cold.** Textbook axillae begin at 36.0 °C. Skin of somebody from the frost is 3.4 °C below
  its own level at first and 1.7 °C after a minute (Dzien 2020, n = 92): with `_BODY_MIN_C` = 35.6
  nobody who is healthy passes before that, whatever their own level. It is judged by the
  factory curve wherever the crowd reads low: a frosty morning must not teach the kiosk that cold
  is usual. A fever can hide under cold skin, so whoever was cold and reads warmer within a
  minute, by no more than skin recovers in that time, is still asked to wait.
- **Confirm.** With 13,699 people a day even a good kiosk alarms for hundreds by chance. A first
  positive asks for another scan; it alarms when that agrees, when nobody comes within seconds,
  and when it is plainly somebody else who comes.
- **Absolute limit.** `_LIMIT_C` by the factory curve alarms, whatever the crowd reads.
- **Room.** The sensor's figures hold from 16 °C on (data sheet 3901090614); above 35 °C the air
  is as warm as skin, and nothing is to be learnt from it.
"""

from kiosk.baseline import Baseline
from kiosk.estimate import body_c

NORMAL = "normal"
FEVER = "fever"
RETRY = "retry"

THRESHOLD_C = 37.3

# Reasons of a retry; each has words on the display.
SHORT = "short"  # left before the sensor settled
MOVING = "moving"  # never held still
FAR = "far"  # too cold for skin at all: the wall is in the view, or the fringe
COLD = "cold"  # too cold for a person of this site: fresh from a winter street
HOT = "hot"  # too hot for skin: a cup, a lamp
SENSOR = "sensor"  # the sensor failed during the scan
WAIT = "wait"  # the sensor's own temperature is still moving
ROOM = "room"  # the hall is too cold or too hot to measure in
CONFIRM = "confirm"  # positive for the first time: once more, to be sure
REFERENCE = "reference"  # no person: the kiosk is being calibrated
# The reason of an alarm.
UNCONFIRMED = "unconfirmed"  # positive, and whoever it was did not come back

_SKIN_MIN_C = 30.0
_SKIN_MAX_C = 42.0
"""Plausible skin of a person: out of the frost 33.2 ± 1.5 °C (Dzien 2020), two SD below that; up to
the hottest fever there is."""

_BODY_MIN_C = 35.6
"""An estimate below this says something of the skin, not of the person."""

_LIMIT_C = 38.0
ROOM_MIN_C = 16.0
ROOM_MAX_C = 35.0

_CONFIRM_MS = 7000
"""To hear the sound, read the word, step back and up again."""

_SAME_C = 0.5
"""Two scans of one person differ by less: three SD of the difference of two, 0.11 °C each at the
inner canthus (Wang et al. 2023)."""

_COLD_MS = 60_000
_REWARM_C = 0.4
_REWARM_C_PER_S = 0.06
"""Half as much again as a forehead's first rise (Dzien 2020), and the noise of two scans."""


class Judgement:
    """A verdict, its reason, and what it was made from; `scan` is the caller's own.

    `body_c` is what is shown and compared with the threshold: estimate less `baseline_c`.
    """

    def __init__(self, scan, verdict, reason, skin_c, body_c, baseline_c):
        self.scan = scan
        self.verdict = verdict
        self.reason = reason
        self.skin_c = skin_c
        self.body_c = body_c
        self.baseline_c = baseline_c


class Screening:
    """One kiosk's judgement. Times are milliseconds that only go up."""

    def __init__(self, site, threshold_c=THRESHOLD_C, confirm_scans=1, baseline=None):
        self.site = site
        self.threshold_c = threshold_c
        self.confirm_scans = confirm_scans
        self.baseline = baseline or Baseline()
        self._first = None  # the positive that waits to be confirmed
        self._first_ms = 0
        self._agreed = 0
        self._cold_c = None
        self._cold_ms = 0
        self._judged_ms = None

    @property
    def pending(self):
        """The positive that waits for another scan, or None."""
        return self._first

    def judge(self, now_ms, skin_c, air_c, quality="", stayed=False, scan=None):
        """Judge one scan; returns judgements, the last of which answers who stands there.

        There are two when an earlier positive is known now not to come back. `skin_c` and
        `air_c` (°C) are None with quality `SENSOR`. `quality` is what the scan found wrong with
        itself, or "". `stayed`: nobody has left the view since the last scan.
        """
        if self._judged_ms is not None:
            self.baseline.rest((now_ms - self._judged_ms) // 1000)
        self._judged_ms = now_ms
        if quality == SENSOR:
            return [Judgement(scan, RETRY, SENSOR, skin_c, None, None)]
        factory_c = body_c(skin_c, air_c, self.site)
        baseline_c = self.baseline.offset_c
        one = Judgement(scan, RETRY, "", skin_c, factory_c - baseline_c, baseline_c)
        if skin_c > _SKIN_MAX_C:
            one.reason = HOT
            return [one]
        if one.body_c >= self.threshold_c or factory_c >= max(_LIMIT_C, self.threshold_c):
            # Heat is not excused by a poor scan.
            return self._positive(one, now_ms, stayed)
        one.reason = self._doubt(now_ms, skin_c, factory_c, air_c, quality)
        if one.reason:
            return [one]
        one.verdict = NORMAL
        first, self._first = self._first, None
        if first is None:
            self.baseline.learn(factory_c)
            return [one]
        if stayed or _same(first, one):
            return [one]
        return [_alarm_for(first), one]

    def overdue(self, now_ms):
        """The alarm for a positive whom nobody followed in time, else None."""
        if self._first is None or now_ms - self._first_ms < _CONFIRM_MS:
            return None
        first, self._first = self._first, None
        return _alarm_for(first)

    def _positive(self, one, now_ms, stayed):
        first, self._first = self._first, None
        before = []
        if first is not None and (stayed or _same(first, one)):
            self._agreed += 1
        else:
            self._agreed = 0
            if first is not None:
                before.append(_alarm_for(first))
        if self._agreed >= self.confirm_scans:
            one.verdict = FEVER
        else:
            self._first = one
            self._first_ms = now_ms
            one.reason = CONFIRM
        return before + [one]

    def _doubt(self, now_ms, skin_c, factory_c, air_c, quality):
        """The reason for which a scan that is not positive is no `normal` either, or ""."""
        if quality:
            return quality
        if skin_c < _SKIN_MIN_C:
            return FAR
        if not ROOM_MIN_C <= air_c <= ROOM_MAX_C:
            return ROOM
        if factory_c - max(self.baseline.offset_c, 0.0) < _BODY_MIN_C:
            if factory_c >= _BODY_MIN_C:
                # Cold only beside a crowd that reads high: perhaps the crowd has changed.
                self.baseline.learn(factory_c)
            self._cold_c = factory_c
            self._cold_ms = now_ms
            return COLD
        if self._cold_c is not None:
            since_s = (now_ms - self._cold_ms) / 1000
            rise_c = factory_c - self._cold_c
            if now_ms - self._cold_ms < _COLD_MS and rise_c < _REWARM_C + _REWARM_C_PER_S * since_s:
                return COLD
            self._cold_c = None
        return ""


def _same(first, one):
    """Whether a scan may be of the one who waits to be confirmed."""
    return abs(one.skin_c - first.skin_c) < _SAME_C


def _alarm_for(first):
    return Judgement(first.scan, FEVER, UNCONFIRMED, first.skin_c, first.body_c, first.baseline_c)
