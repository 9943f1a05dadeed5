"""Changes the original list of people; a gateway's copy follows by `copying`.

Every changed row gets the next revision, so that a gateway can ask for the rows after its last
revision. The row of a person who leaves the list stays, with a time of leaving.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.errors import PeopleError
from fevergate.people.store import SEALED, PeopleStore
from fevergate.protocol.people_messages import new_list_id, restored
from fevergate.protocol.person_set import MOST_PERSON
from fevergate.storage.statements import Connection, Statements

REST_AFTER_RESTORE = 2048
"""How many numbers of people a restore skips: they may have been given out since the backup."""


DRAFT_S = 3600.0
"""How long (s) a list that was uploaded but not applied is kept (`drafts`)."""

FEW_GONE, PART_GONE = 20, 0.1
"""If more people than `FEW_GONE` and more than the share `PART_GONE` of the list leave it at once,
somebody must confirm the change."""


class ListEntry(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One person as an uploaded list names them; `until` is a Unix time (s)."""

    number: str
    name: str
    kind: str
    class_: str = ""
    unit: str = ""
    campus: str = ""
    permit: str = ""
    card: str = ""
    telephone: str = ""
    until: float | None = None
    expected: bool = True


class ListDifference(Struct, frozen=True, kw_only=True):
    """What a new list changes: who is added, who changes (with the row's number), who is gone.

    `left_alone` counts the people of kinds that the new list does not have; they stay as they are.
    `over` counts people of the new list who are not added because their last day is over.
    """

    added: list[ListEntry]
    changed: list[tuple[int, ListEntry]]
    gone: list[int]
    same: int
    left_alone: int
    over: int = 0

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.gone)

    @property
    def in_numbers(self) -> str:
        """Numbers of people added, changed, gone and unchanged, in the form for the audit."""
        return f"+{len(self.added)} ~{len(self.changed)} -{len(self.gone)} ={self.same}"

    @property
    def drastic(self) -> bool:
        """Whether so many are gone that the file is more likely wrong or cut short."""
        before = len(self.gone) + len(self.changed) + self.same
        return len(self.gone) > max(FEW_GONE, before * PART_GONE)


class _Row(Struct, frozen=True):
    person: int
    number_tag: str | None
    content: str
    kind: str
    until: float | None


