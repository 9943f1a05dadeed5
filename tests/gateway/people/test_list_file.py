"""A college's list is read whole or refused whole; each mistake is named by row and column."""

import csv
import io
import re
import struct
import zipfile
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fevergate.errors import ListFileError
from fevergate.people import list_table, sheet_size
from fevergate.people.changes import ListEntry
from fevergate.people.list_columns import ListRules
from fevergate.people.list_file import MOST_PROBLEMS, read_list
from harness.made_up_list import HEADER, as_csv, as_xlsx, made_up

RULES = ListRules(zone=ZoneInfo("Asia/Shanghai"), names={}, campuses={})
HEAD = ("学号", "姓名", "类别", "班级")


def as_text(*rows, delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def sheet(*rows, title=None):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        if title:
            book.add_worksheet("说明").write(0, 0, title)
        page = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    page.write_datetime(
                        place, column, datetime(cell.year, cell.month, cell.day), day
                    )
                else:
                    page.write(place, column, cell)
    return file.getvalue()


def read(data, **rules):
    import msgspec

    content = data.encode() if isinstance(data, str) else data
    return read_list(content, "名单", msgspec.structs.replace(RULES, **rules))


def problems(data, **rules):
    with pytest.raises(ListFileError) as error:
        read(data, **rules)
    return [(p.row, p.column, p.expected[1]) for p in error.value.problems]


def test_one_list_is_the_same_in_every_form_that_a_college_sends():
    rows = made_up(300, ("east", "west"))
    lists = [
        read(form).entries
        for form in (
            as_csv(rows),
            as_csv(rows, "gb18030"),
            as_text(HEADER, *rows),
            as_text(HEADER, *rows, delimiter="\t").encode("utf-16"),
            as_text(HEADER, *rows, delimiter=";"),
            as_xlsx(rows),
        )
    ]
    assert len(lists[0]) == 300
    assert {entry.kind for entry in lists[0]} == {"student", "staff", "guard"}
    assert all(entries == lists[0] for entries in lists[1:])


def test_numbers_and_days_of_a_spreadsheet_are_as_a_person_sees_them():
    listed = read(
        sheet(
            (*HEAD, "电话", "有效期"),
            (2023010001, "王小明", "学生", "计应2301", 10012345678.0, date(2026, 12, 31)),
            ("02", "李芳", "实习", "会计2302", "", "2026年12月31日"),
            title="请先阅读",
        )
    )
    first, second = listed.entries
    assert (first.number, first.telephone) == ("2023010001", "10012345678")
    assert (second.number, second.kind) == ("02", "实习")
    assert first.until == second.until == datetime(2027, 1, 1, tzinfo=RULES.zone).timestamp()


def test_a_bad_row_is_named_with_row_and_column_and_so_is_the_next():
    text = as_text(
        ("学生名单",),
        (*HEAD, "校区", "是否住校"),
        ("1", "王小明", "学生", "计应2301", "东校区", "是"),
        (),
        ("2 3", "", "学生", "计应2301", "东校区", "是"),
        ("4", "李芳", "", "计应2301", "月球", "也许"),
    )
    assert problems(text, campuses={"东校区": "east"}) == [
        (5, "学号", "expected a number of 1 to 32 characters without spaces"),
        (5, "姓名", "expected a word of at most 64 characters that can be printed"),
        (6, "类别", "expected a word of at most 32 characters that can be printed"),
        (6, "校区", "expected a campus: 东校区"),
        (6, "是否住校", "expected yes or no"),
    ]


def test_a_number_that_a_spreadsheet_has_shortened_is_not_taken():
    ((row, column, text),) = problems(as_text(HEAD, ("2.02301E+11", "王小明", "学生", "一班")))
    assert (row, column) == (2, "学号") and "2.02301E+11" in text
    ((row, column, text),) = problems(sheet(HEAD, (123456789012345678, "王小明", "学生", "一班")))
    assert (row, column) == (2, "学号") and "shortened" in text
    result = read(as_text((*HEAD, "卡号"), ("1", "王小明", "学生", "一班", "5481E736")))
    assert result.entries[0].card == "5481E736", "a card's number in hex is no shortened one"


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad"])
@pytest.mark.parametrize("column", ["学号", "卡号"])
def test_a_number_with_an_invisible_character_is_not_taken(hidden, column):
    row = {"学号": "23001", "卡号": "8001"}
    row[column] = row[column][:2] + hidden + row[column][2:]
    text = as_text((*HEAD, "卡号"), (row["学号"], "王芳", "学生", "一班", row["卡号"]))
    ((place, name, expected),) = problems(text)
    assert (place, name) == (2, column) and "can be printed" in expected


def test_a_repeated_row_is_reported_and_a_different_row_of_its_number_is_refused():
    row = ("1", "王小明", "学生", "一班")
    assert read(as_text(HEAD, row, row, ("2", "李芳", "学生", "一班"), row)).doubled == [3, 5]
    ((number, column, text),) = problems(as_text(HEAD, row, ("1", "李芳", "学生", "一班")))
    assert (number, column) == (3, "学号") and "row 2" in text
    cards = as_text((*HEAD, "卡号"), (*row, "A1"), ("2", "李芳", "学生", "一班", "a1"))
    assert problems(cards)[0][:2] == (3, "卡号")


def test_the_settings_say_how_the_college_calls_a_column():
    text = as_text(("Matrikel", *HEAD[1:], "学号"), ("1", "王小明", "学生", "一班", "9"))
    listed = read(text, names={"number": "Matrikel"})
    assert listed.entries[0].number == "1"
    assert listed.ignored == ["学号"]


def test_unknown_columns_are_not_read():
    listed = read(
        as_text((*HEAD, "身份证号"), ("1", "王小明", "学生", "一班", "110101199001011234"))
    )
    assert listed.ignored == ["身份证号"]
    assert "110101199001011234" not in str(listed)


def test_a_file_without_the_columns_says_which_it_needs():
    assert problems(as_text(("学号", "姓名", "班级"), ("1", "王小明", "一班"))) == [
        (1, "人员类别", "this column is missing")
    ]
    result = read(as_text(("学号", "姓名", "班级"), ("1", "王小明", "一班")), kind="学生")
    assert result.entries[0].kind == "student"
    ((_, _, text),) = problems("一,二\n3,4\n")
    assert "学号、姓名" in text and "一、二" in text
    assert problems(as_text((*HEAD, "工号"), ("1", "王小明", "学生", "一班", "2")))[0][1] == "工号"
    assert problems(as_text(HEAD))[0][2].startswith("the list is empty")
    for nothing in (b"", b"\n\n", b"\0\1\2", b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"):
        assert problems(nothing), nothing


def test_only_the_start_of_a_file_without_list_columns_is_quoted():
    ((_, _, text),) = problems("x" * 100_000)
    assert "x" * 100 in text and len(text) < 400


def test_at_most_twenty_mistakes_are_named():
    rows = [("", "王小明", "学生", "一班")] * 50
    assert len(problems(as_text(HEAD, *rows))) == MOST_PROBLEMS


def test_a_bomb_is_refused_before_it_is_unpacked():
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", bytes(300_000_000))
    assert len(file.getvalue()) < 1_000_000
    assert "cannot be read" in problems(file.getvalue())[0][2]
    assert "10 MB" in problems(bytes(10_000_001))[0][2]


CELL = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cn", "Co", "Cf"]), max_size=12
)
WORD = CELL.filter(lambda text: text.strip() == text and len(text) > 0)
NUMBER = st.from_regex(r"[A-Z]?[0-9]{1,12}", fullmatch=True)
ENTRIES = st.lists(
    st.builds(
        ListEntry,
        number=NUMBER,
        name=WORD,
        kind=st.sampled_from(["student", "staff", "guard", "实习"]),
        class_=st.sampled_from(["", "甲类"]),
        unit=WORD,
        permit=st.sampled_from(["", "enter", "ask", "stop"]),
        telephone=st.from_regex(r"[0-9]{0,11}", fullmatch=True),
        expected=st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda entry: entry.number.casefold(),
)
WRITTEN = ("number", "name", "kind", "class_", "unit", "permit", "telephone", "expected")


def table_of(entries):
    header = [name.strip("_") for name in WRITTEN]
    rows = [
        [
            {True: "yes", False: "no"}.get(value, value)
            for value in map(entry.__getattribute__, WRITTEN)
        ]
        for entry in entries
    ]
    return [header, *rows]


@given(
    ENTRIES, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]), st.sampled_from(",\t;")
)
def test_what_was_written_is_read(entries, encoding, delimiter):
    data = as_text(*table_of(entries), delimiter=delimiter).encode(encoding)
    assert read(data).entries == entries


