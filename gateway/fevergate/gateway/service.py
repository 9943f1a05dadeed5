"""Builds, starts, supervises and stops the gateway's parts in a fixed order.

The lamps come first, because green may still be lit from a run that was killed. They first show
the alarms that the previous run announced. The writer's thread then opens the store, and tries
until it succeeds. The connection to the broker waits at most `OPEN_S` for the store, because an
alarm needs no store.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from gpiozero.pins import Factory

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gpio import GateLights
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.alarm.lamps import Lamps
from fevergate.clock.judge import GatewayClock
from fevergate.clock.machine import uptime
from fevergate.errors import SettingsError
from fevergate.gateway import ingest as ingesting
from fevergate.gateway.beat import AlarmBeat
from fevergate.gateway.cards import Cards
from fevergate.gateway.clock_keeper import ClockKeeper
from fevergate.gateway.home_assistant import discovery
from fevergate.gateway.ingest import Ingest
from fevergate.gateway.kiosk_time import KioskClocks
from fevergate.gateway.lamp_test import LampTests
from fevergate.gateway.restore_alarms import announced
from fevergate.gateway.run_state import RunState
from fevergate.gateway.slow_checks import SlowChecks
from fevergate.gateway.store_opener import StoreOpener
from fevergate.mqtt.client import BrokerClient
from fevergate.protocol.alarm_messages import BUTTON, NOT_RECORDED, AlarmState
from fevergate.protocol.messages import Message, encode
from fevergate.protocol.topics import (
    AT_MOST_ONCE,
    Topic,
    alarm_topic,
    gateway_status_topic,
    shown_topic,
)
from fevergate.settings import last_good
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import reason
from fevergate.storage.retention import Housekeeper
from fevergate.storage.writer_thread import Writer
from fevergate.system import thread_errors
from fevergate.system.cpu_affinity import CpuAffinity
from fevergate.system.machine import recognise

if TYPE_CHECKING:
    from fevergate.forwarding.forwarder import Forwarder
    from fevergate.system.prometheus_server import MetricsServer

log = logging.getLogger(__name__)

OPEN_S = 5.0
"""How long the connection to the broker waits for the store to open. From the store the gateway
learns which fevers were acknowledged."""

SLOW_S = 10.0
"""Time without progress after which the disk is reported as slow. A slow disk does not restart the
gateway, because the next run would wait for the same disk."""

STUCK_S = 30.0
"""Time without progress after which the thread of the connection to the broker counts as stuck;
systemd then restarts the gateway."""


class Gateway:
    """One gateway with all its parts; call `start`, then `tick` each second, then `stop`."""

    def __init__(
        self, settings: GatewaySettings, factory: Factory | None = None, wrong: str | None = None
    ) -> None:
        """Build the parts. The lamps use the pins of `factory`, by default those of the pin library
        that the settings name. `wrong` says why gateway.toml cannot be used; `settings` are then
        its last valid contents."""
        self._settings = settings
        self._started_s = uptime()
        self._lamps = Lamps(settings, factory)
        self.clock = GatewayClock()
        self.alarm = Alarm(
            dict(self._lamps.lights),
            self._announce,
            self.clock.now,
            settings.watched_by,
            settings.posts.values(),
            self._show,
        )
        self._check_error: str | None = None
        self._monitor = KioskMonitor(settings, self.alarm.trouble)
        self._slow_checks = SlowChecks(settings, self.alarm, self._monitor, self.clock)
        self._opener = StoreOpener(
            settings,
            self.alarm,
            self.clock,
            restored=self._announce_all,
            trouble=partial(self.alarm.trouble_all, "database"),
            submit=lambda work: self.writer.call(work),
        )
        self.writer = Writer(
            self._opener.open,
            partial(self._answer, "stored"),
            self._disk_trouble,
            again=lambda: self._broker.again(),
            damaged=self._opener.salvage,
            batch=CpuAffinity(lambda: self._broker.precedes).batch,
        )
        self._housekeeper = Housekeeper(
            settings.retention,
            self.writer.call,
            self.clock.now,
            believed=lambda: self.clock.believed,
        )
        self._disk = ""
        self.clocks = KioskClocks(partial(self._answer, "time"), self.clock)
        self.lamp_tests = LampTests(
            self.alarm, self.writer.add, self.clock.now, buzzer=settings.alarm.buzzer
        )
        self._cards = Cards(settings, partial(self._answer, "permit"), self.clock.now)
        self.ingest = Ingest(
            settings,
            self.alarm,
            self._monitor,
            self.writer.add,
            self.clocks.health,
            self.clock,
            self.lamp_tests.begin,
            self._cards.tapped,
            self._cards.person,
        )
        self._clock_keeper = ClockKeeper(self.clock, self.ingest.flood, self._opener, self.writer)
        self._broker = BrokerClient(
            settings,
            # The network listener gives this user the same client id, so both listeners continue
            # one session.
            settings.broker.username,
            ingesting.topics(settings.campus),
            self.ingest.message,
            self._line_up,
            gateway_status_topic(settings.campus),
            patient=True,
            urgent=ingesting.is_urgent,
        )
        self._beat = AlarmBeat(settings, self.alarm, self._broker.publish)
        self.clock.certificate_end = lambda: self._broker.certificate_end
        self._metrics = _metrics(
            settings, self.alarm, self._monitor, self.ingest, self.writer, self._broker
        )
        self.forwarder = _forwarder(settings, self.writer, self.clock)
        self._show_troubles(wrong)

    def _show_troubles(self, wrong: str | None) -> None:
        """Report the troubles that are known at the start, and connect the buttons. A gate turns
        amber if its lamps or its button do not work; every gate does if gateway.toml is damaged."""
        if wrong:
            log.error("%s; the last sound copy is taken", wrong)
            self.alarm.trouble_all(
                "settings", "settings: gateway.toml damaged, the last are in force"
            )
        for gate, lights in self._lamps.lights.items():
            if isinstance(lights, GateLights):
                self._connect_button(gate, lights)
            self.alarm.trouble(gate, "lamps", lights.dark)

    def start(self) -> None:
        """Start all threads, and return."""
        self._monitor.check()
        with suppress(SettingsError):  # the broker's thread reports it, and waits for the files
            last_good.choose_secrets(self._settings)
        self.alarm.restore(announced(self._settings), ())
        self.writer.start()
        if not self.writer.disk.tried.wait(OPEN_S):
            log.error("the store does not open within %.0f s: beginning without it", OPEN_S)
        self._cards.start()
        if not self._cards.tried.wait(OPEN_S):
            log.error("the cards are not read within %.0f s: beginning without them", OPEN_S)
        self._broker.start()
        self._slow_checks.check_brokers_store()
        self._slow_checks.start()
        if self.forwarder:
            self.forwarder.start()
        self._housekeeper.start()
        if self._metrics:
            self._metrics.start()

    def stop(self) -> None:
        """Turn every gate amber, then stop the parts in order. The broker keeps the unconfirmed
        messages, and the store keeps the alarms."""
        self.alarm.trouble_all("gateway", "the gateway stops")
        self.lamp_tests.stop()
        self._broker.stop()
        self.writer.give_up()  # the parts below may wait for the writer, the writer for the disk
        if self.forwarder:
            self.forwarder.stop()
        if self._metrics:
            self._metrics.stop()
        self._housekeeper.stop()
        self._cards.stop()
        self._slow_checks.stop()
        self._opener.stop()
        self.writer.stop()
        self._lamps.close()

    @property
    def dead(self) -> list[str]:
        """Names of the threads that an error has ended; only a restart of the gateway starts them
        again."""
        parts = (
            *(self.writer, self._broker, self._housekeeper, self._slow_checks, self._cards),
            self.forwarder,
        )
        ended = [part.name for part in parts if part and not part.is_alive()]
        return [*ended, *(name for name in thread_errors.crashed_threads if name not in ended)]

    def tick(self) -> bool:
        """Check all parts; returns whether the gateway works. If it does not, every gate turns
        amber with the reason, and the lamp posts get no beat."""
        self._monitor.floods(self.ingest.flood.kiosks())
        self._monitor.check()
        for gate, lights in self._lamps.retry().items():
            self.alarm.relight(gate, lights)
            self._connect_button(gate, lights)
        self._clock_keeper.tick()
        slow = self._disk_is_slow
        self.alarm.trouble_all("slow disk", f"disk: no answer in {SLOW_S:.0f} s" if slow else None)
        unrecorded = self.ingest.alarms.unrecorded.gates(self.writer.disk.refusing or slow)
        for gate in self._settings.gates:
            text = NOT_RECORDED if gate.name in unrecorded else None
            self.alarm.trouble(gate.name, "unrecorded", text)
        stuck = time.monotonic() - self._broker.progressed_at >= STUCK_S
        unread = "broker: password or certificate unreadable" if self._broker.trouble else None
        self.alarm.trouble_all("broker's files", unread)
        failure = ", ".join(f"{name} fell" for name in self.dead) or ("broker is stuck" * stuck)
        self.alarm.trouble_all("gateway", f"gateway: {failure}" if failure else None)
        if not failure:
            self._beat.beat()
        return not failure

    @property
    def _disk_is_slow(self) -> bool:
        return time.monotonic() - self.writer.disk.progressed_at >= SLOW_S

    def run_state(self) -> RunState:
        """Return the gateway's state for `status` and `doctor`."""
        return RunState(
            settings=str(self._settings.folder.resolve()),
            pid=os.getpid(),
            boot_s=uptime(),
            since_s=self._started_s,
            pins=self._lamps.pins,
            chip=recognise().chip,
            dark=self._lamps.dark,
            clock=self.clock.believed,
            disk=self._disk or ("no answer" if self._disk_is_slow else ""),
            line=self._broker.connected,
        )

    def set_check_error(self, error: Exception | None) -> None:
        """Report at every gate, and log once, the error that `tick` itself raised; None clears the
        report."""
        text = f"gateway: {type(error).__name__} while it looks after itself" if error else None
        if error and text != self._check_error:
            log.critical("the gateway's check of its parts failed", exc_info=error)
        self._check_error = text
        self.alarm.trouble_all("look", text)

    def _connect_button(self, gate: str, lights: GateLights) -> None:
        """Let a press of the gate's button acknowledge its alarms; a button that does not work
        turns the gate amber."""
        lights.when_acknowledged(partial(self._pressed, gate))
        if lights.trouble:
            log.error("gate %s: %s", gate, lights.trouble)
            self.alarm.trouble(gate, "button", lights.trouble)

    def _pressed(self, gate: str) -> None:
        """Acknowledge all that the gate's lamps show. This runs in the pin library's thread: an
        error that ended it would make the gateway miss the next press."""
        try:
            self.ingest.alarms.press(gate, BUTTON)
        except Exception:
            log.exception("the button of gate %s", gate)

    def _announce(self, state: AlarmState) -> None:
        self._broker.publish(
            alarm_topic(self._settings.campus, state.gate), encode(state), retain=True
        )

    def _show(self, state: AlarmState) -> None:
        topic = shown_topic(self._settings.campus, state.gate)
        self._broker.publish(topic, encode(state), retain=True)

    def _line_up(self) -> None:
        self._monitor.drops.up()
        self.ingest.flood.line_up()
        self._announce_all()

    def _announce_all(self) -> None:
        self.alarm.tell_all()
        for topic, payload in discovery(self._settings):
            self._broker.publish(topic, payload, retain=True)

    def _answer(self, kind: str, kiosk: str, message: Message) -> None:
        topic = str(Topic(self._settings.campus, kiosk, kind))
        self._broker.publish(topic, encode(message), qos=0 if kind in AT_MOST_ONCE else 1)

    def _disk_trouble(self, error: Exception | None) -> None:
        self._disk = reason(error, self._settings.path(self._settings.database)) if error else ""
        self.alarm.trouble_all("disk", f"disk: {self._disk}" if self._disk else None)


def _metrics(settings: GatewaySettings, *parts: Any) -> MetricsServer | None:
    if settings.metrics is None:
        return None
    from fevergate.gateway.metrics import GatewayMetrics  # 3 MB, only when configured
    from fevergate.system.prometheus_server import MetricsServer

    return MetricsServer(
        settings.metrics.host, settings.metrics.port, GatewayMetrics(settings, *parts)
    )


def _forwarder(settings: GatewaySettings, writer: Writer, clock: GatewayClock) -> Forwarder | None:
    if settings.campus_server is None:
        return None
    from fevergate.forwarding.forwarder import Forwarder  # 5 MB, only when configured

    return Forwarder(settings, writer.call, clock.now, lambda: clock.believed)
