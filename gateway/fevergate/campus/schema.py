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

metadata = MetaData()

ID = BigInteger().with_variant(Integer, "sqlite")
"""Type of a row number; SQLite assigns numbers only to a column of type INTEGER."""

TOKEN_DIGITS = 16
"""Leading hex digits of a token's SHA-256 that are stored with each row and identify the token."""


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _at(name: str, *, nullable: bool = False) -> Column[float]:
    # DOUBLE PRECISION: PostgreSQL's REAL has 24 bits, too few for Unix time in seconds.
    return Column(name, Float(53), nullable=nullable)


items = Table(
    "items",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _text("key", None),
    _text("kind", None),
    _text("date", None),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
    _text("payload", None),
    _text("sealed"),
    _at("received_at"),
    _text("epoch"),
    _text("token"),
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

gateways = Table(
    "gateways",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _at("heard_at"),
    Column("clock_off_s", Float(53), nullable=False, server_default="0"),
    PrimaryKeyConstraint("campus", "gateway"),
)
"""When each gateway was last heard, and how far its clock was ahead then (s)."""

given_names = Table(
    "given_names",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _text("names", None),
    PrimaryKeyConstraint("campus", "gateway"),
)
"""The names of each gateway's gates and kiosks, as it last sent them (`GivenNames`, JSON)."""

corrections = Table(
    "corrections",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _text("epoch", None),
    _text("newest", None),
    _text("token", None),
    PrimaryKeyConstraint("campus", "gateway", "epoch"),
)
"""For each epoch of a gateway that was corrected: `newest`, the epoch of its latest correction that
was received, and `token`, with which it was received."""

strikes = Table(
    "strikes",
    metadata,
    Column("id", ID, primary_key=True),
    _text("gateway", None),
    _text("token", None),
    Column("epoch", Text),
    _at("since"),
    _at("at"),
    _text("by", None),
    _text("reason", None),
    _at("undone_at", nullable=True),
    _text("undone_by"),
    _text("undone_reason"),
)
"""Strikes: rows received from `since` on with this token, of one epoch or (null) all, do not count
in any figure (`campus.strikes`)."""

clock = Table("clock", metadata, Column("key", Text, primary_key=True), _text("value", None))
"""State of the server's clock (`campus.clock`)."""

refusals = Table(
    "refusals",
    metadata,
    Column("id", ID, primary_key=True),
    _at("at"),
    _text("gateway", None),
    _text("field", None),
    _text("reason", None),
    _text("excerpt", None),
)
"""Refused deliveries with the reason, the newest only; the sender keeps the data."""

changed = Table("changed", metadata, Column("date", Text, primary_key=True), _at("at"))
"""Days for which something was received since their report was last made."""

reports = Table(
    "reports",
    metadata,
    _text("date", None),
    Column("version", Integer, nullable=False),
    _at("made_at"),
    _text("sha256", None),
    _text("document", None),
    _text("differences", None),
    _at("signed_at", nullable=True),
    _text("signed_by"),
    _text("signature"),
    _at("submitted_at", nullable=True),
    _text("submitted_by"),
    _text("submitted_to"),
    PrimaryKeyConstraint("date", "version"),
)
"""Every version of every day's report; immutable but for signing and submitting it, once each."""

notices = Table(
    "notices",
    metadata,
    Column("id", ID, primary_key=True),
    _text("key", None),
    _text("kind", None),
    _text("campus"),
    _text("contact", None),
    _text("channel", None),
    _text("address", None),
    _text("subject", None),
    _text("body", None),
    _at("made_at"),
    _at("next_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _at("sent_at", nullable=True),
    _at("given_up_at", nullable=True),
    _text("error"),
    Index("notices_key", "key", "contact", "channel", unique=True),
    Index("notices_due", "next_at"),
)
"""One row per notice and contact, with its attempts and their errors."""

told_cases = Table(
    "told_cases",
    metadata,
    Column("key", Text, primary_key=True),
    _text("fever", None),
    _at("opened_at"),
    _at("taken_at", nullable=True),
    _text("taken_by"),
    _at("over_at", nullable=True),
    _text("over_why"),
    Index("told_cases_opened", "opened_at"),
)
"""Confirmed fevers of which those on duty are told until somebody takes the case (`fever`:
`ConfirmedFever`, JSON)."""

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    _text("role", None),
    _text("password", None),
    _at("created_at"),
    _text("units"),
)
"""Accounts; `units` are those of a tutor, one a line."""

attempts = Table(
    "attempts",
    metadata,
    _text("name", None),
    _text("address", None),
    Column("failures", Integer, nullable=False),
    _at("locked_until"),
    _at("at"),
    PrimaryKeyConstraint("name", "address"),
)
"""Failed sign-ins by name and address, and until when further ones are refused."""

sessions = Table(
    "sessions",
    metadata,
    Column("token", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    _text("csrf", None),
    _at("created_at"),
    _at("seen_at"),
)

codes = Table("codes", metadata, Column("code", Text, primary_key=True), _at("expires_at"))
"""One-time codes for the first administrator."""

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    _at("at"),
    _text("user", None),
    _text("action", None),
    _text("what", None),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("forgotten", Integer, nullable=False, server_default="0"),
    Index("audit_at", "at"),
    Index("audit_kept", "forgotten", "at"),
)
"""Who did or read what; `forgotten`: whether other people's names were taken out of the entry."""

people = Table(
    "people",
    metadata,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    _text("kind", None),
    _text("class", None),
    _text("unit", None),
    _text("campus", None),
    _text("permit", None),
    _at("since"),
    _at("until", nullable=True),
    Column("expected", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    _text("sealed", None),
    Column("number_tag", Text, unique=True),
    _text("name_tag", None),
    _text("content", None),
    Index("people_unit", "unit", "person"),
    Index("people_revision", "revision"),
    Index("people_name", "name_tag"),
)
"""The list of people. The comments of this table and the next five stand in `people/schema.py`,
where the gateways' tables of the same names are made."""

cards = Table(
    "cards",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("person", BigInteger, nullable=False),
    _at("until", nullable=True),
    Index("cards_person", "person"),
)

policies = Table(
    "policies",
    metadata,
    _text("kind", None),
    _text("class", None),
    _text("permit", None),
    _text("by", None),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "class"),
)

overrides = Table(
    "overrides",
    metadata,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    _text("permit", None),
    _at("until"),
    _text("by", None),
    _at("at"),
    Column("revision", BigInteger, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("by", None),
    _at("at"),
    _text("sealed", None),
)

people_list = Table(
    "people_list",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("list", None),
    Column("revision", BigInteger, nullable=False),
    Column("last_person", Integer, nullable=False),
    _at("changed_at"),
    _at("heard_at", nullable=True),
    Column("first_at", Float(53), nullable=False, server_default="0"),
)


def _entry_columns() -> list[Column[Any]]:
    return [
        _text("register", None),
        Column("id", BigInteger, nullable=False),
        Column("revision", Integer, nullable=False),
        _at("first_at"),
        _at("at"),
        _text("by", None),
        _text("gate", None),
        _text("fields", None),
        _text("sealed", None),
        _text("subject", None),
        Column("amount", Float(53)),
        _at("opened_at"),
        _at("closed_at", nullable=True),
        Column("forgotten", Integer, nullable=False),
    ]


entries = Table(
    "entries",
    metadata,
    *_entry_columns(),
    PrimaryKeyConstraint("register", "id"),
    Index("entries_first", "register", "first_at"),
    Index("entries_held", "register", "closed_at"),
    Index("entries_sums", "register", "subject", "first_at", "amount"),
)
"""Entries of registers (`registers.entries`); `sealed` holds personal values, encrypted."""

entry_revisions = Table(
    "entry_revisions",
    metadata,
    *_entry_columns(),
    PrimaryKeyConstraint("register", "id", "revision"),
)
"""All revisions of the entries."""

marks = Table(
    "marks",
    metadata,
    _text("day", None),
    Column("person", BigInteger, nullable=False),
    _text("kind", None),
    Column("clinical_c", Float(53)),
    _at("at"),
    _text("by", None),
    _text("sealed", None),
    Column("revision", Integer, nullable=False),
    _text("campus"),
    _text("unit"),
    Column("expected", Integer, nullable=False, server_default="0"),
    _text("case_key"),
    PrimaryKeyConstraint("day", "person"),
)
"""Marks that were entered here; columns as in `people/schema.py`."""

marks_elsewhere = Table(
    "marks_elsewhere",
    metadata,
    _text("day", None),
    Column("person", BigInteger, nullable=False),
    _text("kind", None),
    PrimaryKeyConstraint("day", "person"),
)
"""Marks that the gateways sent, gathered from `items` (`campus.marks`)."""

roll_days = Table(
    "roll_days",
    metadata,
    Column("day", Text, primary_key=True),
    _at("closed_at"),
    *(
        Column(name, Integer)
        for name in ("expected", "measured", "excused", "unmeasured", "fevers")
    ),
)
"""Days that are closed; their figures are written here when their marks are deleted."""
