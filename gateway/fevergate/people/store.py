"""Reads the list of people: who is on it, who is expected, what a person may do."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.storage.statements import Statements

DATABASE = "people.db"
"""Name of a gateway's database of the list, in the folder of its settings."""

Permit = Literal["enter", "ask", "stop"]
PERMITS: tuple[Permit, ...] = ("enter", "ask", "stop")
"""What a person may do at a gate: go in, see the guard first, not go in."""

SEALED = ("name", "number", "card", "telephone")
"""Fields of a person that are stored encrypted."""

AT_ONCE = 500
"""Most people in one query (SQLite and PostgreSQL allow more)."""

PERMIT = """coalesce(o.permit, nullif(p.permit, ''), nullif(k.permit, ''), nullif(a.permit, ''),
        'enter')"""
"""SQL of a person's permit, in a query from `LISTED`: the first that exists of the override in
force, the list's own word, the policy of kind and class, and the policy of the kind. Without any of
them, everybody listed may enter."""

LISTED = """people p
    left join overrides o on o.person = p.person and o.until > :now and o.at <= :now
    left join policies k on k.kind = p.kind and k."class" = p."class"
    left join policies a on a.kind = p.kind and a."class" = ''"""
"""SQL of the people, joined with the overrides and policies that decide on their permit at the time
`:now`."""

IN_FORCE = "p.since <= :now and (p.until is null or p.until > :now)"
"""SQL condition on `people p`: on the list at the time `:now`."""

EXPECTED = f"""
    select p.person, p.kind, p."class", p.unit, p.campus from {LISTED}
    where p.expected = 1 and {IN_FORCE} and {PERMIT} != 'stop'"""  # noqa: S608 - constants
"""SQL of the people who are expected to be measured on the day of `:now`: the list marks them as
expected, and their permit is not `stop`. Callers join it with what was measured. For a day that is
over, `:now` is its last moment, since people leave the list at the end of a day."""

_COLUMNS = (
    *("person", "kind", "class", "unit", "campus", "permit", "since", "until", "expected"),
    *("revision", "sealed"),
)
_PEOPLE = ", ".join(f'p."{name}"' for name in _COLUMNS)


