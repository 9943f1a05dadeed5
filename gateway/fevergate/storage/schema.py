"""The gateway's tables, as migrations; each runs once, in a transaction with the note that it ran.

`hours` and `temperatures` count each reading in the transaction that inserts it (`reading_batch`),
and triggers move it to another hour when it is dated late. A redelivered reading inserts nothing
and so counts nothing, and a day's log costs the same whatever the history. `days` is computed from
`hours` in the same transaction (`daily_rollup`).
"""

from __future__ import annotations

import secrets

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate")

HOUR = "cast(coalesce({row}.at, {row}.received_at) / 3600 as integer) * 3600"
"""SQL: the hour of a reading (Unix time, s), by its date or else its arrival."""


def _count(row: str, sign: str) -> str:
    """Return SQL that adds a reading to its hour (`+`), or subtracts it (`-`)."""
    hour = HOUR.format(row=row)
    return f"""
        insert into hours(kiosk, hour, gate, normal, fever, retry, watched, revision)
        values ({row}.kiosk, {hour}, {row}.gate,
                {sign}({row}.verdict = 'normal'), {sign}({row}.verdict = 'fever'),
                {sign}({row}.verdict = 'retry'),
                case when {row}.at is null or {row}.reason = 'sensor' then 0
                     else 1 << (cast({row}.at / 60 as integer) % 60) end, 1)
        on conflict(kiosk, hour) do update set
            normal = normal + excluded.normal, fever = fever + excluded.fever,
            retry = retry + excluded.retry, watched = watched | excluded.watched,
            revision = revision + 1;"""  # noqa: S608 - `row` and `sign` are constants


@migrations()
def readings(db: Database) -> None:
    """Readings, with all that is needed to decide them again, and fevers with who acknowledged."""
    db.conn.execute(
        """
        create table readings (
            kiosk text not null, boot integer not null, seq integer not null,
            at real, up_ms integer not null, received_at real not null,
            gate text not null, verdict text not null, reason text not null,
            object_c real, ambient_c real, skin_c real, body_c real,
            threshold_c real, baseline_c real,
            samples integer not null, scan_ms integer not null,
            queued integer not null, fw text not null,
            primary key (kiosk, boot, seq)
        ) strict, without rowid"""
    )
    db.conn.execute("create index readings_at on readings(at)")
    db.conn.execute(
        "create index readings_undated on readings(kiosk, boot, up_ms) where at is null"
    )
    db.conn.execute(
        """
        create table fevers (
            kiosk text not null, boot integer not null, seq integer not null,
            gate text not null, raised_at real not null,
            acknowledged_at real, acknowledged_by text,
            revision integer not null default 1, forwarded integer not null default 0,
            primary key (kiosk, boot, seq)
        ) strict, without rowid"""
    )
    db.conn.execute("create index fevers_open on fevers(gate) where acknowledged_at is null")
    db.conn.execute("create index fevers_dirty on fevers(kiosk) where revision > forwarded")


@migrations()
def hours(db: Database) -> None:
    """Counts and coverage by kiosk and hour, moved by triggers when a reading is dated late."""
    db.conn.execute(
        """
        create table hours (
            kiosk text not null, hour integer not null, gate text not null,
            normal integer not null default 0, fever integer not null default 0,
            retry integer not null default 0,
            watched integer not null default 0, fault integer not null default 0,
            revision integer not null default 0, forwarded integer not null default 0,
            primary key (kiosk, hour)
        ) strict, without rowid"""
    )
    db.conn.execute("create index hours_hour on hours(hour)")
    db.conn.execute("create index hours_dirty on hours(kiosk) where revision > forwarded")
    db.conn.execute(
        f"create trigger count_reading after insert on readings begin {_count('new', '+')} end"
    )
    db.conn.execute(
        "create trigger count_dated after update of at on readings begin"
        f" {_count('old', '-')} {_count('new', '+')} end"
    )
    db.conn.execute(
        """
        create trigger redate_fever after update of at on readings when new.verdict = 'fever' begin
            update fevers set revision = revision + 1
            where kiosk = new.kiosk and boot = new.boot and seq = new.seq; end"""
    )


