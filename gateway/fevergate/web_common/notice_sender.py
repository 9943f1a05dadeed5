"""Sends due notices, with one thread per remote server, so that a slow server delays only its own
notices."""

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping

from fevergate.errors import FeverGateError, NoticeError
from fevergate.notices.channels import Channel, far_side
from fevergate.notices.notice import Notice, scrubbed
from fevergate.web_common.notice_log import Notices

log = logging.getLogger(__name__)

MOST = 20
"""Most notices to one remote server in one call of `tick`; the rest follow in the next."""
TICK_S = 15.0
"""Longest duration of `tick`: a new notice waits no longer for another notice's slow server."""


class Sender:
    """Sends notices by their channels. Several campus servers may share one database: each notice
    is then sent by one of them."""

    def __init__(self, notices: Notices, channels: Mapping[str, Channel]) -> None:
        self._notices = notices
        self._channels = channels
        self._busy: dict[str, threading.Thread] = {}

    def tick(self) -> int:
        """Send what is due; returns how many notices were accepted.

        Returns after `TICK_S` at the latest. The thread of a slow remote server then goes on, and
        until it ends no other is started for that server. Raises `CampusError` or `sqlite3.Error`.
        """
        self._busy = {name: thread for name, thread in self._busy.items() if thread.is_alive()}
        waiting: dict[str, list[Notice]] = {}
        for notice in self._notices.due(MOST):
            waiting.setdefault(far_side(notice), []).append(notice)
        sent: list[Notice] = []
        started = []
        for name, to_send in waiting.items():
            if name not in self._busy:
                thread = threading.Thread(
                    target=self._send_all, args=(to_send[:MOST], sent), name=name, daemon=True
                )
                self._busy[name] = thread
                started.append(thread)
                thread.start()
        end = time.monotonic() + TICK_S
        for thread in started:
            thread.join(max(0.0, end - time.monotonic()))
        return len(sent)

    def _send_all(self, waiting: list[Notice], sent: list[Notice]) -> None:
        try:
            for notice in waiting:
                if (claimed_notice := self._notices.take(notice)) and not self._send(
                    claimed_notice, sent
                ):
                    return  # the server is unreachable; the other notices stay due
        except (FeverGateError, sqlite3.Error) as error:
            log.error("notices: %s", error)

    def _send(self, notice: Notice, sent: list[Notice]) -> bool:
        """Send one notice; returns False if its remote server is unreachable."""
        try:
            self._channels[notice.channel].send(notice)
        except Exception as error:  # no failure may stop the other notices
            reason = scrubbed(str(error) or type(error).__name__, notice.address)
            log.warning("notice %s by %s: %s", notice.key, notice.channel, reason)
            self._notices.failed(notice, reason)
            return not (isinstance(error, NoticeError) and error.away)
        self._notices.sent(notice)
        sent.append(notice)
        return True
