"""The time that the pages use: the machine's clock, corrected by the gateway's judgement of it."""

import logging
import sqlite3
import threading
import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

from fevergate.errors import FeverGateError
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader

log = logging.getLogger(__name__)

REFRESH_S = 1.0


class PagesClock:
    """A clock that follows the gateway's.

    The gateway stores in its database whether it believes the machine's clock (`clock.judge`). This
    judgement is read about once a second in a thread, so that no caller waits for a disk; if it
    cannot be read, the last one holds. Any thread may use this clock.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._path = settings.path(settings.database)
        self._zone: ZoneInfo = settings.zone
        self._refreshed_at = time.monotonic()
        self._ahead_s = 0.0
        self._believed = True
        self._refreshing = threading.Lock()
        self.refresh()

    def now(self) -> float:
        """Unix time (s)."""
        self._refresh_soon()
        return time.time() - self._ahead_s

    def today(self) -> date:
        """The local date."""
        return datetime.fromtimestamp(self.now(), self._zone).date()

    @property
    def believed(self) -> bool:
        """Whether the gateway believes the time; true if the gateway has never run."""
        self._refresh_soon()
        return self._believed

    def _refresh_soon(self) -> None:
        if time.monotonic() - self._refreshed_at >= REFRESH_S:
            self._refreshed_at = time.monotonic()
            threading.Thread(target=self.refresh, name="clock", daemon=True).start()

    def refresh(self) -> None:
        """Read the gateway's judgement, unless another thread is doing so."""
        if not self._refreshing.acquire(blocking=False):
            return
        try:
            self._read()
        finally:
            self._refreshing.release()

    def _read(self) -> None:
        try:
            with open_reader(self._path) as reader:
                state = clock_memory.present(reader)
        except (FeverGateError, sqlite3.Error) as error:
            log.debug("the gateway's clock: %s", error)
            return
        self._ahead_s = time.time() - state.at if state and not state.believed else 0.0
        self._believed = state is None or state.believed
