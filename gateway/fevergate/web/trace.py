"""Traces who passed the same gate as a person with a fever, and which visitors were inside at that
time.

People are identified by their cards, visitors by the register. A trace does not say who was near
whom. It needs a reason, and the audit notes each trace, refused ones included.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import NothingFoundError, TraceError
from fevergate.people.card_list import entry_of
from fevergate.people.passes import REGISTER as VISITORS
from fevergate.people.store import PeopleStore
from fevergate.protocol.messages import Identity
from fevergate.registers.entries import Entries
from fevergate.registers.entry_reader import Entry
from fevergate.reports.fevers import read_fever
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.presences import Passage, count_measured, passed_between, person_of
from fevergate.web_common.store import AuditedStore

MOST_MINUTES = 120
MAX_REASON = 200
_RECORD = re.compile(r"([a-z0-9-]{1,32})/(\d{1,10})/(\d{1,10})", re.ASCII)


class TraceRequest(Struct, frozen=True, kw_only=True):
    """A fever (`record`, KIOSK/BOOT/SEQ), the minutes before and after it that count, and the
    reason for the trace."""

    record: str
    minutes: int
    reason: str


class TracedPerson(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """Somebody who passed the gate, or a visitor who was inside. Times are Unix time (s).

    `passed`: times at the gate, in order; empty for a visitor who was inside without passing.
    `nearest_s`: the one nearest to the fever, in seconds after it; negative if before. `opened_at`
    and `closed_at` are from a visitor's entry (`visitor` true). Names are empty if they were
    erased, or if the person's number is from a list that was replaced.
    """

    visitor: bool
    passed: list[float]
    nearest_s: float | None = None
    name: str = ""
    kind: str = ""
    class_: str = ""
    unit: str = ""
    number: str = ""
    telephone: str = ""
    visits: str = ""
    opened_at: float | None = None
    closed_at: float | None = None


class Trace(Struct, frozen=True, kw_only=True):
    """What a trace found. `whose`: the person with the fever, None without a card; `passed`: the
    others, by their first time at the gate; `inside`: visitors who did not pass the gate, by time
    of arrival.

    `measured` counts the measurements with a verdict at the gate in this time; `known` counts those
    with a card or pass. The rest belong to unknown people.
    """

    record: str
    gate: str
    kiosk: str
    at: float
    minutes: int
    reason: str
    whose: TracedPerson | None
    passed: list[TracedPerson]
    inside: list[TracedPerson]
    measured: int
    known: int


@dataclass(frozen=True)
class Tracer:
    """Traces at one gateway; `kept_days`: how long presences are kept, `now`: Unix time (s)."""

    reader: Callable[[], AbstractContextManager[Database]]
    people: PeopleStore
    entries: Entries
    audit: AuditedStore
    kept_days: int
    now: Callable[[], float]

    def trace(self, trace_request: TraceRequest, by: str) -> Trace:
        """Make a trace on behalf of `by`, and note it in the audit. Raises `TraceError`,
        `StoreError`."""
        record, reason = trace_request.record.strip()[:64], " ".join(trace_request.reason.split())
        try:
            trace = self._trace(record, trace_request.minutes, reason)
        except TraceError as error:
            self.audit.note(by, "trace failed", f"{record}: {error.reason}")
            raise
        count = len(trace.passed) + len(trace.inside)
        text = f"{trace.record} {trace.minutes} min: {count} reason: {reason}"
        self.audit.note(by, "trace", text)
        return trace

    def _trace(self, record: str, minutes: int, reason: str) -> Trace:
        if not reason:
            raise TraceError("trace_reason")
        if len(reason) > MAX_REASON or not reason.isprintable():
            raise TraceError("trace_long")
        if not 1 <= minutes <= MOST_MINUTES:
            raise TraceError("trace_minutes")
        match = _RECORD.fullmatch(record)
        if match is None:
            raise TraceError("trace_record")
        identity = Identity(match[1], int(match[2]), int(match[3]))
        with self.reader() as reader:
            reader.execute("begin")
            fever = read_fever(reader, identity)
            if fever is None:
                raise TraceError("trace_fever")
            begin, end = fever.at - 60 * minutes, fever.at + 60 * minutes
            if begin < self.now() - self.kept_days * DAY_S:
                raise TraceError("trace_old")
            person = person_of(reader, *identity)
            passages = passed_between(reader, fever.gate, begin, end, person)
            measured, identified = count_measured(reader, fever.gate, begin, end)
        own_passage = [] if person is None else [Passage(person, [fever.at])]
        traced = self._named([*own_passage, *passages], fever.at)
        persons = {person, *(passage.person for passage in passages)}
        return Trace(
            record=str(identity),
            gate=fever.gate,
            kiosk=fever.kiosk,
            at=fever.at,
            minutes=minutes,
            reason=reason,
            whose=traced[0] if own_passage else None,
            passed=traced[len(own_passage) :],
            inside=[
                _visitor(entry, [], fever.at)
                for entry in self._inside(begin, end)
                if -entry.id not in persons
            ],
            measured=measured,
            known=identified,
        )

    def _inside(self, begin: float, end: float) -> list[Entry]:
        """Entries of visitors who were inside at any time from `begin` to `end`."""
        register = self.entries.registers.get(VISITORS)
        return self.entries.between(VISITORS, begin, end) if register and register.open else []

    def _named(self, passages: list[Passage], at: float) -> list[TracedPerson]:
        """Passages with names."""
        numbered_at = self._numbered_at()
        numbers = [person for person, at in passages if person > 0 and at[0] >= numbered_at]
        people = self.people.people(numbers)
        result = list[TracedPerson]()
        for person, passed in passages:
            if (id_ := entry_of(person)) is not None:
                result.append(_visitor(self._visit(id_), passed, at))
                continue
            listed = people.get(person)
            result.append(
                TracedPerson(
                    visitor=False,
                    passed=passed,
                    nearest_s=_nearest(passed, at),
                    name=listed.name if listed else "",
                    kind=listed.kind if listed else "",
                    class_=listed.class_ if listed else "",
                    unit=listed.unit if listed else "",
                    number=listed.number if listed else "",
                    telephone=listed.telephone if listed else "",
                )
            )
        return result

    def _numbered_at(self) -> float:
        """Unix time (s) since which people's numbers are those of the present list."""
        rows = self.people.statements.query("select max(numbered_at, first_at) from people_list")
        return rows[0][0] if rows else float("inf")

    def _visit(self, id_: int) -> Entry | None:
        try:
            return self.entries.get(VISITORS, id_)
        except NothingFoundError:
            return None


def _visitor(entry: Entry | None, passed: list[float], at: float) -> TracedPerson:
    fields = {name: str(value) for name, value in (entry.fields if entry else {}).items()}
    return TracedPerson(
        visitor=True,
        passed=passed,
        nearest_s=_nearest(passed, at),
        name=fields.get("name", ""),
        unit=fields.get("unit", ""),
        telephone=fields.get("phone", ""),
        visits=fields.get("whom", ""),
        opened_at=entry.opened_at if entry else None,
        closed_at=entry.closed_at if entry else None,
    )


def _nearest(passed: list[float], at: float) -> float | None:
    return min((time_ - at for time_ in passed), key=abs) if passed else None
