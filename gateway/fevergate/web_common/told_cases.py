"""Cases: those on duty are told of each confirmed fever at once, and again until somebody takes the
case.

Several campus servers may share one database: a notice's key names case and round, so that each
contact is told once per round.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from fevergate.notices.texts import second_look, texts
from fevergate.reports.day_in_words import minute
from fevergate.settings.contacts import NoticeTimes
from fevergate.texts.translations import Pair, both
from fevergate.web_common.notice_log import KEYS_AT_ONCE, Notices
from fevergate.web_common.store import AUDIT_S

OPEN_S = 24 * 3600.0
"""A case that nobody has taken ends after this time (s)."""
LOOK_BACK_S = OPEN_S + 3600.0
"""Greatest age (s) of the follow-ups that are read. It exceeds the life of a case: a waiting case
whose fever is no longer among them was corrected."""
CORRECTED, OLD = "corrected", "old"
"""Why a case ended: the fever was corrected, or nobody took it for `OPEN_S`."""
STEP_S = 60.0
"""A case opened more than this (s) in the future shows that the clock was set back since. Clocks of
several servers differ by less."""
MAX_OF_KIOSK = 50
"""A kiosk's cases within `LOOK_BACK_S` are opened without delay up to this number; more are a
flood."""
FLOOD_S = 600.0
"""In a flood a kiosk gets one further case per this time (s), for its newest fever."""
MAX_KNOWN_OF_KIOSK = 1000
"""Most follow-ups of a kiosk within `LOOK_BACK_S` that are read: the newest."""


class ConfirmedFever(Struct, frozen=True, kw_only=True):
    """A follow-up that those on duty must be told of, without personal data. `at`: Unix time (s) at
    which it was saved; `clinical_c` in °C."""

    key: str
    campus: str
    gate: str = ""
    kiosk: str = ""
    at: float
    clinical_c: float | None
    clinical_site: str
    outcome: str = ""
    unit: str = ""
    """The person's unit, if the fever was entered by hand; then gate and kiosk are empty."""

    @classmethod
    def by_hand(
        cls, key: str, campus: str, at: float, clinical_c: float | None = None, unit: str = ""
    ) -> Self:
        """A fever entered by hand or at a desk; without a temperature if only the number of such
        fevers is known."""
        return cls(
            key=f"confirmed/hand/{key}",
            campus=campus,
            at=at,
            clinical_c=clinical_c,
            clinical_site="" if clinical_c is None else "axillary",
            unit=unit,
        )

    @property
    def source(self) -> str:
        """Common beginning of the keys of this kiosk's fevers; empty for a fever by hand."""
        return self.key.rsplit("/", 2)[0] + "/" if self.kiosk else ""


class Case(Struct, frozen=True, kw_only=True):
    """A confirmed fever, and who took the case; times are Unix time (s). A case that nobody took
    ends when the fever is corrected at the gate, or after `OPEN_S` (`over_why`)."""

    fever: ConfirmedFever
    opened_at: float
    taken_at: float | None
    taken_by: str
    over_at: float | None
    over_why: str

    @property
    def waits(self) -> bool:
        return self.taken_at is None and self.over_at is None


class CaseSettings(Protocol):
    """The part of the settings that cases need."""

    @property
    def escalation(self) -> NoticeTimes: ...

    @property
    def zone(self) -> ZoneInfo: ...


