"""The gateway's tables, as migrations; each runs once, in a transaction with the note that it ran.

`first` makes the tables of the first release; each later change is another function below it.

`hours` and `temperatures` count each reading in the transaction that inserts it (`reading_batch`),
and triggers move it to another hour when it is dated late. A redelivered reading inserts nothing
and so counts nothing. A day's log takes the same time to make however long the history is. `days`
is computed from `hours` in the same transaction (`daily_rollup`).
"""

import secrets
import sqlite3

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate")

HOUR = "cast(coalesce({row}.at, {row}.received_at) / 3600 as integer) * 3600"
"""SQL: the hour of a reading (Unix time, s), by its date or else its arrival."""

WATCHED = (
    "{row}.at is not null and {row}.reason in"
    " ('', 'short', 'moving', 'cold', 'confirm', 'unconfirmed')"
)
"""SQL: whether a reading shows that its minute was watched: a person was in view of a working
sensor, in a hall where it can measure. It is false for readings of a thing, a wall or a calibration
reference, of a sensor that failed or warms up, or in a hall too cold or too hot, and for reasons of
a later firmware. For their minutes the health messages decide."""


def _count(row: str, sign: str) -> str:
    """Return SQL that adds a reading to its hour (`+`), or subtracts it (`-`)."""
    return f"""
        insert into hours(kiosk, hour, gate, normal, fever, retry, watched, revision)
        values ({row}.kiosk, {HOUR.format(row=row)}, {row}.gate,
                {sign}({row}.verdict = 'normal'), {sign}({row}.verdict = 'fever'),
                {sign}({row}.verdict = 'retry'),
                case when {WATCHED.format(row=row)}
                     then 1 << (cast({row}.at / 60 as integer) % 60) else 0 end, 1)
        on conflict(kiosk, hour) do update set
            normal = normal + excluded.normal, fever = fever + excluded.fever,
            retry = retry + excluded.retry, watched = watched | excluded.watched,
            revision = revision + 1;"""  # noqa: S608 - `row` and `sign` are constants


TENTH = "cast(round(({value}) * 10) as integer)"
"""SQL: a temperature in tenths of a °C."""

COUNTED = (
    ("shown", "{row}.body_c", "{row}.body_c is not null and {row}.verdict in ('normal', 'fever')"),
    # A retry counts if the reading was too cold or too warm, but not if the person stood wrongly.
    (
        "factory",
        "{row}.body_c + coalesce({row}.baseline_c, 0)",
        "{row}.body_c is not null and {row}.reason in ('', 'cold', 'confirm')",
    ),
)
"""Columns of `temperatures`: name, SQL of the value in °C, SQL condition for a reading to count."""


def _spread(row: str, sign: str) -> str:
    """Return SQL that adds a reading's temperatures to its hour (`+`), or subtracts them (`-`)."""
    return "".join(
        f"""
        insert into temperatures(kiosk, hour, tenth, {column})
        select {row}.kiosk, {HOUR.format(row=row)},
               {TENTH.format(value=value.format(row=row))}, {sign}1
        where {condition.format(row=row)}
        on conflict(kiosk, hour, tenth) do update set {column} = {column} + excluded.{column};"""
        for column, value, condition in COUNTED
    )


def struck(row: str, hour: str = "{row}.hour") -> str:
    """Return SQL for whether `row` is struck; `hour` is SQL for the Unix time (s) that decides."""
    hour = hour.format(row=row)
    return f"""exists (
        select 1 from strikes s where s.undone_at is null and s.kiosk = {row}.kiosk
        and s.begin <= {hour} and s."end" > {hour})"""  # noqa: S608 - constants


EPOCH = "(select e.id from meta m join epochs e on e.name = m.value where m.key = 'epoch')"
"""SQL: the present epoch."""

SHARE = """
    on conflict(kiosk, hour, epoch) do update set normal = normal + excluded.normal,
        fever = fever + excluded.fever, retry = retry + excluded.retry, revision = revision + 1"""
