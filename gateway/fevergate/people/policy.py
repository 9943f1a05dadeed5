"""What people may do at a gate: a policy for each kind and class, and a person's own override."""

from collections.abc import Sequence

from msgspec import Struct

from fevergate.errors import PeopleError
from fevergate.people.changes import begin_change, end_change
from fevergate.people.store import IN_FORCE, PERMITS, PeopleStore

MAX_OVERRIDE_DAYS = 366
DAY_S = 86400.0


class PolicyRow(Struct, frozen=True, kw_only=True):
    """A kind and class, its number of people and its policy. `permit` was set for this class (empty
    if none was). `in_force` is the permit that applies: `permit`, else that of the whole kind, else
    `enter`."""

    kind: str
    class_: str
    people: int
    permit: str
    in_force: str
    by: str
    at: float | None


class PersonOverride(Struct, frozen=True, kw_only=True):
    """A person's own permit, valid until `until`. `by` gave it at the time `at`; both times are
    Unix times (s)."""

    person: int
    permit: str
    until: float
    by: str
    at: float


class Policies(Struct, frozen=True):
    """Reads and sets policies and overrides in the original list, not in a gateway's copy."""

    store: PeopleStore

    def rows(self, now: float) -> list[PolicyRow]:
        """Every kind as a whole (an empty class) and every class of the list, with its policy."""
        policies: dict[tuple[str, str], tuple[str, str, float]] = {
            (kind, class_): (permit, by, at)
            for kind, class_, permit, by, at in self.store.statements.query(_SELECT_POLICIES)
        }
        counts: dict[tuple[str, str], int] = {}
        for kind, class_, people in self.store.statements.query(_SELECT_KINDS, {"now": now}):
            counts.setdefault((kind, ""), 0)
            counts[kind, class_] = people
        rows = []
        for key in sorted(counts.keys() | policies.keys()):
            permit, by, at = policies.get(key, ("", "", None))
            of_kind = policies.get((key[0], ""), ("", "", 0.0))[0] or "enter"
            rows.append(
                PolicyRow(
                    kind=key[0],
                    class_=key[1],
                    people=counts.get(key, 0),
                    permit=permit,
                    in_force=permit or of_kind,
                    by=by,
                    at=at,
                )
            )
        return rows

    def set(self, kind: str, class_: str, permit: str, by: str) -> None:
        """Set the policy of a class, or of a whole kind if the class is empty; an empty permit
        removes the policy. Raises `PeopleError`, `StoreError`."""
        now = self.store.statements.clock()
        pairs = {(row.kind, row.class_) for row in self.rows(now)}
        if (kind, class_) not in pairs or permit not in ("", *PERMITS):
            raise PeopleError("choice")
        with self.store.statements.transaction() as connection:
            revision = begin_change(connection, now) + 1
            connection.execute(PUT_POLICY, (kind, class_, permit, by, now, revision))
            end_change(connection, revision)

    def overrides(self, now: float, persons: Sequence[int] | None = None) -> list[PersonOverride]:
        """The overrides in force at a Unix time (s), the newest first; of `persons`, or of all
        people (None)."""
        rows = self.store.statements.query(_SELECT_OVERRIDES, {"now": now})
        return [
            PersonOverride(person=person, permit=permit, until=until, by=by, at=at)
            for person, permit, until, by, at in rows
            if persons is None or person in persons
        ]

    def override(self, person: int, permit: str, until: float, by: str) -> None:
        """Give one person another permit until a Unix time (s). Raises `PeopleError` and
        `StoreError`."""
        now = self.store.statements.clock()
        if permit not in PERMITS:
            raise PeopleError("choice")
        if not now < until <= now + MAX_OVERRIDE_DAYS * DAY_S:
            raise PeopleError("override_until")
        if not self._listed(person, now):
            raise PeopleError("nobody_listed")
        self._put(person, permit, until, by, now)

    def end_override(self, person: int, by: str) -> None:
        """End a person's override now. Raises `PeopleError`, `StoreError`."""
        now = self.store.statements.clock()
        (override,) = self.overrides(now, [person]) or [None]
        if override is None:
            raise PeopleError("nobody_listed")
        self._put(person, override.permit, now, by, override.at)

    def _listed(self, person: int, now: float) -> bool:
        return bool(
            self.store.statements.query(
                f"select 1 from people p where p.person = :person and {IN_FORCE}",  # noqa: S608
                {"person": person, "now": now},
            )
        )

    def _put(self, person: int, permit: str, until: float, by: str, at: float) -> None:
        statements = self.store.statements
        with statements.transaction() as connection:
            revision = begin_change(connection, statements.clock()) + 1
            connection.execute(PUT_OVERRIDE, (person, permit, until, by, at, revision))
            end_change(connection, revision)


_SELECT_POLICIES = 'select kind, "class", permit, "by", at from policies'
_SELECT_KINDS = f"""
    select p.kind, p."class", count(*) from people p where {IN_FORCE} group by p.kind, p."class\""""  # noqa: S608
_SELECT_OVERRIDES = """
    select person, permit, until, "by", at from overrides
    where until > :now and at <= :now order by at desc, person"""
PUT_POLICY = """
    insert into policies(kind, "class", permit, "by", at, revision) values (?, ?, ?, ?, ?, ?)
    on conflict(kind, "class") do update set permit = excluded.permit, "by" = excluded."by",
        at = excluded.at, revision = excluded.revision"""
PUT_OVERRIDE = """
    insert into overrides(person, permit, until, "by", at, revision) values (?, ?, ?, ?, ?, ?)
    on conflict(person) do update set permit = excluded.permit, until = excluded.until,
        "by" = excluded."by", at = excluded.at, revision = excluded.revision"""
