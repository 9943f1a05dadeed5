"""The command line shows what the student office's list would change, imports it, and imports it
again."""

import msgspec
import pytest
from click.testing import CliRunner
from people_helpers import gateway_people

from fevergate.cli import cli
from fevergate.errors import NothingFoundError, SettingsError, StoreError
from fevergate.web_common.store import WebStore
from harness.made_up_list import as_csv, as_xlsx, made_up

MANY = 13_699
"""Number of students of the college for whose bulletin FeverGate is built."""

GATEWAY = """
campus = "east"
title = "东校区"
gateway = "gw-east"
language = "en"
gates = [{name = "north", kiosks = ["north-1"]}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
    return tmp_path


def people(folder, *arguments, settings="gateway.toml"):
    command = ["people", *arguments, "--settings", str(folder / settings)]
    return CliRunner().invoke(cli, command, catch_exceptions=False)


def imported(folder, name, *more):
    result = people(folder, "import", str(folder / name), "--json", *more)
    assert result.exit_code == 0, result.output
    figures = msgspec.json.decode(result.output)
    return {name: figures[name] for name in ("added", "changed", "gone", "same", "doubled")}


def test_a_list_of_a_whole_college_is_looked_at_imported_and_the_same_in_every_form(folder):
    rows = made_up(MANY)
    for name, data in {
        "list.csv": as_csv(rows),
        "gb.csv": as_csv(rows, "gb18030"),
        "list.xlsx": as_xlsx(rows),
    }.items():
        (folder / name).write_bytes(data)
    new = {"added": MANY, "changed": 0, "gone": 0, "same": 0, "doubled": 0}
    assert imported(folder, "list.csv", "--dry-run") == new
    assert people(folder, "status").output == "there is no list\n"
    assert imported(folder, "list.csv") == new
    counts = new | {"added": 0, "same": MANY}
    for name in ("list.csv", "gb.csv", "list.xlsx"):
        assert imported(folder, name) == counts, name
    assert "0 changed" in people(folder, "import", str(folder / "gb.csv")).output
    assert f"{MANY} people, {MANY} of them expected today" in people(folder, "status").output
    rows = rows[:300]
    gapped = [*rows[:98], ("2099999999", "", "学生", "", "一班", "", "", "", "是"), *rows[98:]]
    (folder / "bad.xlsx").write_bytes(as_xlsx(gapped))
    refused = people(folder, "import", str(folder / "bad.xlsx"))
    assert refused.exit_code == 2
    assert refused.output == (
        "bad.xlsx: row 101, column 姓名: expected a word of at most 64 characters that can be"
        " printed\n"
    )
    assert imported(folder, "list.csv") == counts, "nothing of a list with a mistake is taken"


def test_a_cut_file_does_not_end_the_list_unless_somebody_says_so(folder):
    rows = made_up(300)
    (folder / "list.csv").write_bytes(as_csv(rows))
    (folder / "cut.csv").write_bytes(as_csv(rows[:200]))
    imported(folder, "list.csv")
    assert imported(folder, "cut.csv", "--dry-run")["gone"] == 100
    with pytest.raises(StoreError, match=r"将有 100 人离开名单.* 100 people would leave"):
        people(folder, "import", str(folder / "cut.csv"))
    assert imported(folder, "cut.csv", "--gone")["gone"] == 100
    assert imported(folder, "list.csv")["changed"] == 100, "nobody was deleted"


def test_somebody_is_forgotten_at_once_and_the_import_is_in_the_audit(folder, clock):
    (folder / "list.csv").write_bytes(as_csv(made_up(3)))
    imported(folder, "list.csv")
    assert people(folder, "forget", "2099100002").exit_code == 0
    with gateway_people(folder, clock) as store:
        assert store.by_number("2099100002") is None
        ended = [row for row in store.select("true", {}) if row.until is not None]
        assert [(row.name, row.unit != "") for row in ended] == [("", True)]
    with pytest.raises(NothingFoundError):
        people(folder, "forget", "2099100002")
    store = WebStore(folder / "web.db")
    entries = [(entry.action, entry.what) for entry in store.audit(9)]
    store.close()
    assert entries == [("forget person", "2"), ("import list", "+3 ~0 -0 =0")]


def test_what_root_imports_the_services_can_open(folder, monkeypatch):
    given = []
    monkeypatch.setattr("fevergate.operations.people_commands.set_owners", given.append)
    (folder / "list.csv").write_bytes(as_csv(made_up(3)))
    imported(folder, "list.csv")
    assert given == [folder]


def test_a_gateway_with_a_campus_server_refuses_an_import(folder):
    text = GATEWAY + '[campus_server]\nurl = "https://campus.example"\n'
    (folder / "gateway.toml").write_text(text, encoding="utf-8")
    (folder / "list.csv").write_bytes(as_csv(made_up(3)))
    with pytest.raises(SettingsError, match="copies the campus server's list"):
        people(folder, "import", str(folder / "list.csv"))


def test_the_campus_servers_list_is_imported_there_by_the_names_of_its_campuses(folder):
    (folder / "campus.toml").write_text(
        'language = "zh"\n[tokens]\ngw-east = "' + "0" * 64 + '"\n'
        '[campuses.east]\ntitle = "东校区"\ngateways = ["gw-east"]\n'
        '[people.columns]\nnumber = "一卡通编号"\n',
        encoding="utf-8",
    )
    text = "一卡通编号,姓名,类别,班级,校区\n1,王小明,学生,一班,东校区\n2,李芳,学生,一班,\n"
    (folder / "list.csv").write_text(text, encoding="gb18030")
    figures = people(folder, "import", str(folder / "list.csv"), settings="campus.toml")
    assert figures.exit_code == 0, figures.output
    assert "2" in figures.output
    status = people(folder, "status", "--json", settings="campus.toml")
    assert msgspec.json.decode(status.output)["people"] == 2
