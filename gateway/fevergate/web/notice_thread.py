"""Tells the gateway's own contacts, from the web process: nothing here can hold up a reading."""

import logging
import sqlite3

from fevergate.errors import FeverGateError
from fevergate.notices.channels import channels
from fevergate.system.periodic_thread import PeriodicThread
from fevergate.web.confirmed_fevers import confirmed_fevers
from fevergate.web.context import Shared
from fevergate.web_common.notice_sender import Sender

log = logging.getLogger(__name__)

EVERY_S = 5.0


class NoticeThread(PeriodicThread):
    """Posts what is to be told, and sends what is due."""

    def __init__(self, shared: Shared) -> None:
        super().__init__("notices", EVERY_S)
        self._shared = shared
        self._sender = Sender(shared.notices, channels(shared.settings))

    def tick(self) -> None:
        """Do one round; a failure to post does not stop what is to be sent."""
        try:
            self._shared.cases.follow(confirmed_fevers(self._shared))
            self._shared.count_waiting()
        except (FeverGateError, sqlite3.Error) as error:
            log.error("confirmed fevers: %s", error)
        self._sender.tick()
