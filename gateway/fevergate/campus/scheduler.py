"""Runs periodic work: report drafts, corrections, reminders, notices, deletion of personal data.

Each server has one such thread, the `Scheduler`. The database records which tasks are done, so that
several servers do each task only once, and any of them can continue where another has died.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from fevergate.campus.escalation import Escalation, ReportState
from fevergate.campus.report_versions import Reports
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.errors import FeverGateError
from fevergate.system.periodic_thread import PeriodicThread
from fevergate.web_common.notice_sender import Sender

log = logging.getLogger(__name__)

EVERY_S = 5.0
AT_ONCE = 50
"""Most reports corrected in one round, so that deliveries can be stored in between."""

BACK_DAYS = 62
"""Missing reports are drafted for this many days back. If the server was off for longer, older days
stay without a report."""

DAY_S = 86400


class Scheduler(PeriodicThread):
    """Thread that does the due tasks every `EVERY_S`. Tasks that depend on the date wait while the
    clock is in doubt; notices of fevers do not wait."""

    def __init__(
        self,
        settings: CampusSettings,
        store: CampusStore,
        reports: Reports,
        escalation: Escalation,
        sender: Sender,
        keep_time: Callable[[], None] = lambda: None,
        close_days: Callable[[], object] = lambda: None,
        tell_open: Callable[[], object] = lambda: None,
        forget: Sequence[Callable[[float], object]] = (),
    ) -> None:
        """`keep_time` stores and corrects the clock's state. `close_days` fixes which listed people
        were expected on each day that is over, before the day's report is drafted. `tell_open`
        sends notices of register entries that are still open at closing time. Each function in
        `forget` deletes personal data older than a Unix time (s) from one more store."""
        super().__init__("clerk", EVERY_S)
        self._settings = settings
        self._store = store
        self._reports = reports
        self._escalation = escalation
        self._sender = sender
        self._keep_time = keep_time
        self._close_days = close_days
        self._tell_open = tell_open
        self._forgetting = (store.forget_persons, *forget)

    def tick(self) -> None:
        """Run one round; an error of one task is logged and does not stop the others."""
        for work, by_date in (
            (self._keep_time, False),
            (self._close_days, True),
            (self._draft, True),
            (self._correct, True),
            (self._remind, True),
            (self._escalation.confirmed, False),
            (self._escalation.fevers, False),
            (self._escalation.gateways, True),
            (self._escalation.unmeasured, True),
            (self._tell_open, True),
            (self._sender.tick, False),
            (self._forget, True),
        ):
            if by_date and not self._store.believed():
                continue
            try:
                work()
            except FeverGateError as error:
                log.error("%s", error)

    def _draft(self) -> None:
        """Draft the first version of each day that is due, including days without data."""
        last = self._due(self._settings.report.draft_at)
        first = self._reports.first()
        if first is None:
            return
        begin = max(date.fromisoformat(first), last - timedelta(days=BACK_DAYS))
        have = self._reports.dated(begin.isoformat(), last.isoformat())
        day = begin
        while day <= last:
            if day.isoformat() not in have:
                self._reports.make(day.isoformat())
            day += timedelta(days=1)

    def _correct(self) -> None:
        """Make a new version of each day for which data arrived since its last one."""
        last = self._due(self._settings.report.draft_at).isoformat()
        for day in self._reports.changed(AT_ONCE, last):
            self._reports.make(day)

    def _remind(self) -> None:
        """Post a reminder before the deadline, and a notice once it has passed."""
        report = self._settings.report
        day = self._due(report.deadline, report.remind_before_min)
        for latest, version in self._reports.latest(day.isoformat(), day.isoformat()):
            state = ReportState(
                missing=[campus.campus for campus in latest.missing],
                signed=version.signed_at is not None,
                submitted=version.submitted_at is not None,
            )
            self._escalation.remind(latest.date, state)

    def _forget(self) -> None:
        before = self._store.clock() - self._settings.persons_days * DAY_S
        for forget in self._forgetting:
            forget(before)

    def _due(self, clock: str, before_min: int = 0) -> date:
        """Return the last day whose report is due. A report is due `before_min` minutes before
        `clock` (HH:MM) on the following day."""
        now = datetime.fromtimestamp(self._store.clock(), self._settings.zone)
        hour, minute = map(int, clock.split(":"))
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        due -= timedelta(minutes=before_min)
        return now.date() - timedelta(days=1 if now >= due else 2)