"""SQL: the end of an insert that adds counts to an epoch's share of an hour."""


def _share(row: str, sign: str) -> str:
    """Return SQL that adds a reading to its epoch's share of its hour (`+`), or subtracts it."""
    return f"""
        insert into shares(kiosk, hour, epoch, normal, fever, retry, revision)
        values ({row}.kiosk, {HOUR.format(row=row)}, {row}.epoch, {sign}({row}.verdict = 'normal'),
            {sign}({row}.verdict = 'fever'), {sign}({row}.verdict = 'retry'), 1) {SHARE};"""  # noqa: S608


_TABLES = """
-- Readings, with all values from which their verdicts can be decided again. `claimed_at` is the
-- date that a kiosk sent and the gateway did not believe.
create table readings (
    kiosk text not null, boot integer not null, seq integer not null,
    at real, up_ms integer not null, received_at real not null,
    gate text not null, verdict text not null, reason text not null,
    object_c real, ambient_c real, skin_c real, body_c real,
    threshold_c real, baseline_c real,
    samples integer not null, scan_ms integer not null,
    queued integer not null, fw text not null, claimed_at real, epoch integer not null,
    primary key (kiosk, boot, seq)
) strict, without rowid;
create index readings_at on readings(at);
create index readings_undated on readings(kiosk, boot, up_ms) where at is null;
-- Finds a day's fevers without reading all of the readings.
create index readings_fevers on readings(coalesce(at, received_at)) where verdict = 'fever';

-- Fevers, and who acknowledged each.
create table fevers (
    kiosk text not null, boot integer not null, seq integer not null,
    gate text not null, raised_at real not null,
    acknowledged_at real, acknowledged_by text,
    revision integer not null default 1, forwarded integer not null default 0,
    primary key (kiosk, boot, seq)
) strict, without rowid;
create index fevers_open on fevers(gate) where acknowledged_at is null;
create index fevers_dirty on fevers(kiosk) where revision > forwarded;
create index fevers_raised on fevers(raised_at);

-- Number of changes to the fevers of each gate; a strike counts for every gate.
create table fever_changes (gate text primary key, changes integer not null)
    strict, without rowid;

-- Counts and coverage by kiosk and hour. `watched`, `fault` and `late` have one bit per minute.
create table hours (
    kiosk text not null, hour integer not null, gate text not null,
    normal integer not null default 0, fever integer not null default 0,
    retry integer not null default 0,
    watched integer not null default 0, fault integer not null default 0,
    revision integer not null default 0, late integer not null default 0,
    primary key (kiosk, hour)
) strict, without rowid;
create index hours_hour on hours(hour);

-- Histogram of temperatures by kiosk and hour; `tenth` is a bin of 0.1 °C.
create table temperatures (
    kiosk text not null, hour integer not null, tenth integer not null,
    shown integer not null default 0, factory integer not null default 0,
    primary key (kiosk, hour, tenth)
) strict, without rowid;
create index temperatures_hour on temperatures(hour);

-- Sums of each kiosk and day; a day begins at midnight in the campus's time zone.
create table days (
    date text not null, kiosk text not null, gate text not null,
    normal integer not null, fever integer not null, retry integer not null,
    watched_minutes integer not null, fault_minutes integer not null,
    silences integer not null, first_at real, last_at real,
    revision integer not null, late_minutes integer not null default 0,
    primary key (date, kiosk)
) strict, without rowid;

-- Each kiosk's last status and health.
create table kiosks (
    kiosk text primary key, gate text not null, last_seen real not null,
    status text not null default '', health text
) strict, without rowid;
-- Each kiosk's last answer to settings sent to it: the version that it applied, or its error.
create table applied (
    kiosk text primary key, version integer not null, error text not null,
    answered_at real not null
) strict, without rowid;

-- Calibrations that kiosks have applied: sensor, time, person, method and uncertainty.
create table calibrations (
    kiosk text not null, sensor text not null, at real not null, by text not null,
    method text not null, offset_c real not null, gain real not null,
    can_over_air_c real not null, uncertainty_c real not null, applied_at real not null,
    primary key (kiosk, at, sensor)
) strict, without rowid;

-- Messages that were not understood: the first bytes of each, and why.
create table rejected (
    id integer primary key, received_at real not null, topic text not null,
    reason text not null, head blob not null, size integer not null
) strict;

-- Epochs (see `storage.epochs`). `corrected_by` names the later epochs in which dates of this
-- one were corrected; `whole` is 1 if all of its readings are in this database.
create table epochs (
    id integer primary key, name text not null unique, corrected_by text not null default '',
    whole integer not null default 1
) strict;
-- Each epoch's share of the counts of an hour.
create table shares (
    kiosk text not null, hour integer not null, epoch integer not null,
    normal integer not null default 0, fever integer not null default 0,
    retry integer not null default 0,
    revision integer not null, forwarded integer not null default 0,
    primary key (kiosk, hour, epoch)
) strict, without rowid;
create index shares_dirty on shares(kiosk) where revision > forwarded;

-- Items to be sent to the campus server; `refused` is its reason for refusing one.
create table outbox (
    epoch text not null, key text not null, revision integer not null,
    payload text not null, created_at real not null,
    attempts integer not null default 0, next_at real not null default 0,
    refused text not null default '', primary key (epoch, key)
) strict, without rowid;
create index outbox_next on outbox(next_at);

-- Days reported to the campus server, with the revision that was last reported.
create table stated (date text primary key, revision integer not null) strict, without rowid;

-- Periods in which the clock was in doubt.
create table doubts (begin real primary key, end real not null, why text not null)
    strict, without rowid;

-- Lamp tests of gates; `whole` is 1 if a test was played to its end.
create table lamp_tests (
    id integer primary key, gate text not null, at real not null, by text not null,
    whole integer not null
) strict;

-- Hours of a kiosk that do not count: who struck them, when and why, and who took it back.
create table strikes (
    id integer primary key, kiosk text not null,
    begin integer not null, "end" integer not null,
    at real not null, "by" text not null, reason text not null,
    undone_at real, undone_by text not null default '',
    undone_reason text not null default ''
) strict;
create index strikes_of on strikes(kiosk, begin) where undone_at is null;
create index strikes_begin on strikes(begin);

create table meta (key text primary key, value text not null) strict, without rowid;
"""

