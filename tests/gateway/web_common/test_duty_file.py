"""A duty roster is read as the office writes it. A bad row is named, and then no row is taken."""

import io
import json
from contextlib import suppress
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from samples import settings

from fevergate.cli import cli
from fevergate.errors import ListFileError
from fevergate.web_common.duty_file import DutyRules, read_roster

SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = DutyRules(zone=SHANGHAI, gates={"north": "north", "北门": "north", "south": "south"})
ROSTER = """值班安排（11月）
日期,校门,值班员,开始,结束
2026-11-26,北门,陈静,08:00,20:00
2026/11/26,北门,周敏,20:00,8:00
2026年11月27日,,Li Wei,0:00,24:00
"""


def read(text, file="roster.csv"):
    return read_roster(text.encode() if isinstance(text, str) else text, file, RULES)


def shifts_in_words(shifts):
    def at(moment):
        return f"{datetime.fromtimestamp(moment, SHANGHAI):%d %H:%M}"

    return [(shift.name, shift.gate, at(shift.begin), at(shift.end)) for shift in shifts]


SHIFTS = [
    ("陈静", "north", "26 08:00", "26 20:00"),
    ("周敏", "north", "26 20:00", "27 08:00"),
    ("Li Wei", "", "27 00:00", "28 00:00"),
]


def sheet(rows):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        day, clock = (
            book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            book.add_format({"num_format": "hh:mm"}),
        )
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    page.write(row, column, cell, day)
                elif isinstance(cell, time):
                    page.write(row, column, cell, clock)
                else:
                    page.write(row, column, cell)
    return out.getvalue()


def test_a_night_shift_ends_the_day_after_and_24_00_is_midnight():
    assert shifts_in_words(read(ROSTER)) == SHIFTS


def test_gb18030_and_a_spreadsheet_say_the_same():
    assert shifts_in_words(read(ROSTER.encode("gb18030"))) == SHIFTS
    header = ["值班员", "校门", "开始", "结束"]
    cells = [
        header,
        ["陈静", "北门", datetime(2026, 11, 26, 8), datetime(2026, 11, 26, 20)],
        ["周敏", "north", datetime(2026, 11, 26, 20), datetime(2026, 11, 27, 8)],
        ["Li Wei", "全部", datetime(2026, 11, 27), datetime(2026, 11, 28)],
    ]
    assert shifts_in_words(read(sheet(cells))) == SHIFTS
    dated = [
        ["日期", *header],
        [datetime(2026, 11, 26), "陈静", "北门", time(8), time(20)],
        [datetime(2026, 11, 26), "周敏", "北门", time(20), time(8)],
        ["2026-11-27", "Li Wei", "", "00:00", "24:00"],
    ]
    assert shifts_in_words(read(sheet(dated))) == SHIFTS


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ("2026-11-26,北门,<b>,08:00,20:00", "值班员", "expected a name"),
        ("2026-11-26,west,Li,08:00,20:00", "校门", "expected one of north、北门、south"),
        ("26.11.,北门,Li,08:00,20:00", "日期", "expected a date"),
        ("2026-11-26,北门,Li,25:00,20:00", "开始", "expected a time"),
        ("2026-11-26,北门,Li,08:00,", "结束", "expected a time"),
        ("2026-02-30,北门,Li,08:00,20:00", "开始", "expected a time"),
    ],
)
def test_a_bad_row_is_named_with_row_column_and_what_was_expected(row, column, expected):
    with pytest.raises(ListFileError) as error:
        read(ROSTER + row)
    ((number, name, (_, text)),) = error.value.problems
    assert (number, name) == (6, column) and text.startswith(expected)


def test_an_end_before_its_begin_without_a_date_column_is_a_mistake():
    with pytest.raises(ListFileError, match="row 2, column 结束: expected a time after the begin"):
        read("值班员,开始,结束\nLi,2026-11-26 20:00,2026-11-26 08:00\n")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "值班员,开始,结束\n", "\0"])
def test_what_is_no_roster_is_told_so(text):
    with pytest.raises(ListFileError):
        read(text)


@given(st.text(alphabet="0123456789-/:.年月日 T：Li,\n", max_size=80))
def test_no_text_brings_the_reader_down(text):
    with suppress(ListFileError):
        read(f"值班员,开始,结束\n{text}")


def test_the_command_takes_a_roster_once_and_says_who_is_on_duty(tmp_path):
    config = settings()
    path = tmp_path / "gateway.toml"
    gates = "".join(
        f'[[gates]]\nname = "{gate.name}"\nkiosks = ["{gate.kiosks[0]}"]\npins = "{gate.pins}"\n'
        for gate in config.gates
    )
    path.write_text(f'campus = "east"\ngateway = "gw-east"\nlanguage = "en"\n{gates}')
    roster = tmp_path / "roster.csv"
    roster.write_text("name,gate,from,to\nChen,north,2020-01-01 00:00,2999-12-31 00:00\n")

    def run(*arguments):
        result = CliRunner().invoke(cli, ["duty", *arguments, "--settings", str(path), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    added = {"added": 1, "withdrawn": 0, "unchanged": 0}
    assert run("import", str(roster), "--dry-run") == added | {"dry_run": True}
    assert run("now") == {"north": [], "south": []}
    assert run("import", str(roster)) == added | {"dry_run": False}
    unchanged = {"added": 0, "withdrawn": 0, "unchanged": 1, "dry_run": False}
    assert run("import", str(roster)) == unchanged
    assert run("now") == {"north": ["Chen"], "south": []}
    roster.write_text("name,gate,from,to\nChen,north,2020-01-01 00:00,\n")
    command = ["duty", "import", str(roster), "--settings", str(path)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 2 and "roster.csv: row 2, column to: expected" in result.output
