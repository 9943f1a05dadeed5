"""A gateway in one file, and back again, or a clear word why not."""

import hashlib
import io
import json
import os
import re
import sqlite3
import stat
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
import tomlkit
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from samples import AT, arrived

from fevergate.backup.archive import MANIFEST, read_backup, read_manifest
from fevergate.backup.gateway import backup, restore
from fevergate.cli import cli
from fevergate.crypto.passphrase import BLOCK, HEADER, TAG, EncryptedReader, EncryptedWriter
from fevergate.errors import BackupError, SettingsError, StoreError
from fevergate.protocol.messages import Identity
from fevergate.provision import provision
from fevergate.reports.fever_log import read_day
from fevergate.settings.gateway import load_gateway
from fevergate.storage.connection import open_reader
from fevergate.storage.store import Store
from fevergate.web.context import Shared
from fevergate.web.follow_ups import FollowUp


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1", "north-2"]})
    store = Store(folder / "fevergate.db")
    store.commit([arrived(seq, "fever" if seq % 50 == 0 else "normal") for seq in range(1, 301)])
    store.close()
    return load_gateway(folder / "gateway.toml")


@pytest.fixture
def made(settings, tmp_path):
    path = tmp_path / "monday.tar.gz"
    backup(settings, path)
    return path


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and ".db" not in path.name
        and path.name not in ("mosquitto.conf", "fevergate.conf")  # they name the folder
    }


def log(settings):
    reader = open_reader(settings.path(settings.database))
    try:
        from datetime import datetime

        return read_day(reader, settings, datetime.fromtimestamp(AT, settings.zone).date())
    finally:
        reader.close()


def test_a_new_machine_has_everything_again(settings, made, tmp_path):
    manifest = restore(made, tmp_path / "new")
    again = load_gateway(tmp_path / "new" / "gateway.toml")
    assert contents(again.folder) == contents(settings.folder)
    for unit in ("mosquitto", "fevergate-gateway"):
        drop_in = again.folder / "systemd" / f"{unit}.service.d" / "fevergate.conf"
        assert f"{again.folder}/" in drop_in.read_text()
    assert log(again) == log(settings)
    assert (manifest.readings, manifest.fevers) == (300, 6)
    conf = (again.folder / "mosquitto.conf").read_text()
    assert f"{again.folder}/broker.crt" in conf and str(settings.folder) + "/" not in conf


def test_follow_ups_and_those_who_sign_in_are_there_again(settings, tmp_path):
    pages = Shared(settings)
    fever = Identity("north-1", 1, 50)
    pages.follow_ups.save(fever, FollowUp(outcome="home", person="王芳"), "Zhang")
    pages.accounts.begin(pages.accounts.invite(), "李伟", "correct horse 电池")
    backup(settings, tmp_path / "with.tar.gz")  # while the pages are open
    pages.store.close()
    restore(tmp_path / "with.tar.gz", tmp_path / "new")
    again = Shared(load_gateway(tmp_path / "new" / "gateway.toml"))
    try:
        found = again.follow_ups.get(fever)
        assert found and (found.person, found.outcome) == ("王芳", "home")
        assert again.accounts.sign_in("李伟", "correct horse 电池")
    finally:
        again.store.close()


def test_only_its_owner_reads_it_and_what_comes_out_of_it(made, tmp_path):
    restore(made, tmp_path / "new")
    files = [made, *(path for path in (tmp_path / "new").rglob("*.password"))]
    files += (tmp_path / "new").rglob("*.key")
    assert len(files) > 4
    for path in files:
        if path.name != "broker.key":  # mosquitto's own
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_it_is_whole_although_the_gateway_writes_meanwhile(settings, tmp_path):
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