@migrations()
def kiosks(db: Database) -> None:
    """Each kiosk's last status and health, rejected messages, and the outbox."""
    db.conn.execute(
        """
        create table kiosks (
            kiosk text primary key, gate text not null, last_seen real not null,
            status text not null default '', health text
        ) strict, without rowid"""
    )
    db.conn.execute(
        """
        create table rejected (
            id integer primary key, received_at real not null, topic text not null,
            reason text not null, head blob not null, size integer not null
        ) strict"""
    )
    db.conn.execute(
        """
        create table outbox (
            key text primary key, revision integer not null, payload text not null,
            created_at real not null, attempts integer not null default 0,
            next_at real not null default 0
        ) strict, without rowid"""
    )
    db.conn.execute("create index outbox_next on outbox(next_at)")


@migrations()
def calibrations(db: Database) -> None:
    """Calibrations that kiosks have applied: sensor, time, person, method and uncertainty."""
    db.conn.execute(
        """
        create table calibrations (
            kiosk text not null, sensor text not null, at real not null, by text not null,
            method text not null, offset_c real not null, gain real not null,
            can_over_air_c real not null, uncertainty_c real not null, applied_at real not null,
            primary key (kiosk, at, sensor)
        ) strict, without rowid"""
    )


@migrations()
def applied(db: Database) -> None:
    """Each kiosk's last answer to its settings: the version applied, or its error."""
    db.conn.execute(
        """
        create table applied (
            kiosk text primary key, version integer not null, error text not null,
            answered_at real not null
        ) strict, without rowid"""
    )


TENTH = "cast(round(({value}) * 10) as integer)"
"""SQL: a temperature in tenths of a °C."""


COUNTED = (
    ("shown", "{row}.body_c", "{row}.body_c is not null and {row}.verdict in ('normal', 'fever')"),
    # Retries for the way a person stood are left out; those that were too cold or warm count.
    (
        "factory",
        "{row}.body_c + coalesce({row}.baseline_c, 0)",
        "{row}.body_c is not null and {row}.reason in ('', 'cold', 'confirm')",
    ),
)
"""Columns of `temperatures`: name, SQL of the value in °C, SQL condition of readings counted."""


def _spread(row: str, sign: str) -> str:
    """Return SQL that adds a reading's temperatures to its hour (`+`), or subtracts them (`-`)."""
    return "".join(
        f"""
        insert into temperatures(kiosk, hour, tenth, {column})
        select {row}.kiosk, {HOUR.format(row=row)},
               {TENTH.format(value=value.format(row=row))}, {sign}1
        where {which.format(row=row)}
        on conflict(kiosk, hour, tenth) do update set {column} = {column} + excluded.{column};"""
        for column, value, which in COUNTED
    )


@migrations()
def rollups(db: Database) -> None:
    """Distribution of temperatures by hour; each kiosk's days in the campus's time zone."""
    db.conn.execute(
        """
        create table temperatures (
            kiosk text not null, hour integer not null, tenth integer not null,
            shown integer not null default 0, factory integer not null default 0,
            primary key (kiosk, hour, tenth)
        ) strict, without rowid"""
    )
    db.conn.execute("create index temperatures_hour on temperatures(hour)")
    db.conn.execute(
        """
        create table days (
            date text not null, kiosk text not null, gate text not null,
            normal integer not null, fever integer not null, retry integer not null,
            watched_minutes integer not null, fault_minutes integer not null,
            silences integer not null, first_at real, last_at real,
            revision integer not null,
            primary key (date, kiosk)
        ) strict, without rowid"""
    )
    # To find a day's fevers without reading all of them.
    db.conn.execute(
        "create index readings_fevers on readings(coalesce(at, received_at))"
        " where verdict = 'fever'"
    )
    db.conn.execute(
        "create table meta (key text primary key, value text not null) strict, without rowid"
    )
    # `reading_batch` counts what arrives; these triggers move what is dated late.
    db.conn.execute("drop trigger count_reading")
    db.conn.execute(
        "create trigger spread_dated after update of at on readings begin"
        f" {_spread('old', '-')} {_spread('new', '+')} end"
    )
    for column, value, which in COUNTED:
        db.conn.execute(
            f"insert into temperatures(kiosk, hour, tenth, {column})"  # noqa: S608 - constants
            f" select kiosk, {HOUR.format(row='r')},"
            f" {TENTH.format(value=value.format(row='r'))}, count(*) from readings r"
            f" where {which.format(row='r')} group by 1, 2, 3"
            f" on conflict(kiosk, hour, tenth) do update set {column} = excluded.{column}"
        )


