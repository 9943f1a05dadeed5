"""Tells the gateway's own contacts, from the web process: nothing here can hold up a reading."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import date

from fevergate.errors import FeverGateError
from fevergate.notices.channels import channels
from fevergate.system.periodic_thread import PeriodicThread
from fevergate.texts.translations import LANGUAGES
from fevergate.web.confirmed_fevers import confirmed_fevers
from fevergate.web.context import Shared
from fevergate.web.unacknowledged import UnacknowledgedNotices
from fevergate.web_common.closing_notice import ClosingNotices
from fevergate.web_common.notice_sender import Sender
from fevergate.web_common.unmeasured_notice import PlaceRoll, UnmeasuredNotices

log = logging.getLogger(__name__)

EVERY_S = 5.0


class NoticeThread(PeriodicThread):
    """Posts what is to be told, and sends what is due."""

    def __init__(self, shared: Shared) -> None:
        super().__init__("notices", EVERY_S)
        self._shared = shared
        self._sender = Sender(shared.notices, channels(shared.settings))
        self._unacknowledged = UnacknowledgedNotices(shared)
        self._unmeasured = UnmeasuredNotices(
            shared.notices, shared.settings.escalation.unmeasured_at, shared.settings.zone
        )

        campus = shared.settings.campus_title
        self._closing = ClosingNotices(
            shared.notices,
            lambda: shared.registers,
            shared.settings.campus,
            (campus("zh"), campus("en")),
        )

    def tick(self) -> None:
        """Do one round; a failure to post does not stop what is to be sent."""
        try:
            self._shared.cases.follow(confirmed_fevers(self._shared))
            self._shared.count_waiting()
        except (FeverGateError, sqlite3.Error) as error:
            log.error("confirmed fevers: %s", error)
        try:
            self._unacknowledged.tick()
        except (FeverGateError, sqlite3.Error) as error:
            log.error("fevers that nobody acknowledged: %s", error)
        try:
            self._tell_unmeasured()
        except (FeverGateError, sqlite3.Error) as error:
            log.error("who was not measured: %s", error)
        try:
            if self._shared.clock.believed:
                self._closing.tick()
        except (FeverGateError, sqlite3.Error) as error:
            log.error("who is inside at closing time: %s", error)
        self._sender.tick()

    def _tell_unmeasured(self) -> None:
        """Post at set hours how many are not measured, where the list is kept here: who copies it
        knows of this gateway's marks first, and the campus server of all."""
        if self._shared.settings.keeps_list and self._shared.clock.believed:
            self._unmeasured.tick(self._shared.clock.now(), self._rolls)

    def _rolls(self, day: date) -> Iterator[PlaceRoll]:
        settings = self._shared.settings
        if figures := self._shared.roll.day(day):
            chinese, english = (settings.campus_title(language) for language in LANGUAGES)
            yield PlaceRoll(settings.campus, (chinese, english), figures)
