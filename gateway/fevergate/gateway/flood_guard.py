"""A kiosk that says far more than people can walk past it: named, and kept from the disk.

What it says comes at once after an outage, and is dated as it likes. So it is not the wire's rate
that is judged, and not the kiosk's word for when it measured, but how many readings it can have
measured: what its own health said to wait in its outbox, and from then on a person for each
`1 / PER_S` s of ours. Named is amber at its gate and a line in the journal, and takes nothing: what
is beyond `BURST` is not stored, and a kiosk keeps each reading until it is told that it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.gateway.run_state import boot_s
from fevergate.protocol.messages import Health, Reading
from fevergate.storage.sequence_set import Held

if TYPE_CHECKING:
    from fevergate.storage.store import Store

log = logging.getLogger(__name__)

PER_S = 2.0
"""Readings a second of one kiosk that are always taken; a person takes about a second."""

BURST = 20_000.0
"""And so many at once: all that an outbox can hold (firmware, `outbox.py`)."""

SLACK = 60.0
"""Readings beyond what it can have measured after which a kiosk is named: at three a second that
is a minute."""

OTHERS_PER_S = 1.0
OTHERS_BURST = 300.0
"""Of all its other messages: health comes each minute, a status with each connection."""

CALM_S = 60.0
"""How long a kiosk is called a flood after it was one."""

LIVE_S = 60.0
"""What comes so soon after the line came up may have waited at the broker."""

LATE_S = 90.0
"""How long a message may be under way while the line is up: a connection that hangs is given up
after 45 s (the kiosk's keep-alive of 30 s, and a half)."""

SPEAKS_S = 120.0
"""A kiosk that has spoken for so long without a word of its outbox, which it says each minute, has
none that is believed."""

MOST_BOOTS = 16
"""Boots of one kiosk of which it is remembered what came; an older one's repeats count as new."""


class Levels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many more readings each kiosk can have measured than came, at `at` (UTC s, by a clock
    that was synchronised: a Pi's own stands still while it has no power)."""

    at: float
    kiosks: dict[str, float]


class _Bucket:
    """Tokens by kiosk, that come back with time."""

    def __init__(self, per_s: float, burst: float, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._level: dict[str, tuple[float, float]] = {}

    def empty(self, kiosk: str) -> bool:
        """Take one; whether there was none."""
        now = self._now()
        level, at = self._level.get(kiosk, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_s)
        empty = level < 1
        self._level[kiosk] = (level if empty else level - 1, now)
        return empty

    def levels(self) -> dict[str, float]:
        """How many each kiosk has now."""
        now = self._now()
        return {
            kiosk: min(self._burst, level + (now - at) * self._per_s)
            for kiosk, (level, at) in list(self._level.items())
        }

    def at_most(self, kiosk: str, most: float) -> None:
        """From now on it has no more than `most`."""
        now = self._now()
        level, at = self._level.get(kiosk, (self._burst, now))
        self._level[kiosk] = (min(most, level + (now - at) * self._per_s), now)


class Flood:
    """By kiosk: how much comes, and how much it can have measured.

    `now` is a clock that does not jump, and does not stand still either.
    """

    def __init__(self, now: Callable[[], float] = boot_s) -> None:
        self._now = now
        self._readings = _Bucket(PER_S, BURST, now)
        self._others = _Bucket(OTHERS_PER_S, OTHERS_BURST, now)
        self._measured = _Bucket(PER_S, BURST, now)
        self._came: dict[str, dict[int, Held]] = {}
        self._first: dict[str, tuple[int, int, int]] = {}
        self._uptime: dict[str, tuple[int, int, float]] = {}
        """Boot, `up_ms` and time of each kiosk's last health that was under way for a moment."""
        self._heard: dict[str, tuple[float, float]] = {}
        """Since when each kiosk speaks without a pause, and when it spoke last."""
        self._speaks: set[str] = set()
        self._line_at = now()
        self._flooded_at: dict[str, float] = {}
        self.turned_away: dict[str, int] = {}
        """How many messages of each kiosk were not taken."""

    def line_up(self) -> None:
        """The gateway's line came up: what comes now may be old."""
        self._line_at = self._now()
        self._uptime.clear()

    def health(self, health: Health) -> None:
        """A kiosk's word for how many readings wait in its outbox."""
        kiosk, now = health.kiosk, self._now()
        self._speaks.add(kiosk)
        if now - self._line_at < LIVE_S:
            return  # it may be of hours ago, and what was measured since comes behind it
        possible = self._possible(kiosk, health.boot, health.up_ms)
        self._measured.at_most(kiosk, SLACK + (health.queued if possible else 0))
        self._uptime[kiosk] = (health.boot, health.up_ms, now)

    def over(self, reading: Reading) -> bool:
        """Count one reading; whether it is too many."""
        kiosk = reading.kiosk
        boot, seq, up_ms = self._first.setdefault(kiosk, (reading.boot, reading.seq, reading.up_ms))
        if boot != reading.boot:
            self._first[kiosk] = (reading.boot, reading.seq, reading.up_ms)
        elif abs(reading.seq - seq) > SLACK + PER_S * abs(reading.up_ms - up_ms) / 1000:
            self._name(kiosk)
        if self._is_new(reading) and self._cannot_be(reading):
            self._name(kiosk)
        return self._turned_away(kiosk, self._readings)

    def over_others(self, kiosk: str) -> bool:
        """Count one message that is no reading; whether it is too many."""
        return self._turned_away(kiosk, self._others)

    def levels(self, at: float) -> Levels:
        """What the next gateway may know, at `at` (UTC s)."""
        return Levels(at=at, kiosks=self._measured.levels())

    def recall(self, levels: Levels, now: float) -> None:
        """Go on from what the gateway before knew, at `now` (UTC s, synchronised).

        Since then a kiosk has measured no more than a person for each `1 / PER_S` s. What came and
        was not stored comes again: `SLACK`, of which a kiosk has few under way (firmware,
        `link.py`).
        """
        since_s = now - levels.at
        if since_s < 0:
            return  # one of the two times was wrong
        for kiosk, level in levels.kiosks.items():
            self._measured.at_most(kiosk, level + SLACK + since_s * PER_S)

    def kiosks(self) -> dict[str, str]:
        """Which kiosks flood now, in words."""
        calm = self._now() - CALM_S
        return {
            kiosk: f"floods, {self.turned_away.get(kiosk, 0)} not taken"
            for kiosk, at in list(self._flooded_at.items())
            if at > calm
        }

    def _is_new(self, reading: Reading) -> bool:
        """Whether it came for the first time: a kiosk repeats what it was not told is stored."""
        boots = self._came.setdefault(reading.kiosk, {})
        held = boots.get(reading.boot)
        if held is None:
            while len(boots) >= MOST_BOOTS:
                del boots[next(iter(boots))]
            held = boots[reading.boot] = Held()
        if reading.seq in held:
            return False
        held.add(reading.seq)
        return True

    def _cannot_be(self, reading: Reading) -> bool:
        """Whether it is one more than its kiosk can have measured."""
        kiosk = reading.kiosk
        if kiosk not in self._speaks:
            now = self._now()
            since, last = self._heard.get(kiosk, (now, now))
            if now - last > LATE_S:
                since = now  # its line was lost; its word of its outbox is on its way
            self._heard[kiosk] = since, now
            if now - since > SPEAKS_S:
                self._measured.at_most(kiosk, SLACK)
        if not self._possible(kiosk, reading.boot, reading.up_ms):
            self._measured.at_most(kiosk, SLACK)
        return self._measured.empty(kiosk)

    def _possible(self, kiosk: str, boot: int, up_ms: int) -> bool:
        """Whether a kiosk can have run for so long in this boot: no faster than our clock."""
        known = self._uptime.get(kiosk)
        if known is None or boot < known[0]:
            return True
        known_boot, known_ms, at = known
        since_ms = (self._now() - at + LATE_S) * 1000
        return up_ms <= (known_ms if boot == known_boot else 0) + since_ms

    def _turned_away(self, kiosk: str, bucket: _Bucket) -> bool:
        if not bucket.empty(kiosk):
            return False
        self._name(kiosk)
        self.turned_away[kiosk] = self.turned_away.get(kiosk, 0) + 1
        return True

    def _name(self, kiosk: str) -> None:
        now = self._now()
        if now - self._flooded_at.get(kiosk, now - CALM_S) >= CALM_S:
            log.warning("%s floods: more than people can be", kiosk, extra={"kiosk": kiosk})
        self._flooded_at[kiosk] = now


def remember(store: Store, levels: Levels) -> None:
    """Keep it for the next gateway."""
    text = msgspec.json.encode(levels).decode()
    with store.transaction():
        store.db.execute("insert or replace into meta values ('flood', ?)", (text,))


def recall(database: Database) -> Levels | None:
    """What the gateway before knew; None where nobody can tell."""
    row = database.execute("select value from meta where key = 'flood'").fetchone()
    try:
        return msgspec.json.decode(row[0], type=Levels) if row else None
    except msgspec.MsgspecError as error:
        log.error("how much each kiosk can have measured cannot be read: %s", error)
        return None
