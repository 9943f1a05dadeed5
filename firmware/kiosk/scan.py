"""Finds scans of people in a stream of samples: start, filtered peak, end. Pure: no I/O.

The caller passes each sample with its time, in milliseconds that only increase.
"""

from kiosk import screening

_PRESENT_C = 1.5  # rise above the empty view at which a person is there
_GONE_C = 0.8  # rise below which the person has left
_PRESENT_MIN_C = 26.0  # no face reads colder
_FALL_C = 1.5  # fall below the peak at which the person has turned away
_STABLE_C = 0.2  # largest spread of the samples of a person who stands still
_SWEEP_MS = 1500  # time in which a face that moves through the view has shown its hottest spot
CAN_MOVES_C = 0.15
"""Change of the can's temperature (°C) during a scan that means a hand or draught at the sensor."""

_STABLE_SAMPLES = 4
_MIN_MS = 600  # shortest scan
_LIMIT_MS = 2500  # longest scan
_AGAIN_MS = 1500  # after a retry, a person who stays is scanned again after this time
_AGAIN_SCANS = 6  # at most this many in a row: it may be a lamp or a wall
_LINGER_MS = 4000  # after a verdict, a person still in view after this time is scanned again
_LINGER_SCANS = 1  # most such scans: each may raise one more false alarm for the same person
_BLIND_C = 34.0  # temperature of the empty view above which skin cannot be told from it
_STUCK_MS = 20_000  # a "person" who stays longer is a heater or the sun: taken for the empty view

WAITING = 0
_SCANNING = 1
_LEAVING = 2


class Result:
    """Result of a scan: filtered peak and the ambient temperature at it (°C, None after a failure).

    `quality`: a reason of `screening` why the scan is poor, or ""; `stayed`: the person had not
    left the view since the scan before; `card`: the `pairing.Tap` of the person, or None; after a
    restart it is `Tap.kept`.
    """

    def __init__(self, object_c, ambient_c, samples, scan_ms, quality, stayed=False, card=None):
        self.object_c = object_c
        self.ambient_c = ambient_c
        self.samples = samples
        self.scan_ms = scan_ms
        self.quality = quality
        self.stayed = stayed
        self.card = card


class Median:
    """Median of the last three samples, which removes a single outlier."""

    def __init__(self):
        self._last = [0.0, 0.0, 0.0]
        self._filled = 0

    def clear(self):
        """Forget the samples before."""
        self._filled = 0

    def add(self, sample):
        """Add a sample; returns the median, or the lowest sample until there are three."""
        last = self._last
        last[0], last[1], last[2] = last[1], last[2], sample
        if self._filled < 2:
            self._filled += 1
            return sample if self._filled == 1 else min(last[1], sample)
        return max(min(last[0], last[1]), min(max(last[0], last[1]), last[2]))


def peak_of(samples):
    """The peak that a scan finds in these samples: the highest median of three."""
    median = Median()
    filtered = [median.add(sample) for sample in samples]
    return max(filtered[2:] or filtered[-1:])


