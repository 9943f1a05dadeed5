"""Turns the sensor's samples into judgements: scan, calibration, estimate and screening.

Uses no pins and no network. The baseline, and a positive scan that waits for a second one, are kept
on flash, so that they survive a power cut.
"""

from kiosk import screening
from kiosk.baseline import BOUND_C, Baseline
from kiosk.calibration import Calibration, calibration_from
from kiosk.errors import CalibrationError
from kiosk.estimate import SITES, body_c, through_emissivity
from kiosk.safe_file import SafeFile
from kiosk.scan import Result, Scan
from kiosk.screening import Judgement, Screening

_SAVE_C = 0.05  # least change of the baseline that is written to flash: a few writes a day
_SAVE_MIDDLE_C = 0.1  # the same for the crowd's middle, which moves with every person
_OFF_S = 12 * 3600  # assumed time without power, a night: a board cannot measure it
_REFERENCE_MS = 15 * 60_000  # a calibration that nobody ends is ended after this time


class Decision:
    """Takes samples and returns judgements, usually none.

    `warming`: the sensor's can has not settled since power-on, so no verdict is `normal`;
    `left_over`: the alarm for a person whose positive scan waited for a second one when the power
    was cut, or None.
    """

    def __init__(self, settings, crowd="/crowd", calibration="/calibration", middle="/middle"):
        self.site = SITES[settings.site]
        self._site = settings.site
        self.scan = Scan(self.site.sweeps)
        self._crowd = SafeFile(crowd)
        self._unit = SafeFile(calibration)
        self._middle = SafeFile(middle)
        self.calibration = self._calibration()
        offset_c, first = _remembered(self._crowd.read())
        self._saved = None
        self.screening = Screening(
            self.site, settings.threshold_c, settings.confirm_scans, _baseline(settings, offset_c)
        )
        self._restore_middle()
        if first:
            first.threshold_c = self.screening.alarm_c
        self.left_over = first
        self.warming = False
        self._reference_until_ms = 0

    def configure(self, settings):
        """Apply another threshold and number of confirming scans."""
        self.screening.set_threshold(settings.threshold_c)
        self.screening.confirm_scans = settings.confirm_scans

    def sample(self, now_ms, object_c, ambient_c):
        """Take one sample (°C, as read); returns the judgements that it leads to."""
        result = self.scan.feed(now_ms, object_c, ambient_c)
        if result:
            return self._judge(now_ms, result)
        return self.overdue(now_ms)

    def overdue(self, now_ms):
        """The alarm that is due because a person whose scan was positive did not come back, as a
        tuple of at most one."""
        late = None if self.scan.scanning else self.screening.overdue(now_ms)
        return (late,) if late else ()

    def fail(self, now_ms):
        """End a running scan as a retry because the sensor failed; returns judgements."""
        result = self.scan.fail(now_ms)
        return self._judge(now_ms, result) if result else ()

    def begin_reference(self, now_ms, on):
        """Start or end scanning a calibration reference; it ends by itself after 15 minutes."""
        self._reference_until_ms = now_ms + _REFERENCE_MS if on else 0

    def refers(self, now_ms):
        """Whether a calibration reference is being scanned, so that nobody is screened."""
        return now_ms < self._reference_until_ms

    def calibrate(self, record, sensor):
        """Apply a calibration record and keep it on flash; `sensor` is the part on the bus.

        Raises `CalibrationError` where the record is implausible, is for another part, or cannot be
        kept.
        """
        calibration = calibration_from(record)
        if calibration.sensor != sensor:
            raise CalibrationError("sensor: expected %s, which is here" % (sensor or "one"))
        try:
            if self._unit.read() != record:  # the retained message comes with each connection
                self._unit.write(record)
                self.screening.baseline.drift.reset()
                self._write_middle()
        except OSError as error:
            raise CalibrationError("flash: %s" % error)
        self.calibration = calibration

    def set_sensor(self, sensor):
        """Take the number of the sensor on the bus; another sensor's calibration is not used."""
        calibration = self._calibration()
        self.calibration = calibration if calibration.sensor == sensor else Calibration()

    def remember(self):
        """Write to flash what has changed of baseline, waiting positive and the crowd's middle.
        Raises `OSError`."""
        first = self.screening.pending
        baseline_c = self.screening.baseline.offset_c
        if self._saved is not None:
            saved_c, waiting = self._saved
            if waiting is first and abs(saved_c - baseline_c) < _SAVE_C:
                self._remember_middle()
                return
        self._crowd.write([_hundredths(baseline_c), _values(first)])
        self._saved = (baseline_c, first)
        self.left_over = None
        self._remember_middle()

    def _remember_middle(self):
        """Write the crowd's middle if it has moved far, or if its usual value has become known."""
        drift = self.screening.baseline.drift
        moved_c = abs(drift.middle_c - self._saved_middle_c)
        if moved_c >= _SAVE_MIDDLE_C or (drift.usual_c is not None) != self._saved_usual:
            self._write_middle()

    def _write_middle(self):
        drift = self.screening.baseline.drift
        self._middle.write({"site": self._site, "crowd": drift.values()})
        self._note_saved(drift)

    def _restore_middle(self):
        """Restore what `_write_middle` wrote at this site; without it no usual value is known."""
        drift = self.screening.baseline.drift
        stored = self._middle.read()
        try:
            if stored is not None and stored["site"] == self._site:
                drift.restore(stored["crowd"])
                drift.rest(_OFF_S)
        except (KeyError, TypeError, ValueError):
            drift.reset()
        self._note_saved(drift)

    def _note_saved(self, drift):
        self._saved_middle_c = drift.middle_c
        self._saved_usual = drift.usual_c is not None

    def _judge(self, now_ms, result):
        if result.object_c is None:
            return self.screening.judge(now_ms, None, None, result.quality, scan=result)
        read_c = self.calibration.object_c(result.object_c)
        air_c = self.calibration.air_c(result.ambient_c)
        if self.warming:
            # The air is at most as warm as the can, so this estimate is a lower bound: if it is a
            # fever, there is an alarm. Anything else is a retry.
            air_c = result.ambient_c
            result.quality = result.quality or screening.WAIT
        skin_c = through_emissivity(read_c, air_c)
        if self.refers(now_ms):
            estimate_c = body_c(skin_c, air_c, self.site)
            reason = result.quality or screening.REFERENCE
            return (Judgement(result, screening.RETRY, reason, skin_c, estimate_c, 0.0),)
        return self.screening.judge(now_ms, skin_c, air_c, result.quality, result.stayed, result)

    def hall(self, can_c):
        """Word of health for a hall in which nobody is called normal, or ""; `can_c`: temperature
        (°C) of the sensor's can, None if unknown."""
        return "" if can_c is None else screening.hall(self.calibration.air_c(can_c))

    def _calibration(self):
        record = self._unit.read()
        if record is None:
            return Calibration()
        try:
            return calibration_from(record)
        except CalibrationError as error:
            print("calibration:", error)
            return Calibration()


