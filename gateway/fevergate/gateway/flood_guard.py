"""Detects a kiosk that sends more readings than people can pass it, and keeps the excess off the
disk.

After an outage a sound kiosk sends its backlog at once, with dates that it chooses, so neither the
rate on the wire nor the dates are judged. The guard estimates how many readings a kiosk can have
measured: those that its health reported in its outbox, and `READINGS_PER_S` since then by our
clock. A kiosk beyond that is reported (amber at its gate, a warning in the journal), which loses
nothing. Readings beyond `READINGS_BURST` are not stored; the kiosk keeps them, as it keeps every
reading until it is told that it is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from fevergate.clock.machine import uptime
from fevergate.protocol.messages import Health, Reading
from fevergate.storage import meta
from fevergate.storage.sequence_set import SequenceSet

if TYPE_CHECKING:
    from fevergate.storage.store import Store

log = logging.getLogger(__name__)

READINGS_PER_S = 2.0
"""Readings per second of one kiosk that are always stored; a person takes about a second."""

READINGS_BURST = 20_000.0
"""Readings of one kiosk that may come at once: a full outbox (firmware, `outbox.py`)."""

SLACK_READINGS = 60.0
"""Readings beyond what a kiosk can have measured before it is reported: a minute at three per
second."""

OTHERS_PER_S = 1.0
OTHERS_BURST = 300.0
"""Rate and burst of all other messages of a kiosk that are stored: health comes each minute, a
status with each connection."""

TAPS_PER_S = 2.0
TAPS_BURST = 20.0
"""Rate and burst of taps of a kiosk that are answered; whoever tries numbers gets no further."""

CALM_S = 60.0
"""How long a kiosk stays reported after its last excess."""

LIVE_S = 60.0
"""Messages that arrive this soon after our connection came up may have waited at the broker."""

LATE_S = 90.0
"""How long a message may be in transit while we are connected: a hanging connection is closed
after 45 s (1.5 times the kiosk's keep-alive of 30 s)."""

HEALTH_DUE_S = 120.0
"""After a kiosk has been sending for this long without a health message, no backlog is assumed: a
sound kiosk sends health each minute."""

MAX_BOOTS = 16
"""Boots of one kiosk whose sequence numbers are kept; repeats of an older one count as new."""


class FloodLevels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many readings each kiosk can have measured that have not come, at the time `at`.

    `at` is Unix time (s) of a synchronised clock: a Raspberry Pi's own stands still without power.
    """

    at: float
    kiosks: dict[str, float]


class _TokenBucket:
    """Token bucket of each kiosk: `burst` tokens at first, refilled at `per_s`."""

    def __init__(self, per_s: float, burst: float, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._level: dict[str, tuple[float, float]] = {}

    def exhausted(self, kiosk: str) -> bool:
        """Take a token; returns whether there was none."""
        now = self._now()
        level, at = self._level.get(kiosk, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_s)
        exhausted = level < 1
        self._level[kiosk] = (level if exhausted else level - 1, now)
        return exhausted

    def levels(self) -> dict[str, float]:
        """Return how many tokens each kiosk has now."""
        now = self._now()
        return {
            kiosk: min(self._burst, level + (now - at) * self._per_s)
            for kiosk, (level, at) in list(self._level.items())
        }

    def limit(self, kiosk: str, tokens: float) -> None:
        """Lower a kiosk's level to `tokens` at most."""
        now = self._now()
        level, at = self._level.get(kiosk, (self._burst, now))
        self._level[kiosk] = (min(tokens, level + (now - at) * self._per_s), now)


class FloodGuard:
    """Counts each kiosk's messages, and compares them with what it can have measured.

    `now` returns seconds of a clock that never jumps and also runs while the machine sleeps.
    """

    def __init__(self, now: Callable[[], float] = uptime) -> None:
        self._now = now
        self._readings = _TokenBucket(READINGS_PER_S, READINGS_BURST, now)
        self._others_bucket = _TokenBucket(OTHERS_PER_S, OTHERS_BURST, now)
        self._taps = _TokenBucket(TAPS_PER_S, TAPS_BURST, now)
        self._measured = _TokenBucket(READINGS_PER_S, READINGS_BURST, now)
        self._received: dict[str, dict[int, SequenceSet]] = {}
        self._first: dict[str, tuple[int, int, int]] = {}
        self._uptime: dict[str, tuple[int, int, float]] = {}
        """Boot, `up_ms` and time of arrival of each kiosk's last health that came live."""
        self._heard: dict[str, tuple[float, float]] = {}
        """Since when each kiosk has been sending without a pause, and when it sent last."""
        self._sends_health: set[str] = set()
        self._connected_at = now()
        self._reported_at: dict[str, float] = {}
        self.refused: dict[str, int] = {}
        """Number of messages of each kiosk that were not stored."""

    def line_up(self) -> None:
        """Note that the gateway has connected: messages that arrive now may be old."""
        self._connected_at = self._now()
        self._uptime.clear()

    def health(self, health: Health) -> None:
        """Note how many readings a kiosk reports in its outbox."""
        kiosk, now = health.kiosk, self._now()
        self._sends_health.add(kiosk)
        if now - self._connected_at < LIVE_S:
            return  # this message may be hours old: readings measured since may come behind it
        possible = self._possible(kiosk, health.boot, health.up_ms)
        self._measured.limit(kiosk, SLACK_READINGS + (health.queued if possible else 0))
        self._uptime[kiosk] = (health.boot, health.up_ms, now)

    def over(self, reading: Reading) -> bool:
        """Count a reading; returns whether it is one too many to be stored."""
        kiosk = reading.kiosk
        boot, seq, up_ms = self._first.setdefault(kiosk, (reading.boot, reading.seq, reading.up_ms))
        run_s = abs(reading.up_ms - up_ms) / 1000
        if boot != reading.boot:
            self._first[kiosk] = (reading.boot, reading.seq, reading.up_ms)
        elif abs(reading.seq - seq) > SLACK_READINGS + READINGS_PER_S * run_s:
            self._report(kiosk)
        if self._is_new(reading) and self._exceeds_measured(reading):
            self._report(kiosk)
        return self._refuse(kiosk, self._readings)

    def over_others(self, kiosk: str) -> bool:
        """Count a message other than a reading; returns whether it is one too many."""
        return self._refuse(kiosk, self._others_bucket)

    def over_taps(self, kiosk: str) -> bool:
        """Count a tap of a card; returns whether it is one too many to be answered."""
        return self._refuse(kiosk, self._taps)

    def levels(self, at: float) -> FloodLevels:
        """Return the levels for the gateway's next run; `at` is Unix time (s)."""
        return FloodLevels(at=at, kiosks=self._measured.levels())

    def recall(self, levels: FloodLevels, now: float) -> None:
        """Continue with the levels of the last run; `now` is Unix time (s) of a synchronised clock.

        Since then a kiosk has measured `READINGS_PER_S` at most. Readings that came but were not
        stored come again: up to `SLACK_READINGS`, since a kiosk has few in transit (firmware,
        `mqtt_link.py`).
        """
        since_s = now - levels.at
        if since_s < 0:
            return  # one of the two times was wrong
        for kiosk, level in levels.kiosks.items():
            self._measured.limit(kiosk, level + SLACK_READINGS + since_s * READINGS_PER_S)

    def kiosks(self) -> dict[str, str]:
        """Return the kiosks reported now, each with the text for its gate."""
        calm = self._now() - CALM_S
        return {
            kiosk: f"floods, {self.refused.get(kiosk, 0)} not taken"
            for kiosk, at in list(self._reported_at.items())
            if at > calm
        }

    def _is_new(self, reading: Reading) -> bool:
        """Whether a reading came for the first time; kiosks repeat readings until acknowledged."""
        boots = self._received.setdefault(reading.kiosk, {})
        seqs = boots.get(reading.boot)
        if seqs is None:
            while len(boots) >= MAX_BOOTS:
                del boots[next(iter(boots))]
            seqs = boots[reading.boot] = SequenceSet()
        if reading.seq in seqs:
            return False
        seqs.add(reading.seq)
        return True

    def _exceeds_measured(self, reading: Reading) -> bool:
        """Whether a reading is one more than its kiosk can have measured."""
        kiosk = reading.kiosk
        if kiosk not in self._sends_health:
            now = self._now()
            since, last = self._heard.get(kiosk, (now, now))
            if now - last > LATE_S:
                since = now  # its connection was lost, and its health is still to come
            self._heard[kiosk] = since, now
            if now - since > HEALTH_DUE_S:
                self._measured.limit(kiosk, SLACK_READINGS)
        if not self._possible(kiosk, reading.boot, reading.up_ms):
            self._measured.limit(kiosk, SLACK_READINGS)
        return self._measured.exhausted(kiosk)

    def _possible(self, kiosk: str, boot: int, up_ms: int) -> bool:
        """Whether a boot can have lasted `up_ms`, given the kiosk's last health and our clock."""
        uptime = self._uptime.get(kiosk)
        if uptime is None or boot < uptime[0]:
            return True
        known_boot, known_ms, at = uptime
        since_ms = (self._now() - at + LATE_S) * 1000
        return up_ms <= (known_ms if boot == known_boot else 0) + since_ms

    def _refuse(self, kiosk: str, bucket: _TokenBucket) -> bool:
        if not bucket.exhausted(kiosk):
            return False
        self._report(kiosk)
        self.refused[kiosk] = self.refused.get(kiosk, 0) + 1
        return True

    def _report(self, kiosk: str) -> None:
        now = self._now()
        if now - self._reported_at.get(kiosk, now - CALM_S) >= CALM_S:
            log.warning("%s floods: more than people can be", kiosk, extra={"kiosk": kiosk})
        self._reported_at[kiosk] = now


def remember_levels(store: Store, levels: FloodLevels) -> None:
    """Store the levels for the gateway's next run."""
    text = msgspec.json.encode(levels).decode()
    with store.transaction():
        meta.put(store.db, "flood", text)
