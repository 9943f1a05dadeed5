"""Decides the verdict of a scan, from this scan and the scans before it. Pure.

It has no I/O and no clock, and works the same under MicroPython and CPython: board, simulator,
evaluation and the gateway's re-screening all run this file. It screens and does not diagnose:
`fever` means "measure again with a clinical thermometer". Temperatures are on the scale of
`kiosk.estimate`.

Where the limits come from:

- **Too cold.** Textbook axillary temperatures begin at 36.0 °C. The skin of a person who comes out
  of the frost is 3.4 °C below its usual level at first and 1.7 °C below it after a minute (Dzien
  2020, n = 92): with `_BODY_MIN_C` = 35.6 no healthy person passes within that minute. If the
  crowd reads low, the estimate by the factory curve is judged without the baseline: a frosty
  morning must not teach the kiosk that cold skin is usual. Cold skin can hide a fever. So a person
  who was too cold is still asked to wait if the next scan, within a minute, is warmer by no more
  than skin recovers in that time.
- **Confirm.** With 13,699 people a day even a good kiosk has hundreds of false positives. A first
  positive asks for another scan; it becomes an alarm when that scan agrees, when nobody comes
  within `CONFIRM_MS`, or when temperature or card show that the next scan is of another person.
- **Absolute limit.** An estimate by the factory curve of `_LIMIT_C` or more is positive whatever
  the baseline, unless the threshold is higher.
- **Room.** The sensor's accuracy is specified from 16 °C up (data sheet 3901090614). Above 35 °C
  the air is as warm as skin, and the skin says nothing about the body.
"""

from kiosk.baseline import Baseline
from kiosk.estimate import body_c

NORMAL = "normal"
FEVER = "fever"
RETRY = "retry"

THRESHOLD_C = 37.3

# Reasons for a retry; the display has words for each.
SHORT = "short"  # left before the sensor settled
MOVING = "moving"  # never held still
FAR = "far"  # too cold for skin: the wall or the edge of the face is in view
COLD = "cold"  # skin, but too cold to judge: a person straight from a winter street
HOT = "hot"  # too hot for skin: a cup, a lamp
SENSOR = "sensor"  # the sensor failed during the scan
WAIT = "wait"  # the sensor's own temperature is still moving
ROOM = "room"  # the hall is too cold or too hot to measure in
CONFIRM = "confirm"  # a first positive: another scan is needed
REFERENCE = "reference"  # a calibration reference, not a person
# Reason for a fever.
UNCONFIRMED = "unconfirmed"  # positive, and the person did not come back for another scan

_SKIN_MIN_C = 30.0
_SKIN_MAX_C = 42.0
"""Plausible skin temperatures (°C): from two SD below the mean of people who come out of the frost
(33.2 ± 1.5 °C, Dzien 2020) to the skin of the highest fever."""

_BODY_MIN_C = 35.6
"""Lowest estimate (°C) that is judged: a lower one shows cold skin, not the body's temperature."""

_LIMIT_C = 38.0
"""Estimate (°C) by the factory curve that is positive whatever the baseline, unless the threshold
is higher."""

ROOM_MIN_C = 16.0
ROOM_MAX_C = 35.0

CONFIRM_MS = 7000
"""Time (ms) for the person to hear the sound, read the display, step back and step up again."""

_SAME_C = 0.5
"""Largest difference (°C of skin) between two scans of one person: three SD of that difference,
with an SD of 0.11 °C per scan at the inner canthus (Wang et al. 2023)."""

_CLEARS_C = 0.3
"""Largest difference (°C of skin) at which a normal scan clears a positive although the view was
empty in between: two SD of the difference of two scans. With a larger difference the scan is taken
for another person's, and the positive becomes an alarm."""

_COLD_MS = 60_000
_REWARM_C = 0.4
_REWARM_C_PER_S = 0.06
"""For `_COLD_MS` after a cold scan, a rise below `_REWARM_C` (noise of two scans) plus this rate
times the time is taken for skin that recovers. The rate is 1.5 times the rate at which a cold
forehead warms at first (Dzien 2020)."""

_RETURN_C = 0.3
_RETURN_C_PER_S = 0.04
"""The same limit if the view was empty in between, when the next person may be another: two SD of
the noise, plus the forehead's first rate itself."""


class Judgement:
    """A verdict, its reason and its temperatures (°C); `scan` is whatever the caller passed.

    `body_c` is the estimate minus `baseline_c`; it is shown, and compared with `threshold_c`, which
    is the setting minus the site's margin.
    """

    def __init__(self, scan, verdict, reason, skin_c, body_c, baseline_c, threshold_c=None):
        self.scan = scan
        self.verdict = verdict
        self.reason = reason
        self.skin_c = skin_c
        self.body_c = body_c
        self.baseline_c = baseline_c
        self.threshold_c = threshold_c


