"""What waits for an administrator at all gates: open cases, kiosks that need attention, days to
sign, and who is on duty."""

from datetime import date, timedelta

from msgspec import Struct

from fevergate.reports.fever_log import Day, read_day
from fevergate.storage.coverage_bits import day_bounds
from fevergate.web.context import Shared
from fevergate.web.fever_search import OPEN, FeverPage, FeverQuery, FeverSearch
from fevergate.web.kiosk_state import KioskState, read_kiosks
from fevergate.web.sign_offs import MAX_SIGNED_FEVERS
from fevergate.web_common.dates import MAX_DAYS, TERM_DAYS, Period

MAX_CASES = 5
"""Most open cases that are listed; the search has all."""

MAX_UNSIGNED = 7
"""Most days to sign that are listed at once."""


class PendingTasks(Struct, kw_only=True):
    """What is to be done. `cases`: the newest open follow-ups of `period`; `unsigned`: days of the
    last year that nobody signed, the newest first; `doubtful`: today and yesterday, if a kiosk
    reads unlike its neighbours or saw hardly anybody. `changed`: yesterday's date if its log
    differs from what was signed, else empty."""

    period: Period
    cases: FeverPage
    kiosks: list[KioskState]
    silent: set[str]
    doubtful: list[Day]
    unsigned: list[str]
    changed: str
    on_duty: list[tuple[str, list[str]]]

    @property
    def troubled(self) -> set[str]:
        """Kiosks that are silent, faulty or in doubt."""
        doubts = (doubt.kiosk for day in self.doubtful for doubt in (*day.unlike, *day.blind))
        return {*(kiosk.kiosk for kiosk in self.kiosks), *doubts}

    @property
    def to_sign(self) -> int:
        """Number of days to be signed, or signed again."""
        return len(self.unsigned) + bool(self.changed)

    @property
    def unattended(self) -> list[str]:
        """Gates where nobody is on duty."""
        return [gate for gate, names in self.on_duty if not names]

    @property
    def waits(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.cases.count or self.troubled or self.to_sign or self.unattended)


def read_pending_tasks(shared: Shared, search: FeverSearch) -> PendingTasks:
    """What is to be done now. Raises `StoreError`."""
    settings, today = shared.settings, shared.clock.today()
    yesterday = today - timedelta(days=1)
    period = Period(today - timedelta(days=TERM_DAYS - 1), today)
    begin, end = day_bounds(period.begin, settings.zone, period.end)
    spoken_at = shared.clock.now() - settings.alarm.silent_after_s
    with shared.reader() as reader:
        kiosks = read_kiosks(reader, settings)
        days = [
            read_day(reader, settings, day, most=0, with_roll=False) for day in (today, yesterday)
        ]
        first = (today - timedelta(days=MAX_DAYS)).isoformat()
        watched = [
            day
            for (day,) in reader.execute(
                "select distinct date from days where date >= ? and date < ? order by date desc",
                (first, today.isoformat()),
            )
        ]
    silent = {
        kiosk.kiosk for kiosk in kiosks if not kiosk.online or (kiosk.heard_at or 0.0) < spoken_at
    }
    signed = shared.sign_offs.dates()
    return PendingTasks(
        period=period,
        cases=search.page(FeverQuery(begin=begin, end=end, outcome=OPEN), MAX_CASES),
        kiosks=[kiosk for kiosk in kiosks if kiosk.kiosk in silent or _needs_a_look(kiosk)],
        silent=silent,
        doubtful=[day for day in days if day.unlike or day.blind],
        unsigned=[day for day in watched if day not in signed],
        changed=_changed(shared, yesterday) if yesterday.isoformat() in signed else "",
        on_duty=[(gate.name, shared.duty.present(gate.name)) for gate in settings.gates],
    )


def _needs_a_look(kiosk: KioskState) -> bool:
    """Whether a kiosk that is heard has a fault, refused its settings, or sees nobody at an hour in
    which people usually come: its lens may be covered, although its gate is green."""
    return bool(
        kiosk.state != "online" or kiosk.settings_error or (kiosk.health and kiosk.health.fault)
    )


def _changed(shared: Shared, day: date) -> str:
    """The date of a signed day if its log differs from what was signed last, or the signature is
    not genuine; else empty."""
    newest, *_ = shared.signed(shared.day(day.isoformat(), MAX_SIGNED_FEVERS))
    return day.isoformat() if newest.differences or not newest.genuine else ""
