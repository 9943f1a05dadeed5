"""[people]: the names of the columns in the college's list of people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

ColumnName = Annotated[str, Meta(max_length=64)]


class ListColumns(Struct, forbid_unknown_fields=True, kw_only=True, rename={"class_": "class"}):
    """[people.columns]: the name of each column in the list. Empty stands for any of the usual
    names (`people/list_columns.py`)."""

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
    """Enter, ask or stop; empty if the policy decides."""


class PeopleSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """[people]: the list of people who may enter and who must be measured."""

    columns: ListColumns = msgspec.field(default_factory=ListColumns)
    card_base: Literal[10, 16] = 10
    """Base in which the list writes card numbers; their value is the number that a reader gives."""


def column_names(columns: ListColumns) -> dict[str, str]:
    """The names of columns that the settings give, by field."""
    return {name: text for name, text in msgspec.to_builtins(columns).items() if text}
