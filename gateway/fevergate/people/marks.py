"""Marks: which people of the list were measured on a day, and how; or were excused, and why.

A person has at most one mark a day. Kept beside the marks: who was measured at this gateway's
kiosks, known by a card (`presences`), and who at the campus's other gateways. A day that is over is
closed (`roll`): from then on its marks list all who were expected, with the unit of that day, so
that a later list changes no earlier day. Marks are deleted after a while; the day's figures stay.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence, Set
from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import MarkError, PeriodError
from fevergate.people.store import is_among
from fevergate.storage.statements import Connection, Statements

Kind = Literal["hand", "desk", "card", "gate", "excused", "none"]
"""How a person was marked: by a clinical thermometer, entered by hand; by the desk's sensor; at a
kiosk where a card was tapped; by another gateway of the campus; as excused; or not at all (a mark
was taken back, or the day was closed without one)."""

CARD = "card"
"""Kind of the rows of `marks_elsewhere` that are measurements at this gateway's own kiosks."""

MEASURED: tuple[Kind, ...] = ("hand", "desk")
"""Kinds of our own marks that say that somebody was measured."""

MIN_CLINICAL_C, MAX_CLINICAL_C = 30.0, 45.0
FEVER_C = 37.3
"""Fever threshold of China's gate checks, axillary, by clinical thermometer."""

MAX_REASON = 200
MAX_MARKS = 500
"""Most marks that are entered at once: their people are looked up in one query."""


class NewMark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mark to be entered for a person of the list. Exactly one is set: `clinical_c`, the measured
    temperature (°C, axillary); `excused`, the reason of an excuse; or `take_back`, the reason for
    taking the mark back."""

    person: Annotated[int, Meta(ge=0, lt=2**53)]
    clinical_c: float | None = None
    excused: str = ""
    take_back: str = ""


class Change(NamedTuple):
    """A person's mark before and now: a temperature as text, `excused`, or empty for no mark."""

    person: int
    before: str
    now: str


class KnownMarks(Struct, frozen=True, kw_only=True):
    """The marks of a day as they are sent to another place: numbers of people, without name,
    temperature and reason. Nobody who was measured is in `excused`; `fevers` counts the people
    whose measurement by hand or at the desk was a fever."""

    measured: Set[int] = frozenset()
    excused: Set[int] = frozenset()
    taken_back: Set[int] = frozenset()
    fevers: int = 0


class HandFever(NamedTuple):
    """A fever that was measured by hand or at the desk. `clinical_c` is axillary; `at` is the Unix
    time (s) at which it was entered. The case's `key` is random and stored only with the mark: once
    the mark is deleted, notices with the key lead to nobody."""

    day: str
    key: str
    campus: str
    unit: str
    clinical_c: float
    at: float


class _Mark(NamedTuple):
    kind: Kind
    clinical_c: float | None
    revision: int

    @property
    def measured(self) -> bool:
        return self.kind in MEASURED

    @property
    def fever(self) -> bool:
        return self.clinical_c is not None and self.clinical_c >= FEVER_C

    def __str__(self) -> str:
        if self.clinical_c is not None:
            return f"{self.clinical_c:.1f}"
        return "" if self.kind == "none" else self.kind


_NO_MARK = _Mark("none", None, 0)


