"""Tables of the web database: accounts, sessions, follow-ups of fevers, the audit, API tokens.

The tables are in a database of their own, so that no access to them can delay the storing of a
reading. Names and telephone numbers are deleted after `[retention] persons_days`.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate-web")


_TABLES = """
create table users (
    name text primary key, role text not null, password text not null, created_at real not null
) strict, without rowid;

create table sessions (
    token text primary key, user text not null references users(name) on delete cascade,
    csrf text not null, created_at real not null, seen_at real not null
) strict, without rowid;

-- One-time codes for the first administrator.
create table codes (code text primary key, expires_at real not null) strict, without rowid;

-- Failed attempts to sign in, by name and address.
create table attempts (
    name text not null, address text not null, failures integer not null,
    locked_until real not null, at real not null, primary key (name, address)
) strict, without rowid;

-- The follow-up of each fever: `sealed` holds its personal fields, encrypted; `forwarded` is the
-- revision that the campus server has.
create table follow_ups (
    kiosk text not null, boot integer not null, seq integer not null,
    clinical_c real, clinical_site text not null default '',
    outcome text not null default '', closed integer not null default 0,
    by text not null, at real not null, revision integer not null,
    sealed text not null default '', forwarded integer not null default 0,
    primary key (kiosk, boot, seq)
) strict, without rowid;
create index follow_ups_new on follow_ups(at) where revision > forwarded;

create table follow_up_revisions (
    kiosk text not null, boot integer not null, seq integer not null,
    revision integer not null, clinical_c real, clinical_site text not null,
    outcome text not null, closed integer not null, sealed text not null,
    "by" text not null, at real not null, primary key (kiosk, boot, seq, revision)
) strict, without rowid;

-- The audit: who did or read something, and what it was.
create table audit (
    id integer primary key, at real not null, user text not null, action text not null,
    what text not null, times integer not null default 1
) strict;
create index audit_at on audit(at);

-- Signatures of daily logs. Each `mac` also covers the `mac` of the row before it.
create table sign_offs (
    id integer primary key, date text not null, at real not null, by text not null,
    sha256 text not null, document text not null, mac text not null default ''
) strict;
create index sign_offs_date on sign_offs(date);

create table duty (
    name text not null, gate text not null, primary key (name, gate)
) strict, without rowid;

create table tokens (
    id integer primary key, name text not null, digest text not null unique,
    scopes text not null, by text not null, created_at real not null,
    expires_at real not null, used_at real
) strict;

-- Values by key, such as the digest of the campus token used for the last follow-ups forwarded.
create table meta (key text primary key, value text not null) strict;
"""

_NOTICES = """
create table notices (
    id integer primary key, key text not null, kind text not null, campus text not null,
    contact text not null, channel text not null, address text not null, subject text not null,
    body text not null, made_at real not null, next_at real not null,
    attempts integer not null default 0, sent_at real, given_up_at real,
    error text not null default ''
) strict;
create unique index notices_key on notices(key, contact, channel);
create index notices_due on notices(next_at);

-- Confirmed fevers that people are told of; `fever` is a `web_common.told_cases.ConfirmedFever`,
-- without personal data.
create table told_cases (
    key text primary key, fever text not null, opened_at real not null, taken_at real,
    taken_by text not null default '', over_at real, over_why text not null default ''
) strict, without rowid;
create index told_cases_opened on told_cases(opened_at);
create index follow_ups_at on follow_ups(at);
"""


@migrations()
def first(db: Database) -> None:
    """All tables."""
    for statement in _TABLES.split(";\n"):
        db.conn.execute(statement)


@migrations()
def screens(db: Database) -> None:
    """Links of wall displays; an empty gate means all gates in turn."""
    db.conn.execute("""
        create table screens (
            id integer primary key, name text not null, digest text not null unique,
            gate text not null, language text not null, by text not null,
            created_at real not null, seen_at real
        ) strict""")


@migrations()
def tutors(db: Database) -> None:
    """Units of a tutor's account, one per line."""
    db.conn.execute("alter table users add column units text not null default ''")


@migrations()
def registers(db: Database) -> None:
    """Entries of registers with their revisions (`registers.entries`); `sealed` holds personal
    values, encrypted."""
    columns = """
        register text not null, id integer not null, revision integer not null,
        first_at real not null, at real not null, "by" text not null, gate text not null,
        fields text not null, sealed text not null, subject text not null, amount real,
        opened_at real not null, closed_at real, forgotten integer not null"""
    db.conn.execute(
        f"create table entries ({columns}, primary key (register, id)) strict, without rowid"
    )
    db.conn.execute(
        f"create table entry_revisions ({columns}, primary key (register, id, revision))"
        " strict, without rowid"
    )
    db.conn.execute("create index entries_first on entries(register, first_at)")
    db.conn.execute("create index entries_held on entries(register, closed_at)")
    db.conn.execute("create index entries_sums on entries(register, subject, first_at, amount)")


@migrations()
def notices(db: Database) -> None:
    """Notices to contacts with their attempts, and the confirmed fevers of which people are
    told."""
    for statement in _NOTICES.split(";\n"):
        db.conn.execute(statement)


_FORGETTING = """
-- 1 once other people's names and numbers were deleted from a row (`web_common.audit_forgetting`).
alter table audit add column forgotten integer not null default 0;
create index audit_kept on audit(forgotten, at);
-- Keys of fevers measured by hand held a number of the list. Notices that wait are made again.
delete from told_cases where key like 'confirmed/hand/%';
delete from notices where key like 'confirmed/hand/%';
"""


@migrations()
def forgetting(db: Database) -> None:
    """The audit deletes names of other people after a while."""
    for statement in _FORGETTING.split(";\n"):
        db.conn.execute(statement)


@migrations()
def free_texts(db: Database) -> None:
    """The audit also deletes free texts after a while; therefore its old entries are processed once
    more."""
    db.conn.execute("update audit set forgotten = 0 where forgotten = 1")
