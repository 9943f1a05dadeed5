"""Posts notices: a fever is confirmed or not acknowledged, a gateway is silent, a report is due.

Each notice is posted once, whichever server does it: its key in the database shows that it was
already posted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from msgspec import Struct
from sqlalchemy import select

from fevergate.campus.confirmed_fevers import confirmed_fevers, fevers_by_list
from fevergate.campus.database import CampusDatabase
from fevergate.campus.day_rolls import read_rolls
from fevergate.campus.given_names import pair_of
from fevergate.campus.marks import campus_of
from fevergate.campus.schema import gateways
from fevergate.campus.settings import CampusSettings
from fevergate.campus.strikes import TokenStrikes
from fevergate.campus.summary_store import last_refused
from fevergate.campus.unacknowledged import LOOK_BACK_S, UnacknowledgedFever, unacknowledged_fevers
from fevergate.notices.texts import celsius, report_state, texts
from fevergate.reports.day_in_words import minute
from fevergate.texts.translations import Pair, both
from fevergate.web_common.notice_log import Notices
from fevergate.web_common.told_cases import LOOK_BACK_S as CONFIRMED_S
from fevergate.web_common.told_cases import Cases, ConfirmedFever
from fevergate.web_common.unmeasured_notice import PlaceRoll, UnmeasuredNotices

OLD_S = 24 * 3600.0
"""Age of a fever from which nobody needs to go to the gate: older fevers share one notice an hour.
"""
TOGETHER_S = 3600
LATE_S = 24 * 3600.0
"""Time after a deadline within which a notice of the late report may be posted."""
NEVER = "never"
"""In a notice's key, the start of the silence of a gateway that was never heard."""

ALL_REFUSED = "untaken"
"""Kind of silence of a gateway that sends deliveries, all of which are refused."""


class ReportState(Struct, frozen=True, kw_only=True):
    """State of a day's report; `missing` names the campuses that have not reported."""

    missing: list[str]
    signed: bool
    submitted: bool


