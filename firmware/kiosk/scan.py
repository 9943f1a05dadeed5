"""One person's scan out of a stream of samples: begin, filtered peak, end. Pure: no I/O.

The caller samples the sensor and says when; ticks are milliseconds that only go up.
"""

from kiosk import screening

PRESENT_C = 1.5  # this much warmer than the empty view is somebody
GONE_C = 0.8  # and this much is nobody any more
PRESENT_MIN_C = 26.0  # colder than that is no face
FALL_C = 1.5  # so far below the peak: turned away
STABLE_C = 0.2  # samples of a still person stay within
STABLE_SAMPLES = 4
MIN_MS = 600
LIMIT_MS = 2500
AGAIN_MS = 1500  # who is asked to measure again may simply stay
LINGER_MS = 4000  # whoever is there so long after an answer may be the next, who slipped in
LINGER_SCANS = 3  # unseen; so often in a row, for a heater is not measured for ever
STUCK_MS = 20_000  # a "person" who never leaves is a heater or the sun: the view is empty

WAITING = 0
SCANNING = 1
LEAVING = 2


class Result:
    """What a scan found: filtered peak and ambient (°C), and what was wrong with it, or ""."""

    def __init__(self, object_c, ambient_c, samples, scan_ms, quality):
        self.object_c = object_c
        self.ambient_c = ambient_c
        self.samples = samples
        self.scan_ms = scan_ms
        self.quality = quality


class Scan:
    """Feed it samples; it returns a `Result` when a scan ends, else None."""

    def __init__(self):
        self.state = WAITING
        self.background_c = None
        self._last = [0.0, 0.0, 0.0]
        self._filled = 0
        self._recent = [0.0] * STABLE_SAMPLES
        self._began_ms = 0
        self._ended_ms = 0
        self._again = False
        self._lingered = 0

    def feed(self, now_ms, object_c, ambient_c):
        """Take one sample (°C)."""
        filtered = self._median(object_c)
        if self.background_c is None:
            # An empty hall has the room's temperature; whoever stands there already is seen.
            self.background_c = min(object_c, ambient_c + 2)
        if self.state == WAITING:
            if self._present(filtered):
                self._begin(now_ms)
            else:
                self.background_c += (filtered - self.background_c) * 0.02
                return None
        if self.state == SCANNING:
            return self._scan(now_ms, filtered, ambient_c)
        self._leave(now_ms, filtered)
        return None

    def fail(self, now_ms):
        """The sensor failed: ends a running scan as a retry, and returns its result."""
        scanning = self.state == SCANNING
        self.state = WAITING
        self._filled = 0
        if not scanning:
            return None
        return Result(None, None, self._samples, now_ms - self._began_ms, screening.SENSOR)

    def ask_again(self):
        """The verdict was a retry: who stays in front is scanned again after a moment."""
        self._again = True

    def _median(self, object_c):
        """Middle of the last three: a single wild sample never reaches the peak."""
        last = self._last
        last[0], last[1], last[2] = last[1], last[2], object_c
        if self._filled < 2:
            self._filled += 1
            return object_c if self._filled == 1 else min(last[1], object_c)
        return max(min(last[0], last[1]), min(max(last[0], last[1]), last[2]))

    def _present(self, filtered):
        return filtered >= PRESENT_MIN_C and filtered - self.background_c >= PRESENT_C

    def _begin(self, now_ms):
        self.state = SCANNING
        self._began_ms = now_ms
        self._samples = 0
        self._peak_c = -300.0
        self._ambient_c = 0.0
        self._again = False

    def _scan(self, now_ms, filtered, ambient_c):
        self._recent[self._samples % STABLE_SAMPLES] = filtered
        self._samples += 1
        if filtered > self._peak_c:
            self._peak_c = filtered
            self._ambient_c = ambient_c
        elapsed_ms = now_ms - self._began_ms
        stable = (
            self._samples >= STABLE_SAMPLES and max(self._recent) - min(self._recent) <= STABLE_C
        )
        if not self._present(filtered) or filtered < self._peak_c - FALL_C:
            return self._end(now_ms, screening.SHORT)
        if stable and elapsed_ms >= MIN_MS:
            return self._end(now_ms, "")
        if elapsed_ms >= LIMIT_MS:
            return self._end(now_ms, screening.MOVING)
        return None

    def _end(self, now_ms, quality):
        self.state = LEAVING
        self._ended_ms = now_ms
        self._low_c = self._peak_c
        return Result(
            self._peak_c, self._ambient_c, self._samples, now_ms - self._began_ms, quality
        )

    def _leave(self, now_ms, filtered):
        stayed_ms = now_ms - self._ended_ms
        self._low_c = min(self._low_c, filtered)
        if filtered - self.background_c < GONE_C or filtered < PRESENT_MIN_C:
            self.state = WAITING
            self._lingered = 0
        elif self._again and stayed_ms >= AGAIN_MS:
            self._begin(now_ms)
        elif self._low_c < self._peak_c - FALL_C and filtered > self._low_c + FALL_C:
            self._lingered = 0
            self._begin(now_ms)  # the next in line stepped in before the view was ever empty
        elif stayed_ms >= LINGER_MS and self._lingered < LINGER_SCANS:
            self._lingered += 1
            self._begin(now_ms)
        elif stayed_ms >= STUCK_MS:
            self.background_c = filtered
            self.state = WAITING
            self._lingered = 0
