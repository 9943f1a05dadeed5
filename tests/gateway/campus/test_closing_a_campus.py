"""Closing a campus at the campus server: its rows are archived without names and wiped, however
often the closing is interrupted; the server's other campuses stay."""

from datetime import date

import msgspec
import pytest
from campus_site import DAY, Parts, after, counts, delivery, fever, local, over
from click.testing import CliRunner
from sqlalchemy import func, select

from fevergate.backup.archive import read_backup
from fevergate.campus import closing
from fevergate.campus.account_store import AccountStore
from fevergate.campus.closing import close_campus
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.campus.run_lock import shared_lock
from fevergate.campus.schema import entry_revisions, items, metadata, notices
from fevergate.campus.settings import load_campus
from fevergate.campus.strikes import TokenStrikeWriter
from fevergate.cli import cli
from fevergate.errors import BackupError, ClosingError, FeverGateError
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.marks import Marks, NewMark
from fevergate.people.store import PeopleStore
from fevergate.registers.declarations import shipped
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import EntryForm

PHRASE = "a long passphrase"
NAMES = ("王芳", "13812345678", "Zhang", "Chen Jing", "chen@example.edu.cn", "excerpt of east")
TOML = """
language = "{language}"
database = "{database}"
[smtp]
host = "mail"
sender = "a@b.cn"
[campuses.east]
gateways = ["gw-east"]
[campuses.west]
gateways = ["gw-west"]
[tokens]
gw-east = "{digest}"
gw-west = "{digest}"
[[contacts]]
name = "Chen Jing"
channel = "email"
address = "chen@example.edu.cn"
campuses = ["east"]
[[contacts]]
name = "Both"
channel = "email"
address = "both@example.edu.cn"
campuses = ["east", "west"]
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)


@pytest.fixture
def site(tmp_path, database_text):
    """Two campuses, each with a fever, a follow-up that names somebody, and a report."""
    folder = tmp_path / "campus"
    (folder / "gateways").mkdir(parents=True)
    database = database_text if "://" in database_text else "campus.db"
    text = TOML.format(language="en", database=database, digest="0" * 64)
    (folder / "campus.toml").write_text(text)
    (folder / "gateways" / "gw-east.json").write_text("a token")
    parts = Parts(folder, database)
    for campus in ("east", "west"):
        body = msgspec.structs.replace(
            delivery(
                over(counts(normal=10, fever=1)),
                fever(1, acknowledged_by="Zhang", acknowledged_at=local(f"{DAY} 09:05")),
                after(1, outcome="clinic", closed=True, person="王芳", phone="13812345678"),
                campus=campus,
            ),
            epoch="a",
            corrected_by=("b",),
        )
        parts.store.keep(body, "a" * 16)
        parts.store.refuse(f"gw-{campus}", "$", "why", f"excerpt of {campus}".encode())
        with parts.database.write() as connection:
            notice = {"key": "k", "kind": "fever", "campus": campus, "contact": "Chen Jing"}
            notice |= {"channel": "email", "address": "chen@example.edu.cn", "subject": campus}
            connection.execute(
                notices.insert()
                .values(**(notice | {"key": campus, "body": "", "made_at": 1}))
                .values(next_at=1)
            )
    entries = Entries(AccountStore(parts.database, parts.now), parts.vault, shipped())
    form = EntryForm(parts.settings.zone, ["east", "west"], [])
    for campus in ("east", "west"):
        visitor = {"name": "王芳", "phone": "13812345678", "whom": "王芳"}
        entries.add("visitors", form.read(shipped()["visitors"], visitor, campus), "Zhang")
    people = PeopleStore(AccountStore(parts.database, parts.now), parts.vault)
    listed = [
        ListEntry(number=f"2026{campus}", name="王芳", kind="student", campus=campus)
        for campus in ("east", "west")
    ]
    PeopleChanges(people).replace(listed)
    today, marks = parts.now.at, Marks(people.statements, people.vault, parts.settings.zone)
    persons = [row.person for row in people.of_unit("", today, 9)]
    new = [NewMark(person=person, excused="王芳 is ill") for person in persons]
    marks.enter(date.fromisoformat(DAY), new, "Zhang")
    TokenStrikeWriter(parts.database, parts.settings, parts.now, by="李伟", reason="x").strike(
        "gw-east", "aaaa", None, 0
    )
    parts.reports.make(DAY)
    parts.close()
    return folder


def close_it(folder, archive, campus="east"):
    return close_campus(load_campus(folder / "campus.toml"), campus, archive, PHRASE)


def table_rows(folder):
    """All rows of each table, as text."""
    database = CampusDatabase(load_campus(folder / "campus.toml").url)
    try:
        with database.read() as connection:
            return {
                table.name: [str(dict(row)) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }
    finally:
        database.close()


def is_closed(folder, archive):
    rows = table_rows(folder)
    tables = set(rows) - {"reports", "audit"}
    assert not [row for name in tables for row in rows[name] if "east" in row]
    assert len(rows["items"]) == 3 and len(rows["reports"]) == 1
    assert sum("sealed': ''" not in row for row in rows["items"]) == 1  # the name at west stays
    assert len(rows["marks"]) == len(rows["people"]) == 1
    assert len(rows["refusals"]) == len(rows["notices"]) == len(rows["entries"]) == 1
    settings = load_campus(folder / "campus.toml")
    assert set(settings.campuses) == {"west"} and set(settings.tokens) == {"gw-west"}
    contacts = [(contact.name, contact.campuses) for contact in settings.contacts]
    assert contacts == [("Both", ["west"])]
    assert not (folder / closing.NOTE).exists()
    assert not (folder / "gateways" / "gw-east.json").exists()
    back = archive.with_name("back")
    read_backup(archive, back, PHRASE)
    content = b"".join(path.read_bytes() for path in back.rglob("*") if path.is_file())
    assert not [name for name in NAMES if name.encode() in content]
    copy = CampusDatabase(database_url("campus.sqlite", back))
    with copy.read() as connection:
        campuses = connection.execute(select(items.c.campus, func.count()).group_by("campus"))
        assert campuses.all() == [("east", 3)]
        visitors = connection.execute(select(entry_revisions.c.gate, entry_revisions.c.sealed))
        assert visitors.all() == [("east", "")]
    copy.close()


def test_the_archive_has_the_rows_without_names_and_the_other_campus_stays(site, tmp_path):
    archive = tmp_path / "east.archive"
    result = close_it(site, archive)
    assert (result.kind, result.campus, result.readings, result.fevers) == ("archive", "east", 3, 1)
    is_closed(site, archive)
    if (site / "campus.db").exists():
        content = b"".join(path.read_bytes() for path in site.glob("campus.db*"))
        assert b"excerpt of east" not in content


STAGES = ["write_backup", "keep", "rows", "wipe", "write_toml", "last"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_closing_that_was_interrupted_is_finished_by_the_next(site, tmp_path, monkeypatch, stage):
    archive = tmp_path / "east.archive"
    original = {name: getattr(closing, name) for name in ("keep", "wipe", "write_toml")}
    compacted = []

    def cut(*_):
        raise OSError(5, "power cut")

    def compact(database):
        compacted.append(1)
        if len(compacted) == 2:
            cut()

    def wipe(path):
        if path.name == closing.NOTE:
            cut()
        original["wipe"](path)

    if stage == "rows":
        monkeypatch.setattr(CampusDatabase, "compact", compact)
    elif stage == "last":
        monkeypatch.setattr(closing, "wipe", wipe)
    else:
        monkeypatch.setattr(closing, stage, cut)
    with pytest.raises((OSError, FeverGateError), match="power cut"):
        close_it(site, archive)
    monkeypatch.undo()
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)
    assert (site / closing.NOTE).exists()
    with pytest.raises((ClosingError, BackupError)):
        close_it(site, tmp_path / "other.archive")
    with pytest.raises(ClosingError, match="has begun"):
        close_it(site, archive, "west")
    assert close_it(site, archive).readings == 3
    is_closed(site, archive)


@pytest.mark.parametrize("campus", ["", "EAST", "north"])
def test_without_a_campus_of_the_server_nothing_happens(site, tmp_path, campus):
    before = table_rows(site)
    with pytest.raises(ClosingError, match="east, west"):
        close_it(site, tmp_path / "east.archive", campus)
    assert table_rows(site) == before and not (site / closing.NOTE).exists()


def test_closing_is_refused_while_the_server_runs_and_a_start_while_it_closes(site, tmp_path):
    before = table_rows(site)
    settings = load_campus(site / "campus.toml")
    with (
        shared_lock(site),
        shared_lock(site),
        pytest.raises(ClosingError, match="stop fevergate-campus"),
    ):
        close_it(site, tmp_path / "east.archive")
    if "://" in settings.database:  # a server on another machine
        server = CampusDatabase(settings.url)
        with server.read(), pytest.raises(ClosingError, match="stop fevergate-campus"):
            close_it(site, tmp_path / "east.archive")
        server.close()
    assert table_rows(site) == before

    def start(*_):
        with shared_lock(site):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closing, "write_backup", start)
        with pytest.raises(ClosingError, match="being closed"):
            close_it(site, tmp_path / "east.archive")


def test_an_archive_never_overwrites_a_file(site, tmp_path):
    (tmp_path / "other").write_text("x")
    with pytest.raises(BackupError, match="never overwrites"):
        close_it(site, tmp_path / "other")


@pytest.mark.parametrize("language, word", [("zh", "已清除"), ("en", "are wiped")])
def test_the_command_says_what_it_did_and_what_it_could_not_wipe(tmp_path, language, word):
    folder = tmp_path / "campus"
    folder.mkdir()
    path = folder / "campus.toml"
    path.write_text(TOML.format(language=language, database="campus.db", digest="0" * 64))
    parts = Parts(folder)
    parts.keep(over(), fever(1))
    parts.close()
    archive = tmp_path / "east.archive"
    runner = CliRunner(env={"FEVERGATE_BACKUP_PASSPHRASE": PHRASE})
    arguments = ["close", "east", "--archive", str(archive), "--settings", str(path)]
    result = runner.invoke(cli, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    assert word in result.output and "fevergate close east" in result.output
    checked = runner.invoke(cli, ["backup", "--check", str(archive)])
    assert "2 items, 1 fevers" in checked.output, (checked.output, checked.exception)
    assert isinstance(runner.invoke(cli, arguments).exception, ClosingError)
