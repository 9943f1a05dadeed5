"""Each minute, and whenever something changes: that the kiosk watches, or why it does not."""

import asyncio

from kiosk import clock, messages
from kiosk.vitals import Vitals, for_line

_HEALTH_S = 60


class Report:
    """`watched_ms` grows with the time in which a person could have been measured."""

    def __init__(self, app):
        self._app = app
        self.vitals = Vitals()
        self._asked = asyncio.Event()
        self.watched_ms = 0

    def now(self):
        """Something has changed: do not wait for the minute's end."""
        self._asked.set()

    async def run(self):
        """For ever."""
        while not self._app.link.up:
            await asyncio.sleep_ms(200)
        while True:
            self._asked.clear()
            self._say()
            try:
                await asyncio.wait_for(self._asked.wait(), _HEALTH_S)
            except asyncio.TimeoutError:
                pass

    def _say(self):
        app, vitals = self._app, self.vitals
        if not app.link.busy:
            vitals.collect()
        line_free, line_low = for_line() or (vitals.free, vitals.low)
        at = clock.utc()
        up_ms = app.uptime.ms()
        watched_ms, up = self.watched_ms, app.link.up
        baseline = app.examiner.screening.baseline
        text = messages.health(
            app.settings,
            app.boot,
            up_ms,
            fault=app.fault or _unready(app, up_ms),
            doubt="nobody as usual" if app.usual.blind else "",
            watched_s=min(watched_ms // 1000, 3600),
            heap_free=min(vitals.free, line_free),
            heap_low=min(vitals.low, line_low),
            queued=len(app.outbox),
            dropped=app.outbox.dropped + app.outbox.rotten + app.unkept,
            scans=app.scans,
            pec_errors=app.sensor.pec_errors,
            reconnects=app.link.reconnects,
            rssi=app.wifi.rssi(),
            wifi=app.wifi.trouble,
            can_c=messages.rounded(app.can_c),
            sensor=app.sensor_id,
            reset=vitals.reset,
            settings_version=app.control.version,
            site=app.settings.site,
            confirm_scans=app.settings.confirm_scans,
            baseline_c=messages.rounded(baseline.offset_c),
            drift=baseline.drifting,
            update=app.update.word,
        )
        app.link.say("health", text)
        if up and at is not None:
            self.watched_ms -= watched_ms
        print(
            "health heap_free=%d heap_low=%d queued=%d collect_ms=%d"
            % (vitals.free, vitals.low, len(app.outbox), vitals.collect_ms)
        )


def _unready(app, up_ms):
    """Why nobody is let in though nothing is broken, or ""."""
    if app.examiner.refers(up_ms):
        return "calibrating"
    return "" if app.warm_up.over else "warming up"
