"""Entries of registers in words: titles, values, and the tables of all exports."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fevergate.registers.declarations import Choice, Field, RegisterDeclaration
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import EntryForm, Value
from fevergate.registers.entry_reader import Entry
from fevergate.settings.names import in_language
from fevergate.storage.coverage_bits import day_bounds
from fevergate.texts.translations import N_, Say
from fevergate.web_common.store import AuditEntry
from fevergate.web_common.tables import Cell, Rows, Table, cell_text, celsius, local_time

AUDITED = (
    *("look at register", "search register", "enter", "look at entry", "close entry"),
    *("reopen entry", "correct entry", "make pass", "look at pass"),
)
"""Actions of the audit whose text begins with the id of a register."""

Titles = Callable[[str], Mapping[str, str]]
"""Titles by id, in a language."""


class RegisterSite(NamedTuple):
    """What the pages of registers need from a gateway or campus server.

    `gates` and `places` give titles by id in a language; `guards`: whether guards keep registers
    here, not only administrators; `days`: days for which names are kept; `now`: Unix time (s).
    """

    entries: Entries
    zone: ZoneInfo
    now: Callable[[], float]
    gates: Titles
    places: Titles
    days: int
    guards: bool
    gate_word: str = N_("Gate")
    """Word for the gate of an entry; at a campus server the gate is a campus."""
    passed: Callable[[Sequence[int]], Mapping[int, list[float]]] | None = None
    """Times (Unix time, s) at which visitors passed a gate with their pass today, by the given ids
    of their entries. None if there are no passes."""

    def form(self) -> EntryForm:
        """The form that checks entries of this site."""
        return EntryForm(self.zone, self.gates("zh"), self.places("zh"))

    def today(self) -> date:
        """The local date."""
        return datetime.fromtimestamp(self.now(), self.zone).date()

    def day_begin(self) -> float:
        """When today began (Unix time, s)."""
        return day_bounds(self.today(), self.zone)[0]

    def pass_ends(self, register: RegisterDeclaration) -> float:
        """Unix time (s) until which a pass made now is valid: closing time, or the end of the day
        if closing time is past or not declared."""
        last, (begin, end) = self.last_closing(register), day_bounds(self.today(), self.zone)
        if last is None or last >= begin:
            return end
        hour, minute = map(int, (register.closing or "").split(":"))
        today = datetime.fromtimestamp(self.now(), self.zone)
        return today.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()

    def last_closing(self, register: RegisterDeclaration) -> float | None:
        """The latest closing time (Unix time, s) that is past, by which every entry should have
        been closed; None without a closing time."""
        if register.closing is None:
            return None
        now = datetime.fromtimestamp(self.now(), self.zone)
        hour, minute = map(int, register.closing.split(":"))
        closing = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (closing if closing <= now else closing - timedelta(days=1)).timestamp()


class RegisterState(NamedTuple):
    """State of a register now. `open`: the newest entries, at most `MOST`, that are open or still
    hold; `late` and `inside`: ids of those that are late, and that were open at the last closing.
    `due`: subjects due today; `sums`: subject, total, and whether that is low. `open_count` and
    `inside_count` count all entries, beyond `MOST` too."""

    open: list[Entry]
    late: set[int]
    inside: set[int]
    due: list[str]
    sums: list[tuple[str, float, bool]]
    open_count: int
    inside_count: int

    @property
    def to_do(self) -> int:
        """How many entries, due subjects and low sums need attention."""
        late = len(self.late - self.inside) + self.inside_count
        return late + len(self.due) + sum(low for _, _, low in self.sums)


class RegisterWords:
    """Puts registers into words of one language."""

    def __init__(self, site: RegisterSite, language: str, say: Say) -> None:
        self._site = site
        self._language = language
        self._say = say
        self._places = site.places(language)
        self._gates = site.gates(language)

    def title(self, declared: RegisterDeclaration | Field | Choice) -> str:
        """The title of a register, field or choice."""
        return in_language(declared, self._language)

    def audited(self, entry: AuditEntry) -> str:
        """What an entry of the audit was about, if it concerns a register; else an empty text."""
        name, _, text = entry.what.partition(" ")
        register = self._site.entries.registers.get(name)
        if register is None or entry.action not in AUDITED:
            return ""
        if entry.action != "correct entry":
            return f"{self.title(register)} {text}".strip()
        number, _, text = text.partition(" ")
        names, _, reason = f" {text}".partition(" reason: ")
        titles = {field: self.title(declared) for field, declared in register.fields.items()}
        titles["gate"] = self.gate_word
        words = [titles.get(field, field) for field in names.strip().split(", ") if field]
        if reason:
            words.append(f"{self._say(N_('Why'))}{self._say(': ')}{reason}")
        return f"{self.title(register)} {number} {self._say(', ').join(words)}".strip()

    @property
    def gate_word(self) -> str:
        """Word for a gate, in the language."""
        return self._say(self._site.gate_word)

    def gate(self, gate: str) -> str:
        """A gate's title; "all" for an empty gate."""
        return self._gates.get(gate, gate) if gate else self._say("all")

    def closing_button(self, register: RegisterDeclaration) -> str:
        """The name of the button that closes an entry."""
        return register.closing_button(self._language) or self._say("Close")

    def choices(self, field: Field) -> list[tuple[str, str]]:
        """Values of a field of type choice or place, with their titles."""
        choices = [(choice.name, self.title(choice)) for choice in field.choices]
        return [*self._places.items(), *choices] if field.type == "place" else choices

    def value(self, field: Field, value: Value | None) -> str:
        """A value as people read it."""
        if not isinstance(value, float):
            return cell_text(self.cell(field, value))
        if field.type == "time":
            return self.moment(value)
        if field.type == "celsius":
            return cell_text(celsius(value))
        return f"{value:.12g} {field.unit}".rstrip()

    def moment(self, at: float | None) -> str:
        """A Unix time (s) as people read it, without the date if that is today."""
        local = local_time(at, self._site.zone)
        if local is None:
            return ""
        return f"{local:%H:%M}" if local.date() == self._site.today() else f"{local:%Y-%m-%d %H:%M}"

    def cell(self, field: Field, value: Value | None) -> Cell:
        """A value as a cell of a spreadsheet."""
        if isinstance(value, str):
            by_choice = field.type in ("choice", "place")
            return dict(self.choices(field)).get(value, value) if by_choice else value
        if field.type == "celsius":
            return celsius(value)
        return local_time(value, self._site.zone) if field.type == "time" else value

    def typed(self, field: Field, value: Value | None) -> str:
        """A value as a form's field takes it."""
        if isinstance(value, float) and field.type == "time":
            return f"{datetime.fromtimestamp(value, self._site.zone):%Y-%m-%dT%H:%M}"
        return f"{value:.12g}" if isinstance(value, float) else str(value or "")

    def named(self, register: RegisterDeclaration, subject: str) -> str:
        """The title of a place or choice for which a register has a sum or may be due."""
        return self.value(register.fields[register.each], subject)

    def standing(self, register: RegisterDeclaration) -> RegisterState:
        """The state of a register now."""
        entries, now = self._site.entries, self._site.now()
        present = entries.newest_holding(register.name, now) if register.holds else []
        closing = self._site.last_closing(register)
        untils = {entry.id: entry.fields.get(register.until) for entry in present}
        late = {id_ for id_, until in untils.items() if isinstance(until, float) and until < now}
        inside = {entry.id for entry in present if closing and entry.opened_at < closing}
        due = list[str]()
        if register.due:
            last, begin = entries.last(register.name), self._site.day_begin()
            subjects = [name for name, _ in self.choices(register.fields[register.each])]
            due = [subject for subject in subjects if last.get(subject, 0.0) < begin]
        name = register.name
        open_count = sum(entries.open_by_gate(name, now).values()) if register.holds else 0
        inside_count = sum(entries.open_by_gate(name, now, closing).values()) if closing else 0
        return RegisterState(
            present, late, inside, due, self._sums(register), open_count, inside_count
        )

    def _sums(self, register: RegisterDeclaration) -> list[tuple[str, float, bool]]:
        if not register.sum:
            return []
        lows = {choice.name: choice.low for choice in register.fields[register.each].choices}
        return [
            (subject, total, (low := lows.get(subject)) is not None and total <= low)
            for subject, total in sorted(self._site.entries.sums(register.name).items())
        ]

    def table(
        self,
        register: RegisterDeclaration,
        count: int,
        read: Callable[[], Iterable[Entry]],
        *,
        personal: bool,
    ) -> Table:
        """`count` entries as a table; `personal` adds names and other fields that are deleted
        later."""
        fields = {
            name: field for name, field in register.fields.items() if personal or not field.sealed
        }
        head = [self._say(EXPORTED["at"])]
        if register.gate != "none":
            head.append(self.gate_word)
        head += [f"{self.title(field)} {field.unit}".rstrip() for field in fields.values()]
        if register.open:
            head.append(self._say(EXPORTED["until"]))
        if personal:
            head.append(self._say(EXPORTED["by"]))

        def rows() -> Iterator[list[Cell]]:
            return (self._row(register, entry, fields, personal=personal) for entry in read())

        return Table(self.title(register), head, Rows(count, rows))

    def _row(
        self,
        register: RegisterDeclaration,
        entry: Entry,
        fields: Mapping[str, Field],
        *,
        personal: bool,
    ) -> list[Cell]:
        row: list[Cell] = [local_time(entry.first_at, self._site.zone)]
        if register.gate != "none":
            row.append(self.gate(entry.gate))
        row += [self.cell(field, entry.fields.get(name)) for name, field in fields.items()]
        if register.open:
            row.append(local_time(entry.closed_at, self._site.zone))
        if personal:
            row.append(entry.by)
        return row


EXPORTED = {"at": N_("Entered"), "until": N_("Ended"), "by": N_("Entered by")}
"""Titles of an export's columns that are not fields; `until` only for a register whose entries are
closed, `by` only with names."""
