"""What became of a fever: a second measurement, an outcome, whose it was. Saved half-done, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import FollowUpError
from fevergate.protocol.messages import Identity
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.epochs import RESENT_DAYS
from fevergate.web_common.store import WebStore

SITES = ("", "axillary", "oral", "ear")
OUTCOMES = ("", "released", "home", "clinic", "other")
LONGEST = {"person": 64, "unit": 64, "phone": 32, "note": 1000}
LOWEST_C, HIGHEST_C = 30.0, 45.0
PERSONAL = tuple(LONGEST)
OPEN = ("clinical_c", "clinical_site", "outcome", "closed")
"""What names nobody, and stays."""


class FollowUp(Struct, kw_only=True):
    """One fever's; `at` is UTC s, `clinical_c` °C by a clinical thermometer at `clinical_site`,
    `revision` counts what was saved."""

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


def parse(form: Mapping[str, str], *, closed: bool) -> FollowUp:
    """A form's fields. Raises `FollowUpError` naming the field."""
    given = {name: form.get(name, "").strip() for name in ("clinical_c", *LONGEST)}
    clinical_c = None
    if given["clinical_c"]:
        try:
            clinical_c = round(float(given["clinical_c"].replace(",", ".")), 2)
        except ValueError:
            raise FollowUpError("clinical_c", "clinical") from None
        if not LOWEST_C <= clinical_c <= HIGHEST_C:
            raise FollowUpError("clinical_c", "clinical")
    site, outcome = form.get("clinical_site", ""), form.get("outcome", "")
    if site not in SITES:
        raise FollowUpError("clinical_site", "choice")
    if outcome not in OUTCOMES or (closed and not outcome):
        raise FollowUpError("outcome", "choice")
    for name, most in LONGEST.items():
        if len(given[name]) > most:
            raise FollowUpError(name, "long")
    return FollowUp(
        clinical_c=clinical_c,
        clinical_site=site,
        outcome=outcome,
        person=given["person"],
        unit=given["unit"],
        phone=given["phone"],
        note=given["note"],
        closed=closed,
        revision=_revision(form.get("revision", "0")),
    )


def _revision(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FollowUpError("revision", "again")
    return int(text)


class FollowUps:
    """Over the pages' database; personal fields lie there sealed."""

    def __init__(self, store: WebStore, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    def get(self, fever: Identity) -> FollowUp | None:
        """What is known of one. Raises `StoreError` where the key is another one."""
        return self.of([fever]).get(fever)

    def of(self, fevers: Sequence[Identity]) -> dict[Identity, FollowUp]:
        """What is known of each of some; the others are missing. Raises `StoreError`."""
        wanted = msgspec.json.encode([list(fever) for fever in fevers]).decode()
        return {
            Identity(*row[:3]): self._opened(row[3:])
            for row in self._store.query(_SELECT, (wanted,))
        }

    def save(self, fever: Identity, new: FollowUp, by: str, *, reopen: bool = True) -> str:
        """Keep it as the newest, if it was made of the newest (`new.revision`); every one before
        stays in `follow_up_revisions`. Returns what changed, without anything that names somebody.

        Raises `FollowUpError` where somebody was quicker, or it is closed and `reopen` is false.
        """
        before = self.get(fever) or FollowUp()
        if before.closed and not reopen:
            raise FollowUpError("closed", "closed")
        sealed = self._vault.seal({name: getattr(new, name) for name in PERSONAL})
        values = {name: getattr(new, name) for name in OPEN}
        with self._store.transaction() as connection:
            done = connection.execute(
                _SAVE,
                values
                | fever._asdict()
                | {"sealed": sealed, "by": by, "at": self._now(), "revision": new.revision},
            )
            if not done.rowcount:
                raise FollowUpError("revision", "meanwhile")
            connection.execute(_KEEP, tuple(fever))
        return ", ".join(
            f"{name}: {getattr(before, name)} → {getattr(new, name)}" if name in OPEN else name
            for name in (*OPEN, *PERSONAL)
            if getattr(before, name) != getattr(new, name)
        )

    def unforwarded(self, most: int) -> list[tuple[Identity, FollowUp]]:
        """What the campus server does not hold yet, the oldest first. Raises `StoreError`."""
        rows = self._store.query(_NEW, (most,))
        return [(Identity(*row[:3]), self._opened(row[3:])) for row in rows]

    def sent_under(self, token: str) -> None:
        """Note by which token's digest they go; where it is another one than before, those of the
        last days go again, for what the server holds of them may be anybody's."""
        known = self._store.query("select value from meta where key = 'campus_token'")
        if known == [(token,)]:
            return
        with self._store.transaction() as connection:
            connection.execute("insert or replace into meta values ('campus_token', ?)", (token,))
            if known:
                since = self._now() - RESENT_DAYS * DAY_S
                connection.execute("update follow_ups set forwarded = 0 where at >= ?", (since,))

    def forwarded(self, held: Sequence[tuple[Identity, int]]) -> None:
        """The campus server holds these, at these revisions."""
        with self._store.transaction() as connection:
            for fever, revision in held:
                connection.execute(
                    "update follow_ups set forwarded = ?"
                    " where kiosk = ? and boot = ? and seq = ? and forwarded < ?",
                    (revision, *fever, revision),
                )

    def forget(self, before: float) -> int:
        """Blank the personal fields of what was first saved before then (UTC s), in every revision;
        how many. Saving it again does not keep a name any longer."""
        with self._store.transaction() as connection:
            done = connection.execute(_FORGET, (before,)).rowcount
            connection.execute(
                "update follow_up_revisions set sealed = '' where sealed != '' and exists ("
                "select 1 from follow_ups f where (f.kiosk, f.boot, f.seq) ="
                " (follow_up_revisions.kiosk, follow_up_revisions.boot, follow_up_revisions.seq)"
                " and f.sealed = '')"
            )
            return done

    def _opened(self, row: tuple[Any, ...]) -> FollowUp:
        *known, sealed = row
        values = dict(zip((*OPEN, "by", "at", "revision"), known, strict=True))
        return msgspec.convert(values | self._vault.open(sealed), FollowUp, strict=False)


_NAMES = ", ".join(OPEN)
_COLUMNS = f'kiosk, boot, seq, {_NAMES}, "by", at, revision, sealed'
_NEW = f"""
    select {_COLUMNS} from follow_ups where revision > forwarded order by at limit ?"""  # noqa: S608 - field names
_SELECT = f"""
    select {_COLUMNS}
    from json_each(?) as wanted join follow_ups
        on kiosk = wanted.value ->> 0 and boot = wanted.value ->> 1 and seq = wanted.value ->> 2"""  # noqa: S608 - field names
_KEEP = f"""
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
    values (:kiosk, :boot, :seq, {", ".join(f":{name}" for name in OPEN)}, :sealed, :by, :at, 1)
    on conflict(kiosk, boot, seq) do update set
    {", ".join(f"{name} = excluded.{name}" for name in OPEN)},
    sealed = excluded.sealed, "by" = excluded."by", at = excluded.at, revision = revision + 1
    where revision = :revision"""  # noqa: S608 - field names
