"""The notices to each contact, and their attempts: queue and record in one table.

Several servers may post the same notice: a key has one row per contact and channel. A server claims
a row before it sends it. The claim of a server that dies ends after `HOLD_S`, and another one
sends: if the first had sent it already, it arrives twice, with the same Message-ID.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, update

from fevergate.campus.database import CampusDatabase, insert
from fevergate.campus.schema import notices
from fevergate.campus.settings import CampusSettings
from fevergate.notices.notice import Failure, Notice, NoticeRecord, masked, scrubbed
from fevergate.notices.settings import Contact, Kind
from fevergate.texts.translations import LANGUAGES, Pair

HOLD_S = 300.0
"""Validity of a claim; longer than any attempt, even if a mail server uses up each timeout."""
FIRST_WAIT_S, MOST_WAIT_S = 30.0, 1800.0
GIVE_UP_S = 6 * 3600.0
REMEMBERED = 20_000
"""Newest notices that `keys` looks through: years of a college, weeks of a province."""

NEVER = 0.0
"""`next_at` of a notice that was sent or given up, so that the index skips it."""
REASON = 300
KEYS_AT_ONCE = 500


@dataclass(frozen=True)
class Notices:
    """Notices in the campus server's database. Calls may come from any thread or process, and raise
    `CampusError` where the database refuses."""

    database: CampusDatabase
    settings: CampusSettings
    now: Callable[[], float]
    """Unix time (s)."""

    def post(
        self,
        key: str,
        kind: Kind,
        campus: str,
        subject: Pair,
        body: Pair,
    ) -> int:
        """Queue a notice to each contact of this kind and campus, in their language, once per
        `key`; returns how many rows are new. A notice of campus `""` goes to all contacts."""
        now = self.now()
        about = {"key": key, "kind": kind, "campus": campus, "made_at": now, "next_at": now}
        rows = []
        for name, contact in self._contacts(kind, campus):
            half = LANGUAGES.index(contact.language or self.settings.language)
            told = {"contact": name, "channel": contact.channel, "address": contact.address}
            rows.append(about | told | {"subject": subject[half], "body": body[half]})
        if not rows:
            return 0
        with self.database.write() as connection:
            once = (
                insert(notices, connection)
                .on_conflict_do_nothing(index_elements=["key", "contact", "channel"])
                .execution_options(preserve_rowcount=True)  # else not set for an INSERT
            )
            return sum(connection.execute(once.values(row)).rowcount for row in rows)

    def told(self, keys: Iterable[str]) -> set[str]:
        """The subset of `keys` that was posted before."""
        wanted = sorted(set(keys))
        posted: set[str] = set()
        with self.database.read() as connection:
            for start in range(0, len(wanted), KEYS_AT_ONCE):
                is_wanted = notices.c.key.in_(wanted[start : start + KEYS_AT_ONCE])
                posted |= set(connection.scalars(select(notices.c.key).where(is_wanted)))
        return posted

    def keys(self, prefix: str) -> set[str]:
        """Keys that begin with `prefix`, among the newest `REMEMBERED` notices."""
        newest = select(func.max(notices.c.id)).scalar_subquery()
        statement = select(notices.c.key).where(
            notices.c.id > newest - REMEMBERED, notices.c.key.startswith(prefix, autoescape=True)
        )
        return set(self.database.scalars(statement))

    def due(self, most: int) -> list[Notice]:
        """Notices to be sent now, the longest due first; claims none. At most `most` per address,
        so that an unreachable one does not crowd out the others."""
        place = func.row_number().over(
            partition_by=(notices.c.channel, notices.c.address),
            order_by=(notices.c.next_at, notices.c.id),
        )
        ranked = select(notices, place.label("place")).where(_due(self.now())).subquery()
        columns = [ranked.c[name] for name in Notice.__struct_fields__]
        statement = (
            select(*columns).where(ranked.c.place <= most).order_by(ranked.c.next_at, ranked.c.id)
        )
        return [Notice(**row._mapping) for row in self.database.rows(statement)]

    def take(self, notice: Notice) -> Notice | None:
        """Claim a notice for `HOLD_S`; None where another has claimed it, or it is done."""
        now = self.now()
        values: dict[str, object] = {"next_at": now + HOLD_S, "attempts": notice.attempts + 1}
        lapsed = notice.attempts > notice.error.count("\n")
        if lapsed:
            values["error"] = notices.c.error + _line(now, "no word of whoever claimed it")
            if now - notice.made_at >= GIVE_UP_S:
                values |= {"given_up_at": now, "next_at": NEVER}
        mine = update(notices).where(
            notices.c.id == notice.id, notices.c.attempts == notice.attempts, _due(now)
        )
        with self.database.write() as connection:
            if not connection.execute(mine.values(values)).rowcount or "given_up_at" in values:
                return None
        return msgspec.structs.replace(notice, attempts=notice.attempts + 1)

    def sent(self, notice: Notice) -> None:
        """Note that the service accepted it; also valid if the claim has ended meanwhile."""
        values = {"sent_at": self.now(), "given_up_at": None, "next_at": NEVER}
        with self.database.write() as connection:
            connection.execute(
                update(notices)
                .where(notices.c.id == notice.id, notices.c.sent_at.is_(None))
                .values(values)
            )

    def failed(self, notice: Notice, reason: str) -> None:
        """Note a failed attempt; it is retried later, until `GIVE_UP_S` after it was posted. Has no
        effect if another server has claimed it since."""
        now = self.now()
        wait_s = min(MOST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(notice.attempts - 1, 16))
        wait_s *= random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        over = now - notice.made_at >= GIVE_UP_S
        text = scrubbed(" ".join(reason.replace("\0", " ").split()), notice.address)
        with self.database.write() as connection:
            connection.execute(
                update(notices)
                .where(
                    notices.c.id == notice.id,
                    notices.c.attempts == notice.attempts,
                    notices.c.sent_at.is_(None),
                )
                .values(
                    error=notices.c.error + _line(now, text[:REASON]),
                    given_up_at=now if over else None,
                    next_at=NEVER if over else now + wait_s,
                )
            )

    def recent(self, most: int = 100) -> list[NoticeRecord]:
        """The newest records first."""
        told = []
        for row in self.database.rows(select(notices).order_by(notices.c.id.desc()).limit(most)):
            values = dict(row._mapping)
            failures = values["error"].splitlines()
            values["failures"] = [msgspec.json.decode(line, type=Failure) for line in failures]
            values["address"] = masked(values["address"])
            values["next_at"] = values["next_at"] or None
            told.append(
                NoticeRecord(**{name: values[name] for name in NoticeRecord.__struct_fields__})
            )
        return told

    def _contacts(self, kind: Kind, campus: str) -> Iterator[tuple[str, Contact]]:
        """Contacts of a kind and campus by a unique name: one person may have two addresses."""
        seen: Counter[tuple[str, str]] = Counter()
        for contact in self.settings.contacts:
            seen[contact.name, contact.channel] += 1
            number = seen[contact.name, contact.channel]
            concerns = not campus or not contact.campuses or campus in contact.campuses
            if kind in contact.kinds and concerns:
                yield contact.name if number == 1 else f"{contact.name} ({number})", contact


def _due(now: float) -> ColumnElement[bool]:
    # A time further ahead than any wait was written by a clock that was set back since.
    ahead = notices.c.next_at > now + 2 * MOST_WAIT_S
    return and_(
        or_(and_(notices.c.next_at > NEVER, notices.c.next_at <= now), ahead),
        notices.c.sent_at.is_(None),
        notices.c.given_up_at.is_(None),
    )


def _line(at: float, reason: str) -> str:
    return msgspec.json.encode(Failure(at=at, reason=reason)).decode() + "\n"
