"""Reads fevers from the gateway's database: a single one, all of a period, or the unacknowledged
ones.

The log of a day, with its kiosks and its list of people, is in `fever_log`.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.protocol.messages import Identity
from fevergate.storage.schema import struck


class Fever(Struct, kw_only=True):
    """One fever; times are Unix time (s), temperatures °C.

    Where `dated` is false, `at` is the time of arrival: the kiosk sent no date, or an impossible
    one (`claimed_at`).
    """

    gate: str
    kiosk: str
    boot: int
    seq: int
    at: float
    dated: bool
    skin_c: float | None
    body_c: float | None
    threshold_c: float | None
    ambient_c: float | None
    raised_at: float
    acknowledged_at: float | None
    acknowledged_by: str | None
    claimed_at: float | None = None

    @property
    def delay_s(self) -> float | None:
        """Seconds from the red light to its acknowledgement."""
        if self.acknowledged_at is None:
            return None
        return self.acknowledged_at - self.raised_at


def identity_of(fever: Fever) -> Identity:
    """Primary key of the fever's reading."""
    return Identity(fever.kiosk, fever.boot, fever.seq)


class Fevers:
    """Fevers of a period in order of time: with `struck` the struck ones, otherwise all others.

    Each iteration reads them from the database one by one: in a list each would take 0.8 kB, and
    one kiosk can send 190,000 in a day (`gateway.flood_guard`).
    """

    def __init__(
        self, database: Database, begin: float, end: float, *, struck: bool = False
    ) -> None:
        self._database = database
        self._span = (begin, end)
        # Written so that SQLite uses the partial index of fevers by time.
        self._where = f"""
            where r.verdict = 'fever'
              and coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?
              and {"" if struck else "not "}{_IS_STRUCK}"""

    def __iter__(self) -> Iterator[Fever]:
        return self._rows(-1, 0)

    def __len__(self) -> int:
        return self._count("count(*)")

    def unacknowledged(self) -> int:
        """Number of fevers that nobody has acknowledged."""
        return self._count("count(*) - count(f.acknowledged_at)")

    def page(self, most: int, skip: int = 0) -> list[Fever]:
        """At most `most` of them, after the first `skip`."""
        return list(self._rows(most, skip))

    def _rows(self, most: int, skip: int) -> Iterator[Fever]:
        rows = self._database.query(
            f"{FEVER} {self._where} order by 5, 2, 3, 4 limit ? offset ?",
            (*self._span, most, skip),
        )
        return (msgspec.convert(row, Fever, strict=False) for row in rows)

    def _count(self, expression: str) -> int:
        joined = f"readings r join fevers f using (kiosk, boot, seq) {self._where}"
        ((count,),) = self._database.execute(
            f"select {expression} from {joined}",  # noqa: S608 - constants
            self._span,
        )
        return count


def read_fever(database: Database, identity: Identity) -> Fever | None:
    """A stored fever, struck or not, or None."""
    where = "where r.kiosk = ? and r.boot = ? and r.seq = ? and r.verdict = 'fever'"
    for row in database.query(f"{FEVER} {where}", tuple(identity)):
        return msgspec.convert(row, Fever, strict=False)
    return None


def unacknowledged(database: Database, begin: float, end: float, most: int) -> list[Identity]:
    """Fevers that lit red from `begin` to `end` (Unix time, s, both included) and that nobody has
    acknowledged, the oldest first; of each kiosk the first `most`. Struck ones are left out."""
    rows = database.execute(_UNACKNOWLEDGED, (begin, end, most))
    return [Identity(*row) for row in rows]


def lit_for_other_days(database: Database, begin: float, end: float) -> int:
    """Number of red lights from `begin` until before `end` (Unix time, s) for fevers that are dated
    outside that time. Struck ones are left out."""
    (count,) = database.execute(_LIT, (begin, end, begin, end)).fetchone()
    return count


FEVER = """
    select f.gate, f.kiosk, f.boot, f.seq, coalesce(r.at, r.received_at) as at,
           r.at is not null as dated, r.skin_c, r.body_c, r.threshold_c, r.ambient_c,
           f.raised_at, f.acknowledged_at, f.acknowledged_by,
           r.claimed_at
    from readings r join fevers f using (kiosk, boot, seq)"""
"""SQL: fevers with the columns of `Fever`."""
_IS_STRUCK = struck("r", "coalesce(r.at, r.received_at)")
_UNACKNOWLEDGED = f"""
    select f.kiosk, f.boot, f.seq from (
        select *, row_number() over (partition by kiosk order by raised_at, boot, seq) as place
        from fevers where acknowledged_at is null and raised_at >= ? and raised_at <= ?
    ) f join readings r using (kiosk, boot, seq)
    where f.place <= ? and not {_IS_STRUCK} order by f.raised_at"""  # noqa: S608 - constants
_LIT = f"""
    select count(*) from fevers f join readings r using (kiosk, boot, seq)
    where f.raised_at >= ? and f.raised_at < ?
      and not (coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?)
      and not {_IS_STRUCK}"""  # noqa: S608 - constants
