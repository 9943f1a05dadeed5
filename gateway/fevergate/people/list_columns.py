"""The columns of a list of people: their usual names, and the values that their cells may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from fevergate.people.list_table import SHORTENED
from fevergate.settings.people import PeopleSettings, column_names
from fevergate.texts.translations import N_, Pair, both

USUAL = {
    "number": (
        "学号",
        "工号",
        "学工号",
        "学号/工号",
        "编号",
        "人员编号",
        "number",
        "id",
    ),
    "name": ("姓名", "名字", "学生姓名", "name"),
    "kind": ("人员类别", "类别", "类型", "人员类型", "身份", "kind", "type"),
    "class": ("管理类别", "管理等级", "分类", "class"),
    "unit": ("班级", "部门", "单位", "班级/部门", "所在单位", "行政班", "unit", "department"),
    "campus": ("校区", "所在校区", "campus"),
    "card": ("卡号", "一卡通号", "校园卡号", "card"),
    "telephone": (
        "电话",
        "手机",
        "手机号",
        "手机号码",
        "联系电话",
        "联系方式",
        "telephone",
        "phone",
    ),
    "until": ("有效期", "有效期至", "截止日期", "until"),
    "expected": ("每日测温", "应测", "是否住校", "住校", "expected"),
    "permit": ("准入", "入校", "是否准入", "permit"),
}
"""Usual names of each column, used for a column that the settings do not name."""

REQUIRED = ("number", "name", "unit")

KINDS = {
    "student": ("学生", "在校生", "student"),
    "staff": ("教职工", "教师", "老师", "职工", "教工", "staff", "teacher"),
    "guard": ("保安", "安保", "门卫", "保卫", "值班员", "guard"),
}
"""Words in a list for the kinds of people that the program distinguishes; any other word is kept as
it is."""

GUARD = "guard"
"""The kind of people who are checked at the desk before their shift."""

_PERMITS = {
    "": ("",),
    "enter": ("准入", "允许", "可入", "是", "enter", "yes"),
    "ask": ("询问", "核实", "待定", "ask"),
    "stop": ("禁入", "不准入", "不得入校", "未返校", "否", "stop", "no"),
}
_YES = ("是", "√", "✓", "1", "y", "yes", "true", "住校", "应测")
_NO = ("否", "×", "0", "n", "no", "false", "走读", "不测")

_SHORT = re.compile(r"\d+(\.\d+)?E\+\d+", re.ASCII)
"""A long number in the short form that Excel writes into a CSV file, such as 2.02E+11."""

EXPECTED_WORD = N_("expected a word of at most {most} characters that can be printed")


class WithColumns(Protocol):
    """The part of settings that says how lists are read."""

    @property
    def zone(self) -> ZoneInfo: ...

    @property
    def people(self) -> PeopleSettings: ...


class ListRules(Struct, frozen=True, kw_only=True):
    """The rules by which the cells of a list are read.

    `names`: the columns' names in the settings. `campuses`: the short name of a campus for each
    word that a list may use for it; if empty, any short name is accepted. `kind`: the kind of
    everybody in a list without a column of kinds.
    """

    zone: ZoneInfo
    names: Mapping[str, str]
    campuses: Mapping[str, str]
    kind: str = ""

    @classmethod
    def of(cls, settings: WithColumns, titles: Mapping[str, tuple[str, str]]) -> ListRules:
        """The rules of a gateway's or campus server's settings; `titles` are the titles of its
        campuses by their short names."""
        words = {
            word: name
            for name, other_names in titles.items()
            for word in (name, *other_names)
            if word
        }
        names = column_names(settings.people.columns)
        return cls(zone=settings.zone, names=names, campuses=words)


class BadCell(ValueError):  # noqa: N818 - it never leaves this module and `list_file`
    """What a cell was expected to be, in Chinese and English."""

    def __init__(self, expected: Pair) -> None:
        super().__init__(expected[1])
        self.expected = expected


def columns(header: list[str], rules: ListRules) -> tuple[dict[str, int], list[str], list[str]]:
    """Find the columns by a row of names. Returns the place of each field, the names of columns
    whose field another column already has, and the names of unknown columns, which are not read."""
    places: dict[str, int] = {}
    twice: list[str] = []
    ignored: list[str] = []
    field_of = {
        _plain(name): field
        for field, usual_names in USUAL.items()
        for name in ([rules.names[field]] if rules.names.get(field) else usual_names)
    }
    for place, name in enumerate(header):
        field = field_of.get(_plain(name))
        if field is None:
            ignored += [name] if name else []
        elif field in places:
            twice.append(name)
        else:
            places[field] = place
    return places, twice, ignored


def title(field: str, header: list[str], places: Mapping[str, int], rules: ListRules) -> str:
    """The list's name for a field, or the usual name if the list does not have the field."""
    if field in places:
        return header[places[field]]
    return rules.names.get(field) or USUAL[field][0]


