"""Opens the gateway's store, and restores alarms and clock from it.

A damaged store is set aside, and a new one is begun. Everything that can still be read of the old
store is copied while the gateway works. If a store cannot be opened for writing, alarms and clock
are still read from it.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from fevergate.alarm.alarm import Alarm
from fevergate.clock.judge import GatewayClock
from fevergate.errors import StoreError
from fevergate.gateway.flood_guard import FloodLevels
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory, meta, recovery
from fevergate.storage.connection import is_damage, open_reader
from fevergate.storage.store import Store, open_store, raised_fevers, waiting_fevers

log = logging.getLogger(__name__)


class StoreOpener:
    """Opens the store by `open`, which the writer's thread calls until it succeeds.

    `restored` is called once alarms and clock are restored. `trouble` is called with a text for
    every gate, and with None when the trouble is over. `submit` runs work with the store in the
    writer's thread.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        clock: GatewayClock,
        *,
        restored: Callable[[], object],
        trouble: Callable[[str | None], object],
        submit: recovery.Submit,
    ) -> None:
        self._settings = settings
        self._path = settings.path(settings.database)
        self._alarm = alarm
        self._clock = clock
        self._restored = restored
        self._trouble = trouble
        self._submit = submit
        self._salvage: recovery.Salvage | None = None
        self._read_once = False
        self.levels: FloodLevels | None = None
        """The flood guard's levels that the last run stored."""

    def open(self) -> Store:
        """Open the store and restore alarms and clock from it. Raises `StoreError`."""
        try:
            store, damaged = open_store(self._path, self._settings.zone)
        except StoreError:
            self._restore_read_only()
            raise
        try:
            self._restore(store, damaged)
        except (StoreError, sqlite3.Error) as error:
            if not is_damage(error):
                store.close()
                raise StoreError(f"{self._path}: {error}") from error
            damaged = store.renew()
            self._restore(store, damaged)
        if damaged:
            self.salvage(damaged)
        return store

    def salvage(self, damaged: Path) -> None:
        """Copy all that can be read of a damaged database into the new one, in its own thread."""
        self._trouble(f"database damaged, kept as {damaged.name}")
        self._salvage = recovery.Salvage(damaged, self._submit, lambda _: self._trouble(None))
        self._salvage.start()

    def stop(self) -> None:
        """Stop copying from a damaged database, if that is running."""
        if self._salvage:
            self._salvage.stop()

    def _restore(self, store: Store, damaged: Path | None) -> None:
        if damaged:
            log.critical("the database was damaged; it is kept as %s", damaged)
            try:
                recovery.fevers(damaged, store)
            except sqlite3.Error as error:
                log.error("fevers of %s: %s", damaged, error)
        self._alarm.restore(waiting_fevers(store.db), raised_fevers(store.db))
        self._clock.recall(*clock_memory.recall(store.db))
        self.levels = meta.load(store.db, "flood", FloodLevels)
        self._restored()

    def _restore_read_only(self) -> None:
        """Restore alarms, clock and flood levels, once, from a store that cannot be opened for
        writing."""
        if self._read_once:
            return
        self._read_once = True
        try:
            with open_reader(self._path) as reader:
                self._alarm.restore(waiting_fevers(reader), raised_fevers(reader))
                self._clock.recall(*clock_memory.recall(reader))
                self.levels = meta.load(reader, "flood", FloodLevels)
        except (StoreError, sqlite3.Error) as error:
            log.error("which fevers wait to be seen to is not known: %s", error)
