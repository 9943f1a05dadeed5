"""Tables of the campus server, for SQLite and PostgreSQL. Times are Unix time (s)."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

ID = BigInteger().with_variant(Integer, "sqlite")
"""Type of a row number; SQLite assigns numbers only to a column of type INTEGER."""

TOKEN_DIGITS = 16
"""Leading hex digits of a token's SHA-256 that are stored with each row and identify the token."""


def _table(name: str, *parts: SchemaItem) -> Table:
    return Table(name, metadata, *parts)


def _texts(*names: str, default: str | None = None) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default=default) for name in names]


def _at(name: str, *, nullable: bool = False) -> Column[float]:
    # DOUBLE PRECISION: PostgreSQL's REAL has 24 bits, too few for Unix time in seconds.
    return Column(name, Float(53), nullable=nullable)


items = _table(
    "items",
    *_texts("campus", "gateway", "key", "kind", "date"),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
    *_texts("payload"),
    *_texts("sealed", default=""),
    _at("received_at"),
    *_texts("epoch", "token", default=""),
    PrimaryKeyConstraint("campus", "gateway", "key"),
    Index("items_date", "date", "campus"),
    Index("items_received", "kind", "received_at"),
    Index("items_kind", "kind", "date"),
    Index("items_token", "gateway", "token", "epoch"),
)
"""One row per summary, fever or follow-up, at the highest revision received. `date` is the local
day of the campus, empty for a follow-up. `sealed` holds personal data, encrypted.

The key of an hour or a day ends with `@` and the epoch, if it has one. `token` holds the first
`TOKEN_DIGITS` of the digest of the sender's token; a row by another token replaces it."""

gateways = _table(
    "gateways",
    *_texts("campus", "gateway"),
    _at("heard_at"),
    Column("clock_off_s", Float(53), nullable=False, server_default="0"),
    PrimaryKeyConstraint("campus", "gateway"),
)
"""When each gateway was last heard, and by how much its clock was ahead at that moment (s)."""

given_names = _table(
    "given_names",
    *_texts("campus", "gateway", "names"),
    PrimaryKeyConstraint("campus", "gateway"),
)
"""The names of each gateway's gates and kiosks, as it last sent them (`GivenNames`, JSON)."""

corrections = _table(
    "corrections",
    *_texts("campus", "gateway", "epoch", "newest", "token"),
    PrimaryKeyConstraint("campus", "gateway", "epoch"),
)
"""For each corrected epoch of a gateway: `newest` is the epoch of the latest correction received,
`token` identifies the token with which that correction was received."""

strikes = _table(
    "strikes",
    Column("id", ID, primary_key=True),
    *_texts("gateway", "token"),
    Column("epoch", Text),
    _at("since"),
    _at("at"),
    *_texts("by", "reason"),
    _at("undone_at", nullable=True),
    *_texts("undone_by", "undone_reason", default=""),
)
"""Strikes: rows received with this token from `since` on do not count in any figure
(`campus.strikes`). A strike covers one epoch, or all epochs if `epoch` is null."""

clock = _table("clock", Column("key", Text, primary_key=True), *_texts("value"))
"""State of the server's clock (`campus.clock`)."""

refusals = _table(
    "refusals",
    Column("id", ID, primary_key=True),
    _at("at"),
    *_texts("gateway", "field", "reason", "excerpt"),
)
"""The newest refused deliveries, each with the reason; the sender keeps the data."""

changed = _table("changed", Column("date", Text, primary_key=True), _at("at"))
"""Days with data that was received after the day's last report was made."""

reports = _table(
    "reports",
    *_texts("date"),
    Column("version", Integer, nullable=False),
    _at("made_at"),
    *_texts("sha256", "document", "differences"),
    _at("signed_at", nullable=True),
    *_texts("signed_by", "signature", default=""),
    _at("submitted_at", nullable=True),
    *_texts("submitted_by", "submitted_to", default=""),
    PrimaryKeyConstraint("date", "version"),
)
"""Every version of every day's report. A version never changes, except that it is signed once and
submitted once."""

