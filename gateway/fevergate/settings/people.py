"""[people]: how the college calls the columns of its list of people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

ColumnName = Annotated[str, Meta(max_length=64)]


class ListColumns(Struct, forbid_unknown_fields=True, kw_only=True, rename={"class_": "class"}):
    """[people.columns]: the list's own name of each column; empty: one of the usual names
    (`people/list_columns.py`)."""

    number: ColumnName = ""
    """Student or staff number."""
    name: ColumnName = ""
    kind: ColumnName = ""
    """Student, staff, guard, or any word of the college's own."""
    class_: ColumnName = ""
    """Class of the policy, such as "living in"."""
    unit: ColumnName = ""
    """School class, department or office."""
    campus: ColumnName = ""
    card: ColumnName = ""
    telephone: ColumnName = ""
    until: ColumnName = ""
    """Last day on the list."""
    expected: ColumnName = ""
    """Whether the person is to be measured each day."""
    permit: ColumnName = ""
    """Enter, ask or stop; empty where the policy decides."""


class PeopleSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[people]: the list of people who may enter and who must be measured."""

    columns: ListColumns = msgspec.field(default_factory=ListColumns)
    card_base: Literal[10, 16] = 10
    """Base of the digits of the list's card numbers: the number that a reader gives is the same."""


def column_names(columns: ListColumns) -> dict[str, str]:
    """The settings' names of columns by field."""
    return {name: text for name, text in msgspec.to_builtins(columns).items() if text}
