"""Stores the clock's state for the next run, and corrects records dated by a wrong clock."""

import logging
import time
from functools import partial

from fevergate.clock.judge import ClockState, GatewayClock
from fevergate.clock.machine import kernel_synchronised
from fevergate.gateway.flood_guard import FloodGuard, remember_levels
from fevergate.gateway.store_opener import StoreOpener
from fevergate.storage import clock_memory
from fevergate.storage.store import Store
from fevergate.storage.writer_thread import Writer

log = logging.getLogger(__name__)

BELIEVED_S = 600
"""How often (s) the time is stored while the clock is believed."""

DOUBTED_S = 60
"""How often (s) the time is stored while the clock is in doubt. Storing it also looks whether a
person has confirmed the clock."""


class ClockKeeper:
    """Stores and corrects in `tick`, to be called each second. The flood guard's levels are stored
    and restored only under network time, because a Raspberry Pi's own clock stands still without
    power."""

    def __init__(
        self, clock: GatewayClock, flood: FloodGuard, opener: StoreOpener, writer: Writer
    ) -> None:
        self._clock = clock
        self._flood = flood
        self._opener = opener
        self._writer = writer
        self._stored: ClockState | None = None
        self._store_at = 0.0

    def tick(self) -> None:
        """Queue the work that is due for the writer's thread."""
        state = self._clock.state()
        if self._opener.levels and kernel_synchronised():
            self._flood.recall(self._opener.levels, time.time())
            self._opener.levels = None
        for correction in self._clock.corrections():
            self._writer.call(partial(clock_memory.correct, correction=correction, now=state.at))
        before = self._stored
        unchanged = before is not None and (before.believed, before.why) == (
            state.believed,
            state.why,
        )
        if unchanged and time.monotonic() < self._store_at:
            return
        if not unchanged:
            log.warning("clock: %s, %s", "believed" if state.believed else "in doubt", state.why)
        self._stored = state
        self._store_at = time.monotonic() + (BELIEVED_S if state.believed else DOUBTED_S)
        self._writer.call(partial(self.remember, state=state))

    def remember(self, store: Store, state: ClockState) -> None:
        """Store the clock's state and the flood guard's levels, in the writer's thread."""
        if clock_memory.remember(store, state):
            self._clock.confirm()
        if kernel_synchronised():
            remember_levels(store, self._flood.levels(time.time()))
