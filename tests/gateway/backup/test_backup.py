"""A backup holds a whole gateway in one file, and is restored whole or with a clear error."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest
from backup_helpers import contents, log, moved
from click.testing import CliRunner
from samples import arrived

from fevergate.backup.gateway import backup, restore
from fevergate.cli import cli
from fevergate.errors import BackupError, SettingsError, StoreError
from fevergate.protocol.messages import Identity
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.storage.connection import open_reader
from fevergate.storage.store import Store
from fevergate.web.context import Shared
from fevergate.web.follow_ups import FollowUp


def test_a_new_machine_gets_everything_back(settings, backup_path, tmp_path):
    manifest = restore(backup_path, tmp_path / "new")
    new_settings = load_gateway(tmp_path / "new" / "gateway.toml")
    assert contents(new_settings.folder) == contents(settings.folder)
    for unit in ("mosquitto", "fevergate-gateway"):
        drop_in = new_settings.folder / "systemd" / f"{unit}.service.d" / "fevergate.conf"
        assert f"{new_settings.folder}/" in drop_in.read_text()
    assert log(new_settings) == log(settings)
    assert (manifest.readings, manifest.fevers) == (300, 6)
    conf = (new_settings.folder / "mosquitto.conf").read_text()
    assert f"{new_settings.folder}/broker.crt" in conf and str(settings.folder) + "/" not in conf


def test_follow_ups_and_accounts_are_restored(settings, tmp_path):
    pages = Shared(settings)
    fever = Identity("north-1", 1, 50)
    pages.follow_ups.save(fever, FollowUp(outcome="home", person="王芳"), "Zhang")
    pages.accounts.begin(pages.accounts.invite(), "李伟", "correct horse 电池")
    backup(settings, tmp_path / "with.tar.gz")  # while the pages are open
    pages.store.close()
    restore(tmp_path / "with.tar.gz", tmp_path / "new")
    new_pages = Shared(load_gateway(tmp_path / "new" / "gateway.toml"))
    try:
        follow_up = new_pages.follow_ups.get(fever)
        assert follow_up and (follow_up.person, follow_up.outcome) == ("王芳", "home")
        assert new_pages.accounts.sign_in("李伟", "correct horse 电池")
    finally:
        new_pages.store.close()


def test_only_its_owner_reads_a_backup_and_the_files_restored_from_it(backup_path, tmp_path):
    restore(backup_path, tmp_path / "new")
    files = [backup_path, *(path for path in (tmp_path / "new").rglob("*.password"))]
    files += (tmp_path / "new").rglob("*.key")
    assert len(files) > 4
    for path in files:
        if path.name != "broker.key":  # mosquitto's own files
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_backup_is_whole_although_the_gateway_writes_meanwhile(settings, tmp_path):
    store = Store(settings.path(settings.database))
    stopping = threading.Event()

    def work():
        seq = 301
        while not stopping.is_set():
            store.commit([arrived(seq)])
            seq += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        manifests = [backup(settings, tmp_path / f"{n}.tar.gz") for n in range(3)]
    finally:
        stopping.set()
        thread.join()
        store.close()
    counts = [manifest.readings for manifest in manifests]
    assert counts == sorted(counts) and counts[0] >= 300
    restored = restore(tmp_path / "2.tar.gz", tmp_path / "new")
    reader = open_reader(tmp_path / "new" / "fevergate.db")
    total = "select sum(normal + fever + retry) from hours"
    assert reader.execute(total).fetchone() == (restored.readings,)
    reader.close()


def test_while_another_program_locks_the_database_no_backup_is_made(
    settings, tmp_path, monkeypatch
):
    """A backup ends an epoch; without that, readings of a card and its copy could count twice."""
    monkeypatch.setattr("fevergate.backup.gateway.LOCK_MS", 10)
    with closing(
        sqlite3.connect(settings.path(settings.database), isolation_level=None)
    ) as connection:
        connection.execute("begin immediate")
        with pytest.raises(StoreError, match="locked"):
            backup(settings, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


def test_nothing_is_ever_overwritten(settings, backup_path, tmp_path):
    with pytest.raises(BackupError, match="never overwrites"):
        backup(settings, backup_path)
    with pytest.raises(BackupError, match="new or empty"):
        restore(backup_path, settings.folder)
    with pytest.raises(BackupError, match="new or empty"):
        restore(backup_path, backup_path)
    assert log(settings)


def test_a_restore_goes_into_an_empty_folder_and_makes_none_above_it(
    settings, backup_path, tmp_path
):
    (tmp_path / "new").mkdir()
    restore(backup_path, tmp_path / "new")
    assert contents(tmp_path / "new") == contents(settings.folder)
    with pytest.raises(BackupError, match="no such folder"):
        restore(backup_path, tmp_path / "nowhere" / "new")


def test_an_interrupted_backup_does_not_hinder_the_next(settings, tmp_path):
    (tmp_path / "monday.tar.gz.new").write_bytes(bytes(10_000_000))
    backup(settings, tmp_path / "monday.tar.gz")
    assert [path.name for path in tmp_path.glob("monday*")] == ["monday.tar.gz"]
    assert (tmp_path / "monday.tar.gz").stat().st_size < 10_000_000


def test_the_commands_say_what_they_did_and_what_comes_next(settings, tmp_path):
    runner = CliRunner()
    path = tmp_path / "b.tar.gz"
    toml = str(settings.folder / "gateway.toml")
    result = runner.invoke(cli, ["backup", str(path), "--settings", toml])
    assert result.exit_code == 0 and "300 readings, 6 fevers" in result.output
    result = runner.invoke(cli, ["backup", str(path), "--check"])
    assert result.exit_code == 0 and "all digests right" in result.output
    result = runner.invoke(cli, ["restore", str(path), str(tmp_path / "new")])
    assert result.exit_code == 0 and "Next: fevergate doctor" in result.output
    # The broker must be able to run from the folder; the boards' files are complete.
    assert "systemd/* /etc/systemd/system/" in result.output and "flash" not in result.output


def test_a_missing_database_is_reported(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    result = CliRunner().invoke(
        cli, ["backup", str(tmp_path / "x"), "--settings", str(folder / "gateway.toml")]
    )
    assert result.exception and not isinstance(result.exception, (SystemExit, SettingsError))
    assert "cannot be opened" in str(result.exception)
    assert not (tmp_path / "x").exists()


def test_a_database_in_another_folder_is_restored(backup_path, tmp_path):
    restore(moved(backup_path, tmp_path / "b.tar.gz", database="data/east.db"), tmp_path / "new")
    new_settings = load_gateway(tmp_path / "new" / "gateway.toml")
    assert new_settings.database == "data/east.db" and len(log(new_settings).fevers) == 6
