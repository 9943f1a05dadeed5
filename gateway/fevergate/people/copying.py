"""Copies the list of people from the campus server to a gateway: the server's page of changes, and
how the gateway applies it."""

from fevergate.people.changes import PUT, PUT_CARD, begin_change, end_change, erase, gone_before
from fevergate.people.marks import set_marks_aside
from fevergate.people.policy import PUT_OVERRIDE, PUT_POLICY
from fevergate.people.store import SEALED, PeopleStore
from fevergate.protocol.people_messages import (
    MOST_ROWS,
    OverrideChange,
    PeoplePage,
    PersonRow,
    PolicyChange,
    same_lineage,
)
from fevergate.storage.statements import Connection

_ROW = tuple(name for name in PersonRow.__struct_fields__)


def page(store: PeopleStore, campus: str, list_id: str, after: int) -> PeoplePage:
    """The next changes for a gateway that has the list `list_id` up to revision `after`. `campus`
    is the gateway's campus (empty: people of all campuses are sent). Raises `StoreError`."""
    state = store.state()
    if state is None:
        return PeoplePage()
    if list_id != state.list or after > state.revision:
        after = 0
    values = {"after": after, "revision": state.revision}
    between = "{0}.revision > :after and {0}.revision <= :revision".format
    rows = list(store.select(between("p"), values, "p.revision limit :most", most=MOST_ROWS))
    to = rows[-1].revision if len(rows) == MOST_ROWS else state.revision
    values["revision"] = to
    own_rows = [row for row in rows if not campus or row.campus in ("", campus)]
    policies = store.statements.query(
        'select k.kind, k."class", k.permit, k.at, k.revision from policies k'  # noqa: S608
        f" where {between('k')}",
        values,
    )
    overrides = store.statements.query(
        "select o.person, o.permit, o.until, o.at, o.revision"  # noqa: S608
        f" from overrides o join people p on p.person = o.person where {between('o')}"
        " and (:campus = '' or p.campus in ('', :campus)) order by o.revision",
        values | {"campus": campus},
    )
    return PeoplePage(
        list_id=state.list,
        revision=state.revision,
        to=to,
        people=[PersonRow(**{name: getattr(row, name) for name in _ROW}) for row in own_rows],
        elsewhere=[row.person for row in rows if after and row not in own_rows],
        policies=[PolicyChange(**dict(zip(_POLICY, row, strict=True))) for row in policies],
        overrides=[OverrideChange(**dict(zip(_OVERRIDE, row, strict=True))) for row in overrides],
    )


class ListCopy:
    """Applies the campus server's pages of changes to a gateway's copy, each in one transaction."""

    def __init__(self, store: PeopleStore) -> None:
        self._store = store

    def position(self) -> tuple[str, int]:
        """Id of the copied list, and the revision up to which the copy is complete."""
        state = self._store.state()
        if state is None or state.heard_at is None:  # no list, or a list of the gateway's own
            return "", 0
        return state.list, state.revision

    def take(self, new: PeoplePage) -> bool:
        """Apply a page; returns whether the copy is complete now. Raises `StoreError`."""
        if not new.list_id:
            return True  # the server has no list: the copy stays as it is
        statements = self._store.statements
        list_id, after = self.position()
        now = statements.clock()
        with statements.transaction() as connection:
            begin_change(connection, now)
            if new.list_id != list_id or new.to < after:
                _begin_anew(connection, new.list_id)
            if not same_lineage(new.list_id, list_id):
                set_marks_aside(connection, now)
            self._put(connection, new, now)
            complete = new.to >= new.revision
            if complete:
                _drop_rest(connection, now)
            last = max((row.person for row in new.people), default=0)
            connection.execute(
                "update people_list set heard_at = :now, last_person ="
                " case when last_person < :last then :last else last_person end",
                {"now": now, "last": last},
            )
            end_change(connection, new.to)
        return complete

    def forget_gone(self, before: float) -> int:
        """Erase the names of people who left the list before a Unix time (s), as the campus server
        does in its own list; returns how many people. Raises `StoreError`."""
        leavers = gone_before(self._store.statements, before)
        if leavers:
            with self._store.statements.transaction() as connection:
                erase(connection, leavers)
        return len(leavers)

    def _put(self, connection: Connection, new: PeoplePage, now: float) -> None:
        connection.executemany(PUT, [self._row(row) for row in new.people])
        leavers = [*new.elsewhere, *(row.person for row in new.people if not row.number)]
        connection.executemany(
            "update people set until = :now where person = :person and until is null",
            [{"now": now, "person": person} for person in new.elsewhere],
        )
        erase(connection, leavers)
        connection.executemany(
            "update cards set until = ? where person = ? and until is null",
            [(now, row.person) for row in new.people],
        )
        cards = [(self._store.tag("card", row.card), row.person) for row in new.people if row.card]
        connection.executemany(PUT_CARD, cards)
        connection.executemany(
            PUT_POLICY,
            [(row.kind, row.class_, row.permit, "", row.at, row.revision) for row in new.policies],
        )
        connection.executemany(
            PUT_OVERRIDE,
            [
                (row.person, row.permit, row.until, "", row.at, row.revision)
                for row in new.overrides
            ],
        )

    def _row(self, row: PersonRow) -> dict[str, object]:
        values: dict[str, object] = {name: getattr(row, name) for name in _ROW}
        names = {name: str(values.pop(name)) for name in SEALED}
        return values | {
            "class": values.pop("class_"),
            "expected": int(row.expected),
            "sealed": self._store.vault.seal(names),
            "number_tag": self._store.tag("number", row.number) if row.number else None,
            "name_tag": self._store.tag("name", row.name) if row.name else "",
            "content": "",
        }


_POLICY = ("kind", "class_", "permit", "at", "revision")
_OVERRIDE = ("person", "permit", "until", "at", "revision")


def _begin_anew(connection: Connection, list_id: str) -> None:
    """Prepare for another list. Rows that the new list lacks are dropped once it is complete. All
    student and staff numbers are cleared at once, because they may be in other rows of the new
    list."""
    connection.execute("update people set revision = 0, number_tag = null")
    for table in ("policies", "overrides"):
        connection.execute(f"update {table} set revision = 0")  # noqa: S608
    connection.execute("update people_list set list = ?", (list_id,))


def _drop_rest(connection: Connection, now: float) -> None:
    """Drop rows of the earlier list that the new one lacks. A person of the earlier list keeps a
    row without names, because marks refer to it."""
    leavers = "(select person from people where revision = 0)"
    connection.execute(f"delete from cards where person in {leavers}")  # noqa: S608
    for table in ("policies", "overrides"):
        connection.execute(f"delete from {table} where revision = 0")  # noqa: S608
    connection.execute(
        "update people set sealed = '', name_tag = '', content = '', expected = 0,"
        " until = case when until is null or until > :now then :now else until end"
        " where revision = 0 and sealed != ''",
        {"now": now},
    )