@settings(max_examples=30)
@given(ENTRIES)
def test_what_a_spreadsheet_holds_is_read(entries):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for place, row in enumerate(table_of(entries)):
            for column, cell in enumerate(row):
                page.write_string(place, column, cell)
    assert read(file.getvalue()).entries == entries


HEADED = as_text(HEAD).encode()


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(HEADED.__add__))
@example(HEADED + b'"\r\n')
@example("学号,姓名\n".encode() + b"\xff" * 9)
def test_any_file_is_read_or_refused_with_its_mistakes(data):
    try:
        listed = read(data)
    except ListFileError as error:
        assert 1 <= len(error.problems) <= MOST_PROBLEMS
    else:
        assert listed.entries


def stray(*cells):
    """A list with further cells, each given as row and column from 0, and text."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEAD)
        for row, column, text in cells:
            page.write_string(row, column, text)
    return file.getvalue()


def changed(data, **parts):
    """A spreadsheet with some parts changed: `parts` has a function for each, by file name without
    extension."""
    new = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(new, "w") as out:
        for name in old.namelist():
            change = parts.get(name.rpartition("/")[2].partition(".")[0], lambda part: part)
            out.writestr(name, change(old.read(name)), zipfile.ZIP_DEFLATED)
    return new.getvalue()


NO_PLACES = (b"<row><c><v>1</v></c></row>" * 100_001).join([b"<sheetData>", b"</sheetData>"])
TEXT = b"x" * 1_000_000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (stray((1_048_575, 0, "x")), "at most 100000 rows"),
        (stray((1, 200, "x")), "at most 200 columns"),
        (stray((99_999, 0, "x"), (0, 199, "x")), "at most 2000000 cells"),
        (
            changed(
                stray((1_048_575, 200, "x")),
                sheet1=lambda part: re.sub(b"<dimension[^>]*>", b'<dimension ref="A1:D2"/>', part),
            ),
            "at most 100000 rows",
        ),
        (
            changed(
                stray((1, 0, "x")),
                sheet1=lambda part: re.sub(b"<sheetData>.*</sheetData>", NO_PLACES, part),
            ),
            "at most 100000 rows",
        ),
        (
            changed(
                stray(*((row, 0, "x") for row in range(1, 120))),
                sharedStrings=lambda part: part.replace(b"<t>x</t>", b"<t>" + TEXT + b"</t>"),
            ),
            "at most 100 million letters",
        ),
        (b"\xd0\xcf\x11\xe0" + bytes(1000), "save it as one of these"),
        (changed(stray(), core=lambda _: b"<!DOCTYPE x><sheetData/>"), "a document type"),
    ],
    ids=["rows", "columns", "cells", "said small", "no places", "one long text", "xls", "doctype"],
)
def test_a_small_spreadsheet_that_would_fill_the_memory_is_never_laid_out(
    data, expected, monkeypatch
):
    monkeypatch.setattr("python_calamine.load_workbook", lambda _: pytest.fail("laid out"))
    ((row, column, text),) = problems(data)
    assert (row, column) == (0, "") and expected in text


def with_two_directories(shown, hidden):
    """A ZIP file with two directories (APPNOTE.TXT 4.3.14 to 4.3.16). Readers that prefer a ZIP64
    directory find the parts of `shown`; others find the parts of `hidden`."""
    count, size, begin = struct.unpack("<10xHLL2x", hidden[-22:])
    parts, own = bytearray(shown[:-22]), struct.unpack("<10xHLL2x", shown[-22:])
    shift, at = len(hidden) - 22, own[2]
    while at < len(parts):
        lengths = struct.unpack_from("<3H", parts, at + 28)
        (place,) = struct.unpack_from("<L", parts, at + 42)
        struct.pack_into("<L", parts, at + 42, place + shift)
        at += 46 + sum(lengths)
    own_count, own_size, own_begin = own
    end = struct.pack(
        "<4sQ2H2L4Q",
        *(b"PK\6\6", 44, 45, 45, 0, 0),
        *(own_count, own_count, own_size, own_begin + shift),
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, shift + len(parts), 1)
    plain = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, begin, 0)
    return hidden[:-22] + bytes(parts) + end + locator + plain


def test_the_parts_that_were_checked_are_those_that_are_read():
    content = as_xlsx(made_up(3))
    data = with_two_directories(content, stray((1_048_575, 200, "x")))
    assert read(data).entries == read(content).entries


@pytest.mark.parametrize(
    ("limit", "part", "change", "expected"),
    [
        (
            "MAX_CELLS",
            "sharedStrings",
            lambda part: part.replace(b"</sst>", b"<si/>" * 2000 + b"</sst>"),
            "at most 1000 cells",
        ),
        (
            "MAX_ELEMENTS",
            "sheet1",
            lambda part: part.replace(b"</sheetData>", b"<row/>" * 2000 + b"</sheetData>"),
            "cannot be read",
        ),
        (
            "MAX_BESIDE",
            "workbook",
            lambda part: part.replace(b"</sheets>", b"</sheets><!--sheetData-->" + b" " * 40_000),
            "cannot be read",
        ),
    ],
    ids=["shared texts", "elements", "a workbook that looks like a sheet"],
)
def test_a_spreadsheet_of_many_empty_things_is_never_laid_out(
    limit, part, change, expected, monkeypatch
):
    sound = as_xlsx(made_up(3))
    monkeypatch.setattr(sheet_size, limit, 40_000 if limit == "MAX_BESIDE" else 1000)
    assert read(sound).entries
    monkeypatch.setattr("python_calamine.load_workbook", lambda _: pytest.fail("laid out"))
    ((row, column, text),) = problems(changed(sound, **{part: change}))
    assert (row, column) == (0, "") and expected in text


def test_a_spreadsheet_with_unusual_compression_or_a_repeated_part_is_refused():
    for method, names in ((zipfile.ZIP_LZMA, "a"), (zipfile.ZIP_DEFLATED, "aA")):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as parts:
            for name in names:
                parts.writestr(f"xl/{name}.xml", "<a/>")
        assert "cannot be read as a spreadsheet: ZIP" in problems(file.getvalue())[0][2]


def test_no_more_than_fifty_sheets_are_looked_at():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for _ in range(60):
            book.add_worksheet().write_string(0, 0, "-")
    assert len(list(list_table.sheets(file.getvalue(), "list.xlsx"))) == 50


def test_a_far_cell_with_a_format_and_no_text_is_no_part_of_the_list():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEAD)
        page.write_row(1, 0, ["1", "王芳", "学生", "软件2301"])
        page.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))
    assert [entry.name for entry in read(file.getvalue()).entries] == ["王芳"]


SHEET = as_xlsx(made_up(3))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(SHEET) - 1), st.integers(0, 255)), max_size=6))
def test_a_damaged_spreadsheet_is_read_or_refused_with_its_mistakes(changes):
    data = bytearray(SHEET)
    for place, byte in changes:
        data[place] = byte
    try:
        read(bytes(data))
    except ListFileError as error:
        assert error.problems


def test_a_spreadsheet_of_too_many_parts_is_refused_before_any_is_read():
    """60,000 empty parts kept the service busy for half a minute."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for number in range(sheet_size.MAX_PARTS + 1):
            parts.writestr(f"xl/{number}.xml", "")
    assert "cannot be read as a spreadsheet: ZIP" in problems(file.getvalue())[0][2]