def test_while_another_never_lets_go_of_the_database_there_is_no_backup(
    settings, tmp_path, monkeypatch
):
    """Without an epoch that ends with it, a card and its copy could be counted twice."""
    monkeypatch.setattr("fevergate.backup.gateway.LOCK_MS", 10)
    with closing(sqlite3.connect(settings.path(settings.database), isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreError, match="locked"):
            backup(settings, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


def test_nothing_is_ever_overwritten(settings, made, tmp_path):
    with pytest.raises(BackupError, match="never overwrites"):
        backup(settings, made)
    with pytest.raises(BackupError, match="new or empty"):
        restore(made, settings.folder)
    with pytest.raises(BackupError, match="new or empty"):
        restore(made, made)
    assert log(settings)


def test_a_restore_goes_into_an_empty_folder_and_makes_none_above_it(settings, made, tmp_path):
    (tmp_path / "new").mkdir()
    restore(made, tmp_path / "new")
    assert contents(tmp_path / "new") == contents(settings.folder)
    with pytest.raises(BackupError, match="no such folder"):
        restore(made, tmp_path / "nowhere" / "new")


def test_a_backup_that_was_broken_off_does_not_stand_in_the_way_of_the_next(settings, tmp_path):
    (tmp_path / "monday.tar.gz.new").write_bytes(bytes(10_000_000))
    backup(settings, tmp_path / "monday.tar.gz")
    assert [path.name for path in tmp_path.glob("monday*")] == ["monday.tar.gz"]
    assert (tmp_path / "monday.tar.gz").stat().st_size < 10_000_000


def repacked(made, path, change):
    """The backup with its members changed: a function from (name, bytes) to bytes or None."""
    with tarfile.open(made) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file
            data = change(member.name, file.read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n, d: d[:-1] + b"x" if n == "gateway.password" else d, "not what was backed up"),
        (lambda n, d: d + b"x" if n == "ca.crt" else d, "bytes"),
        (lambda n, d: None if n == "ca.key" else d, "without ca.key"),
        (lambda n, d: None if n == MANIFEST else d, "expected a backup"),
        (lambda n, d: b"{}" if n == MANIFEST else d, "no backup"),
        (lambda n, d: d.replace(b'"ca.key"', b'"../ca.key"') if n == MANIFEST else d, "ca.key"),
    ],
    ids=["other bytes", "longer", "missing", "no manifest", "empty manifest", "outside"],
)
def test_a_backup_that_is_not_what_was_made_puts_nothing_anywhere(made, tmp_path, change, said):
    path = repacked(made, tmp_path / "bad.tar.gz", change)
    with pytest.raises(BackupError, match=said):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".new")]


def test_a_card_that_does_not_keep_what_was_written_is_found_out_at_once(
    settings, tmp_path, monkeypatch
):
    """The backup is read back before it takes its name; none that is torn is left."""
    fsync = os.fsync

    def torn(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(".tar.gz.new"):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 1000)
        fsync(descriptor)

    monkeypatch.setattr("fevergate.backup.archive.os.fsync", torn)
    with pytest.raises(BackupError, match="damaged"):
        backup(settings, tmp_path / "torn.tar.gz")
    assert not list(tmp_path.glob("torn*"))


@pytest.mark.parametrize("name", ["../../evil", "kiosks/../../../evil", "/evil", ".", "", ".."])
def test_a_member_that_would_climb_out_is_refused(made, tmp_path, name):
    (tmp_path / "a").mkdir()
    path = made_up(tmp_path / "bad.tar.gz", members(made) | {name: b"x"})
    with pytest.raises(BackupError, match="no backup has such a file"):
        restore(path, tmp_path / "a" / "new")
    assert not list(tmp_path.rglob("evil")) and not list((tmp_path / "a").iterdir())


def test_a_link_in_a_files_place_is_refused(made, tmp_path):
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(made) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            data = old.extractfile(member)
            if member.name == "ca.key":
                member.type, member.linkname = tarfile.SYMTYPE, "gateway.toml"
            new.addfile(member, data)
    with pytest.raises(BackupError, match=r"ca\.key: not in its manifest"):
        read_backup(path, None, None)


def test_a_manifest_may_not_ask_for_all_memory(made, monkeypatch):
    monkeypatch.setattr("fevergate.backup.archive.MAX_MANIFEST", 1000)
    with pytest.raises(BackupError, match="expected a backup"):
        read_backup(made, None, None)


@pytest.mark.parametrize(
    ("at", "size"), [(20 * 4096, 4096), (36, 4)], ids=["a page", "the number of free pages"]
)
def test_a_database_that_was_damaged_before_its_backup_is_not_put_in_place(
    made, tmp_path, at, size
):
    """Its digest is right."""
    files = members(made)
    data = bytearray(files["database.sqlite"])
    assert len(data) > at + size
    data[at : at + size] = b"\xa5" * size
    path = made_up(tmp_path / "b.tar.gz", files | {"database.sqlite": bytes(data)})
    with pytest.raises(BackupError, match=r"database\.sqlite: "):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["campus server", "archive"])
