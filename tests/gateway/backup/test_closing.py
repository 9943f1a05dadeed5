"""Closing a campus archives it without names and wipes the gateway, however often it is
interrupted."""

import os
import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from people_helpers import Clock, gateway_people
from samples import arrived

from fevergate.backup import closing
from fevergate.backup.archive import read_backup
from fevergate.backup.closing import close
from fevergate.cli import cli
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import BackupError, ClosingError
from fevergate.provision import provision
from fevergate.provision.device_request import ask, new_request
from fevergate.registers.declarations import shipped
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import EntryForm
from fevergate.settings import last_good
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store
from fevergate.web_common.store import WebStore

PHRASE = "a long passphrase"
NAMES = ("王芳", "13812345678", "Zhang")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A gateway with a fever that a guard acknowledged, and a follow-up that names somebody."""
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    store = Store(folder / "fevergate.db")
    store.commit([arrived(1), arrived(2, "fever", body_c=38.4)])
    store.db.execute("update fevers set acknowledged_at = 1, acknowledged_by = 'Zhang'")
    store.close()
    pages = WebStore(folder / "web.db")
    sealed = Vault(folder / KEY).seal({"person": "王芳", "phone": "13812345678"})
    with pages.transaction() as connection:
        connection.execute(
            "insert into follow_ups(kiosk, boot, seq, by, at, revision, outcome, sealed)"
            " values ('north-1', 1, 2, 'Zhang', 1, 1, 'clinic', ?)",
            (sealed,),
        )
    entries = Entries(pages, Vault(folder / KEY), shipped())
    form = EntryForm(ZoneInfo("Asia/Shanghai"), ["north"], [])
    visitor = {"name": "王芳", "phone": "13812345678", "whom": "王芳"}
    entries.add("visitors", form.read(shipped()["visitors"], visitor, "north"), "Zhang")
    with gateway_people(folder, Clock()) as people:
        reason = people.vault.seal({"reason": "王芳"})
        with people.statements.transaction() as connection:
            connection.execute(
                'insert into marks(day, person, kind, at, "by", sealed, revision)'
                " values ('2026-11-23', 1, 'excused', 1, 'Zhang', ?, 1)",
                (reason,),
            )
    pages.note("Zhang", "look at log", "2026-11-23")
    pages.close()
    (folder / "mine.txt").write_text("the administrator's own")
    (folder / "broker").mkdir(exist_ok=True)
    (folder / "broker" / "mosquitto.db").write_bytes(b"readings")
    ask(folder, new_request(action="remove", kiosk="north-1", by="Zhang"), 1.0)  # from the pages
    return folder


def close_it(folder, archive, campus="east"):
    return close(load_gateway(folder / "gateway.toml"), campus, archive, PHRASE)


def test_closing_archives_the_figures_without_names_and_leaves_no_file_of_ours(folder, tmp_path):
    archive = tmp_path / "east.archive"
    rests = ("labels.pdf", "fw.sha256", "ca.der", "web.crt.new", ".gateway.password")
    for name in (closing.REVOKED, closing.REGISTERS, *rests):
        (folder / name).write_text("")
    outcome = close_it(folder, archive)
    assert (outcome.manifest.readings, outcome.manifest.fevers) == (2, 1)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"] == outcome.left
    back = tmp_path / "back"
    read_backup(archive, back, PHRASE)
    content = b"".join(path.read_bytes() for path in back.rglob("*") if path.is_file())
    assert not [name for name in NAMES if name.encode() in content]
    names = {path.name for path in back.iterdir()}
    # no key, no credential
    files = {"gateway.toml", closing.REVOKED, closing.REGISTERS}
    assert names == files | {"database.sqlite", "pages.sqlite", "people.sqlite"}
    pages = sqlite3.connect(back / "pages.sqlite")
    assert pages.execute("select outcome, sealed from follow_ups").fetchall() == [("clinic", "")]
    revisions = pages.execute("select register, sealed, by from entry_revisions").fetchall()
    assert revisions == [("visitors", "", "")]
    pages.close()
    people = sqlite3.connect(back / "people.sqlite")
    assert people.execute('select kind, "by", sealed from marks').fetchall() == [
        ("excused", "", "")
    ]
    people.close()


@pytest.mark.parametrize("campus", ["", "west", "EAST"])
def test_without_the_campus_typed_nothing_happens(folder, tmp_path, campus):
    with pytest.raises(ClosingError, match="east"):
        close_it(folder, tmp_path / "east.archive", campus)
    assert (folder / KEY).exists() and not (tmp_path / "east.archive").exists()


def test_an_archive_never_overwrites_and_never_lies_in_what_is_wiped(folder, tmp_path):
    (tmp_path / "other").write_text("x")
    with pytest.raises(BackupError, match="never overwrites"):
        close_it(folder, tmp_path / "other")
    with pytest.raises(BackupError, match="no such folder"):
        close_it(folder, tmp_path / "nowhere" / "east.archive")
    with pytest.raises(ClosingError, match="is wiped"):
        close_it(folder, folder / "broker" / "east.archive")
    (folder / "campus.toml").write_text("")
    with pytest.raises(ClosingError, match="campus server"):
        close_it(folder, tmp_path / "east.archive")
    assert (folder / KEY).exists()


def test_only_names_are_wiped_if_the_archive_cannot_be_written(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(closing, "write_backup", full)
    copy = folder / last_good.FOLDER / KEY
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes((folder / KEY).read_bytes())
    pages = sqlite3.connect(folder / "web.db", isolation_level=None)
    pages.execute("pragma secure_delete = off")
    entry = 'insert into audit(at, "user", action, what) values (1, ?, ?, ?)'
    pages.executemany(entry, [("Zhang", "look at log", str(number)) for number in range(500)])
    pages.execute("delete from audit")  # deleted rows still lie in free pages of the file
    pages.close()
    reader = sqlite3.connect(folder / "fevergate.db")  # somebody looks at it with a tool
    reader.execute("select * from fevers").fetchall()
    with pytest.raises(BackupError, match="No space"):
        close_it(folder, tmp_path / "east.archive")
    assert (folder / "ca.key").exists() and (folder / "kiosks" / "north-1").exists()
    assert not (folder / KEY).exists() and not copy.exists()
    content = b"".join(path.read_bytes() for path in folder.glob("*.db*"))
    assert not [name for name in NAMES if name.encode() in content]
    reader.close()
    store = sqlite3.connect(folder / "fevergate.db")
    assert store.execute("select acknowledged_by from fevers").fetchall() == [("",)]
    store.close()
    monkeypatch.undo()
    assert close_it(folder, tmp_path / "east.archive").manifest.readings == 2


@pytest.mark.parametrize(
    ("name", "change"),
    [("broker_pid", lambda _: 4711), ("run_state", SimpleNamespace(read_run_state=lambda _: 1))],
    ids=["the broker", "the gateway"],
)
def test_nothing_is_wiped_while_a_service_runs(folder, tmp_path, monkeypatch, name, change):
    monkeypatch.setattr(closing, name, change)
    with pytest.raises(ClosingError, match="still runs"):
        close_it(folder, tmp_path / "east.archive")
    assert (folder / KEY).exists()


def test_where_the_archive_still_names_somebody_nothing_is_wiped(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(closing.NAMES, closing.PAGES, ())
    with pytest.raises(ClosingError, match="still names somebody"):
        close_it(folder, tmp_path / "east.archive")
    assert (folder / "ca.key").exists() and (folder / "web.db").exists()


def test_a_database_of_an_older_release_is_archived_too(folder, tmp_path):
    database = sqlite3.connect(folder / "fevergate.db")
    database.execute("drop table lamp_tests")
    database.close()
    assert close_it(folder, tmp_path / "east.archive").manifest.readings == 2


@pytest.mark.parametrize("after", [0, 3, 12, "fevergate.db"])
def test_an_interrupted_wipe_is_finished_by_the_next_run(folder, tmp_path, monkeypatch, after):
    """The power is cut after some files, or when a file is overwritten but not yet removed."""
    archive = tmp_path / "east.archive"
    settings = load_gateway(folder / "gateway.toml")
    removals_left = [after if isinstance(after, int) else 999]
    unlink = os.unlink
    inside = str(folder)

    def cut(path, *arguments, **options):
        if str(path).startswith(inside) and (folder / closing.NOTE).exists() and archive.exists():
            if not removals_left[0] or Path(path).name == after:
                raise OSError(5, "power cut")
            removals_left[0] -= 1
        unlink(path, *arguments, **options)

    monkeypatch.setattr("pathlib.os.unlink", cut)
    with pytest.raises((OSError, ClosingError), match="power cut"):
        close(settings, "east", archive, PHRASE)
    monkeypatch.undo()
    assert close_it(folder, archive).left == ["mine.txt"]
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert read_backup(archive, None, PHRASE).readings == 2


def test_a_closing_that_was_begun_continues_only_with_its_own_archive(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(closing, "write_backup", lambda *_: (_ for _ in ()).throw(OSError(5, "x")))
    with pytest.raises(BackupError):
        close_it(folder, tmp_path / "one")
    monkeypatch.undo()
    with pytest.raises(ClosingError, match="closing began"):
        close_it(folder, tmp_path / "two")
    settings = load_gateway(folder / "gateway.toml")
    settings.campus = "west"
    with pytest.raises(ClosingError, match="'east' has begun"):
        close(settings, "west", tmp_path / "one", PHRASE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda note: note[:-2], "expected the progress"),
        (lambda note: re.sub(r'"sha256":"\w+"', '"sha256":"0"', note), "not the archive"),
    ],
    ids=["half a note", "another archive"],
)
def test_a_closing_that_cannot_read_its_progress_wipes_nothing_more(
    folder, tmp_path, monkeypatch, change, message
):
    settings = load_gateway(folder / "gateway.toml")
    monkeypatch.setattr(closing, "finish", lambda _: (_ for _ in ()).throw(OSError(5, "x")))
    with pytest.raises(ClosingError, match="not everything is wiped"):
        close(settings, "east", tmp_path / "east.archive", PHRASE)
    monkeypatch.undo()
    note = folder / closing.NOTE
    note.write_text(change(note.read_text()))
    with pytest.raises(ClosingError, match=message):
        close(settings, "east", tmp_path / "east.archive", PHRASE)
    assert note.exists() and (folder / "mine.txt").exists()


def test_what_a_link_points_at_stays(folder, tmp_path):
    """The service's user owns the folder and may put links there; closing runs as root."""
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    (other_folder / "precious").write_text("x")
    (folder / "updates").symlink_to(other_folder)
    (folder / "a.key").symlink_to(other_folder / "precious")
    close_it(folder, tmp_path / "east.archive")
    assert (other_folder / "precious").read_text() == "x"


