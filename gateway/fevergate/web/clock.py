"""The time by which the pages go: the gateway's word on it, which is asked for once a second."""

from __future__ import annotations

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

ASK_S = 1.0


class PagesClock:
    """`gateway_clock` decides what a time is worth; the gateway leaves its judgement in its
    database. Where that cannot be read the last one holds. From any thread; whoever asks for the
    time never waits for a disk."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._path = settings.path(settings.database)
        self._zone: ZoneInfo = settings.zone
        self._asked_at = time.monotonic()
        self._off_s = 0.0
        self._believed = True
        self._looking = threading.Lock()
        self.look()

    def now(self) -> float:
        """UTC s."""
        self._ask()
        return time.time() - self._off_s

    def today(self) -> date:
        """The campus's day."""
        return datetime.fromtimestamp(self.now(), self._zone).date()

    @property
    def believed(self) -> bool:
        """Whether the gateway believes that time; before it has ever run nobody doubts it."""
        self._ask()
        return self._believed

    def _ask(self) -> None:
        if time.monotonic() - self._asked_at >= ASK_S:
            self._asked_at = time.monotonic()
            threading.Thread(target=self.look, name="clock", daemon=True).start()

    def look(self) -> None:
        """Read the gateway's judgement, unless somebody does already."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._read()
        finally:
            self._looking.release()

    def _read(self) -> None:
        try:
            reader = open_reader(self._path)
            try:
                state = clock_memory.present(reader)
            finally:
                reader.close()
        except (FeverGateError, sqlite3.Error) as error:
            log.debug("the gateway's clock: %s", error)
            return
        self._off_s = time.time() - state.at if state and not state.believed else 0.0
        self._believed = state is None or state.believed
