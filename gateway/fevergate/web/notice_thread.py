"""Sends notices to the gateway's own contacts. It runs in the web process, so that it cannot delay
a reading."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import date

from fevergate.errors import FeverGateError
from fevergate.notices.channels import channels
from fevergate.system.periodic_thread import PeriodicThread
from fevergate.web.confirmed_fevers import confirmed_fevers
from fevergate.web.context import Shared
from fevergate.web.unacknowledged import UnacknowledgedNotices
from fevergate.web_common.closing_notice import ClosingNotices
from fevergate.web_common.notice_sender import Sender
from fevergate.web_common.unmeasured_notice import PlaceRoll, UnmeasuredNotices

log = logging.getLogger(__name__)

EVERY_S = 5.0


class NoticeThread(PeriodicThread):
    """Posts new notices, and sends the notices that are due."""

    def __init__(self, shared: Shared) -> None:
        super().__init__("notices", EVERY_S)
        self._shared = shared
        self._sender = Sender(shared.notices, channels(shared.settings))
        self._unacknowledged = UnacknowledgedNotices(shared)
        self._unmeasured = UnmeasuredNotices(
            shared.notices, shared.settings.escalation.unmeasured_at, shared.settings.zone
        )
        self._closing = ClosingNotices(
            shared.notices,
            lambda: shared.registers,
            shared.settings.campus,
            shared.settings.in_both(lambda names: names.campus),
        )

    def tick(self) -> None:
        """Do one round; a failure to post does not stop the sending."""
        for subject, post in (
            ("confirmed fevers", self._tell_confirmed),
            ("fevers that nobody acknowledged", self._unacknowledged.tick),
            ("who was not measured", self._tell_unmeasured),
            ("who is inside at closing time", self._tell_inside),
        ):
            try:
                post()
            except (FeverGateError, sqlite3.Error) as error:
                log.error("%s: %s", subject, error)
        self._sender.tick()

    def _tell_confirmed(self) -> None:
        self._shared.cases.follow(confirmed_fevers(self._shared))
        self._shared.count_waiting()

    def _tell_inside(self) -> None:
        if self._shared.clock.believed:
            self._closing.tick()

    def _tell_unmeasured(self) -> None:
        """Post at set hours how many people are not measured, if the list is kept at this gateway.
        Where the list is a copy, the campus server does so, as it knows the marks of all
        gateways."""
        if self._shared.settings.keeps_list and self._shared.clock.believed:
            self._unmeasured.tick(self._shared.clock.now(), self._rolls)

    def _rolls(self, day: date) -> Iterator[PlaceRoll]:
        settings = self._shared.settings
        if figures := self._shared.roll.day(day):
            place = settings.in_both(lambda names: names.campus)
            yield PlaceRoll(settings.campus, place, figures)
