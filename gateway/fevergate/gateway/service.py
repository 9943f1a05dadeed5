"""The gateway at work: puts the parts together in the order that keeps the promises.

The lamps first (green may be lit still from a run that was killed), with what was announced last;
then the store, which the writer's thread opens and opens again until it can: where that takes
longer than `OPEN_S`, or cannot be, the line is taken up without it. A light depends on nothing but
the wire.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gpiozero.pins import Factory
from sdnotify import SystemdNotifier

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.gpio import GateLights
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.alarm.lamps import Lamps
from fevergate.clock.judge import ClockState, GatewayClock, kernel_synchronised
from fevergate.errors import SettingsError, StoreError
from fevergate.gateway import flood_guard
from fevergate.gateway import ingest as ingesting
from fevergate.gateway.home_assistant import discovery
from fevergate.gateway.ingest import Ingest
from fevergate.gateway.kiosk_time import KioskClocks
from fevergate.gateway.lamp_test import LampTests
from fevergate.gateway.restore_alarms import announced
from fevergate.gateway.run_state import Running, boot_s, tell
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.mqtt.client import Broker
from fevergate.protocol.messages import (
    NOT_RECORDED,
    AlarmState,
    KioskTime,
    Stored,
    Topic,
    alarm_topic,
    encode,
    gateway_status_topic,
)
from fevergate.reports.fever_log import bounds
from fevergate.reports.kiosk_comparison import crowds, unlike
from fevergate.settings import last_good
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory, epochs, recovery
from fevergate.storage.connection import is_damage, open_reader, reason
from fevergate.storage.retention import Housekeeper
from fevergate.storage.store import Store, open_store, raised, waiting
from fevergate.storage.writer_thread import Writer
from fevergate.system import thread_errors
from fevergate.system.machine import recognise

if TYPE_CHECKING:
    from fevergate.forwarding.forwarder import Forwarder
    from fevergate.system.prometheus_server import MetricsServer

log = logging.getLogger(__name__)

REMEMBER_S = 600
"""How often the time is kept on disk."""

ASK_S = 60
"""How often, while it is in doubt, also whether a person has said that it is right."""

COMPARE_S = 600
"""How often the kiosks of a gate are compared."""

SWITCH_S = 0.0001
"""How long a thread may keep Python's lock from the one that lights the lamp."""

YOUNG = 10_000
"""New objects after which Python looks for cycles among them, instead of 700: a look stops every
thread for up to a millisecond, and a rush made several in a second."""

OPEN_S = 5.0
"""How long the line waits for the store, which knows what a guard saw to before."""

SLOW_S = 10.0
"""A disk that answers no sooner is said. It is no reason to start anew: the next run would wait for
the same disk, and light nothing meanwhile."""

STUCK_S = 30.0
"""A network thread that has not come round for so long has stopped: systemd may start us anew."""

EXIT_FELL = 3


