"""Monitors every kiosk and lamp post of a gate, and turns the gate amber with the reason when one
fails.

Reasons: not heard yet, offline (status or last will), silent, sending too much, a sensor fault, a
drift of its crowd's readings, readings unlike its neighbours', or a broker that drops messages.
"""

import math
import time
from collections.abc import Callable
from threading import Lock

from fevergate.mosquitto.drops import Drops
from fevergate.protocol.messages import Health
from fevergate.settings.gateway import GatewaySettings

FRESH_S = 1.0
"""A kiosk heard less than this time ago is not updated again: a rush hour has thousands of
messages."""

Trouble = Callable[[str, str, str | None], None]


def drift_of(health: Health) -> float | None:
    """Return by how much (°C) a kiosk's readings of the crowd have drifted; None without a drift.

    Older firmware reports no drift value; its baseline, which is then at its bound, is returned."""
    if not health.drift:
        return None
    return health.baseline_c or 0.0 if health.drift_c is None else health.drift_c


class KioskMonitor:
    """Last message, status and health of each kiosk of a gate; times by a monotonic clock.

    Calls `trouble(gate, kiosk or "broker", reason or None)`.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        trouble: Trouble,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gates = settings.devices
        self._silent_after_s = settings.alarm.silent_after_s
        self._trouble = trouble
        self._now = now
        self._lock = Lock()
        self._heard_at: dict[str, float] = {}
        self._online: dict[str, bool] = {}
        self._fault: dict[str, str] = {}
        self._drift: dict[str, float | None] = {}
        self._unlike: dict[str, str] = {}
        self._floods: dict[str, str] = {}
        self.drops = Drops(now)

    def heard(self, kiosk: str) -> None:
        """Note that a message came from a kiosk: it is online, whatever its last will said."""
        if kiosk not in self._gates:
            return  # at no gate: its readings are stored, its silence is not reported
        now = self._now()
        if self._online.get(kiosk) and now - self._heard_at.get(kiosk, -FRESH_S) < FRESH_S:
            return
        with self._lock:
            self._heard_at[kiosk] = now
            self._online[kiosk] = True
        self._tell(kiosk)

    def status(self, kiosk: str, online: bool) -> None:
        """Note a kiosk's status message or last will."""
        if kiosk not in self._gates:
            return
        with self._lock:
            self._online[kiosk] = online
            if online:
                self._heard_at[kiosk] = self._now()
        self._tell(kiosk)

    def health(self, health: Health) -> None:
        """Note a kiosk's health message."""
        if health.kiosk not in self._gates:
            return
        with self._lock:
            self._heard_at[health.kiosk] = self._now()
            self._online[health.kiosk] = True
            self._fault[health.kiosk] = health.fault or "fault" if health.state != "ok" else ""
            self._drift[health.kiosk] = drift_of(health)
        self._tell(health.kiosk)

    def unlike(self, kiosks: dict[str, str]) -> None:
        """Set the kiosks whose readings differ from their neighbours', each with a text that says
        how; replaces the earlier ones."""
        with self._lock:
            self._unlike = kiosks
        self.check()

    def floods(self, kiosks: dict[str, str]) -> None:
        """Set the kiosks that send too much, each with a text that says how much; replaces the
        earlier ones."""
        with self._lock:
            self._floods = kiosks

    def ages(self) -> dict[str, float]:
        """Return the seconds since each kiosk of a gate was heard; infinite if it never was."""
        now = self._now()
        with self._lock:
            return {kiosk: now - self._heard_at.get(kiosk, -math.inf) for kiosk in self._gates}

    def check(self) -> None:
        """Report kiosks that have fallen silent and messages that the broker dropped; to be called
        every second."""
        for kiosk in self._gates:
            self._tell(kiosk)
        drops = self.drops.words()
        for gate in dict.fromkeys(self._gates.values()):
            self._trouble(gate, "broker", drops)

    def _tell(self, kiosk: str) -> None:
        gate = self._gates[kiosk]
        with self._lock:
            heard_at = self._heard_at.get(kiosk)
            if heard_at is None:
                reason = "not heard yet"
            elif not self._online.get(kiosk, True):
                reason = "offline"
            elif self._now() - heard_at > self._silent_after_s:
                reason = "silent"
            elif flood := self._floods.get(kiosk):
                reason = flood
            elif fault := self._fault.get(kiosk):
                reason = f"sensor {fault}"
            elif (drift_c := self._drift.get(kiosk)) is not None:
                reason = f"crowd reads {drift_c:+.1f} C, check it"
            else:
                reason = self._unlike.get(kiosk)
        self._trouble(gate, kiosk, f"{kiosk}: {reason}" if reason else None)