def test_what_is_no_gateways_backup_is_not_restored_as_one(made, tmp_path, kind):
    path = made_up(tmp_path / "b.tar.gz", members(made), kind=kind)
    with pytest.raises(BackupError, match="without a gateway's settings"):
        restore(path, tmp_path / "new")


@pytest.mark.parametrize(
    "first",
    [
        {"type": tarfile.SYMTYPE, "linkname": "nowhere"},
        {"type": tarfile.SYMTYPE, "linkname": MANIFEST},
        {"pax_headers": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}},
    ],
    ids=["a link to nothing", "a link to itself", "a header that contradicts itself"],
)
def test_a_manifest_that_is_none_is_said_to_be_no_backup(tmp_path, first):
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo(MANIFEST)
        for name, value in first.items():
            setattr(member, name, value)
        tar.addfile(member)
    for read in (lambda: read_backup(path, None, None), lambda: read_manifest(path, None)):
        with pytest.raises(BackupError, match=r"no backup|expected a backup"):
            read()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b'"gw-east"', b'"gw-\xff"'),
        lambda text: re.sub(rb'"made_at": [\d.]+', b'"made_at": 1e300', text),
    ],
    ids=["not UTF-8", "a date that is none"],
)
def test_a_manifest_with_nonsense_is_said_to_be_no_backup(made, tmp_path, change):
    path = repacked(made, tmp_path / "bad.tar.gz", lambda n, d: change(d) if n == MANIFEST else d)
    with pytest.raises(BackupError, match="no backup"):
        read_manifest(path, None)


def test_a_name_that_no_file_can_have_is_said_to_be_no_backup(made, tmp_path):
    name, path = "kiosks/a\0b", tmp_path / "evil.tar.gz"
    with tarfile.open(made) as old, tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as new:
        for member in old:
            file = old.extractfile(member)
            assert file
            data = file.read()
            if member.name == MANIFEST:
                data = data.replace(b'"ca.key"', json.dumps(name).encode())
                member.size = len(data)
            if member.name == "ca.key":
                member.pax_headers = {"path": name}
            new.addfile(member, io.BytesIO(data))
    with pytest.raises(BackupError, match="no backup"):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_said_to_be_damaged(made, tmp_path, keep):
    data = made.read_bytes()
    path = tmp_path / "short.tar.gz"
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(BackupError, match=r"damaged|expected a backup"):
        read_backup(path, None, None)


def test_the_commands_say_what_they_did_and_what_comes_next(settings, tmp_path):
    runner = CliRunner()
    path = tmp_path / "b.tar.gz"
    toml = str(settings.folder / "gateway.toml")
    done = runner.invoke(cli, ["backup", str(path), "--settings", toml])
    assert done.exit_code == 0 and "300 readings, 6 fevers" in done.output
    done = runner.invoke(cli, ["backup", str(path), "--check"])
    assert done.exit_code == 0 and "all digests right" in done.output
    done = runner.invoke(cli, ["restore", str(path), str(tmp_path / "new")])
    assert done.exit_code == 0 and "Next: fevergate doctor" in done.output
    # The broker must run out of it; the boards have all that they need.
    assert "systemd/* /etc/systemd/system/" in done.output and "flash" not in done.output


