"""Copies the list of people from the campus server, where it is kept."""

import time
from collections.abc import Callable

from fevergate.forwarding.forwarder import CampusThread
from fevergate.people.copying import ListCopy
from fevergate.people.store import PeopleStore
from fevergate.protocol.people_messages import PeoplePage
from fevergate.settings.gateway import GatewaySettings

MOST_ANSWER = 8 * 1024 * 1024
"""Largest answer (bytes) that is read: `MOST_ROWS` people and all overrides have room in it."""


class PeopleCopier(CampusThread):
    """Asks the campus server for what changed, until the copy is complete."""

    def __init__(
        self,
        settings: GatewaySettings,
        people: PeopleStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, now)
        self._copy = ListCopy(people)

    def once(self) -> bool:
        """Fetch and store what changed; return whether the copy is complete. Raises
        `StoreError`."""
        while not self.stopping.is_set():
            list_id, after = self._copy.position()
            path = f"/v1/people?after={after}&list={list_id}"
            new = self._sender.get(path, PeoplePage, MOST_ANSWER)
            if new is None:
                return False
            if self._copy.take(new):
                return True
        return False
