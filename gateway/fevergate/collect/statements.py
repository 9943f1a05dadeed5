"""SQL statements of a collector, built from constants only."""

from fevergate.collect.intake import COLUMNS, IDENTITY

MAX_REJECTED = 10_000
"""Most distinct rejected messages that are kept; older ones are deleted to bound the disk space."""

DATE_AT_ONCE = 1000
"""Most undated readings that are dated in one transaction."""

_KEY = ", ".join(IDENTITY)
_BOOT = ", ".join(IDENTITY[:3])
_VALUES = ", ".join(
    f"to_timestamp({name})" if name in ("at", "received_at") else name for name in COLUMNS
)

COPY = f"copy batch ({', '.join(COLUMNS)}) from stdin (format binary)".encode()

INSERT = f"""
    with new as (
        insert into reading_keys ({_KEY}, day, undated)
        select {_KEY}, day, at is null from batch order by {_KEY}
        on conflict do nothing returning {_KEY})
    insert into readings ({", ".join(COLUMNS)})
    select {_VALUES} from batch join new using ({_KEY})""".encode()  # noqa: S608
"""Inserts those readings of the batch that are not stored yet; the row count is their number."""

BOOTS = b"insert into boots values (%s, %s, %s, %s, %s) on conflict do nothing"

UNDATED = f"""
    select {_KEY}, r.day, extract(epoch from received_at)::float8, up_ms, booted_at
    from reading_keys k join readings r using ({_KEY}, day) join boots b using ({_BOOT})
    where k.undated and ({_BOOT}) in
        (select * from unnest(%s::text[], %s::text[], %s::int4[]))
    order by {_KEY} limit {DATE_AT_ONCE}""".encode()  # noqa: S608
"""Undated readings of the given boots, if the start of their boot is known."""

UNDATED_LOCKED = UNDATED + b" for update of k"

_MOVES = f"""unnest(%(at)s::float8[], %(to)s::date[], %(campus)s::text[], %(kiosk)s::text[],
        %(boot)s::int4[], %(seq)s::int4[], %(day)s::date[]) as m(at, goes, {_KEY}, day)"""
_MOVED = " and ".join(f"of.{name} = m.{name}" for name in IDENTITY)

DATE_READINGS = f"""
    update readings of set at = to_timestamp(m.at), day = m.goes
    from {_MOVES} where {_MOVED} and of.day = m.day""".encode()  # noqa: S608

DATE_KEYS = f"""
    update reading_keys of set undated = false, day = m.goes
    from {_MOVES} where {_MOVED}""".encode()  # noqa: S608

REJECT = b"""
    insert into rejected (digest, times, topic, reason, head, size, first_at, last_at)
    values (%(digest)s, %(times)s, %(topic)s, %(reason)s, %(head)s, %(size)s,
        to_timestamp(%(received_at)s), to_timestamp(%(received_at)s))
    on conflict (digest) do update set last_at = excluded.last_at,
        times = rejected.times + excluded.times"""

TRIM = f"""
    delete from rejected where digest in (
        select digest from rejected order by last_at desc offset {MAX_REJECTED}
        for update skip locked)""".encode()  # noqa: S608