class Gateway:
    """Everything of one gateway; `start`, then `stop`."""

    def __init__(
        self, settings: GatewaySettings, factory: Factory | None = None, wrong: str | None = None
    ) -> None:
        """`wrong`: why these are not the settings that lie in their file now."""
        self._settings = settings
        self._since_s = boot_s()
        self._database = settings.path(settings.database)
        self._lamps = Lamps(settings, factory)
        self.clock = GatewayClock(certificate_end=self._certificate_end)
        self._remember_at = 0.0
        self._remembered: ClockState | None = None
        self._levels: flood_guard.Levels | None = None
        self.alarm = Alarm(dict(self._lamps.lights), self._announce, self.clock.now)
        self._stumble: str | None = None
        self._watch = KioskMonitor(settings, self.alarm.trouble)
        self._compare_at = time.monotonic() + COMPARE_S
        self._salvage: recovery.Salvage | None = None
        self.writer = Writer(
            self._open_store,
            self._say_stored,
            self._disk_trouble,
            again=lambda: self._broker.again(),
            damaged=self._take_over,
        )
        self._housekeeper = Housekeeper(
            settings.retention,
            self.writer.call,
            self.clock.now,
            believed=lambda: self.clock.believed,
        )
        self._recalled = False
        self._disk = ""
        self.clocks = KioskClocks(self._say_time, self.clock)
        self.lamp_tests = LampTests(
            self.alarm, self.writer.add, self.clock.now, buzzer=settings.alarm.buzzer
        )
        self.ingest = Ingest(
            settings,
            self.alarm,
            self._watch,
            self.writer.add,
            self.clocks.health,
            self.clock,
            self.lamp_tests.begin,
        )
        self._broker = Broker(
            settings,
            f"gateway-{settings.gateway}",
            ingesting.topics(settings.campus),
            self.ingest.message,
            self._line_up,
            gateway_status_topic(settings.campus),
            patient=True,
        )
        if wrong:
            log.error("%s; what it said when it was last sound is in force", wrong)
            self._trouble_all("settings", "settings: gateway.toml damaged, the last are in force")
        self._metrics = _metrics(
            settings, self.alarm, self._watch, self.ingest, self.writer, self._broker
        )
        self.forwarder = _forwarder(settings, self.writer, self.clock)
        for gate, lights in self._lamps.lights.items():
            if isinstance(lights, GateLights):
                self._have_button(gate, lights)
            self.alarm.trouble(gate, "lamps", lights.dark)

    def start(self) -> None:
        """Begin, and return."""
        self._watch.check()
        with suppress(SettingsError):  # said by the broker's thread, which waits for them
            last_good.choose_secrets(self._settings)
        self.alarm.restore(announced(self._settings), ())
        self.writer.start()
        if not self.writer.tried.wait(OPEN_S):
            log.error("the store does not open within %.0f s: beginning without it", OPEN_S)
        self._broker.start()
        self._look_at_brokers_store()
        if self.forwarder:
            self.forwarder.start()
        self._housekeeper.start()
        if self._metrics:
            self._metrics.start()

    def stop(self) -> None:
        """Amber first, then end in order; unacknowledged messages wait at the broker, the alarm
        in the store."""
        self._trouble_all("gateway", "the gateway stops")
        self.lamp_tests.stop()
        self._broker.stop()
        self.writer.give_up()  # these may wait for it, and it for the disk
        if self.forwarder:
            self.forwarder.stop()
        if self._metrics:
            self._metrics.stop()
        self._housekeeper.stop()
        if self._salvage:
            self._salvage.stop()
        self.writer.stop()
        self._lamps.close()

    @property
    def dead(self) -> list[str]:
        """Threads that ended and should not have: nothing but a new start brings them back."""
        parts = {
            "writer": self.writer,
            "broker": self._broker,
            "retention": self._housekeeper,
            "forward": self.forwarder,
        }
        ended = [name for name, part in parts.items() if part and not part.alive]
        return [*ended, *(name for name in thread_errors.fallen if name not in ended)]

    def tick(self) -> bool:
        """About once a second; says whether real work goes on. Where it does not, every gate is
        amber with the reason."""
        self._watch.floods(self.ingest.flood.kiosks())
        self._watch.check()
        for gate, lights in self._lamps.retry().items():
            self.alarm.relight(gate, lights)
            self._have_button(gate, lights)
        self._keep_time()
        if time.monotonic() >= self._compare_at:
            self._compare_at = time.monotonic() + COMPARE_S
            self._look_at_brokers_store()
            # Beside the alarm's path: it reads from the disk.
            threading.Thread(target=self.compare_kiosks, name="fleet", daemon=True).start()
        slow = time.monotonic() - self.writer.progressed_at >= SLOW_S
        self._trouble_all("slow disk", f"disk: no answer in {SLOW_S:.0f} s" if slow else None)
        unrecorded = self.ingest.unrecorded.tell(self.writer.refusing or slow)
        for gate in self._settings.gates:
            words = NOT_RECORDED if gate.name in unrecorded else None
            self.alarm.trouble(gate.name, "unrecorded", words)
        stuck = time.monotonic() - self._broker.progressed_at >= STUCK_S
        unread = "broker: password or certificate unreadable" if self._broker.trouble else None
        self._trouble_all("broker's files", unread)
        what = ", ".join(f"{name} fell" for name in self.dead) or ("broker is stuck" * stuck)
        self._trouble_all("gateway", f"gateway: {what}" if what else None)
        return not what

    def running(self) -> Running:
        """How it is, for whoever asks."""
        slow = time.monotonic() - self.writer.progressed_at >= SLOW_S
        return Running(
            settings=str(self._settings.folder.resolve()),
            pid=os.getpid(),
            boot_s=boot_s(),
            since_s=self._since_s,
            pins=self._lamps.pins,
            chip=recognise().chip,
            dark=self._lamps.dark,
            clock=self.clock.believed,
            disk=self._disk or ("no answer" if slow else ""),
            line=self._broker.connected,
        )

    def _look_at_brokers_store(self) -> None:
        """Amber for a while where a power cut damaged it: what it held is gone."""
        asides = stores_aside(self._settings.folder)
        lately = False
        with suppress(OSError):  # which the broker itself takes away in the end
            lately = bool(asides) and 0 <= time.time() - asides[-1].stat().st_ctime < COMPARE_S
        self._trouble_all("broker's store", "broker: store damaged, begun anew" if lately else None)

    def _keep_time(self) -> None:
        """Keep what the clock is worth; have put right what a wrong one dated."""
        state = self.clock.state()
        if self._levels and kernel_synchronised():
            self.ingest.flood.recall(self._levels, time.time())
            self._levels = None
        for correction in self.clock.corrections():
            self.writer.call(partial(clock_memory.correct, correction=correction, now=state.at))
        before = self._remembered
        same = before is not None and (before.believed, before.why) == (state.believed, state.why)
        if same and time.monotonic() < self._remember_at:
            return
        if not same:
            log.warning("clock: %s, %s", "believed" if state.believed else "in doubt", state.why)
        self._remembered = state
        self._remember_at = time.monotonic() + (REMEMBER_S if state.believed else ASK_S)
        self.writer.call(partial(self._remember, state=state))

    def _remember(self, store: Store, state: ClockState) -> None:
        if clock_memory.remember(store, state):
            self.clock.confirm()
        if kernel_synchronised():
            flood_guard.remember(store, self.ingest.flood.levels(time.time()))

    def _certificate_end(self) -> float | None:
        """Until when the broker's certificate holds, UTC s."""
        broker = getattr(self, "_broker", None)  # the clock is there before the line
        return broker.certificate_end if broker else None

    def stumbled(self, error: Exception | None) -> None:
        """What keeps us from looking after ourselves, once in the journal, or nothing any more."""
        what = f"gateway: {type(error).__name__} while it looks after itself" if error else None
        if error and what != self._stumble:
            log.critical("looking after ourselves", exc_info=error)
        self._stumble = what
        self._trouble_all("look", what)

    def compare_kiosks(self) -> None:
        """Whether the kiosks of each gate see the same crowd today; amber where one does not."""
        try:
            reader = open_reader(self._database)
            try:
                today = datetime.fromtimestamp(self.clock.now(), self._settings.zone).date()
                _, begin, end = bounds(self._settings, today)
                found = unlike(crowds(reader, self._settings, begin, end))
            finally:
                reader.close()
        except Exception as error:  # of whatever lies in the database
            log.error("comparing kiosks: %s: %s", type(error).__name__, error)
            return
        self._watch.unlike({one.kiosk: one.line() for one in found})

    def _open_store(self) -> Store:
        """Open the store and take up what it knows; called by the writer until it does not raise.

        Raises `StoreError`; what can be read of a store that cannot be written is taken up.
        """
        path = self._database
        try:
            store, damaged = open_store(path, self._settings.zone)
        except StoreError:
            self._recall()
            raise
        try:
            self._take_up(store, damaged)
        except (StoreError, sqlite3.Error) as error:
            if not is_damage(error):
                store.close()
                raise StoreError(f"{path}: {error}") from error
            damaged = store.renew()
            self._take_up(store, damaged)
        if damaged:
            self._take_over(damaged)
        return store

    def _take_up(self, store: Store, damaged: Path | None) -> None:
        if damaged:
            log.critical("the database was damaged; it is kept as %s", damaged)
            try:
                recovery.fevers(damaged, store)
            except sqlite3.Error as error:
                log.error("fevers of %s: %s", damaged, error)
        self.alarm.restore(store.waiting(), store.raised())
        self.clock.recall(*clock_memory.recall(store.db))
        self._levels = flood_guard.recall(store.db)
        if self._settings.campus_server:
            epochs.note_start(store)
        self._announce_all()

    def _recall(self) -> None:
        """Once: take up what can be read of a store that cannot be opened for writing."""
        if self._recalled:
            return
        self._recalled = True
        try:
            reader = open_reader(self._database)
            try:
                self.alarm.restore(waiting(reader), raised(reader))
                self.clock.recall(*clock_memory.recall(reader))
                self._levels = flood_guard.recall(reader)
            finally:
                reader.close()
        except (StoreError, sqlite3.Error) as error:
            log.error("which fevers wait to be seen to is not known: %s", error)

    def _have_button(self, gate: str, lights: GateLights) -> None:
        """Have a gate's button acknowledge; amber where it cannot be watched."""
        lights.when_acknowledged(partial(self._pressed, gate))
        if lights.trouble:
            log.error("gate %s: %s", gate, lights.trouble)
            self.alarm.trouble(gate, "button", lights.trouble)

    def _pressed(self, gate: str) -> None:
        """From the pins' thread, which must see the next press, too."""
        try:
            self.ingest.acknowledge(gate, "button")
        except Exception:
            log.exception("the button of gate %s", gate)

    def _announce(self, state: AlarmState) -> None:
        self._broker.publish(
            alarm_topic(self._settings.campus, state.gate), encode(state), retain=True
        )

    def _line_up(self) -> None:
        self._watch.drops.up()
        self.ingest.flood.line_up()
        self._announce_all()

    def _announce_all(self) -> None:
        for state in self.alarm.states():
            self._announce(state)
        for topic, payload in discovery(self._settings):
            self._broker.publish(topic, payload, retain=True)

    def _say_stored(self, kiosk: str, stored: Stored) -> None:
        self._broker.publish(str(Topic(self._settings.campus, kiosk, "stored")), encode(stored))

    def _say_time(self, kiosk: str, at: KioskTime) -> None:
        self._broker.publish(str(Topic(self._settings.campus, kiosk, "time")), encode(at), qos=0)

    def _take_over(self, damaged: Path) -> None:
        """Have what can still be read of a damaged database put into the new one."""
        self._trouble_all("database", f"database damaged, kept as {damaged.name}")
        self._salvage = recovery.Salvage(
            damaged, self.writer.call, lambda _: self._trouble_all("database", None)
        )
        self._salvage.start()

    def _disk_trouble(self, error: Exception | None) -> None:
        self._disk = reason(error, self._database) if error else ""
        self._trouble_all("disk", f"disk: {self._disk}" if self._disk else None)

    def _trouble_all(self, who: str, what: str | None) -> None:
        for gate in self._settings.gates:
            self.alarm.trouble(gate.name, who, what and what[:64])