def test_where_there_is_no_database_it_is_said(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    done = CliRunner().invoke(
        cli, ["backup", str(tmp_path / "x"), "--settings", str(folder / "gateway.toml")]
    )
    assert done.exception and not isinstance(done.exception, (SystemExit, SettingsError))
    assert "cannot be opened" in str(done.exception)
    assert not (tmp_path / "x").exists()


def members(path):
    with tarfile.open(path) as tar:
        some = {one.name: tar.extractfile(one) for one in tar}
        return {name: file.read() for name, file in some.items() if file}


def moved(made, path, **changes):
    """The backup with other settings, as somebody who made it up would: its digests are right."""
    files = members(made)
    toml = tomlkit.parse(files["gateway.toml"].decode())
    for table, name in changes.items():
        (toml if table == "database" else toml.setdefault(table, {}))["database"] = name
    files["gateway.toml"] = tomlkit.dumps(toml).encode()
    return made_up(path, files)


def made_up(path, files, **about):
    manifest = json.loads(files.pop(MANIFEST)) | about
    manifest["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    with tarfile.open(path, "w:gz") as new:
        for name, data in {MANIFEST: json.dumps(manifest).encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return path


def everything_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["{away}/x.db", "../away/x.db", "a/../../away/x.db", "."])
def test_nothing_is_ever_written_outside_the_folder(made, tmp_path, name):
    """A stick that was damaged, or prepared: root restores it (faults.md, L10)."""
    away = tmp_path / "away"
    away.mkdir()
    name = name.format(away=away)
    (tmp_path / "here").mkdir()
    path = moved(made, tmp_path / "b.tar.gz", database=name, web=name)
    files = members(path)
    made_up(path, files, database=name, pages="", desk="")
    before = everything_below(tmp_path)
    restore(path, tmp_path / "here" / "new")
    new = everything_below(tmp_path) - before
    assert all(one.startswith("here/new") for one in new) and not list(away.iterdir())
    again = load_gateway(tmp_path / "here/new/gateway.toml")
    assert again.database == "fevergate.db" and len(log(again).fevers) == 6


@pytest.mark.parametrize(
    "name", ["systemd/mosquitto.service.d/x.conf", "bin/x", "kiosk.py", ".bashrc", "a/ca.key"]
)
def test_a_file_that_no_backup_has_is_refused(made, tmp_path, name):
    files = members(made)
    path = made_up(tmp_path / "b.tar.gz", files | {name: b"x"})
    with pytest.raises(BackupError, match="no backup has such a file"):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["ca.key", "kiosks/north-1/settings.json", "kiosks"])
def test_a_database_that_would_take_anothers_place_is_refused(made, tmp_path, name):
    with pytest.raises(BackupError):
        restore(moved(made, tmp_path / "b.tar.gz", database=name), tmp_path / "new")
    assert not (tmp_path / "new").exists()


PASSPHRASE = "正确 horse battery"


@pytest.fixture
def cheap(monkeypatch):
    """As few rounds as a file may ask for; the format is the same."""
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)


@pytest.fixture
def sealed(settings, tmp_path, cheap):
    path = tmp_path / "monday.backup"
    backup(settings, path, passphrase=PASSPHRASE)
    return path


def test_a_stick_never_holds_what_an_encrypted_backup_hides(settings, cheap, tmp_path):
    stick, beside = tmp_path / "stick", set()
    stick.mkdir()

    def look(_):
        beside.update(path.name for path in stick.iterdir())
        assert not list(settings.folder.rglob("whole.sqlite")), "a second copy fills the card"

    backup(settings, stick / "b.backup", look, PASSPHRASE)
    assert beside == {"b.backup.new"}


def test_a_database_in_a_folder_of_its_own_is_there_again(made, tmp_path):
    restore(moved(made, tmp_path / "b.tar.gz", database="data/east.db"), tmp_path / "new")
    again = load_gateway(tmp_path / "new" / "gateway.toml")
    assert again.database == "data/east.db" and len(log(again).fevers) == 6


def test_an_encrypted_backup_tells_nothing_and_comes_back_whole(settings, sealed, tmp_path):
    content = sealed.read_bytes()
    assert b"gateway.toml" not in content and b"SQLite" not in content
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    restore(sealed, tmp_path / "new", passphrase=PASSPHRASE)
    assert contents(tmp_path / "new") == contents(settings.folder)
    assert not [path for path in settings.folder.iterdir() if path.name.startswith(".")]


def test_a_wrong_passphrase_is_told_from_a_damaged_file(sealed, tmp_path):
    with pytest.raises(BackupError, match="is not the passphrase"):
        restore(sealed, tmp_path / "new", passphrase="another one")
    with pytest.raises(BackupError, match="is encrypted"):
        read_backup(sealed, None, None)
    content = bytearray(sealed.read_bytes())
    content[-20] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="damaged: block"):
        restore(sealed, tmp_path / "new", passphrase=PASSPHRASE)
    assert not (tmp_path / "new").exists()


def test_a_change_behind_the_archives_end_is_seen_too(made, cheap, tmp_path):
    """The whole file is authenticated, not only as much of it as the archive needs."""
    path = tmp_path / "longer.backup"
    with path.open("wb") as file:
        writer = EncryptedWriter(file, PASSPHRASE)
        writer.write(made.read_bytes() + bytes(2 * BLOCK))
        writer.finish()
    read_backup(path, None, PASSPHRASE)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupError, match="damaged: block"):
        read_backup(path, None, PASSPHRASE)


