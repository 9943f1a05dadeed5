"""Tables of the collectors in PostgreSQL.

The key of a partitioned table must contain the day, but a reading's day may change: the reading may
come without a date, come again with one, or be dated by a later message of its kiosk. So the
unpartitioned table `reading_keys` holds the identity of each stored reading and its day. A row of
`readings` is inserted and moved only together with its key, in one transaction.
"""

from psycopg import Connection

from fevergate.collect.intake import COLUMNS, IDENTITY
from fevergate.collect.partitions import LOCK
from fevergate.errors import CollectError

VERSION = 1

_KEY = ", ".join(IDENTITY)
_NULL = {"at", *(name for name in COLUMNS if name.endswith("_c"))}
_TIME = {"at", "received_at"}


def _columns() -> str:
    kinds = {name: "timestamptz" if name in _TIME else kind for name, kind in COLUMNS.items()}
    return ", ".join(
        f"{name} {kind}{'' if name in _NULL else ' not null'}" for name, kind in kinds.items()
    )


TABLES = f"""
create table if not exists collect_meta (key text primary key, value text not null);
create table if not exists readings ({_columns()}, primary key ({_KEY}, day))
    partition by range (day);
create table if not exists reading_keys (
    campus text not null, kiosk text not null, boot int4 not null, seq int4 not null,
    day date not null, undated boolean not null, primary key ({_KEY}));
create index if not exists reading_keys_undated on reading_keys (campus, kiosk, boot)
    where undated;
create index if not exists reading_keys_day on reading_keys using brin (day);
create table if not exists boots (
    campus text not null, kiosk text not null, boot int4 not null,
    booted_at float8 not null, day date not null, primary key (campus, kiosk, boot));
create table if not exists rejected (
    digest bytea primary key, first_at timestamptz not null, last_at timestamptz not null,
    times int8 not null, topic text not null, reason text not null, head bytea not null,
    size int4 not null);
create index if not exists rejected_last on rejected (last_at);
"""

BATCH = (
    "create temporary table batch ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ") on commit delete rows"
)


def prepare(connection: Connection, timezone: str) -> None:
    """Create the missing tables, and this connection's batch table; safe to run concurrently.

    Raises `CollectError` if the tables are of another version or count days in another time zone.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        row = connection.execute("select to_regclass('collect_meta')").fetchone()
        if not row or row[0] is None:
            connection.execute(TABLES.encode())
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into collect_meta values (%s, %s) on conflict do nothing",
                [("version", str(VERSION)), ("timezone", timezone)],
            )
        meta: dict[str, str] = dict(connection.execute("select key, value from collect_meta"))
    if meta["version"] != str(VERSION):
        raise CollectError(
            f"the database's tables are version {meta['version']}, this program's {VERSION}"
        )
    if meta["timezone"] != timezone:
        raise CollectError(
            f"timezone: the database counts its days in {meta['timezone']}, expected the same here"
        )
    connection.execute(BATCH.encode())