def value(field: str, cell: str, rules: ListRules) -> Any:
    """The value of a cell of a field. Raises `BadCell`."""
    if cell.startswith(SHORTENED):
        raise _shortened(cell.removeprefix(SHORTENED))
    return _READ[field](cell, rules)


def _number(cell: str, _: ListRules) -> str:
    if _SHORT.fullmatch(cell):
        raise _shortened(cell)
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f]{1,32}", cell):
        raise _bad(N_("expected a number of 1 to 32 characters without spaces"))
    if not cell.isprintable():  # such as U+202D, which pasting a number can add
        raise BadCell(both(EXPECTED_WORD, most=32))
    return cell


def _card(cell: str, rules: ListRules) -> str:
    return _number(cell, rules) if cell else ""


def _telephone(cell: str, _: ListRules) -> str:
    if _SHORT.fullmatch(cell):
        raise _shortened(cell)
    if not re.fullmatch(r"[0-9+()（）\- /、,;]{0,32}", cell):
        raise _bad(N_("expected a telephone number of at most 32 digits"))
    return cell


def _word(most: int, least: int = 0) -> Callable[[str, ListRules], str]:
    def read(cell: str, _: ListRules) -> str:
        if not least <= len(cell) <= most or not cell.isprintable():
            raise BadCell(both(EXPECTED_WORD, most=most))
        return cell

    return read


def _kind(cell: str, rules: ListRules) -> str:
    word = _word(32, 1)(cell or rules.kind, rules)
    return next((kind for kind, words in KINDS.items() if word.casefold() in words), word)


def _campus(cell: str, rules: ListRules) -> str:
    if not cell or cell in rules.campuses.values():
        return cell
    if cell in rules.campuses:
        return rules.campuses[cell]
    if not rules.campuses and re.fullmatch("[a-z0-9-]{1,32}", cell):
        return cell
    names = ", ".join(rules.campuses) or "a-z, 0-9, -"
    raise BadCell(both("expected a campus: {known}", known=names))


def _until(cell: str, rules: ListRules) -> float | None:
    if not cell:
        return None
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 0?0:00(?::00)?)?", cell)
    try:
        last = date(*map(int, match.groups())) if match else None
    except ValueError:
        last = None
    if last is None or not 2000 <= last.year < 2200:
        raise _bad(N_("expected a day as YYYY-MM-DD"))
    over = datetime.combine(last + timedelta(days=1), datetime.min.time(), rules.zone)
    return over.timestamp()


def _expected(cell: str, _: ListRules) -> bool:
    if not cell or cell.casefold() in _YES:
        return True
    if cell.casefold() in _NO:
        return False
    raise _bad(N_("expected yes or no"))


def _permit(cell: str, _: ListRules) -> str:
    for permit, words in _PERMITS.items():
        if cell.casefold() in words:
            return permit
    raise _bad(N_("expected enter, ask or stop"))


_READ: dict[str, Callable[[str, ListRules], Any]] = {
    "number": _number,
    "name": _word(64, 1),
    "kind": _kind,
    "class": _word(32),
    "unit": _word(64, 1),
    "campus": _campus,
    "card": _card,
    "telephone": _telephone,
    "until": _until,
    "expected": _expected,
    "permit": _permit,
}


def _bad(text: str) -> BadCell:
    return BadCell(both(text))


def _shortened(cell: str) -> BadCell:
    return BadCell(
        both(
            "a spreadsheet has shortened this number to {cell}: format the column as text, and"
            " enter it again",
            cell=cell,
        )
    )


def _plain(name: str) -> str:
    """A column's name in lower case, without spaces and colons, and without the asterisk of a
    required field."""
    return re.sub(r"[\s*＊:：]", "", name).casefold()
