"""The roll of a day as a report: who was not measured, who was excused, figures by unit."""

from collections.abc import Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from fevergate.people.marks import Kind, Marks
from fevergate.people.roll import DayRoll, MarkedPerson, Rolls, State, UnitRoll, in_words
from fevergate.people.store import PeopleStore
from fevergate.texts.translations import N_, Say
from fevergate.web_common.tables import Cell, Rows, Sheet, Table, local_time

AT_ONCE = 500
"""People whose names are opened at once."""

NUMBER, NAME, UNIT, CLASS = N_("Number"), N_("Name"), N_("Unit"), N_("Class")
FIGURES = (N_("Expected"), N_("Measured"), N_("Excused"), N_("Not measured"), N_("Fever"))
KINDS: dict[Kind, str] = {
    "hand": N_("by hand"),
    "desk": N_("at the desk"),
    "card": N_("at a kiosk, by card"),
    "gate": N_("at another gateway"),
    "excused": N_("excused"),
    "none": N_("not measured"),
}
"""How a person was marked, in words."""
AT_KIOSKS: tuple[Kind, ...] = ("card", "gate")
"""Kinds that a kiosk measured: nobody entered them here, and nobody takes them back."""


class RollRow(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """A person who was expected on a day, and how they were marked.

    `clinical_c`: °C (axillary) by a clinical thermometer or the desk's sensor. `at` (Unix time, s),
    `by` and `reason`: when and by whom the mark was entered, and why the person was excused; empty
    for a kiosk's measurement. Names are empty once they were erased.
    """

    person: int
    unit: str
    class_: str
    number: str
    name: str
    kind: Kind
    clinical_c: float | None
    fever: bool
    at: float | None
    by: str
    reason: str


class RollReader:
    """Reads the roll with names; the caller notes each call in the audit."""

    def __init__(self, people: PeopleStore, marks: Marks, rolls: Rolls) -> None:
        self._people = people
        self._marks = marks
        self._rolls = rolls

    def rows(
        self,
        day: date,
        state: State,
        units: Sequence[str] | None = None,
        most: int = -1,
        skip: int = 0,
    ) -> list[RollRow]:
        """The people of some units (None: of all) in a state, see `Rolls.people`. Raises
        `StoreError`."""
        return list(self.named(self._rolls.people(day, state, units, most, skip)))

    def named(self, marked: Sequence[MarkedPerson]) -> Iterator[RollRow]:
        """People with their names. Raises `StoreError`."""
        for begin in range(0, len(marked), AT_ONCE):
            part = marked[begin : begin + AT_ONCE]
            people = self._people.people(row.person for row in part)
            for row in part:
                person = people.get(row.person)
                entered = bool(row.by) and row.kind not in AT_KIOSKS
                yield RollRow(
                    person=row.person,
                    unit=row.unit,
                    class_=person.class_ if person else "",
                    number=person.number if person else "",
                    name=person.name if person else "",
                    kind=row.kind,
                    clinical_c=row.clinical_c,
                    fever=row.fever,
                    at=row.at if entered else None,
                    by=row.by if entered else "",
                    reason=self._marks.reason(row.sealed) if entered else "",
                )

    def sheet(
        self,
        title: str,
        day: date,
        units: Sequence[str] | None,
        zone: ZoneInfo,
        say: Say,
    ) -> Sheet:
        """The roll of a day, of some units or of all. Raises `StoreError`."""
        figures = self._rolls.units(day, units) or []
        total = sum((unit.figures for unit in figures), DayRoll())
        lists = [self._table(day, state, units, zone, say) for state in ("unmeasured", "excused")]
        state = "red" if total.fevers else "amber" if total.unmeasured else "green"
        return Sheet(
            title=f"{say('Measured and not measured')} {title} {day}",
            state=state,
            verdict=in_words(total, say),
            lines=[
                say("It names people: keep it locked away, and destroy it after use."),
                say("Times are those of %s.") % zone.key,
            ],
            tables=[*lists, units_table(figures, say)],
            to_sign=(say("Checked by"), say("Date")),
            day=day,
        )

    def unmeasured_table(self, day: date, units: Sequence[str] | None, say: Say) -> Table:
        """Who was not measured. Raises `StoreError`."""
        return self._table(day, "unmeasured", units, None, say)

    def _table(
        self,
        day: date,
        state: State,
        units: Sequence[str] | None,
        zone: ZoneInfo | None,
        say: Say,
    ) -> Table:
        marked = self._rolls.people(day, state, units)
        columns = [say(name) for name in (UNIT, CLASS, NUMBER, NAME)]
        if state == "unmeasured":
            title = say("Not measured")
        else:
            title = say("Excused")
            columns += [say(N_("Why")), say(N_("Entered by")), say(N_("Time"))]

        def read() -> Iterator[list[Cell]]:
            for row in self.named(marked):
                cells: list[Cell] = [row.unit, row.class_, row.number, row.name]
                if state == "excused":
                    cells += [row.reason, row.by, local_time(row.at, zone) if zone else None]
                yield cells

        return Table(title, columns, Rows(len(marked), read))


def units_table(figures: Sequence[UnitRoll], say: Say) -> Table:
    """Figures by unit."""
    rows: list[list[Cell]] = [
        [unit.unit, *(getattr(unit.figures, name) for name in DayRoll.__struct_fields__)]
        for unit in figures
    ]
    return Table(say("By unit"), [say(UNIT), *map(say, FIGURES)], rows)