def _baseline(settings, offset_c):
    if settings.baseline == "off":
        return Baseline(0.0, fixed=True)
    if settings.baseline == "fixed":
        return Baseline(settings.baseline_c, fixed=True)
    baseline = Baseline(offset_c if abs(offset_c) <= BOUND_C else 0.0)
    baseline.rest(_OFF_S)
    return baseline


def _values(judgement):
    """A judgement as a list small enough for LittleFS's metadata log, or None. An older firmware
    may read the list too, and accepts at most nine values."""
    if judgement is None:
        return None
    scan = judgement.scan
    degrees = (scan.object_c, scan.ambient_c)
    degrees += (judgement.skin_c, judgement.body_c, judgement.baseline_c)
    values = [_hundredths(value) for value in degrees]
    values += [scan.samples, scan.scan_ms, scan.quality]
    return values + [scan.card.kept] if scan.card else values


def _remembered(stored):
    """(baseline offset in °C, alarm or None) from what `remember` wrote; (0.0, None) for anything
    malformed. The alarm is for a positive scan that waited for a second one; its `scan.card` is the
    `Tap.kept` of that scan."""
    try:
        offset, values = stored
        offset_c = offset / 100
    except (TypeError, ValueError):
        return 0.0, None
    try:
        object_c, ambient_c, skin_c, body_c, baseline_c = [value / 100 for value in values[:5]]
        scan = Result(object_c, ambient_c, *values[5:8])
        scan.card = values[8] if len(values) > 8 else None
    except (TypeError, ValueError):
        return offset_c, None
    alarm = Judgement(scan, screening.FEVER, screening.UNCONFIRMED, skin_c, body_c, baseline_c)
    return offset_c, alarm


def _hundredths(degrees):
    return round(degrees * 100)