@pytest.mark.parametrize("broken_off", [False, True], ids=["at once", "when it goes on"])
def test_a_file_that_is_no_database_of_ours_is_not_wiped_whatever_the_settings_say(
    folder, tmp_path, monkeypatch, broken_off
):
    def fails(_folder):
        raise OSError(5, "x")

    other_path = tmp_path / "other.db"
    database = sqlite3.connect(other_path)
    database.execute("create table accounts (name text)")
    database.close()
    before = other_path.read_bytes()
    settings = load_gateway(folder / "gateway.toml")
    if broken_off:
        monkeypatch.setattr(closing, "finish", fails)
        with pytest.raises(ClosingError, match="not everything is wiped"):
            close(settings, "east", tmp_path / "east.archive", PHRASE)
        monkeypatch.undo()
    settings.database = str(other_path)
    with pytest.raises(ClosingError, match="not a database of FeverGate"):
        close(settings, "east", tmp_path / "east.archive", PHRASE)
    assert other_path.read_bytes() == before


@pytest.mark.parametrize("language, word", [("zh", "本机已清除"), ("en", "this gateway is wiped")])
def test_the_command_says_what_it_could_not_wipe(folder, tmp_path, language, word):
    path = folder / "gateway.toml"
    text = path.read_text().replace('language = "zh"', "")
    path.write_text(f'language = "{language}"\n{text}')
    arguments = ["close", "east", "--archive", str(tmp_path / "east.archive")]
    result = CliRunner(env={"FEVERGATE_BACKUP_PASSPHRASE": PHRASE}).invoke(
        cli, [*arguments, "--settings", str(path)]
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert word in result.output and "erase-flash" in result.output and "mine.txt" in result.output
