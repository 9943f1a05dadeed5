"""Follow-ups of fevers: second measurement, outcome, person. An incomplete one can be saved."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import FollowUpError
from fevergate.protocol.messages import Identity
from fevergate.reports.confirmation import CONFIRMED_C, needs_notice
from fevergate.reports.fevers import Fever, identity_of
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.epochs import RESENT_DAYS
from fevergate.web_common.routes import whole_number
from fevergate.web_common.store import WebStore

SITES = ("", "axillary", "oral", "ear")
OUTCOMES = ("", "released", "home", "clinic", "other")
MAX_LENGTHS = {"person": 64, "unit": 64, "phone": 32, "note": 1000}
MIN_CLINICAL_C, MAX_CLINICAL_C = 30.0, 45.0
MAX_REASON = 200
PERSONAL = tuple(MAX_LENGTHS)
"""Fields about a person; stored encrypted, and deleted after `[retention] persons_days`."""

IMPERSONAL = ("clinical_c", "clinical_site", "outcome", "closed")
"""Fields that identify nobody and are not deleted."""


class FollowUp(Struct, kw_only=True):
    """The follow-up of a fever.

    `clinical_c`: °C by a clinical thermometer at `clinical_site`; `at`: Unix time (s) of saving;
    `revision` counts how often it was saved.
    """

    clinical_c: float | None = None
    clinical_site: str = ""
    outcome: str = ""
    person: str = ""
    unit: str = ""
    phone: str = ""
    note: str = ""
    closed: bool = False
    by: str = ""
    at: float = 0.0
    revision: int = 0

    @property
    def needs_notice(self) -> bool:
        """Whether those on duty must be told of the fever."""
        return needs_notice(self.clinical_c, self.clinical_site, self.outcome)


Followed = tuple[Fever, FollowUp | None]
"""A fever and its follow-up, if it has one."""

AT_ONCE = 500
"""Most follow-ups that are read at once."""


def parse(form: Mapping[str, str], *, closed: bool) -> FollowUp:
    """A follow-up from a form. Raises `FollowUpError` naming the field.

    A closed one needs a second measurement and an outcome; a person in whom that measurement
    confirms the fever is released only with a note that says why.
    """
    fields = {name: form.get(name, "").strip() for name in ("clinical_c", *MAX_LENGTHS)}
    clinical_c = None
    if fields["clinical_c"]:
        try:
            clinical_c = round(float(fields["clinical_c"].replace(",", ".")), 2)
        except ValueError:
            raise FollowUpError("clinical_c", "clinical") from None
        if not MIN_CLINICAL_C <= clinical_c <= MAX_CLINICAL_C:
            raise FollowUpError("clinical_c", "clinical")
    site, outcome = form.get("clinical_site", ""), form.get("outcome", "")
    if closed and clinical_c is None:
        raise FollowUpError("clinical_c", "second")
    if site not in SITES:
        raise FollowUpError("clinical_site", "choice")
    if outcome not in OUTCOMES or (closed and not outcome):
        raise FollowUpError("outcome", "choice")
    for name, limit in MAX_LENGTHS.items():
        if len(fields[name]) > limit:
            raise FollowUpError(name, "long")
    if closed and outcome == "released" and (clinical_c or 0) >= CONFIRMED_C and not fields["note"]:
        raise FollowUpError("note", "released")
    revision = whole_number(form.get("revision", "0"))
    if revision < 0:
        raise FollowUpError("revision", "again")
    values: dict[str, Any] = {name: fields[name] for name in MAX_LENGTHS}
    values |= {"clinical_c": clinical_c, "clinical_site": site, "outcome": outcome}
    return FollowUp(**values, closed=closed, revision=revision)


class FollowUps:
    """Follow-ups in the web database, their personal fields encrypted."""

    def __init__(self, store: WebStore, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._vault = vault
        self._now = now
        self.changes = time.time_ns()
        """A number that changes with each save, and differs between processes."""

    def get(self, fever: Identity) -> FollowUp | None:
        """A fever's follow-up. Raises `StoreError` if it was encrypted with another key."""
        return self.of([fever]).get(fever)

    def of(self, fevers: Sequence[Identity]) -> dict[Identity, FollowUp]:
        """The follow-ups of fevers, for those that have one. Raises `StoreError`."""
        identities = msgspec.json.encode([list(fever) for fever in fevers]).decode()
        return {
            Identity(*row[:3]): self._follow_up(row[3:])
            for row in self._store.query(_SELECT, (identities,))
        }

    def beside(self, fevers: Iterable[Fever]) -> Iterator[Followed]:
        """Each of the fevers with its follow-up, or None. Raises `StoreError`."""
        rest = iter(fevers)
        while part := list(islice(rest, AT_ONCE)):
            follow_ups = self.of([identity_of(fever) for fever in part])
            yield from ((fever, follow_ups.get(identity_of(fever))) for fever in part)

    def save(
        self, fever: Identity, new: FollowUp, by: str, *, reopen: bool = True, reason: str = ""
    ) -> str:
        """Store a new revision; return what changed, without personal values.

        `new.revision` is the one that the form showed. All revisions stay in
        `follow_up_revisions`. Raises `FollowUpError` if there is a newer revision, or if the
        follow-up is closed and `reopen` is false or there is no `reason`.
        """
        before = self.get(fever) or FollowUp()
        if before.closed and not reopen:
            raise FollowUpError("closed", "closed")
        if before.revision != new.revision:
            raise FollowUpError("revision", "meanwhile")
        if before.closed and not 0 < len(reason) <= MAX_REASON:
            raise FollowUpError("reason", "reason")
        sealed = self._vault.seal({name: getattr(new, name) for name in PERSONAL})
        values = {name: getattr(new, name) for name in IMPERSONAL}
        with self._store.transaction() as connection:
            saved = connection.execute(
                _SAVE,
                values
                | fever._asdict()
                | {"sealed": sealed, "by": by, "at": self._now(), "revision": new.revision},
            )
            if not saved.rowcount:
                raise FollowUpError("revision", "meanwhile")
            connection.execute(_INSERT_REVISION, tuple(fever))
        self.changes += 1
        changes = [
            f"{name}: {getattr(before, name)} → {getattr(new, name)}"
            if name in IMPERSONAL
            else name
            for name in (*IMPERSONAL, *PERSONAL)
            if getattr(before, name) != getattr(new, name)
        ]
        if before.closed:
            changes.append(f"reason: {reason}")
        return ", ".join(changes)

    def unforwarded(self, limit: int) -> list[tuple[Identity, FollowUp]]:
        """At most `limit` follow-ups that the campus server lacks, the oldest first. Raises
        `StoreError`."""
        rows = self._store.query(_SELECT_UNFORWARDED, (limit,))
        return [(Identity(*row[:3]), self._follow_up(row[3:])) for row in rows]

    def needing_notice(self, since: float) -> list[tuple[Identity, FollowUp]]:
        """Follow-ups that those on duty must be told of, saved after `since` (Unix time, s), the
        oldest first; without personal fields."""
        rows = self._store.query(_SELECT_SINCE, (since, CONFIRMED_C))
        follow_ups = [
            (
                Identity(*row[:3]),
                FollowUp(**dict(zip((*IMPERSONAL, "by", "at", "revision"), row[3:], strict=True))),
            )
            for row in rows
        ]
        return [(fever, follow_up) for fever, follow_up in follow_ups if follow_up.needs_notice]

    def use_token(self, token: str) -> None:
        """Record the digest of the campus server's token with which follow-ups are sent. If the
        token is new, follow-ups of the last `RESENT_DAYS` are sent again, as the old token may have
        been stolen."""
        rows = self._store.query("select value from meta where key = 'campus_token'")
        if rows == [(token,)]:
            return
        with self._store.transaction() as connection:
            connection.execute("insert or replace into meta values ('campus_token', ?)", (token,))
            if rows:
                since = self._now() - RESENT_DAYS * DAY_S
                connection.execute("update follow_ups set forwarded = 0 where at >= ?", (since,))

    def forwarded(self, revisions: Sequence[tuple[Identity, int]]) -> None:
        """Record the revisions that the campus server has."""
        with self._store.transaction() as connection:
            for fever, revision in revisions:
                connection.execute(
                    "update follow_ups set forwarded = ?"
                    " where kiosk = ? and boot = ? and seq = ? and forwarded < ?",
                    (revision, *fever, revision),
                )

    def forget(self, before: float) -> int:
        """Delete the personal fields, in every revision, of follow-ups first saved before a Unix
        time (s); return how many. A later save does not extend the time."""
        with self._store.transaction() as connection:
            forgotten = connection.execute(_FORGET, (before,)).rowcount
            connection.execute(
                "update follow_up_revisions set sealed = '' where sealed != '' and exists ("
                "select 1 from follow_ups f where (f.kiosk, f.boot, f.seq) ="
                " (follow_up_revisions.kiosk, follow_up_revisions.boot, follow_up_revisions.seq)"
                " and f.sealed = '')"
            )
            return forgotten

    def _follow_up(self, row: tuple[Any, ...]) -> FollowUp:
        *columns, sealed = row
        values = dict(zip((*IMPERSONAL, "by", "at", "revision"), columns, strict=True))
        return msgspec.convert(values | self._vault.open(sealed), FollowUp, strict=False)