def _metrics(settings: GatewaySettings, *parts: Any) -> MetricsServer | None:
    if settings.metrics is None:
        return None
    from fevergate.gateway.metrics import GatewayMetrics  # 3 MB where nobody asks
    from fevergate.system.prometheus_server import MetricsServer

    return MetricsServer(
        settings.metrics.host, settings.metrics.port, GatewayMetrics(settings, *parts)
    )


def _forwarder(settings: GatewaySettings, writer: Writer, clock: GatewayClock) -> Forwarder | None:
    if settings.campus_server is None:
        return None
    from fevergate.forwarding.forwarder import Forwarder  # its HTTP client takes 5 MB

    return Forwarder(settings, writer.call, clock.now, lambda: clock.believed)


def run(
    settings: GatewaySettings, factory: Factory | None = None, wrong: str | None = None
) -> None:
    """Run a gateway until SIGTERM or SIGINT; on the pins of `factory`, or as the settings say.
    `wrong` is what `Gateway` is told."""
    sys.setswitchinterval(SWITCH_S)
    thread_errors.watch()
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    notifier = SystemdNotifier()
    gateway = Gateway(settings, factory, wrong)
    try:
        gateway.start()
        leave_alone()
        _look(gateway, notifier)
        notifier.notify("READY=1")
        log.info("gateway %s watches %d gate(s)", settings.gateway, len(settings.gates))
        while not ending.wait(1):
            _look(gateway, notifier)
    except Exception as error:
        log.critical("the gateway's own loop fell", exc_info=error)
        _end_at_once(f"{type(error).__name__}: {error}")
    notifier.notify("STOPPING=1")
    gateway.stop()


def leave_alone() -> None:
    """Keep what is there at the start out of Python's collections, which look through all that is
    old now and then and stop every thread meanwhile: 42,000 objects, 20 ms on a PC."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def _look(gateway: Gateway, notifier: SystemdNotifier) -> None:
    """About once a second. A look that stumbles itself is amber; lamps and readings go on."""
    try:
        if gateway.tick():
            notifier.notify("WATCHDOG=1")
        tell(gateway.running())
        gateway.stumbled(None)
    except Exception as error:
        gateway.stumbled(error)
    if gateway.dead:
        _end_at_once(f"fell: {', '.join(gateway.dead)}")


def _end_at_once(why: str) -> NoReturn:
    """For the supervisor to start us anew; an orderly end would wait for the thread that fell. What
    was not committed is with the broker and the kiosks, what the lamps show is in the store."""
    log.critical("the gateway ends to be started anew: %s", why)
    logging.shutdown()
    os._exit(EXIT_FELL)
