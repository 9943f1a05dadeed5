"""The notices to each contact and the attempts to send them: one table is both queue and record.

Several servers may post the same notice: a key has one row per contact and channel. A server claims
a row before it sends it. If that server dies, its claim ends after `HOLD_S` and another server
sends the notice. If the first had sent it already, it arrives twice, with the same Message-ID.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from fevergate.notices.notice import Failure, Notice, NoticeRecord, masked, scrubbed
from fevergate.settings.contacts import Contact, ContactSettings, Kind
from fevergate.texts.translations import LANGUAGES, Pair
from fevergate.web_common.store import AUDIT_S, AuditedStore

HOLD_S = 300.0
"""Validity of a claim (s); longer than any attempt, even if a mail server uses up every timeout."""
FIRST_WAIT_S, MOST_WAIT_S = 30.0, 1800.0
GIVE_UP_S = 6 * 3600.0
REMEMBERED = 20_000
"""`keys` looks through this many of the newest notices. A college posts as many in some years, a
province in some weeks."""

NEVER = 0.0
"""`next_at` of a notice that was sent or given up, so that the index skips it."""
REASON = 300
KEYS_AT_ONCE = 500


class NamesOnDuty(Protocol):
    """Tells who is on duty."""

    def __call__(self, campus: str, gate: str, /) -> Collection[str]:
        """Names of those on duty now at a gate; an empty campus or gate means any."""
        ...


def no_duty_list(_campus: str, _gate: str, /) -> Collection[str]:
    """`NamesOnDuty` where there is no duty list."""
    return ()


@dataclass(frozen=True)
class Notices:
    """Notices in the database of the pages. Calls may come from any thread or process, and raise
    `CampusError` or `sqlite3.Error` where the database refuses."""

    store: AuditedStore
    settings: ContactSettings
    on_duty: NamesOnDuty = no_duty_list

    def post(
        self,
        key: str,
        kind: Kind,
        campus: str,
        subject: Pair,
        body: Pair,
        *,
        gate: str = "",
        level: int = 1,
    ) -> int:
        """Queue a notice, in each contact's language, to the contacts of this kind and campus whom
        `choose` names; once per `key`. Returns how many rows are new. Campus `""` means the
        contacts of all campuses."""
        now = self.store.clock()
        chosen = choose(self._contacts(kind, campus), self.on_duty(campus, gate), level)
        posted = {
            tuple(row)
            for row in self.store.query(
                "select contact, channel from notices where key = ?", (key,)
            )
        }
        new = [(name, contact) for name, contact in chosen if (name, contact.channel) not in posted]
        if not new:
            return 0
        rows = []
        for name, contact in new:
            half = LANGUAGES.index(contact.language or self.settings.language)
            message = (name, contact.channel, contact.address, subject[half], body[half])
            rows.append((key, kind, campus, *message, now, now))
        with self.store.transaction() as connection:
            connection.execute("delete from notices where made_at < ?", (now - AUDIT_S,))
            return sum(connection.execute(_INSERT, row).rowcount for row in rows)

    def told_first(self, kind: Kind, campus: str, gate: str = "") -> list[str]:
        """Names of those to whom such a notice is sent at once; empty if nobody is told."""
        return [
            name for name, _ in choose(self._contacts(kind, campus), self.on_duty(campus, gate), 1)
        ]

    def told(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` under which a notice was posted before."""
        sorted_keys = sorted(set(keys))
        posted: set[str] = set()
        for start in range(0, len(sorted_keys), KEYS_AT_ONCE):
            part = tuple(sorted_keys[start : start + KEYS_AT_ONCE])
            marks = ", ".join("?" * len(part))
            rows = self.store.query(f"select key from notices where key in ({marks})", part)  # noqa: S608 - marks
            posted |= {key for (key,) in rows}
        return posted

    def keys(self, prefix: str) -> set[str]:
        """Keys that begin with `prefix`, among the newest `REMEMBERED` notices."""
        rows = self.store.query(
            "select key from notices where id > (select max(id) from notices) - ?"
            " and substr(key, 1, ?) = ?",
            (REMEMBERED, len(prefix), prefix),
        )
        return {key for (key,) in rows}

    def due(self, most: int) -> list[Notice]:
        """Notices that are due and that no server has claimed. For each address, campuses and kinds
        take turns, the longest due first, so that a flood at one campus delays no other campus. At
        most `most` per address, so that an unreachable address does not crowd out the others."""
        rows = self.store.query(_SELECT_DUE, (*_due(self.store.clock()), most))
        return [Notice(**dict(zip(_NOTICE, row, strict=True))) for row in rows]

    def take(self, notice: Notice) -> Notice | None:
        """Claim a notice for `HOLD_S`; None if another server has claimed it, or it was sent or
        given up."""
        now = self.store.clock()
        next_at, line, given_up_at = now + HOLD_S, "", None
        if notice.attempts > notice.error.count("\n"):
            line = _line(now, "no word of whoever claimed it")
            if now - notice.made_at >= GIVE_UP_S:
                next_at, given_up_at = NEVER, now
        with self.store.transaction() as connection:
            claimed = connection.execute(
                f"update notices set next_at = ?, attempts = ?, error = error || ?"  # noqa: S608 - a constant
                f" where id = ? and attempts = ? and {_DUE}",
                (next_at, notice.attempts + 1, line, notice.id, notice.attempts, *_due(now)),
            )
            if not claimed.rowcount:
                return None
            if given_up_at is not None:
                connection.execute(
                    "update notices set given_up_at = ? where id = ?", (given_up_at, notice.id)
                )
                return None
        return msgspec.structs.replace(notice, attempts=notice.attempts + 1)

    def sent(self, notice: Notice) -> None:
        """Record that the service accepted the notice, even if the claim has ended meanwhile."""
        with self.store.transaction() as connection:
            connection.execute(
                "update notices set sent_at = ?, given_up_at = null, next_at = ?"
                " where id = ? and sent_at is null",
                (self.store.clock(), NEVER, notice.id),
            )

    def failed(self, notice: Notice, reason: str) -> None:
        """Record a failed attempt. The notice is tried again later, until `GIVE_UP_S` after it was
        posted. Has no effect if another server has claimed it since."""
        now = self.store.clock()
        wait_s = min(MOST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(notice.attempts - 1, 16))
        wait_s *= random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        over = now - notice.made_at >= GIVE_UP_S
        text = scrubbed(" ".join(reason.replace("\0", " ").split()), notice.address)
        with self.store.transaction() as connection:
            failed = connection.execute(
                "update notices set error = error || ?, next_at = ?"
                " where id = ? and attempts = ? and sent_at is null",
                (
                    _line(now, text[:REASON]),
                    NEVER if over else now + wait_s,
                    notice.id,
                    notice.attempts,
                ),
            )
            if failed.rowcount and over:
                connection.execute(
                    "update notices set given_up_at = ? where id = ?", (now, notice.id)
                )

    def recent(self, most: int = 100) -> list[NoticeRecord]:
        """The newest records first."""
        rows = self.store.query(f"{_SELECT_RECORDS} order by id desc limit ?", (most,))
        return [_record(row) for row in rows]

    def _contacts(self, kind: Kind, campus: str) -> Iterator[tuple[str, Contact]]:
        """Contacts of a kind and campus, each with a unique name, as one person may have two
        addresses."""
        counts: Counter[tuple[str, str]] = Counter()
        for contact in self.settings.contacts:
            counts[contact.name, contact.channel] += 1
            number = counts[contact.name, contact.channel]
            concerns = not campus or not contact.campuses or campus in contact.campuses
            if kind in contact.kinds and concerns:
                yield contact.name if number == 1 else f"{contact.name} ({number})", contact