_COUNT_DATED = (
    "create trigger count_dated after update of at on readings"
    f" begin {_count('old', '-')} {_count('new', '+')} end"
)


@migrations()
def first(db: Database) -> None:
    """Create all tables and the triggers, which move readings that are dated late to their hour,
    count the changes of fevers, and mark the shares to be forwarded."""
    for statement in _TABLES.split(";\n"):
        db.conn.execute(statement)
    dated = "after update of at on readings"
    db.conn.execute(_COUNT_DATED)
    db.conn.execute(
        f"create trigger spread_dated {dated} begin {_spread('old', '-')} {_spread('new', '+')} end"
    )
    db.conn.execute(
        f"create trigger redate_fever {dated} when new.verdict = 'fever' begin"  # noqa: S608
        " update fevers set revision = revision + 1"
        " where kiosk = new.kiosk and boot = new.boot and seq = new.seq; end"
    )
    for event in ("insert", "update of revision"):
        db.conn.execute(
            f"create trigger fevers_{event[:6]} after {event} on fevers begin"  # noqa: S608
            " insert or ignore into fever_changes values (new.gate, 0);"
            " update fever_changes set changes = changes + 1 where gate = new.gate; end"
        )
    for event in ("insert", "update"):
        db.conn.execute(
            f"create trigger strikes_{event} after {event} on strikes begin"  # noqa: S608
            " update fever_changes set changes = changes + 1; end"
        )
    for name, event in (
        ("", "insert on hours"),
        ("_again", "update of revision on hours when new.revision != old.revision"),
    ):
        db.conn.execute(
            f"create trigger share_hour{name} after {event} begin"  # noqa: S608
            " insert into shares(kiosk, hour, epoch, revision)"
            f" values (new.kiosk, new.hour, {EPOCH}, 1) {SHARE}; end"
        )
    # The server takes a minute as covered while any epoch says so: when a minute loses its cover,
    # the shares of all epochs are forwarded again.
    db.conn.execute(
        "create trigger share_uncovered after update of watched, fault on hours"
        " when old.watched & ~new.watched or old.fault & ~new.fault begin"
        " update shares set revision = revision + 1"
        " where kiosk = new.kiosk and hour = new.hour; end"
    )
    db.conn.execute(
        "create trigger share_dated after update of at, received_at, epoch on readings begin"
        f" {_share('old', '-')} {_share('new', '+')} end"
    )
    # Only a correction of the clock moves the time of arrival.
    db.conn.execute(
        "create trigger corrected after update of received_at on readings"  # noqa: S608
        f" when new.received_at != old.received_at and old.epoch != {EPOCH} begin"
        " update epochs set corrected_by = trim(corrected_by || ' ' || m.value) from meta m"
        " where id = old.epoch and m.key = 'epoch' and not instr(corrected_by, m.value); end"
    )


