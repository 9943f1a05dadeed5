"""The running kiosk: creates its parts and runs its tasks.

The scan task (`scanner`) samples the sensor and answers the person. The other tasks (broker,
health, Wi-Fi, update, clock) run beside it, so an answer never waits for flash, display or network.
"""

import asyncio
import random

import machine

from kiosk import clock, tasks
from kiosk.answers import Answers
from kiosk.bus import Bus
from kiosk.commands import Commands
from kiosk.decision import Decision
from kiosk.display import Display
from kiosk.health_report import HealthReport
from kiosk.mqtt_link import MqttLink
from kiosk.on_demand import give_back
from kiosk.outbox import Outbox
from kiosk.panel import Panel
from kiosk.scanner import Scanner
from kiosk.transport import context_for
from kiosk.update import Update
from kiosk.wifi import Wifi


class App:
    """The parts of a kiosk, and the tasks that connect them."""

    def __init__(self, values, ca_der):
        """Create the parts; `values` are those of settings.json. Raises `SettingsError`."""
        from kiosk.remote_settings import RemoteSettings  # loaded only here: it takes memory

        remote = RemoteSettings(values)
        give_back("remote_settings")
        self.settings = settings = remote.settings
        self.commands = Commands(self, values, remote.version)
        self.update = Update(settings.kiosk, settings.update_key, self.commands)
        clock.restore()
        self.uptime = clock.Uptime()
        self.bus = Bus()
        self.panel = Panel(Display(self.bus), settings, clock.utc)
        self.outbox = Outbox()
        from kiosk import this_boot  # only here: it takes memory

        self.boot = this_boot.next_boot(
            after=self.outbox.last_boot(), fresh=random.getrandbits(20) * 1024 + 1
        )
        self.wifi = Wifi(settings)
        hears = {
            "settings": self.commands.settings,
            "command": self.commands.command,
            "update": self.update.offer,
            "time": self._take_time,
        }
        self.cards = None
        if settings.card != "off":
            from kiosk.cards import Cards  # only with a reader: it takes memory

            self.cards = Cards(self)
            hears["permit"] = self.cards.permit
        self.link = MqttLink(
            settings,
            self.outbox,
            context_for(ca_der),
            self.wifi.up,
            hears,
            {"update/piece": self.update.piece},
        )
        self._decide(settings)
        self.answers = Answers(self)
        self.scanner = Scanner(self)
        self.wifi.line = lambda: self.link.up
        self.wifi.idle_ms = self.scanner.idle_ms
        self.wifi.show = self.panel.offline
        self.report = HealthReport(self, this_boot.reset_word(machine))
        give_back("this_boot")
        self.link.came_up = self.report.now

    async def run(self):
        """Run all tasks, for ever."""
        self.panel.idle()
        self._answer_left_over()
        own_tasks = [("scan", self.scanner.run)]
        if self.cards:
            own_tasks.append(("cards", self.cards.run))
        await tasks.run(self, own_tasks)

    def configure(self, settings):
        """Apply new settings without a reboot; changed settings of the card reader reboot the board
        once nobody is there."""
        before, self.settings = self.settings, settings
        if before.reader != settings.reader:
            from kiosk.restart import once_idle

            asyncio.create_task(once_idle(self))
        same = ("site", "baseline", "baseline_c")
        if all(getattr(before, name) == getattr(settings, name) for name in same):
            self.decision.configure(settings)
        else:
            # Another site or baseline needs a new `Decision`. A positive that waited for a second
            # scan becomes an alarm.
            self._decide(settings)
            self.decision.set_sensor(self.scanner.sensor_id)
            self._answer_left_over()
        # After the decision: loading the display's words may fail.
        self.panel.configure(settings)
        self.scanner.invite()

    def calibrate(self, record):
        """Apply a calibration record of the sensor on the bus, and store it on flash. Raises
        `CalibrationError` or `SensorError`."""
        self.scanner.identify()
        self.decision.calibrate(record, self.scanner.sensor_id)

    def _decide(self, settings):
        self.decision = self.cards.decision(settings) if self.cards else Decision(settings)

    def _answer_left_over(self):
        if self.decision.left_over:
            self.answers.give([self.decision.left_over], self.uptime.ms())

    def _take_time(self, message):
        if clock.take_answer(message, self.uptime.ms()):
            self.report.now()  # the gateway can now date the readings taken before


def main():
    """Start the kiosk, or commissioning if its settings are missing or wrong."""
    from kiosk.begin import created  # loaded only here: it takes memory

    app = created(App)
    give_back("begin")
    if app:
        asyncio.run(app.run())