notices = _table(
    "notices",
    Column("id", ID, primary_key=True),
    *_texts("key", "kind"),
    *_texts("campus", default=""),
    *_texts("contact", "channel", "address", "subject", "body"),
    _at("made_at"),
    _at("next_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("sent_at", nullable=True),
    _at("given_up_at", nullable=True),
    *_texts("error", default=""),
    Index("notices_key", "key", "contact", "channel", unique=True),
    Index("notices_due", "next_at"),
)
"""One row per notice and contact, with its attempts and their errors."""

told_cases = _table(
    "told_cases",
    Column("key", Text, primary_key=True),
    *_texts("fever"),
    _at("opened_at"),
    _at("taken_at", nullable=True),
    *_texts("taken_by", default=""),
    _at("over_at", nullable=True),
    *_texts("over_why", default=""),
    Index("told_cases_opened", "opened_at"),
)
"""Confirmed fevers; the people on duty are notified of each until somebody takes the case. `fever`
is the `ConfirmedFever` as JSON."""

users = _table(
    "users",
    Column("name", Text, primary_key=True),
    *_texts("role", "password"),
    _at("created_at"),
    *_texts("units", default=""),
)
"""Accounts; `units` are a tutor's units, one per line."""

attempts = _table(
    "attempts",
    *_texts("name", "address"),
    Column("failures", Integer, nullable=False),
    _at("locked_until"),
    _at("at"),
    PrimaryKeyConstraint("name", "address"),
)
"""Failed sign-ins by name and address, and until when further ones are refused."""

sessions = _table(
    "sessions",
    Column("token", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    *_texts("csrf"),
    _at("created_at"),
    _at("seen_at"),
)

codes = _table("codes", Column("code", Text, primary_key=True), _at("expires_at"))
"""One-time codes for the first administrator."""

audit = _table(
    "audit",
    Column("id", ID, primary_key=True),
    _at("at"),
    *_texts("user", "action", "what"),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("forgotten", Integer, nullable=False, server_default="0"),
    Index("audit_at", "at"),
    Index("audit_kept", "forgotten", "at"),
)
"""Who did or read what. `forgotten` is 1 once other people's names were removed from the entry."""

people = _table(
    "people",
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    *_texts("kind", "class", "unit", "campus", "permit"),
    _at("since"),
    _at("until", nullable=True),
    Column("expected", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    *_texts("sealed"),
    Column("number_tag", Text, unique=True),
    *_texts("name_tag", "content"),
    Index("people_unit", "unit", "person"),
    Index("people_revision", "revision"),
    Index("people_name", "name_tag"),
)
"""The list of people. This table and the next five are described in `people/schema.py`, which
creates the gateways' tables of the same names."""

cards = _table(
    "cards",
    Column("tag", Text, primary_key=True),
    Column("person", BigInteger, nullable=False),
    _at("until", nullable=True),
    Index("cards_person", "person"),
)

policies = _table(
    "policies",
    *_texts("kind", "class", "permit", "by"),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "class"),
)

overrides = _table(
    "overrides",
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    *_texts("permit"),
    _at("until"),
    *_texts("by"),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
)

drafts = _table(
    "drafts",
    Column("id", Text, primary_key=True),
    *_texts("by"),
    _at("at"),
    *_texts("sealed"),
)

people_list = _table(
    "people_list",
    Column("id", Integer, primary_key=True, autoincrement=False),
    *_texts("list"),
    Column("revision", BigInteger, nullable=False),
    Column("last_person", Integer, nullable=False),
    _at("changed_at"),
    _at("heard_at", nullable=True),
    Column("first_at", Float(53), nullable=False, server_default="0"),
)


def _entry_columns() -> list[Column[Any]]:
    return [
        *_texts("register"),
        Column("id", BigInteger, nullable=False),
        Column("revision", Integer, nullable=False),
        _at("first_at"),
        _at("at"),
        *_texts("by", "gate", "fields", "sealed", "subject"),
        Column("amount", Float(53)),
        _at("opened_at"),
        _at("closed_at", nullable=True),
        Column("forgotten", Integer, nullable=False),
    ]


entries = _table(
    "entries",
    *_entry_columns(),
    PrimaryKeyConstraint("register", "id"),
    Index("entries_first", "register", "first_at"),
    Index("entries_held", "register", "closed_at"),
    Index("entries_sums", "register", "subject", "first_at", "amount"),
)
"""Entries of registers (`registers.entries`); `sealed` holds personal values, encrypted."""

entry_revisions = _table(
    "entry_revisions",
    *_entry_columns(),
    PrimaryKeyConstraint("register", "id", "revision"),
)
"""All revisions of the entries."""

marks = _table(
    "marks",
    *_texts("day"),
    Column("person", BigInteger, nullable=False),
    *_texts("kind"),
    Column("clinical_c", Float(53)),
    _at("at"),
    *_texts("by", "sealed"),
    Column("revision", Integer, nullable=False),
    *_texts("campus", "unit", default=""),
    Column("expected", Integer, nullable=False, server_default="0"),
    *_texts("case_key", default=""),
    PrimaryKeyConstraint("day", "person"),
)
"""Marks that were entered here; columns as in `people/schema.py`."""

marks_elsewhere = _table(
    "marks_elsewhere",
    *_texts("day"),
    Column("person", BigInteger, nullable=False),
    *_texts("kind"),
    PrimaryKeyConstraint("day", "person"),
)
"""Marks that the gateways sent, gathered from `items` (`campus.marks`)."""

roll_days = _table(
    "roll_days",
    Column("day", Text, primary_key=True),
    _at("closed_at"),
    *(
        Column(name, Integer)
        for name in ("expected", "measured", "excused", "unmeasured", "fevers")
    ),
)
"""Closed days. A day's figures are written here when its marks are deleted."""