class ListedPerson(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One person of the list.

    `person` is a number that identifies nobody; numbers rise in the order in which people came onto
    the list, and are not used again. `permit` is the list's own word, or empty; `since` and `until`
    are Unix times (s). `name`, `number`, `card` and `telephone` are empty once they were erased.
    """

    person: int
    kind: str
    class_: str
    unit: str
    campus: str
    """Campus at which the person is expected; empty: any."""
    permit: str
    since: float
    until: float | None
    expected: bool
    revision: int
    name: str = ""
    number: str = ""
    card: str = ""
    telephone: str = ""


class ExpectedPerson(Struct, frozen=True):
    """Somebody who is expected to be measured; see `EXPECTED`."""

    person: int
    kind: str
    class_: str
    unit: str
    campus: str


class ListState(Struct, frozen=True):
    """State of the list: its id, its newest revision, when it was last changed here, and when the
    campus server last confirmed it (Unix time, s; None if the list is kept here)."""

    list: str
    revision: int
    changed_at: float
    heard_at: float | None


class PeopleStore:
    """Reads the list; the same at a gateway and at the campus server."""

    def __init__(self, statements: Statements, vault: Vault) -> None:
        self.statements = statements
        self.vault = vault

    def state(self) -> ListState | None:
        """State of the list; None if there is no list."""
        rows = self.statements.query("select list, revision, changed_at, heard_at from people_list")
        return ListState(*rows[0]) if rows else None

    def expected(self, now: float, units: Sequence[str] | None = None) -> list[ExpectedPerson]:
        """The people who are expected at a time (Unix time, s), by unit and number; of `units`, or
        of all units if it is None."""
        condition, names = among("p", units)
        rows = self.statements.query(
            f"{EXPECTED}{condition} order by p.unit, p.person", {"now": now} | names
        )
        return [ExpectedPerson(*row) for row in rows]

    def units(self, now: float) -> list[tuple[str, int]]:
        """Each unit with the number of its people who are on the list at a time (Unix time, s)."""
        return [
            (unit, count)
            for unit, count in self.statements.query(
                f"select p.unit, count(*) from people p where {IN_FORCE}"  # noqa: S608
                " group by p.unit order by p.unit",
                {"now": now},
            )
        ]

    def unknown_units(self, units: Iterable[str]) -> list[str]:
        """The units of a tutor, `UNIT` or `CAMPUS/UNIT`, to which nobody on the list belongs; none
        if there is no list."""
        rows = self.statements.query("select distinct campus, unit from people")
        if not rows:
            return []
        return [
            name
            for name in units
            if not any(is_among([name], campus, unit) for campus, unit in rows)
        ]

    def doubtful_units(self, units: Sequence[str]) -> list[str]:
        """The names in `units` that several campuses use for a unit."""
        condition, names = _within("unit", units)
        rows = self.statements.query(
            "select unit from people where 1 = 1"  # noqa: S608 - names of values
            f"{condition} group by unit having min(campus) <> max(campus) order by unit",
            names,
        )
        return [unit for (unit,) in rows]

    def people(self, numbers: Iterable[int]) -> dict[int, ListedPerson]:
        """People with their names, by their `person`. Raises `StoreError`."""
        persons, result = list(numbers), dict[int, ListedPerson]()
        for begin in range(0, len(persons), AT_ONCE):
            condition, values = _within("p.person", persons[begin : begin + AT_ONCE])
            result |= {row.person: row for row in self.select(f"true{condition}", values)}
        return result

    def of_unit(self, unit: str, now: float, most: int, skip: int = 0) -> list[ListedPerson]:
        """At most `most` people of a unit who are on the list at a time (Unix time, s), with their
        names, after the first `skip`. Raises `StoreError`."""
        return list(
            self.select(
                f"p.unit = :unit and {IN_FORCE}",
                {"unit": unit, "now": now},
                "p.person limit :most offset :skip",
                most=most,
                skip=skip,
            )
        )

    def find(self, text: str, most: int) -> list[ListedPerson]:
        """At most `most` people whose whole number, name or card is `text`, including people who
        have left the list. Raises `StoreError`."""
        tags = {kind: self.tag(kind, text) for kind in ("number", "name", "card")}
        return list(
            self.select(
                "p.number_tag = :number or p.name_tag = :name"
                " or p.person in (select person from cards where tag = :card)",
                tags,
                "p.person limit :most",
                most=most,
            )
        )

    def by_number(self, number: str) -> ListedPerson | None:
        """The person with the college's own number (student or staff number). Raises
        `StoreError`."""
        tag = {"number": self.tag("number", number)}
        return next(self.select("p.number_tag = :number", tag), None)

    def permit(self, person: int, now: float) -> Permit | None:
        """What a person may do at a time (Unix time, s); None for somebody who is not on the
        list."""
        rows = self.statements.query(
            f"select {PERMIT} from {LISTED} where p.person = :person and {IN_FORCE}",  # noqa: S608
            {"now": now, "person": person},
        )
        return rows[0][0] if rows else None

    def tag(self, kind: str, text: str) -> str:
        """The tag by which a number, name or card is found without decrypting. Spaces around the
        text and the case of its letters do not change it."""
        return self.vault.tag(kind, text.strip().casefold())

    def select(
        self, condition: str, values: dict[str, Any], order: str = "p.person", **limits: int
    ) -> Iterator[ListedPerson]:
        """People that match an SQL condition on `people p`, with their names. Raises
        `StoreError`."""
        rows = self.statements.query(
            f"select {_PEOPLE} from people p where {condition} order by {order}",  # noqa: S608
            values | limits,
        )
        return (self._person(row) for row in rows)

    def _person(self, row: tuple[Any, ...]) -> ListedPerson:
        values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
        values.update(self.vault.open(values.pop("sealed")))
        values["class_"], values["expected"] = values.pop("class"), bool(values["expected"])
        return ListedPerson(**values)


def is_among(units: Sequence[str] | None, campus: str, unit: str) -> bool:
    """Whether `units` has a unit of a campus, as `UNIT`, which stands for that unit at any campus,
    or as `CAMPUS/UNIT`. None stands for all units."""
    return units is None or unit in units or f"{campus}/{unit}" in units


def among(table: str, units: Sequence[str] | None) -> tuple[str, dict[str, Any]]:
    """The condition of `is_among` on a table's rows, as SQL `and ...` with its values; empty for
    None."""
    if units is None:
        return "", {}
    conditions, values = ["1 = 0"], dict[str, Any]()
    for number, name in enumerate(units):
        campus, stroke, unit = name.partition("/")
        values[f"u{number}"] = name
        conditions.append(f"{table}.unit = :u{number}")
        if stroke:
            values |= {f"c{number}": campus, f"n{number}": unit}
            conditions.append(f"({table}.campus = :c{number} and {table}.unit = :n{number})")
    return f" and ({' or '.join(conditions)})", values


def _within(column: str, values: Sequence[Any] | None) -> tuple[str, dict[str, Any]]:
    """SQL `and column in (...)` with its values; empty for None."""
    if values is None:
        return "", {}
    names = {f"v{number}": value for number, value in enumerate(values)}
    inside = ", ".join(f":{name}" for name in names) or "null"
    return f" and {column} in ({inside})", names