def choose(
    contacts: Iterable[tuple[str, Contact]], on_duty: Collection[str], level: int
) -> Sequence[tuple[str, Contact]]:
    """The contacts to tell at a level: those of this or a lower level who are on duty or need not
    be.

    If there are none, the next level is told at once. If nobody at all is on duty, the lowest level
    is told nevertheless, because a fever must reach somebody.
    """
    concerned = list(contacts)
    present = [
        (name, contact)
        for name, contact in concerned
        if not contact.on_duty or contact.name in on_duty
    ]
    reachable = present or concerned
    lowest = min((contact.level for _, contact in reachable), default=1)
    return [(name, contact) for name, contact in reachable if contact.level <= max(level, lowest)]


_NOTICE = Notice.__struct_fields__
_RECORD = tuple("error" if name == "failures" else name for name in NoticeRecord.__struct_fields__)
_DUE = "((next_at > ? and next_at <= ?) or next_at > ?) and sent_at is null and given_up_at is null"
_WITHOUT_SEQ = "rtrim(rtrim(key, '0123456789'), '/')"
_OF_KIOSK = f"rtrim({_WITHOUT_SEQ}, '0123456789')"
"""SQL for the common beginning of the keys of a kiosk's fevers, `fever/east/north-1/`, without boot
and sequence number."""

_SELECT_DUE = f"""
    select {", ".join(_NOTICE)} from (
        select turns.*, row_number() over (
            partition by channel, address order by turn, next_at, id) as place
        from (
            select kiosks.*, row_number() over (
                partition by channel, address, campus, kind order by nth, next_at, id) as turn
            from (
                select notices.*, row_number() over (
                    partition by channel, address, campus, kind, {_OF_KIOSK}
                    order by next_at, id) as nth
                from notices where {_DUE}
            ) as kiosks
        ) as turns
    ) as ranked where place <= ? order by turn, next_at, id"""  # noqa: S608 - field names
_SELECT_RECORDS = f"select {', '.join(_RECORD)} from notices"  # noqa: S608 - field names
_INSERT = """
    insert into notices(
        key, kind, campus, contact, channel, address, subject, body, made_at, next_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key, contact, channel) do nothing"""


def _due(now: float) -> tuple[float, float, float]:
    """Arguments of `_DUE`. A stored time further in the future than any wait was written before the
    clock was set back."""
    return NEVER, now, now + 2 * MOST_WAIT_S


def _record(row: tuple[object, ...]) -> NoticeRecord:
    values = dict(zip(NoticeRecord.__struct_fields__, row, strict=True))
    failures = str(values["failures"]).splitlines()
    values["failures"] = [msgspec.json.decode(line, type=Failure) for line in failures]
    values["address"] = masked(str(values["address"]))
    values["next_at"] = values["next_at"] or None
    return msgspec.convert(values, NoticeRecord)


def _line(at: float, reason: str) -> str:
    return msgspec.json.encode(Failure(at=at, reason=reason)).decode() + "\n"