class PeopleChanges:
    """Changes the list; each call is one transaction."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store
        self._statements = store.statements

    def compare(self, entries: Sequence[ListEntry]) -> ListDifference:
        """What a new list would change. Raises `StoreError`."""
        rows = [_Row(*row) for row in self._statements.query(_SELECT_ROWS)]
        now = self._statements.clock()
        row_of_tag = {row.number_tag: row for row in rows if row.number_tag}
        added, changed, listed = list[ListEntry](), list[tuple[int, ListEntry]](), set[int]()
        over = 0
        for entry in entries:
            row = row_of_tag.get(self._store.tag("number", entry.number))
            if row is None:
                # A person who has left would be erased later, and come back with the next import.
                if entry.until is not None and entry.until <= now:
                    over += 1
                else:
                    added.append(entry)
                continue
            listed.add(row.person)
            if row.content != self._content(entry) or row.until != entry.until:
                changed.append((row.person, entry))
        kinds = {entry.kind for entry in entries}
        others = [
            row
            for row in rows
            if row.person not in listed and (row.until is None or row.until > now)
        ]
        leavers = [row.person for row in others if row.kind in kinds]
        return ListDifference(
            added=added,
            changed=changed,
            gone=leavers,
            same=len(listed) - len(changed),
            left_alone=len(others) - len(leavers),
            over=over,
        )

    def replace(
        self,
        entries: Sequence[ListEntry],
        *,
        drastic: bool = False,
        shown: int | None = None,
    ) -> ListDifference:
        """Put a new list in force; returns what changed.

        `shown` is the list's revision when the difference was shown to somebody (None: it was
        shown to nobody); `drastic` confirms a drastic difference. Raises `PeopleError` if the list
        has changed since it was shown, if a drastic difference is not confirmed, or if the list has
        too many people; `StoreError`.
        """
        with self._statements.transaction() as connection:
            revision = begin_change(connection, self._statements.clock())
            if shown is not None and shown != revision:
                raise PeopleError("meanwhile_list")
            difference = self.compare(entries)
            if difference.drastic and not drastic:
                raise PeopleError("many_gone", str(len(difference.gone)))
            self._put(connection, revision, difference)
        return difference

    def forget(self, person: int) -> None:
        """Erase a person's names at once, and take the person off the list. Raises
        `StoreError`."""
        now = self._statements.clock()
        with self._statements.transaction() as connection:
            revision = begin_change(connection, now) + 1
            connection.execute(
                "update people set until = ?, revision = ? where person = ?",
                (now, revision, person),
            )
            erase(connection, [person])
            end_change(connection, revision)

    def forget_gone(self, before: float) -> int:
        """Erase the names of all people who left the list before a Unix time (s), and delete old
        drafts; returns how many people were erased."""
        leavers = gone_before(self._statements, before)
        old = (self._statements.clock() - DRAFT_S,)
        if self._statements.query("select 1 from drafts where at < ? limit 1", old):
            with self._statements.transaction() as connection:
                connection.execute("delete from drafts where at < ?", old)
        if leavers:
            with self._statements.transaction() as connection:
                revision = begin_change(connection, self._statements.clock())
                connection.executemany(
                    "update people set revision = ? where person = ?",
                    [(revision + number, person) for number, person in enumerate(leavers, 1)],
                )
                erase(connection, leavers)
                end_change(connection, revision + len(leavers))
        return len(leavers)

    def _put(self, connection: Connection, revision: int, difference: ListDifference) -> None:
        now = self._statements.clock()
        ((last,),) = self._statements.query("select last_person from people_list")
        if last + len(difference.added) > MOST_PERSON:
            raise PeopleError("many_people", str(MOST_PERSON))
        rows: list[dict[str, Any]] = []
        cards: list[tuple[str, int]] = []
        for person, entry in [*((0, entry) for entry in difference.added), *difference.changed]:
            if not person:
                last += 1
                person = last
            revision += 1
            rows.append(self._row(entry) | {"person": person, "revision": revision, "since": now})
            if entry.card:
                cards.append((self._store.tag("card", entry.card), person))
        connection.executemany(PUT, rows)
        # The cards that these people had end now. A card that somebody else gave back gets a new
        # holder by `PUT_CARD`.
        connection.executemany(
            "update cards set until = :now where person = :person and until is null",
            [{"now": now, "person": row["person"]} for row in rows],
        )
        connection.executemany(PUT_CARD, cards)
        for person in difference.gone:
            revision += 1
            connection.execute(
                "update people set until = ?, revision = ? where person = ?",
                (now, revision, person),
            )
        end_change(connection, revision)
        connection.execute("update people_list set last_person = ?", (last,))

    def _row(self, entry: ListEntry) -> dict[str, Any]:
        values = msgspec.structs.asdict(entry)
        return {
            "kind": entry.kind,
            "class": entry.class_,
            "unit": entry.unit,
            "campus": entry.campus,
            "permit": entry.permit,
            "until": entry.until,
            "expected": int(entry.expected),
            "sealed": self._store.vault.seal({name: values[name] for name in SEALED}),
            "number_tag": self._store.tag("number", entry.number),
            "name_tag": self._store.tag("name", entry.name),
            "content": self._content(entry),
        }

    def _content(self, entry: ListEntry) -> str:
        return self._store.vault.tag("entry", msgspec.json.encode(entry).decode())


def gone_before(statements: Statements, before: float) -> list[int]:
    """Numbers of the people who left the list before a Unix time (s) and whose names are not yet
    erased."""
    rows = statements.query("select person from people where until < ? and sealed != ''", (before,))
    return [person for (person,) in rows]


def erase(connection: Connection, persons: Sequence[int]) -> None:
    """Erase names, numbers and cards of people; kind, class, unit and times stay."""
    parameters = [(person,) for person in persons]
    connection.executemany(_ERASE, parameters)
    for table in ("cards", "overrides"):
        connection.executemany(f"delete from {table} where person = ?", parameters)  # noqa: S608


def begin_again(statements: Statements) -> None:
    """Give a restored list a new id of the same lineage, so that the gateways copy it anew and keep
    their marks. Numbers that may have been given since the backup are skipped."""
    with statements.transaction() as connection:
        rows = statements.query("select list from people_list")
        for (list_id,) in rows:
            connection.execute(
                "update people_list set list = ?, last_person = last_person + ?",
                (restored(list_id), REST_AFTER_RESTORE),
            )


def begin_change(connection: Connection, now: float) -> int:
    """Begin a change of the list in a transaction, which then excludes any other one; returns the
    list's revision."""
    connection.execute(_BEGIN, {"list": new_list_id(), "now": now})
    return connection.execute("select revision from people_list").fetchone()[0]


def end_change(connection: Connection, revision: int) -> None:
    """End a change of the list, whose newest revision is now `revision`."""
    connection.execute("update people_list set revision = ?", (revision,))


_ERASE = """
    update people set sealed = '', number_tag = null, name_tag = '', content = '', expected = 0
    where person = ?"""
_SELECT_ROWS = "select person, number_tag, content, kind, until from people"
_BEGIN = """
    insert into people_list(id, list, revision, last_person, first_at, changed_at)
    values (1, :list, 0, 0, :now, :now)
    on conflict(id) do update set changed_at = :now"""
_CHANGING = (
    *("kind", "class", "unit", "campus", "permit", "until", "expected", "revision", "sealed"),
    *("number_tag", "name_tag", "content"),
)
_ALL = ("person", *_CHANGING, "since")
PUT = f"""
    insert into people({", ".join(f'"{name}"' for name in _ALL)})
    values ({", ".join(f":{name}" for name in _ALL)})
    on conflict(person) do update set
    {", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGING)}"""  # noqa: S608 - constants
PUT_CARD = """
    insert into cards(tag, person) values (?, ?)
    on conflict(tag) do update set person = excluded.person, until = null"""
