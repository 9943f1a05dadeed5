"""Tables of the web database: accounts, sessions, follow-ups of fevers, the audit, API tokens.

They lie apart from the gateway's database, so that nothing here can hold up a reading. Names and
telephone numbers are deleted after `[retention] persons_days`.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("fevergate-web")


@migrations()
def people(db: Database) -> None:
    """Accounts, their sessions, and one-time codes for the first administrator."""
    db.conn.execute(
        """
        create table users (
            name text primary key, role text not null, password text not null,
            failures integer not null default 0, locked_until real not null default 0,
            created_at real not null
        ) strict, without rowid"""
    )
    db.conn.execute(
        """
        create table sessions (
            token text primary key, user text not null references users(name) on delete cascade,
            csrf text not null, created_at real not null, seen_at real not null
        ) strict, without rowid"""
    )
    db.conn.execute(
        "create table codes (code text primary key, expires_at real not null) strict, without rowid"
    )


@migrations()
def follow_ups(db: Database) -> None:
    """The follow-up of each fever, and the audit of who did or read what."""
    db.conn.execute(
        """
        create table follow_ups (
            kiosk text not null, boot integer not null, seq integer not null,
            clinical_c real, clinical_site text not null default '',
            outcome text not null default '', person text not null default '',
            unit text not null default '', phone text not null default '',
            note text not null default '', closed integer not null default 0,
            by text not null, at real not null, revision integer not null,
            primary key (kiosk, boot, seq)
        ) strict, without rowid"""
    )
    db.conn.execute(
        """
        create table audit (
            id integer primary key, at real not null, user text not null, action text not null,
            what text not null
        ) strict"""
    )


@migrations()
def sign_offs(db: Database) -> None:
    """Signatures of daily logs, the duty list, and API tokens."""
    db.conn.execute(
        """
        create table sign_offs (
            id integer primary key, date text not null, at real not null, by text not null,
            sha256 text not null, document text not null
        ) strict"""
    )
    db.conn.execute("create index sign_offs_date on sign_offs(date)")
    db.conn.execute(
        """
        create table duty (
            name text not null, gate text not null, primary key (name, gate)
        ) strict, without rowid"""
    )
    db.conn.execute(
        """
        create table tokens (
            id integer primary key, name text not null, digest text not null unique,
            scopes text not null, by text not null, created_at real not null,
            expires_at real not null, used_at real
        ) strict"""
    )


@migrations()
def sealed_persons(db: Database) -> None:
    """Personal fields are encrypted; plain ones, from before the first release, are dropped."""
    for name in ("person", "unit", "phone", "note"):
        db.conn.execute(f"alter table follow_ups drop column {name}")
    db.conn.execute("alter table follow_ups add column sealed text not null default ''")


@migrations()
def forwarded_follow_ups(db: Database) -> None:
    """The revision of each follow-up that the campus server has."""
    db.conn.execute("alter table follow_ups add column forwarded integer not null default 0")
    db.conn.execute("create index follow_ups_new on follow_ups(at) where revision > forwarded")


@migrations()
def attempts(db: Database) -> None:
    """Sign-in attempts by name and address, earlier revisions of follow-ups, chained signatures."""
    db.conn.execute(
        """
        create table attempts (
            name text not null, address text not null, failures integer not null,
            locked_until real not null, at real not null, primary key (name, address)
        ) strict, without rowid"""
    )
    for column in ("failures", "locked_until"):
        db.conn.execute(f"alter table users drop column {column}")
    db.conn.execute(
        """
        create table follow_up_revisions (
            kiosk text not null, boot integer not null, seq integer not null,
            revision integer not null, clinical_c real, clinical_site text not null,
            outcome text not null, closed integer not null, sealed text not null,
            "by" text not null, at real not null, primary key (kiosk, boot, seq, revision)
        ) strict, without rowid"""
    )
    db.conn.execute("alter table sign_offs add column mac text not null default ''")
    db.conn.execute("alter table audit add column times integer not null default 1")
    db.conn.execute("create index audit_at on audit(at)")


@migrations()
def campus_token(db: Database) -> None:
    """The campus server's token with which follow-ups were forwarded last."""
    db.conn.execute("create table meta (key text primary key, value text not null) strict")