class Marks:
    """Enters marks of people on the list, by hand and by the desk's sensor. Gateways and the campus
    server use it alike."""

    def __init__(self, statements: Statements, vault: Vault, zone: ZoneInfo) -> None:
        self._statements = statements
        self._vault = vault
        self._zone = zone

    def enter(
        self,
        day: date,
        new: Sequence[NewMark],
        by: str,
        *,
        units: Sequence[str] | None = None,
        kind: Literal["hand", "desk"] = "hand",
    ) -> list[Change]:
        """Enter marks of a day, all or none; returns what changed. `units`: the only ones whose
        people may be marked (`is_among`); None: any.

        Raises `MarkError` with the first person whose mark is refused, `PeriodError` for a day that
        has not begun or whose marks are deleted.
        """
        self._check_day(day)
        if len(new) > MAX_MARKS:
            raise MarkError(new[MAX_MARKS].person, "many")
        pairs = [_asked(mark, kind) for mark in new]
        numbers = [mark.person for mark in new]
        for person, times in Counter(numbers).items():
            if times > 1:
                raise MarkError(person, "twice")
        changes = []
        with self._statements.transaction() as connection:
            allowed, marks = self._allowed(day, numbers, units), self._known(day, numbers)
            for mark, (now, reason) in zip(new, pairs, strict=True):
                if mark.person not in allowed:
                    raise MarkError(mark.person, "unlisted")
                before = marks.get(mark.person, _NO_MARK)
                _check_change(mark.person, before, now)
                if now.kind == "none" and before.kind == "none":
                    continue
                sealed = self._vault.seal({"reason": reason})
                self._put(connection, day, mark.person, before.revision, now, by, sealed)
                changes.append(Change(mark.person, str(before), str(now)))
        return changes

    def own(self, day: date) -> KnownMarks:
        """The marks of a day that were entered here, and who was measured at this gateway's kiosks;
        `fevers` also counts marks that were set aside (`set_marks_aside`)."""
        rows = self._statements.query(_SELECT_OWN, (day.isoformat(),))
        elsewhere = self._statements.query(_SELECT_ELSEWHERE, (day.isoformat(),))
        at_kiosks = {person for person, kind in elsewhere if kind == CARD}
        ((fevers,),) = self._statements.query(COUNT_FEVERS, (day.isoformat(), FEVER_C))
        return KnownMarks(
            measured=at_kiosks | {person for person, kind in rows if kind in MEASURED},
            excused={person for person, kind in rows if kind == "excused"} - at_kiosks,
            taken_back={person for person, kind in rows if kind == "none"} - at_kiosks,
            fevers=fevers,
        )

    def learn(self, day: date, measured: Collection[int], excused: Collection[int]) -> None:
        """Replace what is known of the other gateways' marks of a day."""
        marks = dict.fromkeys(excused, "excused") | dict.fromkeys(measured, "measured")
        text = day.isoformat()
        with self._statements.transaction() as connection:
            rows = self._statements.query(_SELECT_ELSEWHERE, (text,))
            at_kiosks = {person for person, kind in rows if kind == CARD}
            marks_before = {person: kind for person, kind in rows if kind != CARD}
            marks = {person: kind for person, kind in marks.items() if person not in at_kiosks}
            withdrawn = [(text, person) for person in marks_before if person not in marks]
            connection.executemany(
                "delete from marks_elsewhere where day = ? and person = ?", withdrawn
            )
            new = [(text, *item) for item in marks.items() if marks_before.get(item[0]) != item[1]]
            connection.executemany(_PUT_ELSEWHERE, new)

    def reason(self, sealed: str) -> str:
        """Why somebody was excused, or a mark taken back. Raises `StoreError`."""
        return self._vault.open(sealed).get("reason", "")

    def _check_day(self, day: date) -> None:
        now = self._statements.clock()
        if day > datetime.fromtimestamp(now, self._zone).date():
            raise PeriodError("future")
        statement = "select 1 from roll_days where day >= ? and expected is not null limit 1"
        if self._statements.query(statement, (day.isoformat(),)):
            raise PeriodError("forgotten")

    def _allowed(self, day: date, numbers: Sequence[int], units: Sequence[str] | None) -> set[int]:
        """Those of `numbers` who belong to some units, or belonged to them on a day that is closed
        by now."""
        rows = self._of_people(_SELECT_UNITS, day, numbers)
        return {person for person, campus, unit in rows if is_among(units, campus, unit)}

    def _known(self, day: date, numbers: Sequence[int]) -> dict[int, _Mark]:
        rows = self._of_people(_SELECT_KNOWN, day, numbers)
        return {person: _Mark(*row) for person, *row in rows}

    def _of_people(self, sql: str, day: date, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        places = ", ".join("?" * len(numbers)) or "null"
        return self._statements.query(sql.format(places), (day.isoformat(), *numbers))

    def _put(
        self,
        connection: Connection,
        day: date,
        person: int,
        revision: int,
        mark: _Mark,
        by: str,
        sealed: str,
    ) -> None:
        values = {"day": day.isoformat(), "person": person, "kind": mark.kind, "by": by}
        values |= {"clinical_c": mark.clinical_c, "at": self._statements.clock()}
        values |= {"sealed": sealed, "revision": revision, "case_key": secrets.token_hex(8)}
        if not connection.execute(_PUT, values).rowcount:
            raise MarkError(person, "meanwhile")


def set_marks_aside(connection: Connection, now: float) -> None:
    """Prepare the marks for a new list, which comes at `now` (Unix time, s) and gives the same
    numbers to other people. Earlier marks still count in the figures of their days, but for nobody
    on the new list; neither do earlier presences."""
    connection.execute("update people_list set numbered_at = ?", (now,))
    connection.execute(_KEEP_MEASURED)
    connection.execute("delete from marks_elsewhere")
    connection.execute(_SET_ASIDE)


def fevers_since(statements: Statements, zone: ZoneInfo, since: float) -> list[HandFever]:
    """Fevers that were entered by hand or at the desk since a Unix time (s), for the days since
    then; the oldest first."""
    day = datetime.fromtimestamp(since, zone).date().isoformat()
    rows = statements.query(_SELECT_FEVERS, (day, FEVER_C, since))
    return [HandFever(*row) for row in rows]


def _asked(new: NewMark, kind: Kind) -> tuple[_Mark, str]:
    """The mark that is asked for, and its reason. Raises `MarkError`."""
    excused, take_back = " ".join(new.excused.split()), " ".join(new.take_back.split())
    if (new.clinical_c is not None) + bool(excused) + bool(take_back) != 1:
        raise MarkError(new.person, "either")
    if new.clinical_c is not None:
        if not MIN_CLINICAL_C <= new.clinical_c <= MAX_CLINICAL_C:
            raise MarkError(new.person, "celsius")
        return _Mark(kind, round(new.clinical_c, 2), 0), ""
    reason = excused or take_back
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise MarkError(new.person, "reason")
    return _Mark("excused" if excused else "none", None, 0), reason


def _check_change(person: int, before: _Mark, now: _Mark) -> None:
    """Raise `MarkError` for a change that would hide a measurement.

    A later normal temperature does not replace a fever of the same day: the fever stays, or is
    taken back with a reason.
    """
    if before.measured and now.kind == "excused":
        raise MarkError(person, "measured")
    if before.fever and now.measured and not now.fever:
        raise MarkError(person, "hot")


_PUT = """
    insert into marks(day, person, kind, clinical_c, at, "by", sealed, revision, case_key)
    values (:day, :person, :kind, :clinical_c, :at, :by, :sealed, 1, :case_key)
    on conflict(day, person) do update set kind = excluded.kind, clinical_c = excluded.clinical_c,
    at = excluded.at, "by" = excluded."by", sealed = excluded.sealed,
    revision = marks.revision + 1,
    case_key = coalesce(nullif(marks.case_key, ''), excluded.case_key)
    where marks.revision = :revision"""
_KEEP_MEASURED = """
    update marks set kind = 'gate' where kind in ('none', 'excused') and person in (
        select x.person from marks_elsewhere x
        where x.day = marks.day and x.kind in ('measured', 'card'))"""
"""On a closed day, a measurement at a kiosk or another gateway is kept in the person's mark."""
_SET_ASIDE = """
    update marks set person = person - (
        select 1000000000 * (1 + coalesce(max((500000000 - person) / 1000000000), 0))
        from marks where person < 0)
    where person > 0"""
"""Each list that was replaced has negative numbers of its own."""
_SELECT_UNITS = """
    select p.person, case when m.expected = 1 then m.campus else p.campus end,
        case when m.expected = 1 then m.unit else p.unit end
    from people p left join marks m on m.day = ? and m.person = p.person where p.person in ({})"""
_SELECT_KNOWN = """
    select person, kind, clinical_c, revision from marks where day = ? and person in ({})"""
_SELECT_OWN = "select person, kind from marks where day = ? and revision > 0 and person > 0"
COUNT_FEVERS = "select count(*) from marks where day = ? and clinical_c >= ?"
_SELECT_FEVERS = """
    select m.day, m.case_key, coalesce(nullif(m.campus, ''), p.campus, ''),
        coalesce(nullif(m.unit, ''), p.unit, ''), m.clinical_c, m.at
    from marks m left join people p on p.person = m.person
    where m.day >= ? and m.clinical_c >= ? and m.at >= ? order by m.at, m.person"""
_SELECT_ELSEWHERE = "select person, kind from marks_elsewhere where day = ?"
_PUT_ELSEWHERE = """
    insert into marks_elsewhere(day, person, kind) values (?, ?, ?)
    on conflict(day, person) do update set kind = excluded.kind"""
