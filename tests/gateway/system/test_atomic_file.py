"""A small file is written whole or not at all, for its readers only, and never through a link."""

import os
import threading
from pathlib import Path

import pytest

from fevergate.system.atomic_file import create_private, write_private, write_public


@pytest.fixture
def disk(monkeypatch):
    """Records what reaches the disk, in order: the content of a file, its name, and its folder."""
    done = []
    flush, replace, link = os.fsync, os.replace, os.link

    def fsync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append(path.read_bytes() if path.is_file() else path)
        flush(descriptor)

    def recorded(give):
        return lambda old, new: (done.append(Path(new).name), give(old, new))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", recorded(replace))
    monkeypatch.setattr(os, "link", recorded(link))
    return done


def test_a_power_cut_leaves_the_old_file_or_the_new_one_whole(tmp_path, disk):
    path = tmp_path / "key"
    for data in (b"old", b"new"):
        write_private(path, data)
        assert path.read_bytes() == data
        assert disk == [data, "key", tmp_path]
        disk.clear()


def test_a_key_that_was_created_is_on_the_disk_under_its_name(tmp_path, disk):
    assert create_private(tmp_path / "key", b"first")
    assert disk[0] == b"first" and disk[-2:] == ["key", tmp_path]


@pytest.mark.parametrize(
    ("write", "mode"), [(write_private, 0o600), (write_public, 0o644), (create_private, 0o600)]
)
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_file_has_its_mode_whatever_the_umask(tmp_path, write, mode, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_leftover_of_a_killed_write_and_a_link_are_replaced(tmp_path):
    (tmp_path / "other").write_bytes(b"of root")
    path = tmp_path / "key"
    temporary, target = tmp_path / "key.new", tmp_path / "other"
    path.symlink_to(target)
    for leave in (lambda: temporary.symlink_to(target), lambda: temporary.write_bytes(b"ha")):
        leave()
        write_private(path, b"whole")
        assert path.read_bytes() == b"whole" and not path.is_symlink() and not temporary.exists()
    assert target.read_bytes() == b"of root"


def test_a_link_that_is_put_there_at_the_last_moment_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "other").write_bytes(b"of root")
    monkeypatch.setattr(Path, "unlink", lambda path, **_: path.symlink_to(tmp_path / "other"))
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key", b"whole")
    assert (tmp_path / "other").read_bytes() == b"of root"


def test_of_programs_that_create_a_key_at_once_one_succeeds_and_nothing_else_is_left(tmp_path):
    path, created, start = tmp_path / "key", {}, threading.Barrier(8)

    def create(data):
        start.wait()
        created[data] = create_private(path, data)

    threads = [threading.Thread(target=create, args=(bytes([n]),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [data for data, won in created.items() if won] == [path.read_bytes()]
    assert list(tmp_path.iterdir()) == [path]
