"""Who is on duty: shifts with times, stored as entries of the register `duty`.

A shift begins at its `from` and is over at its `to`; a shift without these times always holds.
People on duty need no account.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from fevergate.errors import DutyError, StoreError
from fevergate.registers.declarations import RegisterDeclaration
from fevergate.registers.entries import MAX_ID, Entries
from fevergate.registers.entry_form import NewEntry, Value
from fevergate.registers.entry_reader import Entry
from fevergate.settings.values import is_person_name
from fevergate.storage.statements import Statements

log = logging.getLogger(__name__)

REGISTER = "duty"
MOST_SHIFTS = 10_000
"""Most shifts that are not over; sixteen gates have a thousand in a month."""

LONGEST_S = 12 * 3600.0
"""Length of a shift that was not planned: it begins now, or takes over a shift that is nearly over
or has no end."""
NEARLY_OVER_S = 3600.0
EARLY_S = 6 * 3600.0
"""When a person takes over, that person's planned shift begins at once if it is due within this
time."""


class OnDuty(Struct, frozen=True, kw_only=True):
    """A person on duty at one gate; an empty gate means all. `begin` and `end` are Unix time (s);
    None: no limit."""

    name: str
    gate: str
    begin: float | None = None
    end: float | None = None


class Shift(OnDuty, frozen=True, kw_only=True):
    """A shift as an entry of the register."""

    id: int
    revision: int

    @property
    def timed(self) -> bool:
        """Whether it has a begin or an end; a shift with neither cannot be handed over."""
        return self.begin is not None or self.end is not None


class DutyChanges(Struct, frozen=True, kw_only=True):
    """What a file of shifts adds and withdraws."""

    added: list[OnDuty]
    withdrawn: list[Shift]
    unchanged: int

    @property
    def in_numbers(self) -> str:
        """The changes in numbers, as the audit stores them."""
        return f"+{len(self.added)} -{len(self.withdrawn)} ={self.unchanged}"


class Duty:
    """The duty list of a gateway or campus server; `gates` returns the gates (or campuses) that it
    has.

    Each method raises `StoreError` if names were encrypted with another key.
    """

    def __init__(self, entries: Entries, gates: Callable[[], Sequence[str]]) -> None:
        self._entries = entries
        self._gates = gates

    def everybody(self) -> list[Shift]:
        """Every shift that is not over, by gate, begin and name."""
        entries = self._entries.unfinished(REGISTER, self._now(), MOST_SHIFTS)
        shifts = [shift for entry in entries if (shift := self._shift(entry))]
        return sorted(shifts, key=lambda shift: (shift.gate, shift.begin or 0.0, shift.name))

    def shifts(self, gate: str, at: float | None = None) -> list[Shift]:
        """The shifts at a gate at a time (Unix time, s; by default now), including shifts for all
        gates."""
        at = self._now() if at is None else at
        entries = self._entries.holding(REGISTER, at, gate)
        return [shift for entry in entries if (shift := self._shift(entry))]

    def at(self, gate: str, at: float | None = None) -> list[str]:
        """Names of the people on duty at a gate at a time (Unix time, s; by default now). An empty
        `gate` stands for any gate."""
        return sorted({shift.name for shift in self.shifts(gate, at)})

    def present(self, gate: str) -> list[str]:
        """Names of the people on duty now, as `at`. If they cannot be read, the list is empty,
        since neither a board nor a notice may fail because of it."""
        try:
            return self.at(gate)
        except StoreError as error:
            log.error("duty list: %s", error)
            return []

    def add(
        self,
        name: str,
        gate: str,
        begin: float | None = None,
        end: float | None = None,
        by: str = "",
    ) -> None:
        """Put somebody on duty; a shift that exists already is not added again. Raises
        `DutyError`."""
        shift = OnDuty(name=name, gate=gate, begin=begin, end=end)
        self._check(shift)
        with self._together() as duty:
            if all(_key(shift) != _key(other) for other in duty.everybody()):
                duty._add(shift, by)

    def remove(self, name: str, gate: str, by: str = "", shift_id: int = 0) -> None:
        """Take a person off duty at a gate from now on, or off the one shift `shift_id`. A person
        who is not listed is ignored."""
        with self._together() as duty:
            for shift in duty.everybody():
                if (shift.name, shift.gate) == (name, gate) and shift_id in (0, shift.id):
                    duty.end(shift, by)

    def end(self, shift: Shift, by: str) -> None:
        """End a shift now; a shift that has not begun will never hold. Raises `EntryError` if
        somebody changed it meanwhile."""
        end = max(self._now(), shift.begin or 0.0)
        self._change(shift, shift.begin, end, by)

    def candidates(self, gate: str, user: str) -> list[str]:
        """Names of those who may take over at a gate: first people with a shift soon, the soonest
        first, then `user`, who is signed in, then everybody else on the list."""
        now = self._now()
        shifts = [shift for shift in self.everybody() if shift.gate in ("", gate)]
        soon = sorted(
            (shift.begin, shift.name)
            for shift in shifts
            if shift.begin is not None and now < shift.begin <= now + EARLY_S
        )
        others = sorted({shift.name for shift in shifts})
        return list(dict.fromkeys([*(name for _, name in soon), user, *others]))

    def hand_over(self, gate: str, shift_id: int, revision: int, name: str, by: str) -> Shift:
        """End a present shift at a gate, which `name` takes over; returns the shift that ended.

        If `name` has a shift soon, that shift begins now. Otherwise `name` gets the rest of the
        ended shift, or `LONGEST_S` if it was nearly over or had no end. Raises `DutyError` if the
        shift has changed since it was shown, or if `name` is not a valid name.
        """
        if not is_person_name(name):
            raise DutyError("name")
        with self._together() as duty:
            return duty._take_over(gate, shift_id, revision, name, by)

    def _take_over(self, gate: str, shift_id: int, revision: int, name: str, by: str) -> Shift:
        now = self._now()
        present = [shift for shift in self.shifts(gate) if shift.timed]
        matches = [s for s in present if (s.id, s.revision) == (shift_id, revision)]
        if not matches or matches[0].name == name:
            raise DutyError("meanwhile_duty")
        (shift,) = matches
        self._change(shift, shift.begin, now, by)
        if all(other.name != name or other.gate not in ("", shift.gate) for other in present):
            lasts = shift.end is not None and shift.end - now > NEARLY_OVER_S
            end = shift.end if lasts and shift.end else now + LONGEST_S
            self._begin(OnDuty(name=name, gate=shift.gate, begin=now, end=end), by)
        return shift

    def begin(self, gate: str, name: str, by: str) -> None:
        """Put somebody on duty at a gate from now on; if that person has a shift soon, it begins
        now. Raises `DutyError`."""
        now = self._now()
        shift = OnDuty(name=name, gate=gate, begin=now, end=now + LONGEST_S)
        self._check(shift)
        with self._together() as duty:
            if name not in {other.name for other in duty.shifts(gate) if other.timed}:
                duty._begin(shift, by)

    def _begin(self, shift: OnDuty, by: str) -> None:
        """Begin now the shift that the person of `shift` has soon at its gate or at all gates. If
        there is none, add `shift`."""
        now = self._now()
        planned = [
            s
            for s in self.everybody()
            if s.name == shift.name
            and s.gate in ("", shift.gate)
            and now < (s.begin or 0.0) <= now + EARLY_S
        ]
        if planned:
            self._change(planned[0], now, planned[0].end, by)
        else:
            self._add(shift, by)

    def adopt(self, store: Statements) -> int:
        """Move the names of the former duty list, a table without times, into the register; returns
        how many. If this is interrupted, the next start continues it."""
        rows = store.query("select name, gate from duty order by gate, name")
        for name, gate in rows:
            digest = hashlib.sha256(f"{gate}\n{name}".encode()).digest()
            id_ = int.from_bytes(digest[:6]) % MAX_ID + 1
            self._add(OnDuty(name=name, gate=gate), "", id_)
        if rows:
            with store.transaction() as connection:
                for row in rows:
                    connection.execute("delete from duty where name = ? and gate = ?", row)
        return len(rows)

    def compare(self, planned: Sequence[OnDuty]) -> DutyChanges:
        """The changes that a file of shifts, each with begin and end, would make. The file replaces
        what was planned between its first begin and its last end. Raises `DutyError`."""
        now, shifts = self._now(), self.everybody()
        begin = min((shift.begin or 0.0 for shift in planned), default=0.0)
        end = max((shift.end or 0.0 for shift in planned), default=0.0)
        plan = {_key(shift): shift for shift in planned}
        present = {_key(shift) for shift in shifts}
        new = [
            shift
            for key, shift in plan.items()
            if key not in present and (shift.end or now) > now and not self._had(shift, shifts, now)
        ]
        for shift in new:
            self._check(shift)
        withdrawn = [
            shift
            for shift in shifts
            if _key(shift) not in plan
            and shift.begin is not None
            and shift.begin > now
            and begin <= shift.begin < end
        ]
        return DutyChanges(added=new, withdrawn=withdrawn, unchanged=len(plan) - len(new))

    def apply(self, changes: DutyChanges, by: str) -> None:
        """Make the changes of `compare`, all or none. Raises `EntryError` if somebody changed a
        withdrawn shift meanwhile."""
        with self._together() as duty:
            for shift in changes.withdrawn:
                duty.end(shift, by)
            for shift in changes.added:
                duty._add(shift, by)

    @contextmanager
    def _together(self) -> Iterator["Duty"]:
        """The duty list within one transaction."""
        with self._entries.together() as entries:
            yield Duty(entries, self._gates)

    def _had(self, shift: OnDuty, shifts: Sequence[Shift], now: float) -> bool:
        """Whether a shift is there already: begun before its time, or begun and perhaps handed
        over since."""
        if shift.begin is None:
            return False
        key = (shift.name, shift.gate)
        if any(
            (other.name, other.gate) == key
            and other.end == shift.end
            and (other.begin or 0.0) <= min(shift.begin, now)
            for other in shifts
        ):
            return True
        return shift.begin <= now and any(
            (other.name, other.gate) == key and self._was(other, shift)
            for other in self.shifts(shift.gate, shift.begin)
        )

    def _was(self, now: Shift, shift: OnDuty) -> bool:
        """Whether `now` has the begin of `shift`, or was the same as `shift` before somebody
        changed it."""
        if now.begin == shift.begin:
            return True
        before = map(self._shift, self._entries.history(REGISTER, now.id))
        return any(other and _key(other) == _key(shift) for other in before)

    def _check(self, shift: OnDuty) -> None:
        if not is_person_name(shift.name):
            raise DutyError("name")
        if shift.gate and shift.gate not in self._gates():
            raise DutyError("gate")
        if shift.begin is not None and shift.end is not None and shift.end <= shift.begin:
            raise DutyError("order")

    def _add(self, shift: OnDuty, by: str, id_: int | None = None) -> None:
        self._entries.add(REGISTER, self._new(shift), by, id_)

    def _now(self) -> float:
        return self._entries.now

    def _change(self, shift: Shift, begin: float | None, end: float | None, by: str) -> None:
        new = self._new(OnDuty(name=shift.name, gate=shift.gate, begin=begin, end=end))
        self._entries.change(REGISTER, shift.id, new, by, shift.revision)

    def _new(self, shift: OnDuty) -> NewEntry:
        declared = self._entries.register(REGISTER)
        times: dict[str, float | None] = {declared.begin: shift.begin, declared.end: shift.end}
        public: dict[str, Value] = {
            field: at for field, at in times.items() if field and at is not None
        }
        return NewEntry(public=public, personal={_person(declared): shift.name}, gate=shift.gate)

    def _shift(self, entry: Entry) -> Shift | None:
        """The shift of an entry; None for an entry that has no name or was withdrawn before it
        began."""
        declared = self._entries.register(REGISTER)
        name = entry.fields.get(_person(declared))
        if not name or (entry.closed_at is not None and entry.closed_at <= entry.opened_at):
            return None
        begin, end = entry.fields.get(declared.begin), entry.fields.get(declared.end)
        return Shift(
            name=str(name),
            gate=entry.gate,
            begin=begin if isinstance(begin, float) else None,
            end=end if isinstance(end, float) else None,
            id=entry.id,
            revision=entry.revision,
        )


def _person(declared: RegisterDeclaration) -> str:
    """The field that names who is on duty: `person`, or else the first field of type `person`."""
    names = [name for name, field in declared.fields.items() if field.type == "person"]
    return "person" if "person" in declared.fields else next(iter(names), "person")


def _key(shift: OnDuty) -> tuple[str, str, float | None, float | None]:
    return shift.name, shift.gate, shift.begin, shift.end
