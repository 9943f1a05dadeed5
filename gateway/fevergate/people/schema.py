"""Tables of `people.db`: the list of people, their cards, policies and overrides.

The campus server has the same ones in its database (`campus/schema.py`). Times are Unix time (s).
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate-people")

_TABLES = """
-- One row per person; `person` identifies nobody. `sealed` holds name, number, card and telephone,
-- encrypted; the tags find a number or a name without decrypting, `content` tells whether `sealed`
-- would change. `permit` is the list's own word, empty where the policy decides.
create table people (
    person integer primary key, kind text not null, "class" text not null, unit text not null,
    campus text not null, permit text not null, since real not null, until real,
    expected integer not null, revision integer not null,
    sealed text not null, number_tag text unique, name_tag text not null, content text not null
) strict;
create index people_unit on people(unit, person);
create index people_revision on people(revision);
create index people_name on people(name_tag);

-- A card by its tag; one that was replaced has an end.
create table cards (
    tag text primary key, person integer not null, until real
) strict, without rowid;
create index cards_person on cards(person);

-- What each kind and class may do; an empty class stands for every class without a row.
create table policies (
    kind text not null, "class" text not null, permit text not null, "by" text not null,
    at real not null, revision integer not null, primary key (kind, "class")
) strict, without rowid;

-- A person's own permit until a time.
create table overrides (
    person integer primary key, permit text not null, until real not null, "by" text not null,
    at real not null, revision integer not null
) strict;

-- One row once there is a list: its id, newest revision, the last number given to a person, when it
-- was changed here, and when the campus server last confirmed that nothing is missing.
create table people_list (
    id integer primary key, list text not null, revision integer not null,
    last_person integer not null, changed_at real not null, heard_at real
) strict;
"""


@migrations()
def first(db: Database) -> None:
    """All tables."""
    for statement in _TABLES.split(";\n"):
        db.conn.execute(statement)