_NAMES = ", ".join(IMPERSONAL)
_PARAMETERS = ", ".join(f":{name}" for name in IMPERSONAL)
_COLUMNS = f'kiosk, boot, seq, {_NAMES}, "by", at, revision, sealed'
_SELECT_UNFORWARDED = f"""
    select {_COLUMNS} from follow_ups where revision > forwarded order by at limit ?"""  # noqa: S608 - field names
_SELECT_SINCE = f"""
    select {_COLUMNS.removesuffix(", sealed")} from follow_ups
    where at > ? and (clinical_c >= ? or outcome = 'clinic') order by at"""  # noqa: S608 - field names
_SELECT = f"""
    select {_COLUMNS}
    from json_each(?) as wanted join follow_ups
        on kiosk = wanted.value ->> 0 and boot = wanted.value ->> 1 and seq = wanted.value ->> 2"""  # noqa: S608 - field names
_INSERT_REVISION = f"""
    insert into follow_up_revisions(kiosk, boot, seq, revision, {_NAMES}, sealed, "by", at)
    select kiosk, boot, seq, revision, {_NAMES}, sealed, "by", at from follow_ups
    where kiosk = ? and boot = ? and seq = ?"""  # noqa: S608 - field names
_FORGET = """
    update follow_ups set sealed = '' where sealed != '' and coalesce((
        select min(r.at) from follow_up_revisions r
        where (r.kiosk, r.boot, r.seq) = (follow_ups.kiosk, follow_ups.boot, follow_ups.seq)
    ), at) < ?"""
_SAVE = f"""
    insert into follow_ups(kiosk, boot, seq, {_NAMES}, sealed, "by", at, revision)
    values (:kiosk, :boot, :seq, {_PARAMETERS}, :sealed, :by, :at, 1)
    on conflict(kiosk, boot, seq) do update set
    {", ".join(f"{name} = excluded.{name}" for name in IMPERSONAL)},
    sealed = excluded.sealed, "by" = excluded."by", at = excluded.at, revision = revision + 1
    where revision = :revision"""  # noqa: S608 - field names