class Scan:
    """State machine of scans: waiting, scanning, leaving.

    `state`; `lingers`: the scan is of a person who has had a verdict and stays; `background_c`:
    temperature of the empty view (°C); `rise_c`: rise of the view above it while waiting, else
    None. `sweeps`: the face moves through the view, so a scan waits for the hottest spot and not
    for a still face.
    """

    def __init__(self, sweeps=False):
        self._sweeps = sweeps
        self.state = WAITING
        self.background_c = None
        self.rise_c = None
        self._median = Median()
        self._recent = [0.0] * _STABLE_SAMPLES
        self._began_ms = 0
        self._ended_ms = 0
        self._again = False
        self._stayed = False
        self._lingered = 0
        self._repeated = 0
        self.lingers = False

    def feed(self, now_ms, object_c, ambient_c):
        """Take one sample (°C); returns a `Result` when a scan ends, else None."""
        filtered = self._median.add(object_c)
        self.rise_c = None
        if self.background_c is None:
            # An empty view is about as warm as the can; a person who is there already is warmer.
            self.background_c = min(object_c, ambient_c + 2)
        if self.state == WAITING:
            if self._present(filtered):
                self._begin(now_ms)
            else:
                self.rise_c = filtered - self.background_c
                # The background follows a rise slowly and a fall fast, as when the sun goes.
                share = 0.02 if filtered > self.background_c - _PRESENT_C else 0.2
                self.background_c += (filtered - self.background_c) * share
                return None
        if self.state == _SCANNING:
            return self._scan(now_ms, filtered, ambient_c)
        self._leave(now_ms, filtered)
        return None

    @property
    def scanning(self):
        """Whether a scan is running."""
        return self.state == _SCANNING

    @property
    def blinded(self):
        """Whether the empty view is too hot for a person to be detected."""
        return self.state == WAITING and (self.background_c or 0.0) > _BLIND_C

    def fail(self, now_ms):
        """End a running scan because the sensor failed; returns its `Result`, or None."""
        scanning = self.scanning
        self._wait()
        self._median.clear()
        if not scanning:
            return None
        return Result(None, None, self._samples, now_ms - self._began_ms, screening.SENSOR)

    def ask_again(self):
        """Call after a retry: a person who stays in view is scanned again after `_AGAIN_MS`."""
        self._again = True

    def _present(self, filtered):
        return filtered >= _PRESENT_MIN_C and filtered - self.background_c >= _PRESENT_C

    def _begin(self, now_ms, stayed=False):
        self.state = _SCANNING
        self._began_ms = now_ms
        self._samples = 0
        self._peak_c = -300.0
        self._ambient_c = 0.0
        self._can_low_c = 400.0
        self._can_high_c = -300.0
        self._again = False
        self._stayed = stayed
        self.lingers = False

    def _scan(self, now_ms, filtered, ambient_c):
        self._recent[self._samples % _STABLE_SAMPLES] = filtered
        self._samples += 1
        self._can_low_c = min(self._can_low_c, ambient_c)
        self._can_high_c = max(self._can_high_c, ambient_c)
        if filtered > self._peak_c:
            self._peak_c = filtered
            self._ambient_c = ambient_c
        elapsed_ms = now_ms - self._began_ms
        if self._sweeps:
            return self._sweep(now_ms, elapsed_ms, filtered)
        stable = (
            self._samples >= _STABLE_SAMPLES and max(self._recent) - min(self._recent) <= _STABLE_C
        )
        if not self._present(filtered) or filtered < self._peak_c - _FALL_C:
            return self._end(now_ms, screening.SHORT)
        if stable and elapsed_ms >= _MIN_MS:
            return self._end(now_ms, "")
        if elapsed_ms >= _LIMIT_MS:
            return self._end(now_ms, screening.MOVING)
        return None

    def _sweep(self, now_ms, elapsed_ms, filtered):
        if not self._present(filtered):
            return self._end(now_ms, "" if elapsed_ms >= _SWEEP_MS else screening.SHORT)
        # While the latest samples are the hottest, a hotter spot may still come.
        past_it = (
            max(self._recent) < self._peak_c or max(self._recent) - min(self._recent) <= _STABLE_C
        )
        if (past_it and elapsed_ms >= _SWEEP_MS) or elapsed_ms >= _LIMIT_MS:
            return self._end(now_ms, "")
        return None

    def _end(self, now_ms, quality):
        self.state = _LEAVING
        self._ended_ms = now_ms
        self._low_c = self._peak_c
        if not quality and self._can_high_c - self._can_low_c > CAN_MOVES_C:
            quality = screening.WAIT
        scan_ms = now_ms - self._began_ms
        return Result(self._peak_c, self._ambient_c, self._samples, scan_ms, quality, self._stayed)

    def _leave(self, now_ms, filtered):
        stayed_ms = now_ms - self._ended_ms
        self._low_c = min(self._low_c, filtered)
        if filtered - self.background_c < _GONE_C or filtered < _PRESENT_MIN_C:
            self._wait()
        elif self._again and stayed_ms >= _AGAIN_MS and self._repeated < _AGAIN_SCANS:
            self._repeated += 1
            self._begin(now_ms, stayed=self._low_c >= self._peak_c - _FALL_C)
        elif self._low_c < self._peak_c - _FALL_C and filtered > self._low_c + _FALL_C:
            self._lingered = self._repeated = 0
            self._begin(now_ms)  # the next person stepped in before the view was empty
        elif stayed_ms >= _LINGER_MS and self._lingered < _LINGER_SCANS:
            self._lingered += 1
            self._begin(now_ms, stayed=self._low_c >= self._peak_c - _FALL_C)
            self.lingers = self._stayed
        elif stayed_ms >= _STUCK_MS:
            self.background_c = filtered
            self._wait()

    def _wait(self):
        self.state = WAITING
        self._lingered = self._repeated = 0
