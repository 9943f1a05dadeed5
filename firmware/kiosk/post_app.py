"""The running lamp post: creates its parts and runs its tasks.

A lamp post is a kiosk's board with the settings' `role` "lamp_post": it shows its gate's alarm on a
tower of lamps, sounds the siren, and reads the guard's button. It publishes no readings.
"""

import asyncio
import json
import random

import machine

from kiosk import clock, messages, tasks, this_boot
from kiosk.commands import Commands
from kiosk.errors import CalibrationError
from kiosk.health_report import HealthReport, internal_memory
from kiosk.lamp_post import LampPost, acknowledgement, kept_press
from kiosk.on_demand import give_back
from kiosk.post_link import PostLink
from kiosk.safe_file import SafeFile
from kiosk.tower import Tower
from kiosk.transport import context_for
from kiosk.update import Update
from kiosk.wifi import SCAN_IDLE_MS, Wifi

_TICK_MS = 20
_RED_IDLE_MS = 2000  # while red is lit: Wi-Fi may restart its interface, but not the board
_PRESSED = "/pressed"


class PostApp:
    """The parts of a lamp post, and the tasks that connect them."""

    def __init__(self, values, ca_der):
        """Create the parts; `values` are those of settings.json. Raises `SettingsError`."""
        self.panel = Tower()  # first: its outputs must not float
        from kiosk.remote_settings import RemoteSettings  # loaded only here: it takes memory

        remote = RemoteSettings(values)
        give_back("remote_settings")
        self.settings = settings = remote.settings
        self._file = SafeFile(_PRESSED)
        self._on_flash = kept_press(self._file.read())
        self.post = LampPost(self._on_flash)
        self.commands = PostCommands(self, values, remote.version)
        self.update = Update(settings.kiosk, settings.update_key, self.commands)
        clock.restore()
        self.uptime = clock.Uptime()
        self.boot = this_boot.next_boot(fresh=random.getrandbits(20) * 1024 + 1)
        self.fault = ""
        self.wifi = Wifi(settings)
        alarm = "fevergate/v1/%s/alarm/%s" % (settings.campus, settings.gate)
        self._acknowledge = alarm + "/acknowledge"
        self.link = PostLink(
            settings,
            context_for(ca_der),
            self.wifi.up,
            {
                "settings": self.commands.settings,
                "command": self.commands.command,
                "update": self.update.offer,
                "time": self._take_time,
            },
            {"update/piece": self.update.piece},
            {alarm + "/shown": self._state, alarm + "/beat": self._beat},
        )
        self.wifi.line = lambda: self.link.up
        self.wifi.idle_ms = lambda: _RED_IDLE_MS if self.post.red else SCAN_IDLE_MS
        self.report = PostReport(self, this_boot.reset_word(machine))
        self.link.came_up = self._came_up
        self._up = False
        self._ticked_ms = self.uptime.ms()

    async def run(self):
        """Run all tasks, for ever."""
        await tasks.run(self, [("lamps", self._watch_forever)])

    async def _watch_forever(self):
        while True:
            self._tick(self.uptime.ms())
            # Only this task feeds the watchdog: a board that no longer updates its lamps resets.
            self.panel.feed()
            await asyncio.sleep_ms(_TICK_MS)

    def _tick(self, now):
        if self._up and not self.link.up:
            self._up = False
            self.post.new_line()
        if self.panel.pressed(now):
            print("button")
            self.post.press()
        self._show(now)
        fault = "button held" if self.panel.jammed(now) else ""
        if fault != self.fault:
            self.fault = fault
            self.report.now()
        self._keep()
        alarm = self.post.to_tell(now)
        if alarm and self.link.publish(self._acknowledge, acknowledgement(alarm)):
            self.post.told(now)
            print("acknowledged", alarm[0], alarm[1])
        if self.post.watched(now):
            self.report.watched_ms += min(now - self._ticked_ms, 1000)
        self._ticked_ms = now
        self.report.memory.idle()

    def _show(self, now):
        red, amber, green = self.post.lamps(now)
        self.panel.show(now, red, amber or bool(self.fault), green and not self.fault)
        settings = self.settings
        self.panel.sound(red and settings.volume > 0 and not settings.is_quiet(clock.utc()))

    def _keep(self):
        """Store a press on flash until the gateway has answered it. If the write fails, the press
        is still sent, but a power cut before that loses it."""
        pressed = self.post.pressed
        if pressed == self._on_flash:
            return
        self._on_flash = pressed
        try:
            self._file.write(pressed and list(pressed))
        except OSError as error:
            print("press not kept:", error)

    def _came_up(self):
        self._up = True
        self.post.new_line()
        self.report.now()

    def _state(self, payload):
        before = self.post.red
        self.post.state(payload)
        self._show(self.uptime.ms())
        if self.post.red != before:
            print("red", "on" if self.post.red else "off")

    def _beat(self, payload):
        self.post.beat(self.uptime.ms(), json.loads(payload))

    def _take_time(self, message):
        if clock.take_answer(message, self.uptime.ms()):
            self.report.now()  # the gateway can now date this board's messages

    def configure(self, settings):
        """Apply new settings without a reboot."""
        self.settings = settings

    def calibrate(self, record):
        """Refuse a calibration. Always raises `CalibrationError`."""
        raise CalibrationError("a lamp post has no sensor")


class PostCommands(Commands):
    """Handlers of the gateway's messages to a lamp post."""

    def idle(self):
        """Whether the board may do long work or restart: not while red is lit."""
        return not self.app.post.red

    def fault(self):
        """The fault, or ""."""
        return self.app.fault


class PostReport(HealthReport):
    """Publishes health messages about a `PostApp`; `watched_ms` is the time (ms) in which the
    lamps could be relied on."""

    def _publish(self):
        app, memory = self.app, self.memory
        memory.collect()
        internal_free, internal_low = internal_memory() or (memory.free, memory.low)
        watched_ms, up, at = self.watched_ms, app.link.up, clock.utc()
        text = messages.health(
            app.settings,
            app.boot,
            app.uptime.ms(),
            app.fault,
            "",
            watched_s=min(watched_ms // 1000, 3600),
            heap_free=min(memory.free, internal_free),
            heap_low=min(memory.low, internal_low),
            queued=1 if app.post.pressed else 0,
            reconnects=app.link.reconnects,
            rssi=app.wifi.rssi(),
            wifi=app.wifi.trouble,
            reset=memory.reset,
            settings_version=app.commands.version,
            update=app.update.word,
        )
        app.link.say("health", text)
        if up and at is not None:
            self.watched_ms -= watched_ms
        print("health heap_free=%d heap_low=%d" % (memory.free, memory.low))


def main():
    """Start the lamp post, or commissioning if its settings are missing or wrong."""
    from kiosk.begin import created  # loaded only here: it takes memory

    app = created(PostApp)
    give_back("begin")
    if app:
        asyncio.run(app.run())