@dataclass(frozen=True)
class Cases:
    """Cases in the database of the pages. Calls may come from any thread or process, and raise
    `CampusError` or `sqlite3.Error` where the database refuses."""

    notices: Notices
    settings: CaseSettings
    places: Callable[[ConfirmedFever], tuple[Pair, Pair, Pair]]
    """Names of a fever's campus, gate and kiosk."""

    def follow(self, confirmed: Iterable[ConfirmedFever]) -> None:
        """Open a case for each new fever and post the notices that are due for waiting cases. End
        waiting cases that are too old or whose fever was corrected.

        `confirmed` are all confirmed fevers of the last `LOOK_BACK_S`, the oldest first.
        `MAX_OF_KIOSK` and `FLOOD_S` limit the cases of a kiosk with a flood of fevers.
        """
        now = self.notices.store.clock()
        fever_of = {fever.key: fever for fever in confirmed}
        cases = {case.fever.key: case for case in self._of(fever_of)}
        new = [
            fever
            for key, fever in reversed(fever_of.items())
            if (case := cases.get(key)) is None or case.over_why == CORRECTED
        ]
        floods = set[str]()
        for fever in new:
            source = fever.source
            if source and (source in floods or self._is_flood(source, now)):
                floods.add(source)
            else:
                self._open(fever, now)
        self._count_from(now)
        for case in self.waiting():
            fever = fever_of.get(case.fever.key)
            if now - case.opened_at >= OPEN_S:
                self._end(case, now, OLD)
            elif fever is None:
                self._end(case, now, CORRECTED)
            else:
                self._tell(msgspec.structs.replace(case, fever=fever), now)

    def take(self, key: str, by: str) -> bool:
        """Record that `by` takes a case, which ends its notices; returns False if the case no
        longer waited."""
        with self.notices.store.transaction() as connection:
            result = connection.execute(
                "update told_cases set taken_at = ?, taken_by = ?"
                " where key = ? and taken_at is null and over_at is null",
                (self.notices.store.clock(), by, key),
            )
            return bool(result.rowcount)

    def forget(self, before: float) -> int:
        """Delete the names of those who took cases opened before a Unix time (s); returns how many.
        The audit still has the account with which a case was taken."""
        with self.notices.store.transaction() as connection:
            return connection.execute(
                "update told_cases set taken_by = '' where opened_at < ? and taken_by <> ''",
                (before,),
            ).rowcount

    def waiting(self) -> list[Case]:
        """Cases that nobody has taken and that have not ended, the oldest first."""
        where = "taken_at is null and over_at is null order by opened_at, key"
        return self._cases(where, ())

    def recent(self, most: int = 50) -> list[Case]:
        """The newest cases first."""
        return self._cases("1 = 1 order by opened_at desc, key limit ?", (most,))

    def _of(self, keys: Iterable[str]) -> list[Case]:
        all_keys, cases = tuple(keys), list[Case]()
        for begin in range(
            0, len(all_keys), KEYS_AT_ONCE
        ):  # a database bounds a statement's values
            part = all_keys[begin : begin + KEYS_AT_ONCE]
            cases += self._cases(f"key in ({', '.join('?' * len(part))})", part)
        return cases

    def _cases(self, where: str, arguments: tuple[object, ...]) -> list[Case]:
        rows = self.notices.store.query(
            "select fever, opened_at, taken_at, taken_by, over_at, over_why"  # noqa: S608 - constants
            f" from told_cases where {where}",
            arguments,
        )
        return [
            Case(
                fever=msgspec.json.decode(fever, type=ConfirmedFever),
                opened_at=opened_at,
                taken_at=taken_at,
                taken_by=taken_by,
                over_at=over_at,
                over_why=over_why,
            )
            for fever, opened_at, taken_at, taken_by, over_at, over_why in rows
        ]

    def _is_flood(self, source: str, now: float) -> bool:
        """Whether a kiosk (its fevers' `source`) is in a flood and must wait for its next case."""
        ((count, last),) = self.notices.store.query(
            "select count(*), max(opened_at) from told_cases"
            " where opened_at > ? and substr(key, 1, ?) = ?",
            (now - LOOK_BACK_S, len(source), source),
        )
        return count >= MAX_OF_KIOSK and now - last < FLOOD_S

    def _open(self, fever: ConfirmedFever, now: float) -> None:
        with self.notices.store.transaction() as connection:
            connection.execute("delete from told_cases where opened_at < ?", (now - AUDIT_S,))
            connection.execute(_OPEN, (fever.key, msgspec.json.encode(fever).decode(), now))

    def _count_from(self, now: float) -> None:
        """Let waiting cases that were opened in the future, because the clock was set back since,
        begin now. Otherwise their notices would stop until the clock reaches that time."""
        if any(case.opened_at > now + STEP_S for case in self.waiting()):
            with self.notices.store.transaction() as connection:
                connection.execute(
                    "update told_cases set opened_at = ?"
                    " where opened_at > ? and taken_at is null and over_at is null",
                    (now, now + STEP_S),
                )

    def _end(self, case: Case, now: float, why: str) -> None:
        with self.notices.store.transaction() as connection:
            connection.execute(
                "update told_cases set over_at = ?, over_why = ? where key = ? and over_at is null",
                (now, why, case.fever.key),
            )
        if why == CORRECTED:
            self._post(case, "corrected", "corrected", self._level(case, now))

    def _tell(self, case: Case, now: float) -> None:
        round_number = int(_since(case, now) // (self.settings.escalation.again_min * 60))
        text = "confirmed again" if round_number else "confirmed"
        self._post(case, str(round_number), text, self._level(case, now))

    def _level(self, case: Case, now: float) -> int:
        return 1 + int(_since(case, now) // (self.settings.escalation.next_level_min * 60))

    def _post(self, case: Case, number: str, text: str, level: int) -> None:
        fever = case.fever
        place, gate, kiosk = self.places(fever)
        subject, body = texts(
            text if fever.kiosk else f"{text} by hand",
            place=place,
            gate=gate,
            kiosk=kiosk,
            unit=fever.unit or both("not stated by the gateway"),
            at=minute(fever.at, self.settings.zone),
            since=minute(case.opened_at, self.settings.zone),
            what=second_look(fever.clinical_c, fever.clinical_site, fever.outcome),
        )
        key = f"{fever.key}/{int(case.opened_at)}/{number}"
        self.notices.post(
            key, "confirmed", fever.campus, subject, body, gate=fever.gate, level=level
        )


_OPEN = """
    insert into told_cases(key, fever, opened_at) values (?, ?, ?)
    on conflict (key) do update set fever = excluded.fever, opened_at = excluded.opened_at,
        taken_at = null, taken_by = '', over_at = null, over_why = ''
    where told_cases.over_at is not null"""


def _since(case: Case, now: float) -> float:
    """Seconds since a case was opened; at least 0, since another server's clock may be ahead."""
    return max(0.0, now - case.opened_at)
