"""Tables of `people.db`: the list of people, their cards, policies and overrides; marks by day.

The campus server has the same tables in its database (`campus/schema.py`), except for visitors'
passes. Times are Unix time (s).
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate-people")

_TABLES = """
-- One row per person; the number `person` identifies nobody. `sealed` holds name, number, card and
-- telephone, encrypted. The tags find a number or a name without decrypting anything. `content` is
-- a tag of what `sealed` holds, to see whether it would change. `permit` is the permit that the
-- list gives, empty where the policy decides.
create table people (
    person integer primary key, kind text not null, "class" text not null, unit text not null,
    campus text not null, permit text not null, since real not null, until real,
    expected integer not null, revision integer not null,
    sealed text not null, number_tag text unique, name_tag text not null, content text not null
) strict;
create index people_unit on people(unit, person);
create index people_revision on people(revision);
create index people_name on people(name_tag);

-- Cards by their tags; `until` is set once a card was replaced.
create table cards (
    tag text primary key, person integer not null, until real
) strict, without rowid;
create index cards_person on cards(person);

-- The permit of each kind and class; an empty class stands for every class without a row.
create table policies (
    kind text not null, "class" text not null, permit text not null, "by" text not null,
    at real not null, revision integer not null, primary key (kind, "class")
) strict, without rowid;

-- Permits of single people, each until a time.
create table overrides (
    person integer primary key, permit text not null, until real not null, "by" text not null,
    at real not null, revision integer not null
) strict;

-- One row once there is a list: its id, its newest revision, the last number given to a person,
-- the time of the last change here, and the time at which the campus server last confirmed that
-- this copy is complete.
create table people_list (
    id integer primary key, list text not null, revision integer not null,
    last_person integer not null, changed_at real not null, heard_at real
) strict;
"""

_DRAFTS = """
-- Lists that were uploaded and are not applied yet. `sealed` holds the file's name and entries.
create table drafts (
    id text primary key, "by" text not null, at real not null, revision integer not null,
    sealed text not null
) strict, without rowid;
"""


@migrations()
def first(db: Database) -> None:
    """Create the tables of people, cards, policies, overrides and the list's state."""
    for statement in _TABLES.split(";\n"):
        db.conn.execute(statement)


_MARKS = """
-- One row per person and day. `kind` is how the person was measured or why not (see
-- `people/marks.py`); `sealed` holds the reason of an excuse, encrypted. Once the day is closed,
-- everybody who was expected has a row, with the campus and unit of that day.
create table marks (
    day text not null, person integer not null, kind text not null, clinical_c real,
    at real not null, "by" text not null, sealed text not null, revision integer not null,
    campus text not null default '', unit text not null default '',
    expected integer not null default 0, primary key (day, person)
) strict, without rowid;

-- Marks that the campus's other gateways made: `kind` is `measured` or `excused`, or `card` for a
-- person whose card was read at one of this gateway's own kiosks.
create table marks_elsewhere (
    day text not null, person integer not null, kind text not null, primary key (day, person)
) strict, without rowid;

-- Closed days. A day's figures are filled in once its marks are deleted.
create table roll_days (
    day text primary key, closed_at real not null, expected integer, measured integer,
    excused integer, unmeasured integer, fevers integer
) strict, without rowid;
"""


@migrations()
def marks(db: Database) -> None:
    """Create the tables of who was measured or excused, by day."""
    for statement in _MARKS.split(";\n"):
        db.conn.execute(statement)


@migrations()
def drafts(db: Database) -> None:
    """Create the table of uploaded lists, which somebody checks before they are applied."""
    for statement in _DRAFTS.split(";\n"):
        db.conn.execute(statement)


_FIRST_AT = """
-- Time at which a list first came here; earlier versions kept only the time of its last change.
alter table people_list add column first_at real not null default 0;
update people_list set first_at = case when heard_at is null
    then coalesce((select min(since) from people), changed_at) else changed_at end;
"""


@migrations()
def first_at(db: Database) -> None:
    """Add the time of the first list; from then on each day has a roll."""
    for statement in _FIRST_AT.split(";\n"):
        db.conn.execute(statement)


_CASE_KEYS = """
-- The key by which other programs know a fever's case. It is random, so that it leads to no person
-- once the mark is deleted.
alter table marks add column case_key text not null default '';
update marks set case_key = lower(hex(randomblob(8))) where clinical_c is not null;
"""


@migrations()
def case_keys(db: Database) -> None:
    """Give fevers measured by hand a random key, by which their cases are known outside."""
    for statement in _CASE_KEYS.split(";\n"):
        db.conn.execute(statement)


_NUMBERED_AT = """
-- Time since which the numbers of people are those of this list. Earlier presences have numbers of
-- another list.
alter table people_list add column numbered_at real not null default 0
"""


@migrations()
def numbered_at(db: Database) -> None:
    """Add the time from which on presences at the kiosks use the numbers of this list."""
    db.conn.execute(_NUMBERED_AT)


_PASSES = """
-- Visitors' passes, on a gateway only. `tag` finds a pass, `sealed` holds its code until it ends,
-- `entry` is the id of its entry in the register `visitors`.
create table passes (
    id integer primary key autoincrement, tag text not null unique, entry integer not null,
    until real not null, sealed text not null, made_at real not null, ended_at real
) strict;
create index passes_entry on passes(entry);
"""


@migrations()
def passes(db: Database) -> None:
    """Create the table of visitors' passes."""
    for statement in _PASSES.split(";\n"):
        db.conn.execute(statement)


@migrations()
def drafts_without_revision(db: Database) -> None:
    """Drop the list's revision from drafts, because nothing read it."""
    db.conn.execute("alter table drafts drop column revision")
