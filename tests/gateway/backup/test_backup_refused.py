"""A file that is no sound backup is refused, and nothing of it is written anywhere."""

import io
import json
import os
import re
import tarfile
from pathlib import Path

import pytest
from backup_helpers import log, made_up, members, moved

from fevergate.backup.archive import MANIFEST, read_backup, read_manifest
from fevergate.backup.gateway import backup, restore
from fevergate.errors import BackupError
from fevergate.settings.gateway import load_gateway


def repacked(backup_path, path, change):
    """The backup with its members changed by `change(name, bytes)`, which returns bytes or None."""
    with tarfile.open(backup_path) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file
            data = change(member.name, file.read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, d: d[:-1] + b"x" if n == "gateway.password" else d, "differs from what"),
        (lambda n, d: d + b"x" if n == "ca.crt" else d, "bytes"),
        (lambda n, d: None if n == "ca.key" else d, "lacks ca.key"),
        (lambda n, d: None if n == MANIFEST else d, "expected a backup"),
        (lambda n, d: b"{}" if n == MANIFEST else d, "no backup"),
        (lambda n, d: d.replace(b'"ca.key"', b'"../ca.key"') if n == MANIFEST else d, "ca.key"),
    ],
    ids=["other bytes", "longer", "missing", "no manifest", "empty manifest", "outside"],
)
def test_an_altered_backup_restores_nothing(backup_path, tmp_path, change, message):
    path = repacked(backup_path, tmp_path / "bad.tar.gz", change)
    with pytest.raises(BackupError, match=message):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".new")]


def test_a_card_that_loses_written_bytes_is_detected_at_once(settings, tmp_path, monkeypatch):
    """A backup is read back before it gets its name, and no torn file is left."""
    fsync = os.fsync

    def tearing_fsync(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(".tar.gz.new"):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 1000)
        fsync(descriptor)

    monkeypatch.setattr("fevergate.backup.archive.os.fsync", tearing_fsync)
    with pytest.raises(BackupError, match="damaged"):
        backup(settings, tmp_path / "torn.tar.gz")
    assert not list(tmp_path.glob("torn*"))


@pytest.mark.parametrize("name", ["../../evil", "kiosks/../../../evil", "/evil", ".", "", ".."])
def test_a_member_with_a_path_out_of_the_folder_is_refused(backup_path, tmp_path, name):
    (tmp_path / "a").mkdir()
    path = made_up(tmp_path / "bad.tar.gz", members(backup_path) | {name: b"x"})
    with pytest.raises(BackupError, match="no backup has such a file"):
        restore(path, tmp_path / "a" / "new")
    assert not list(tmp_path.rglob("evil")) and not list((tmp_path / "a").iterdir())


def test_a_link_in_a_files_place_is_refused(backup_path, tmp_path):
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(backup_path) as old, tarfile.open(path, "w:gz") as new:
        for member in old:
            data = old.extractfile(member)
            if member.name == "ca.key":
                member.type, member.linkname = tarfile.SYMTYPE, "gateway.toml"
            new.addfile(member, data)
    with pytest.raises(BackupError, match=r"ca\.key: not in its manifest"):
        read_backup(path, None, None)


def test_a_manifest_may_not_ask_for_all_memory(backup_path, monkeypatch):
    monkeypatch.setattr("fevergate.backup.archive.MAX_MANIFEST", 1000)
    with pytest.raises(BackupError, match="expected a backup"):
        read_backup(backup_path, None, None)


@pytest.mark.parametrize(
    ("at", "size"), [(20 * 4096, 4096), (36, 4)], ids=["a page", "the number of free pages"]
)
def test_a_database_that_was_damaged_before_its_backup_is_not_restored(
    backup_path, tmp_path, at, size
):
    """The digest in the manifest fits the damaged database."""
    files = members(backup_path)
    data = bytearray(files["database.sqlite"])
    assert len(data) > at + size
    data[at : at + size] = b"\xa5" * size
    path = made_up(tmp_path / "b.tar.gz", files | {"database.sqlite": bytes(data)})
    with pytest.raises(BackupError, match=r"database\.sqlite: "):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["campus server", "archive"])
def test_a_backup_of_another_kind_is_not_restored_as_a_gateways(backup_path, tmp_path, kind):
    path = made_up(tmp_path / "b.tar.gz", members(backup_path), kind=kind)
    with pytest.raises(BackupError, match="lacks a gateway's settings"):
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
def test_a_file_without_a_valid_manifest_is_reported_as_no_backup(tmp_path, first):
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
def test_a_manifest_with_wrong_values_is_reported_as_no_backup(backup_path, tmp_path, change):
    path = repacked(
        backup_path, tmp_path / "bad.tar.gz", lambda n, d: change(d) if n == MANIFEST else d
    )
    with pytest.raises(BackupError, match="no backup"):
        read_manifest(path, None)


def test_an_impossible_file_name_is_reported_as_no_backup(backup_path, tmp_path):
    name, path = "kiosks/a\0b", tmp_path / "evil.tar.gz"
    with (
        tarfile.open(backup_path) as old,
        tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as new,
    ):
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
def test_a_file_that_was_cut_short_is_reported_as_damaged(backup_path, tmp_path, keep):
    data = backup_path.read_bytes()
    path = tmp_path / "short.tar.gz"
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(BackupError, match=r"damaged|expected a backup"):
        read_backup(path, None, None)


def everything_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["{away}/x.db", "../away/x.db", "a/../../away/x.db", "."])
def test_nothing_is_ever_written_outside_the_folder(backup_path, tmp_path, name):
    """Root restores from a stick that may be damaged, or prepared by an attacker."""
    away = tmp_path / "away"
    away.mkdir()
    name = name.format(away=away)
    (tmp_path / "here").mkdir()
    path = moved(backup_path, tmp_path / "b.tar.gz", database=name, web=name)
    files = members(path)
    made_up(path, files, database=name, pages="", desk="")
    before = everything_below(tmp_path)
    restore(path, tmp_path / "here" / "new")
    new = everything_below(tmp_path) - before
    assert all(entry.startswith("here/new") for entry in new) and not list(away.iterdir())
    new_settings = load_gateway(tmp_path / "here/new/gateway.toml")
    assert new_settings.database == "fevergate.db" and len(log(new_settings).fevers) == 6


@pytest.mark.parametrize(
    "name", ["systemd/mosquitto.service.d/x.conf", "bin/x", "kiosk.py", ".bashrc", "a/ca.key"]
)
def test_a_file_that_no_backup_has_is_refused(backup_path, tmp_path, name):
    files = members(backup_path)
    path = made_up(tmp_path / "b.tar.gz", files | {name: b"x"})
    with pytest.raises(BackupError, match="no backup has such a file"):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["ca.key", "kiosks/north-1/settings.json", "kiosks"])
def test_a_database_that_would_replace_another_file_is_refused(backup_path, tmp_path, name):
    with pytest.raises(BackupError):
        restore(moved(backup_path, tmp_path / "b.tar.gz", database=name), tmp_path / "new")
    assert not (tmp_path / "new").exists()
