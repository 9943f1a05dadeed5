"""What the campus server keeps, for SQLite and PostgreSQL alike. Times are UTC seconds."""

from __future__ import annotations

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
"""SQLite numbers rows by itself only where the type is INTEGER."""

TOKEN_DIGITS = 16
"""Of a token's SHA-256 in hex so many are kept with each row, and it is called by those."""


def _text(name: str, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


def _at(name: str, *, nullable: bool = False) -> Column[float]:
    # DOUBLE PRECISION: a REAL of PostgreSQL has 24 bits, too few for a second of our time.
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
    Index("items_token", "gateway", "token", "epoch"),
)
"""One row for each summary, fever or follow-up, at the highest revision that came. `date` is the
campus's own day; of a follow-up it is empty. `sealed` holds what names a person.

The key of an hour or a day ends with `@` and the epoch, if it has one. `token`: the beginning of
the digest of that by which it came; a newer token's word takes the place of an older one's."""

gateways = Table(
    "gateways",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _at("heard_at"),
    Column("clock_off_s", Float(53), nullable=False, server_default="0"),
    PrimaryKeyConstraint("campus", "gateway"),
)

runs = Table(
    "runs",
    metadata,
    _text("campus", None),
    _text("gateway", None),
    _text("epoch", None),
    _text("run", None),
    Column("serial", BigInteger, nullable=False),
    _text("token"),
    PrimaryKeyConstraint("campus", "gateway", "epoch"),
)
"""Of each epoch of a gateway: which run of it was heard last, and the number of what it sent."""

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
"""What came since then by a token that was replaced, of one epoch or (null) of all, counts no
longer."""

clock = Table("clock", metadata, Column("key", Text, primary_key=True), _text("value", None))
"""What the server thinks of its own clock."""

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
"""What was not taken, and why: the newest; the sender keeps all of it."""

changed = Table("changed", metadata, Column("date", Text, primary_key=True), _at("at"))
"""Days of which something came since their report was last made."""

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
"""Every version of every day; never changed but by being signed and submitted, once each."""

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
"""Who was told what, when, by which way; and who could not be."""

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    _text("role", None),
    _text("password", None),
    _at("created_at"),
)

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

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    _at("at"),
    _text("user", None),
    _text("action", None),
    _text("what", None),
    Column("times", Integer, nullable=False, server_default="1"),
    Index("audit_at", "at"),
)