def test_a_file_may_not_ask_for_all_memory(sealed):
    content = bytearray(sealed.read_bytes())
    content[9] = 30
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="asks for more"):
        read_backup(sealed, None, PASSPHRASE)
    content[8] = 2
    sealed.write_bytes(content)
    with pytest.raises(BackupError, match="format 2"):
        read_backup(sealed, None, PASSPHRASE)


WHOLE = BLOCK + TAG
HEAD = HEADER + 32


def encrypted_bytes(data):
    file = io.BytesIO()
    writer = EncryptedWriter(file, PASSPHRASE)
    for start in range(0, len(data), 50_001):
        writer.write(data[start : start + 50_001])
    writer.finish()
    return file.getvalue()


def decrypted(content):
    return EncryptedReader(io.BytesIO(content), PASSPHRASE, "x").readall()


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_was_encrypted_is_decrypted_at_every_edge_of_a_block(cheap, size):
    data = bytes(range(256)) * (size // 256 + 1)
    assert decrypted(encrypted_bytes(data[:size])) == data[:size]


@settings_of_hypothesis(max_examples=60, deadline=None)
@given(st.data())
def test_no_change_of_an_encrypted_file_goes_unseen(data):
    """Cut, lengthened, a bit turned, blocks dropped, doubled or moved."""
    content = CONTENT
    blocks = [content[at : at + WHOLE] for at in range(HEAD, len(content), WHOLE)]
    way = data.draw(st.sampled_from(["cut", "longer", "bit", "drop", "twice", "swap"]))
    if way == "cut":
        changed = content[: data.draw(st.integers(0, len(content) - 1))]
    elif way == "longer":
        changed = content + data.draw(st.binary(min_size=1, max_size=40))
    elif way == "bit":
        # But for the head's first bytes, which are judged before anything is computed.
        at = data.draw(st.integers(len(b"FGBACKUP") + 4, len(content) - 1))
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    else:
        first = data.draw(st.integers(0, len(blocks) - 2))
        if way == "drop":
            blocks[first : first + 1] = []
        elif way == "twice":
            blocks[first:first] = [blocks[first]]
        else:
            blocks[first], blocks[first + 1] = blocks[first + 1], blocks[first]
        changed = content[:HEAD] + b"".join(blocks)
    with pytest.raises(BackupError):
        decrypted(changed)


def _content():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)
        return encrypted_bytes(b"a reading" * 20_000)


CONTENT = _content()


def test_the_commands_ask_for_the_passphrase(settings, cheap, tmp_path, monkeypatch):
    monkeypatch.delenv("FEVERGATE_BACKUP_PASSPHRASE", raising=False)
    run = CliRunner().invoke
    path, toml = tmp_path / "b.backup", str(settings.folder / "gateway.toml")
    making = ["backup", str(path), "--encrypt", "--settings", toml]
    done = run(cli, making)
    assert done.exit_code == 2 and not path.exists()
    assert "--passphrase-file FILE or $FEVERGATE_BACKUP_PASSPHRASE" in done.output
    secret = tmp_path / "secret"
    secret.write_text("short\n")
    done = run(cli, [*making, "--passphrase-file", str(secret)])
    assert done.exit_code == 2 and "8 characters" in done.output
    secret.write_text(f"{PASSPHRASE}\n")
    done = run(cli, [*making, "--passphrase-file", str(secret)])
    assert done.exit_code == 0 and "encrypted, all digests right" in done.output
    assert run(cli, ["backup", str(path), "--check"]).exit_code == 2
    monkeypatch.setenv("FEVERGATE_BACKUP_PASSPHRASE", "another one")
    done = run(cli, ["restore", str(path), str(tmp_path / "new")])
    assert "is not the passphrase" in str(done.exception) and not (tmp_path / "new").exists()
    monkeypatch.setenv("FEVERGATE_BACKUP_PASSPHRASE", PASSPHRASE)
    assert run(cli, ["backup", str(path), "--check"]).exit_code == 0
    assert run(cli, ["restore", str(path), str(tmp_path / "new")]).exit_code == 0