@migrations()
def stated_days(db: Database) -> None:
    """Days stated to the campus server with their revision; why it refused an item."""
    db.conn.execute(
        "create table stated (date text primary key, revision integer not null)"
        " strict, without rowid"
    )
    db.conn.execute("alter table outbox add column refused text not null default ''")


@migrations()
def times(db: Database) -> None:
    """Dates that were not believed, late coverage, and spans in which the clock was in doubt."""
    db.conn.execute("alter table readings add column claimed_at real")
    db.conn.execute("alter table hours add column late integer not null default 0")
    db.conn.execute("alter table days add column late_minutes integer not null default 0")
    db.conn.execute(
        "create table doubts (begin real primary key, end real not null, why text not null)"
        " strict, without rowid"
    )
    db.conn.execute("create index fevers_raised on fevers(raised_at)")


@migrations()
def lamp_tests(db: Database) -> None:
    """Tests of a gate's lamps: when and by whom."""
    db.conn.execute(
        "create table lamp_tests (id integer primary key, gate text not null, at real not null,"
        " by text not null, whole integer not null) strict"
    )


@migrations()
def epochs(db: Database) -> None:
    """The store's epoch, and the counts of earlier epochs, which are not forwarded again."""
    db.conn.execute(
        """
        create table inherited (
            kiosk text not null, hour integer not null,
            normal integer not null, fever integer not null, retry integer not null,
            primary key (kiosk, hour)
        ) strict, without rowid"""
    )
    # A store that has forwarded before continues under the empty epoch that it had.
    (old,) = db.conn.execute("select exists (select 1 from hours)").fetchone()
    epoch = "" if old else secrets.token_hex(8)
    db.conn.execute("insert into meta values ('epoch', ?)", (epoch,))


COUNTS_NOT = """exists (
        select 1 from strikes s where s.undone_at is null and s.kiosk = {row}.kiosk
        and s.begin <= {hour} and s."end" > {hour})"""
"""SQL: whether an hour of a row's kiosk is struck. `{hour}` is any Unix time (s) within it."""


def struck(row: str, hour: str = "{row}.hour") -> str:
    """Return SQL for whether a row is struck, by its hour or another Unix time (s) of it."""
    return COUNTS_NOT.format(row=row, hour=hour.format(row=row))


@migrations()
def strikes(db: Database) -> None:
    """Hours of a kiosk that do not count: who struck them, when and why, and who took it back."""
    db.conn.execute(
        """
        create table strikes (
            id integer primary key, kiosk text not null,
            begin integer not null, "end" integer not null,
            at real not null, "by" text not null, reason text not null,
            undone_at real, undone_by text not null default '',
            undone_reason text not null default ''
        ) strict"""
    )
    db.conn.execute("create index strikes_of on strikes(kiosk, begin) where undone_at is null")
    db.conn.execute("create index strikes_begin on strikes(begin)")


@migrations()
def outbox_by_epoch(db: Database) -> None:
    """The epoch of each waiting item: a restored backup brings along some of an earlier one."""
    db.conn.execute("alter table outbox rename to outbox_before")
    db.conn.execute(
        """
        create table outbox (
            epoch text not null, key text not null, revision integer not null,
            payload text not null, created_at real not null,
            attempts integer not null default 0, next_at real not null default 0,
            refused text not null default '', primary key (epoch, key)
        ) strict, without rowid"""
    )
    db.conn.execute(
        "insert into outbox select (select value from meta where key = 'epoch'),"
        " key, revision, payload, created_at, attempts, next_at, refused from outbox_before"
    )
    db.conn.execute("drop table outbox_before")
    db.conn.execute("create index outbox_next on outbox(next_at)")