class Screening:
    """Screening of one kiosk. Times are in milliseconds that only increase.

    `confirm_scans`: how many further positive scans a fever needs, 0 for none.
    """

    def __init__(self, site, threshold_c=THRESHOLD_C, confirm_scans=1, baseline=None):
        self.site = site
        self.set_threshold(threshold_c)
        self.confirm_scans = confirm_scans
        self.baseline = baseline or Baseline()
        self._first = None  # the positive that waits to be confirmed
        self._first_ms = 0
        self._agreed = 0
        self._cold_c = None
        self._cold_ms = 0
        self._judged_ms = None
        self._settled = None  # the final judgement of the person who is still in view
        self._noted = False  # whether the person in view has been counted for the drift

    def set_threshold(self, threshold_c):
        """Apply a threshold (°C); estimates are compared with it minus the site's margin."""
        self.alarm_c = threshold_c - self.site.margin_c

    @property
    def pending(self):
        """The positive `Judgement` that waits for another scan, or None."""
        return self._first

    def judge(self, now_ms, skin_c, air_c, quality="", stayed=False, scan=None):
        """Judge one scan; returns a list of judgements, the last for the person in view.

        There are two judgements when this scan shows that the person of an earlier positive scan
        has left. There is none when a person who has had a verdict lingers: each visit is judged
        once.
        `quality`: the reason why the scan is poor, or ""; with `SENSOR`, `skin_c` and `air_c` (°C)
        are None. `stayed`: nobody has left the view since the last scan.
        """
        if self._judged_ms is not None:
            self.baseline.rest((now_ms - self._judged_ms) / 1000)
        self._judged_ms = now_ms
        settled = self._settled if stayed else None
        self._settled = None
        self._noted = self._noted and stayed
        if quality == SENSOR:
            return [Judgement(scan, RETRY, SENSOR, skin_c, None, None)]
        factory_c = body_c(skin_c, air_c, self.site)
        baseline_c = self.baseline.offset_c
        alarm_c = self.alarm_c
        judgement = Judgement(scan, RETRY, "", skin_c, factory_c - baseline_c, baseline_c, alarm_c)
        positive = judgement.body_c >= alarm_c or factory_c >= max(_LIMIT_C, alarm_c)
        same = settled is not None and skin_c < settled.skin_c + _SAME_C
        if settled is not None and (not positive or (same and settled.verdict == FEVER)):
            self._settled = settled
            return []
        if skin_c > _SKIN_MAX_C:
            judgement.reason = HOT
            return [judgement]
        if positive:
            # A positive counts even if the scan is poor.
            return self._positive(judgement, now_ms, stayed)
        judgement.reason = self._doubt(now_ms, skin_c, factory_c, air_c, quality, stayed)
        if not self._noted and judgement.reason in ("", COLD):
            self._noted = True
            self.baseline.drift.note(factory_c)
        if judgement.reason:
            return [judgement]
        judgement.verdict = NORMAL
        self._settled = judgement
        first, self._first = self._first, None
        if first is None:
            self.baseline.learn(factory_c)
            return [judgement]
        if stayed or _same(first, judgement, _CLEARS_C):
            return [judgement]
        return [self._alarm_for(first), judgement]

    def overdue(self, now_ms):
        """The alarm for a first positive that no scan followed in time, or None."""
        if self._first is None or now_ms - self._first_ms < CONFIRM_MS:
            return None
        first, self._first = self._first, None
        return self._alarm_for(first)

    def _positive(self, judgement, now_ms, stayed):
        first, self._first = self._first, None
        before = []
        if first is not None and (stayed or _same(first, judgement, _SAME_C)):
            self._agreed += 1
        else:
            self._agreed = 0
            if first is not None:
                before.append(self._alarm_for(first))
        if self._agreed >= self.confirm_scans:
            judgement.verdict = FEVER
            self._settled = judgement
            self.baseline.drift.alarm()
        else:
            self._first = judgement
            self._first_ms = now_ms
            judgement.reason = CONFIRM
        return before + [judgement]

    def _alarm_for(self, first):
        """The alarm for a first positive that no scan confirmed or cleared."""
        self.baseline.drift.alarm()
        return Judgement(
            first.scan,
            FEVER,
            UNCONFIRMED,
            first.skin_c,
            first.body_c,
            first.baseline_c,
            first.threshold_c,
        )

    def _doubt(self, now_ms, skin_c, factory_c, air_c, quality, stayed):
        """Why a scan that is not positive cannot be `NORMAL`, or ""."""
        if quality:
            return quality
        if skin_c < _SKIN_MIN_C:
            return FAR
        if hall(air_c):
            return ROOM
        if factory_c - max(self.baseline.offset_c, 0.0) < _BODY_MIN_C:
            if factory_c >= _BODY_MIN_C:
                # Too cold only because the baseline is high. It may be out of date, so the baseline
                # learns from this person.
                self.baseline.learn(factory_c)
            self._cold_c = factory_c
            self._cold_ms = now_ms
            return COLD
        if self._cold_c is not None:
            since_s = (now_ms - self._cold_ms) / 1000
            most_c = _RETURN_C + _RETURN_C_PER_S * since_s
            if stayed:
                most_c = _REWARM_C + _REWARM_C_PER_S * since_s
            if now_ms - self._cold_ms < _COLD_MS and factory_c - self._cold_c < most_c:
                return COLD
            self._cold_c = None
        return ""


def hall(air_c):
    """Word of health for air (°C) in which nobody is called normal, or ""."""
    if ROOM_MIN_C <= air_c <= ROOM_MAX_C:
        return ""
    return "hall too hot" if air_c > ROOM_MAX_C else "hall too cold"


def _same(first, judgement, most_c):
    """Whether a scan may be of the same person as the positive that waits."""
    return abs(judgement.skin_c - first.skin_c) < most_c
