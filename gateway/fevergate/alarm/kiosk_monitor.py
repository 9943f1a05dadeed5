"""Whether every kiosk watches, and can be believed.

Silence, an offline will, a sensor's fault, a crowd at the baseline's bound, a crowd unlike the
neighbours', a flood, a broker that drops messages: each turns the gate amber, with words.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from fevergate.mosquitto.drops import Drops
from fevergate.protocol.messages import Health
from fevergate.settings.gateway import GatewaySettings

FRESH_S = 1.0

Trouble = Callable[[str, str, str | None], None]


class Watch:
    """Last words of each kiosk, by the machine's monotonic clock.

    `trouble(gate, kiosk, text or None)` is told what it makes of them.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        trouble: Trouble,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gates = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
        self._silent_after_s = settings.alarm.silent_after_s
        self._trouble = trouble
        self._now = now
        self._lock = Lock()
        self._heard: dict[str, float] = {}
        self._online: dict[str, bool] = {}
        self._fault: dict[str, str] = {}
        self._drift: dict[str, float | None] = {}
        self._unlike: dict[str, str] = {}
        self._floods: dict[str, str] = {}
        self.drops = Drops(now)

    def heard(self, kiosk: str) -> None:
        """Something came from a kiosk, whatever it was: it is there, whatever its will said."""
        if kiosk not in self._gates:
            return  # stands at no gate: its readings are taken, nobody waits for it
        now = self._now()
        if self._online.get(kiosk) and now - self._heard.get(kiosk, -FRESH_S) < FRESH_S:
            return  # nothing new, and in a rush there are thousands of these
        with self._lock:
            self._heard[kiosk] = now
            self._online[kiosk] = True
        self._tell(kiosk)

    def status(self, kiosk: str, online: bool) -> None:
        """Its status, or its last will."""
        if kiosk not in self._gates:
            return
        with self._lock:
            self._online[kiosk] = online
            if online:
                self._heard[kiosk] = self._now()
        self._tell(kiosk)

    def health(self, health: Health) -> None:
        """Its health."""
        if health.kiosk not in self._gates:
            return
        with self._lock:
            self._heard[health.kiosk] = self._now()
            self._online[health.kiosk] = True
            self._fault[health.kiosk] = health.fault or "fault" if health.state != "ok" else ""
            self._drift[health.kiosk] = (health.baseline_c or 0.0) if health.drift else None
        self._tell(health.kiosk)

    def unlike(self, kiosks: dict[str, str]) -> None:
        """Which kiosks' crowds differ from their neighbours', and how; replaces what was said."""
        with self._lock:
            self._unlike = kiosks
        self.check()

    def floods(self, kiosks: dict[str, str]) -> None:
        """Which kiosks say too much, and how much; replaces what was said."""
        with self._lock:
            self._floods = kiosks

    def ages(self) -> dict[str, float]:
        """For each kiosk of a gate the seconds since it was heard; infinite if it never was."""
        now = self._now()
        with self._lock:
            return {kiosk: now - self._heard.get(kiosk, -math.inf) for kiosk in self._gates}

    def check(self) -> None:
        """Look at the clock; call it about once a second."""
        for kiosk in self._gates:
            self._tell(kiosk)
        what = self.drops.words()
        for gate in dict.fromkeys(self._gates.values()):
            self._trouble(gate, "broker", what)

    def _tell(self, kiosk: str) -> None:
        gate = self._gates[kiosk]
        with self._lock:
            heard = self._heard.get(kiosk)
            if heard is None:
                what = f"{kiosk}: not heard yet"
            elif not self._online.get(kiosk, True):
                what = f"{kiosk}: offline"
            elif self._now() - heard > self._silent_after_s:
                what = f"{kiosk}: silent"
            elif flood := self._floods.get(kiosk):
                what = f"{kiosk}: {flood}"[:64]
            elif fault := self._fault.get(kiosk):
                what = f"{kiosk}: sensor {fault}"[:64]
            elif (drift_c := self._drift.get(kiosk)) is not None:
                what = f"{kiosk}: crowd reads {drift_c:+.1f} C, check it"
            elif unlike := self._unlike.get(kiosk):
                what = f"{kiosk}: {unlike}"[:64]
            else:
                what = None
        self._trouble(gate, kiosk, what)