@migrations()
def drift_of_an_hour(db: Database) -> None:
    """Add to `hours` how far a kiosk's crowd was off (°C), if the kiosk reported a drift in that
    hour."""
    db.conn.execute("alter table hours add column drift_c real")


_PRESENCES = """
-- People whose card was read at a gate. `person` is a number of the list, which names nobody.
create table presences (
    kiosk text not null, boot integer not null, seq integer not null,
    at real not null, gate text not null, person integer not null, verdict text not null,
    primary key (kiosk, boot, seq)
) strict, without rowid;
create index presences_at on presences(at);
create index presences_person on presences(person, at);
"""


@migrations()
def presences(db: Database) -> None:
    """Create the table of who was at a gate; a reading that is dated late dates its presence,
    too."""
    for statement in _PRESENCES.split(";\n"):
        db.conn.execute(statement)
    db.conn.execute(
        "create trigger presence_dated after update of at, received_at on readings begin"
        " update presences set at = coalesce(new.at, new.received_at)"
        " where kiosk = new.kiosk and boot = new.boot and seq = new.seq; end"
    )


@migrations()
def supply_of_calibration(db: Database) -> None:
    """Add the supply voltage (V) that was set when a sensor was calibrated."""
    db.conn.execute("alter table calibrations add column supply_v real")


@migrations()
def watched_by_persons_alone(db: Database) -> None:
    """Let a reading that is dated late cover its minute only if it saw a person (`WATCHED`)."""
    db.conn.execute("drop trigger count_dated")
    db.conn.execute(_COUNT_DATED)


@migrations()
def watched_in_a_mild_hall_alone(db: Database) -> None:
    """Let a reading that is dated late cover no minute if its hall was too cold or too hot."""
    watched_by_persons_alone(db)


def begin_epoch(connection: sqlite3.Connection) -> None:
    """Begin another epoch, within the caller's transaction.

    The present epoch is deleted if nothing came in it and nothing of it waits to be forwarded.
    Otherwise a gateway that crashes at each start would fill its disk with empty epochs.
    """
    name = secrets.token_hex(8)
    connection.execute(
        "delete from epochs where name = (select value from meta where key = 'epoch')"
        " and not exists (select 1 from shares where shares.epoch = epochs.id)"
        " and not exists (select 1 from outbox where outbox.epoch = epochs.name)"
    )
    connection.execute("insert into epochs(name) values (?)", (name,))
    connection.execute("insert or replace into meta values ('epoch', ?)", (name,))
