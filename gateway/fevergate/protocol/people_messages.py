"""The list of people as a gateway copies it from the campus server: GET /v1/people?after=REVISION.

Each row has a revision of its own; an answer has the rows after REVISION, in order. `list_id`
identifies the list: a gateway that names another id, because the server was restored or set up
anew, is sent all rows again. The id's first 16 digits are the list's lineage, which a restore
keeps: within a lineage a `person` number always means the same person.
"""

import secrets
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from fevergate.protocol.messages import Message
from fevergate.protocol.person_set import MOST_PERSON

MOST_ROWS = 1000
"""An answer has at most this many people; the rest come in the next answers."""

LINEAGE_DIGITS = 16
"""Number of first digits of a list's id that stay the same when the server is restored."""

Person = Annotated[int, Meta(ge=1, le=MOST_PERSON)]
RowRevision = Annotated[int, Meta(ge=1, le=2**62)]
At = Annotated[float, Meta(ge=0, le=2**40)]
Word = Annotated[str, Meta(max_length=64)]
Permit = Literal["", "enter", "ask", "stop"]


class PersonRow(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One person; the names are empty once they were erased. Times are Unix times (s)."""

    person: Person
    revision: RowRevision
    kind: Word
    class_: Word
    unit: Word
    campus: Word
    permit: Permit
    since: At
    until: At | None
    expected: bool
    name: Word = ""
    number: Word = ""
    card: Word = ""
    telephone: Word = ""


class PolicyChange(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """The policy for a class of a kind of people; with an empty class, for the whole kind."""

    kind: Word
    class_: Word
    permit: Permit
    at: At
    revision: RowRevision


class OverrideChange(Struct, frozen=True, kw_only=True):
    """A person's own permit until a Unix time (s)."""

    person: Person
    permit: Permit
    until: At
    at: At
    revision: RowRevision


class PeoplePage(Message, frozen=True, kw_only=True):
    """All changes after the revision that was asked for, up to the revision `to`. `revision` is the
    newest of the list; if it is later than `to`, the next answer has more.

    `list_id` is empty if the server has no list. `elsewhere` are people who are now expected at
    another campus; the gateway deletes them.
    """

    list_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,32}\Z")] = ""
    revision: Annotated[int, Meta(ge=0, le=2**62)] = 0
    to: Annotated[int, Meta(ge=0, le=2**62)] = 0
    people: Annotated[list[PersonRow], Meta(max_length=MOST_ROWS)] = msgspec.field(
        default_factory=list
    )
    elsewhere: Annotated[list[Person], Meta(max_length=MOST_ROWS)] = msgspec.field(
        default_factory=list
    )
    policies: Annotated[list[PolicyChange], Meta(max_length=10_000)] = msgspec.field(
        default_factory=list
    )
    overrides: Annotated[list[OverrideChange], Meta(max_length=MOST_PERSON)] = msgspec.field(
        default_factory=list
    )


def new_list_id() -> str:
    """A new list's id."""
    return secrets.token_hex(LINEAGE_DIGITS // 2)


def restored(list_id: str) -> str:
    """The id of a list that was restored from a backup: another one of the same lineage."""
    return list_id[:LINEAGE_DIGITS] + secrets.token_hex(LINEAGE_DIGITS // 2)


def same_lineage(list_id: str, other: str) -> bool:
    """Whether a `person` number means the same person in two lists, even if one was restored from a
    backup; False if an id is empty, which means that there is no list."""
    return bool(list_id) and list_id[:LINEAGE_DIGITS] == other[:LINEAGE_DIGITS]
