"""A campus server is backed up into one file and restored: on SQLite, on PostgreSQL, and from one
to the other."""

import hashlib

import campus_site
import pytest
from click.testing import CliRunner
from register_helpers import LOAN
from sqlalchemy import select

from fevergate.campus.account_store import AccountStore
from fevergate.campus.backup import TABLES, backup_campus, restore_campus
from fevergate.campus.database import CampusDatabase
from fevergate.campus.schema import refusals, sessions
from fevergate.campus.settings import load_campus
from fevergate.campus.summary_store import CampusStore
from fevergate.cli import cli
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import BackupError
from fevergate.provision.campus import provision_campus
from fevergate.registers.declarations import read_registers
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import EntryForm

PASSPHRASE = "正确 horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Use the fewest rounds that a file may ask for; the file's format is the same."""
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)


@pytest.fixture
def server(tmp_path, database_text):
    """A server with a delivered day, its report, an entry of a register and a refused delivery."""
    folder = tmp_path / "campus"
    url = "https://127.0.0.1:8443"
    provision_campus(folder, url=url, gateways={"east": ["gw-east"], "west": ["gw-west"]})
    toml = folder / "campus.toml"
    name = "campus.db" if "://" not in database_text else database_text
    toml.write_text(f'database = "{name}"\n{toml.read_text()}')
    (folder / "registers.toml").write_text(LOAN)
    parts = campus_site.Parts(folder, name)
    parts.keep(campus_site.over(), campus_site.fever())
    parts.keep(campus_site.after(person="王芳"))
    parts.reports.make(campus_site.DAY)
    registers = read_registers(folder)
    entries = Entries(AccountStore(parts.database, parts.now), parts.vault, registers)
    form = EntryForm(parts.settings.zone, [], [])
    loan = form.read(registers["thermometers"], {"number": "7", "borrower": "周敏"})
    entries.add("thermometers", loan, "Chen")
    refuse(parts.database, 1.0)
    yield parts
    parts.close()


def refuse(database, at):
    values = {"at": at, "gateway": "g", "field": "f", "reason": "r", "excerpt": ""}
    with database.write() as connection:
        connection.execute(refusals.insert(), values)


def rows(database):
    with database.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)))) for table in TABLES
        }


def restored_server(folder):
    """Settings and database of a restored server."""
    settings = load_campus(folder / "campus.toml")
    return settings, CampusDatabase(settings.url)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".db" not in path.name and path.name != "campus.toml"
        if ".good" not in path.parts  # copies that the server keeps for itself
    }


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_new_server_has_everything_again(server, tmp_path, target, request):
    """It has the key that seals personal fields, the certificate and every gateway's token, so the
    gateways notice nothing."""
    path, new = tmp_path / "monday.backup", tmp_path / "new"
    settings = load_campus(server.settings.folder / "campus.toml")
    manifest = backup_campus(settings, path, passphrase=PASSPHRASE)
    assert manifest.readings == 3 and manifest.fevers == 1
    database = "campus.db" if target == "sqlite" else request.getfixturevalue("postgres").database()
    restore_campus(path, new, passphrase=PASSPHRASE, database=database)
    new_settings, new_database = restored_server(new)
    try:
        assert rows(new_database) == rows(server.database)
        assert files(new) == files(server.settings.folder)
        assert new_settings.tokens == settings.tokens and new_settings.database == database
        store = CampusStore(new_database, new_settings.zone, Vault(new / KEY), server.now)
        store.keep(campus_site.delivery(campus_site.fever(2)))
        refuse(new_database, 2.0)  # the row numbers go on
        assert len(rows(new_database)["refusals"]) == 2
    finally:
        new_database.close()


def test_a_database_with_rows_is_never_written_into(server, tmp_path, database_text):
    if "://" not in database_text:
        pytest.skip("a file is new in a new folder")
    path = tmp_path / "b.backup"
    before = rows(server.database)
    backup_campus(load_campus(server.settings.folder / "campus.toml"), path)
    with pytest.raises(BackupError, match="contains rows"):
        restore_campus(path, tmp_path / "new")
    assert rows(server.database) == before and not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["{away}/x.db", "../away/x.db", "ca.key"])
def test_a_database_elsewhere_comes_into_the_folder(tmp_path, name):
    away, folder = tmp_path / "away", tmp_path / "campus"
    away.mkdir()
    provision_campus(folder, url="https://127.0.0.1:8443", gateways={"east": ["gw-east"]})
    parts = campus_site.Parts(folder)
    parts.keep(campus_site.over())
    parts.close()
    path = tmp_path / "b.backup"
    backup_campus(load_campus(folder / "campus.toml"), path)
    restore_campus(path, tmp_path / "new", database=name.format(away=away))
    settings, new_database = restored_server(tmp_path / "new")
    assert settings.database == "campus.db" and len(rows(new_database)["items"]) == 1
    new_database.close()
    assert not list(away.iterdir())


def test_nobody_stays_signed_in_by_a_backup():
    assert sessions not in TABLES


def test_the_commands_know_a_campus_servers_settings(server, tmp_path, monkeypatch):
    monkeypatch.setenv("FEVERGATE_BACKUP_PASSPHRASE", PASSPHRASE)
    path, toml = tmp_path / "b.backup", str(server.settings.folder / "campus.toml")
    result = CliRunner().invoke(cli, ["backup", str(path), "--encrypt", "--settings", toml])
    assert result.exit_code == 0, result.output
    assert "campus server, 3 items, 1 fevers" in result.output and "encrypted" in result.output
    new = tmp_path / "new"
    result = CliRunner().invoke(cli, ["restore", str(path), str(new), "--database", "campus.db"])
    assert result.exit_code == 0, result.output
    assert "systemctl restart fevergate-campus" in result.output
    _, new_database = restored_server(new)
    assert rows(new_database) == rows(server.database)
    new_database.close()


def test_a_certificate_that_lies_elsewhere_is_named(server, tmp_path):
    toml = server.settings.folder / "campus.toml"
    toml.write_text(f'certificate = "{tmp_path}/web.pem"\n{toml.read_text()}')
    manifest = backup_campus(load_campus(toml), tmp_path / "b.backup")
    assert manifest.elsewhere == [f"{tmp_path}/web.pem"]
