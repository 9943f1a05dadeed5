"""Forwards follow-ups of fevers to the campus server.

Personal fields are sent only if the campus's policy allows it: `[campus_server] persons`.
"""

import time
from collections.abc import Callable

import msgspec

from fevergate.forwarding.forwarder import BATCH, REFUSED_S, CampusThread
from fevergate.forwarding.http_sender import Item
from fevergate.protocol.campus_messages import FollowUpEvent
from fevergate.protocol.messages import Identity
from fevergate.settings.gateway import GatewaySettings
from fevergate.web.follow_ups import IMPERSONAL, PERSONAL, FollowUp, FollowUps


class FollowUpForwarder(CampusThread):
    """Sends new and changed follow-ups; those that were refused are sent again later."""

    def __init__(
        self,
        settings: GatewaySettings,
        follow_ups: FollowUps,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, now)
        self._follow_ups = follow_ups
        self._refused: dict[Item, float] = {}

    def once(self) -> bool:
        """Send new follow-ups; return whether all are sent, except recently refused ones."""
        if token := self._sender.token_digest:
            self._follow_ups.use_token(token)
        self._refused = {key: at for key, at in self._refused.items() if at > self._now()}
        while True:
            new = self._follow_ups.unforwarded(BATCH + len(self._refused))
            items = {
                item: fever
                for fever, follow_up in new
                if (item := self._item(fever, follow_up)) not in self._refused
            }
            if not items:
                return True
            sent = self._sender.send(list(items))
            self._follow_ups.forwarded([(items[item], item.revision) for item in sent.held])
            self._refused |= {item: self._now() + REFUSED_S for item, _ in sent.refused}
            if sent.settled < len(items):
                return False

    def _item(self, fever: Identity, follow_up: FollowUp) -> Item:
        names = (*IMPERSONAL, *(PERSONAL if self._server.persons else ()), "at", "revision")
        event = FollowUpEvent(
            **fever._asdict(), **{name: getattr(follow_up, name) for name in names}
        )
        return Item(event.key, event.revision, msgspec.json.encode(event).decode())