@dataclass
class Escalation:
    """Reads the database and posts notices. Every call may be repeated, also by other servers, and
    raises `CampusError` if the database fails."""

    database: CampusDatabase
    settings: CampusSettings
    notices: Notices
    now: Callable[[], float]
    """Unix time (s)."""

    def __post_init__(self) -> None:
        self._since = self.now()
        self.cases = Cases(self.notices, self.settings, self._places)
        hours = self.settings.escalation.unmeasured_at
        self._unmeasured = UnmeasuredNotices(self.notices, hours, self.settings.zone)

    def check(self) -> None:
        self.confirmed()
        self.fevers()
        self.gateways()

    def confirmed(self) -> None:
        """Post a notice of each confirmed fever at once, and again until somebody takes it over."""
        now = self.now()
        confirmed = confirmed_fevers(self.database, now - CONFIRMED_S)
        self.cases.follow(confirmed + fevers_by_list(self.database, self.settings, now))

    def fevers(self) -> None:
        """Post a notice of each fever not acknowledged after `fever_after_min`. Later, post it also
        to contacts of the next levels and to those who have come on duty since."""
        now = self.now()
        after_s = self.settings.escalation.fever_after_min * 60.0
        fevers = unacknowledged_fevers(self.database, now - LOOK_BACK_S)
        fevers = [fever for fever in fevers if now - fever.raised_at >= after_s]
        posted = self.notices.told(fever.key for fever in fevers)
        new = [fever for fever in fevers if fever.key not in posted]
        for fever in fevers if self._escalates else new:
            if now - fever.at <= OLD_S:
                self._tell_fever(fever, now, now - fever.raised_at - after_s)
        if old := [fever for fever in new if now - fever.at > OLD_S]:
            self._tell_old(old, now, after_s)

    def unmeasured(self) -> None:
        """Post, at each configured hour and by campus, how many listed people are not measured."""
        self._unmeasured.tick(self.now(), self._rolls)

    def gateways(self) -> None:
        """Post one notice when a gateway falls silent and one when the silence ends.

        If the gateway sends during the silence but is refused, post one notice of that, too."""
        now = self.now()
        silent_s = self.settings.escalation.silent_after_min * 60.0
        last_heard, silences = self._heard(), self._silences()
        refused = {
            gateway: refusal.at
            for gateway, refusal in last_refused(self.database).items()
            if now - refusal.at < silent_s
        }
        changes: dict[str, tuple[str, str, str, float]] = {}
        for campus, gateway in sorted(self._watched(last_heard)):
            heard_at = last_heard.get((campus, gateway))
            silence = silences.get((campus, gateway))
            silent = heard_at is None or now - heard_at >= silent_s
            if silent and gateway in refused:
                began = NEVER if heard_at is None else str(int(heard_at))
                key = _silence(campus, gateway, began, ALL_REFUSED)
                changes[key] = "untaken", campus, gateway, refused[gateway]
            elif heard_at is None:
                # A server that has just started waits for its gateways.
                if now - self._since >= silent_s:
                    changes[_silence(campus, gateway, NEVER)] = "never", campus, gateway, now
            elif silent:
                key = _silence(campus, gateway, str(int(heard_at)))
                changes[key] = "silent", campus, gateway, heard_at
            elif silence is not None and _began(silence) < int(heard_at):
                changes[f"heard/{campus}/{gateway}/{silence}"] = "heard", campus, gateway, heard_at
        posted = self.notices.told(changes)
        for key, (kind, campus, gateway, at) in changes.items():
            if key not in posted:
                subject, body = texts(
                    kind,
                    place=self._place(campus),
                    gateway=gateway,
                    at=self._clock(at),
                    now=self._clock(now),
                )
                self.notices.post(key, "silent", campus, subject, body)

    def remind(self, date: str, state: ReportState) -> None:
        """Post what a day's report lacks, once from `remind_before_min` before the deadline and
        once after it; post nothing when the report is late by more than a day."""
        if state.submitted:
            return
        report, now = self.settings.report, self.now()
        next_day = datetime.fromisoformat(date) + timedelta(days=1)
        local = datetime.combine(next_day.date(), time.fromisoformat(report.deadline))
        deadline = local.replace(tzinfo=self.settings.zone).timestamp()
        if deadline - report.remind_before_min * 60 <= now < deadline:
            key = "remind"
        elif deadline <= now < deadline + LATE_S:
            key = "late"
        else:
            return
        if self.notices.told([f"{key}/{date}"]):
            return
        subject, body = texts(
            key,
            date=date,
            deadline=self._clock(deadline),
            now=self._clock(now),
            state=report_state([self._place(name) for name in state.missing], signed=state.signed),
        )
        self.notices.post(f"{key}/{date}", "report", "", subject, body)

    def told_first(self, campuses: Collection[str]) -> list[str]:
        """Names of the contacts who are told at once of a fever in any of these campuses, which are
        named as in the list of people."""
        return sorted(
            {
                name
                for campus in campuses
                for name in self.notices.told_first("confirmed", campus_of(self.settings, campus))
            }
        )

    @property
    def _escalates(self) -> bool:
        """Whether further contacts may have to be notified later."""
        return any(contact.level > 1 or contact.on_duty for contact in self.settings.contacts)

    def _tell_fever(self, fever: UnacknowledgedFever, now: float, since_s: float) -> None:
        subject, body = texts(
            "fever",
            place=self._place(fever.campus),
            gate=pair_of(self.database, fever.campus, "gate", fever.event.gate),
            kiosk=pair_of(self.database, fever.campus, "kiosk", fever.event.kiosk),
            at=self._clock(fever.at),
            celsius=celsius(fever.event.body_c),
            now=self._clock(now),
        )
        level = 1 + int(since_s // (self.settings.escalation.next_level_min * 60))
        self.notices.post(
            *(fever.key, "fever", fever.campus, subject, body), gate=fever.event.gate, level=level
        )

    def _tell_old(self, fevers: list[UnacknowledgedFever], now: float, after_s: float) -> None:
        """Post, for each campus, one notice of the old fevers received since the last such notice.

        It covers fevers received until a full hour in the past, so that all servers see the same
        fevers and use the same key."""
        upto = int((now - after_s) // TOGETHER_S * TOGETHER_S)
        told_upto: dict[str, int] = {}
        for key in self.notices.keys("fevers/"):
            _, campus, hour = key.split("/")
            told_upto[campus] = max(told_upto.get(campus, 0), int(hour))
        for campus in sorted({fever.campus for fever in fevers}):
            begin = told_upto.get(campus, 0)
            times = [f.at for f in fevers if f.campus == campus and begin <= f.received_at < upto]
            if times:
                subject, body = texts(
                    "fevers",
                    place=self._place(campus),
                    count=len(times),
                    first=self._clock(min(times)),
                    last=self._clock(max(times)),
                    now=self._clock(now),
                )
                self.notices.post(f"fevers/{campus}/{upto}", "fever", campus, subject, body)

    def _heard(self) -> dict[tuple[str, str], float]:
        columns = gateways.c.campus, gateways.c.gateway, gateways.c.heard_at
        rows = self.database.rows(select(*columns))
        return {(campus, gateway): heard_at for campus, gateway, heard_at in rows}

    def _watched(self, senders: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Gateways of the settings, and those heard before that still have a token."""
        declared = {
            (name, gateway)
            for name, campus in self.settings.campuses.items()
            for gateway in campus.gateways
        }
        return declared | {sender for sender in senders if sender[1] in self.settings.tokens}

    def _silences(self) -> dict[tuple[str, str], str]:
        """Start of each gateway's last silence for which a notice was posted."""
        last: dict[tuple[str, str], str] = {}
        for key in [*self.notices.keys("silent/"), *self.notices.keys(f"{ALL_REFUSED}/")]:
            _, campus, gateway, began = key.split("/")
            if _began(began) >= _began(last.get((campus, gateway), NEVER)):
                last[campus, gateway] = began
        return last

    def _places(self, fever: ConfirmedFever) -> tuple[Pair, Pair, Pair]:
        if not fever.kiosk:
            unit = fever.unit or "-"
            title = self.settings.title or "FeverGate"
            anywhere = (title, self.settings.title_en or title)
            place = self._place(fever.campus) if fever.campus else anywhere
            return place, (unit, unit), both("by hand")
        gate = pair_of(self.database, fever.campus, "gate", fever.gate or "-")
        kiosk = pair_of(self.database, fever.campus, "kiosk", fever.kiosk)
        return self._place(fever.campus), gate, kiosk

    def _rolls(self, day: date) -> Iterator[PlaceRoll]:
        settings, now = self.settings, self.now()
        with self.database.read() as connection:
            rolls = read_rolls(connection, settings, TokenStrikes(connection), str(day), now)
        for campus, figures in rolls.campuses.items():
            yield PlaceRoll(campus, self._place(campus), figures)
        if rolls.anywhere:
            title = settings.title or "FeverGate"
            yield PlaceRoll("", (title, settings.title_en or title), rolls.anywhere)

    def _place(self, name: str) -> Pair:
        return self.settings.titles(name)

    def _clock(self, at: float) -> str:
        return minute(at, self.settings.zone)


def _silence(campus: str, gateway: str, began: str, kind: str = "silent") -> str:
    return f"{kind}/{campus}/{gateway}/{began}"


def _began(silence: str) -> int:
    return -1 if silence == NEVER else int(silence)
