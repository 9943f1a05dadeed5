"""Runs the gateway as a process: signals, the supervising loop, and systemd's watchdog."""

import gc
import logging
import os
import signal
import sys
import threading
from typing import NoReturn

from gpiozero.pins import Factory
from sdnotify import SystemdNotifier

from fevergate.gateway.run_state import write_run_state
from fevergate.gateway.service import Gateway
from fevergate.settings.gateway import GatewaySettings
from fevergate.system import thread_errors

log = logging.getLogger(__name__)

SWITCH_S = 0.0001
"""How long (s) a thread may hold Python's global lock while the thread that lights the lamp waits
for it."""

GC_THRESHOLD = 10_000
"""New objects after which Python collects cycles, instead of the default 700. A collection stops
every thread for up to 1 ms, and a rush caused several collections per second."""

EXIT_THREAD_CRASHED = 3
"""Exit status after an error has ended a thread."""


def run(
    settings: GatewaySettings, factory: Factory | None = None, wrong: str | None = None
) -> None:
    """Run a gateway until SIGTERM or SIGINT; the arguments are those of `Gateway`."""
    sys.setswitchinterval(SWITCH_S)
    thread_errors.watch()
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    notifier = SystemdNotifier()
    gateway = Gateway(settings, factory, wrong)
    try:
        gateway.start()
        freeze_objects()
        supervise(gateway, notifier)
        notifier.notify("READY=1")
        log.info("gateway %s watches %d gate(s)", settings.gateway, len(settings.gates))
        while not ending.wait(1):
            supervise(gateway, notifier)
    except Exception as error:
        log.critical("the gateway's own loop fell", exc_info=error)
        _exit_at_once(f"{type(error).__name__}: {error}")
    notifier.notify("STOPPING=1")
    gateway.stop()


def freeze_objects() -> None:
    """Exclude all existing objects from garbage collection. A full collection would look through
    42,000 of them and stop every thread for 20 ms on a PC."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def supervise(gateway: Gateway, notifier: SystemdNotifier) -> None:
    """Check the gateway once; to be called each second. An error in the check itself is shown as
    trouble while lamps and readings go on; a dead thread ends the process."""
    try:
        if gateway.tick():
            notifier.notify("WATCHDOG=1")
        write_run_state(gateway.run_state())
        gateway.set_check_error(None)
    except Exception as error:
        gateway.set_check_error(error)
    if gateway.dead:
        _exit_at_once(f"fell: {', '.join(gateway.dead)}")


def _exit_at_once(why: str) -> NoReturn:
    """Exit, so that systemd restarts the gateway. An orderly end would wait for the dead thread.
    The broker and the kiosks still have uncommitted readings, and the store has the alarms."""
    log.critical("the gateway ends to be started anew: %s", why)
    logging.shutdown()
    os._exit(EXIT_THREAD_CRASHED)
