"""All of a gateway in one file, taken while it works, and all of it back on another machine.

A gzipped tar: settings, certificates, credentials, kiosks, compact copies of the gateway's, the
pages' and the desk's databases, and first of all a manifest with the digest of each, against
which `restore` checks every byte before anything is put in place. It holds secrets, so that only
its owner may read it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec
from msgspec import Struct

from fevergate import __version__
from fevergate.broker_files import hand_over
from fevergate.database import connect
from fevergate.errors import BackupError, StoreError
from fevergate.provision.services import write_drop_ins
from fevergate.settings import Desk, GatewaySettings, load_gateway

MANIFEST = "manifest.json"
MAX_MANIFEST = 10_000_000
DATABASE = "database.sqlite"
PAGES = "pages.sqlite"
DESK = "desk.sqlite"
"""The databases' names in a backup, wherever the settings have them."""

SETTINGS = "gateway.toml"
KEPT = (
    *("*.toml", "*.crt", "*.key", "*.password", "*.passwords", "*.token", "*.acl", "*.conf"),
    "*.jsonl",
)
"""What is taken of a gateway's folder, beside kiosks/ and the databases."""

Progress = Callable[[str], None]


class Member(Struct, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    size: int
    sha256: str


class Manifest(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds."""

    v: int
    fevergate: str
    made_at: float
    campus: str
    gateway: str
    folder: str
    database: str
    pages: str = ""
    """Where the pages' database was; empty where there was none yet."""
    desk: str = ""
    """And the desk's."""
    readings: int
    fevers: int
    members: dict[str, Member]


def backup(settings: GatewaySettings, path: Path, progress: Progress = lambda _: None) -> Manifest:
    """Write a verified backup to `path`, which must not exist yet; the gateway may run.

    Raises `BackupError`, `StoreError`; then there is no file at `path`.
    """
    if path.exists():
        raise BackupError(f"{path}: is there already; a backup never overwrites another one")
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent}: no such folder")
    beside = path.with_name(path.name + ".new")
    try:
        with tempfile.TemporaryDirectory(prefix=".fevergate-", dir=path.parent) as folder:
            files = dict(_files(settings.folder))
            progress("copying the database")
            files[DATABASE] = _copy(settings.path(settings.database), Path(folder) / DATABASE)
            readings, fevers = _sound(files[DATABASE])
            pages = settings.path(settings.web.database)
            if pages.exists():
                progress("copying the pages' database")
                files[PAGES] = _copy(pages, Path(folder) / PAGES)
            desk = settings.path((settings.desk or Desk()).database)
            if desk.exists():
                progress("copying the desk's database")
                files[DESK] = _copy(desk, Path(folder) / DESK)
            manifest = Manifest(
                v=1,
                fevergate=__version__,
                made_at=time.time(),
                campus=settings.campus,
                gateway=settings.gateway,
                folder=str(settings.folder.absolute()),
                database=settings.database,
                pages=settings.web.database if PAGES in files else "",
                desk=(settings.desk or Desk()).database if DESK in files else "",
                readings=readings,
                fevers=fevers,
                members={
                    name: Member(size=file.stat().st_size, sha256=_digest(file))
                    for name, file in files.items()
                },
            )
            listed = Path(folder) / MANIFEST
            listed.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar,
            ):
                for name, source in {MANIFEST: listed, **files}.items():
                    progress(f"packing {name}")
                    tar.add(source, name, recursive=False)
                tar.close()
                file.flush()
                os.fsync(file.fileno())
        progress("reading it back")
        _check(beside, None)
        beside.rename(path)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def check(path: Path) -> Manifest:
    """Read a backup to its end, every digest compared. Raises `BackupError`."""
    return _check(path, None)


def restore(path: Path, folder: Path, progress: Progress = lambda _: None) -> Manifest:
    """Put a backup's gateway into `folder`, which must be new or empty.

    Everything is checked before `folder` is there. As root the files go to the users that
    `provision` gives them to. Raises `BackupError`, `ProvisionError`, `SettingsError`.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: is there already; restore into a new or empty folder")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent}: no such folder")
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        progress("unpacking and comparing")
        manifest = _check(path, beside)
        places = {DATABASE: folder / manifest.database}
        if manifest.pages:
            places[PAGES] = folder / manifest.pages
        if manifest.desk:
            places[DESK] = folder / manifest.desk
        for place in places.values():
            if place.exists():
                raise BackupError(f"{place}: is there already; move it away first")
        progress("checking the database")
        _sound(beside / DATABASE)
        _move_paths(beside / "mosquitto.conf", manifest.folder, folder)
        load_gateway(beside / SETTINGS)
        if folder.exists():
            folder.rmdir()
        for name, place in places.items():
            if place.is_relative_to(folder):
                place = beside / place.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(beside / name, place)
        beside.rename(folder)
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    write_drop_ins(folder)
    hand_over(folder)
    return manifest


def _copy(source: Path, copy: Path) -> Path:
    """A consistent, compact copy.

    One read transaction: in WAL mode nobody who writes waits for it (sqlite.org/wal.html).
    """
    database = connect(source, read_only=True)
    try:
        database.execute("vacuum into ?", (str(copy),))
    except sqlite3.Error as error:
        raise StoreError(f"{source}: {error}") from error
    finally:
        database.close()
    return copy


def _sound(path: Path) -> tuple[int, int]:
    """Check a copy of the gateway's; how many readings and fevers are in it."""
    database = connect(path, read_only=True)
    try:
        (said,) = database.execute("pragma integrity_check").fetchone()
        if said != "ok":
            raise BackupError(f"{path.name}: {said}")
        (readings,) = database.execute("select count(*) from readings").fetchone()
        (fevers,) = database.execute("select count(*) from fevers").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path.name}: {error}") from error
    finally:
        database.close()
    return readings, fevers


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    found = [path for pattern in KEPT for path in folder.glob(pattern)]
    found += (folder / "kiosks").rglob("*")
    for path in sorted(found):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, into: Path | None) -> Manifest:
    """Compare every member with the manifest; write them below `into`, if that is given."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            first = tar.next()
            if first is None or first.name != MANIFEST or first.size > MAX_MANIFEST:
                raise BackupError(f"{path}: expected a backup made by `fevergate backup`")
            manifest = msgspec.json.decode(_open(tar, first).read(), type=Manifest)
            missing = dict(manifest.members)
            for member in tar:
                if member.name == MANIFEST:
                    continue
                expected = missing.pop(member.name, None)
                if expected is None or not member.isfile() or not _is_inside(member.name):
                    raise BackupError(f"{path}: {member.name}: not in its manifest")
                if member.size != expected.size:
                    raise BackupError(f"{path}: {member.name}: {member.size} bytes")
                digest = _take(_open(tar, member), into and into / member.name)
                if digest != expected.sha256:
                    raise BackupError(f"{path}: {member.name}: is not what was backed up")
    except FileNotFoundError as error:
        raise BackupError(f"{path}: no such file") from error
    except (tarfile.TarError, EOFError, OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{path}: damaged, or no backup: {error}") from error
    if missing:
        raise BackupError(f"{path}: without {', '.join(sorted(missing))}")
    needed = [SETTINGS, DATABASE]
    needed += [PAGES] * bool(manifest.pages) + [DESK] * bool(manifest.desk)
    if not set(needed) <= set(manifest.members):
        raise BackupError(f"{path}: without settings or database")
    return manifest


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    if file is None:
        raise BackupError(f"{member.name}: not a file")
    return file


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _take(source: IO[bytes], path: Path | None) -> str:
    digest = hashlib.sha256()
    target = None
    if path:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        while block := source.read(1 << 20):
            digest.update(block)
            if target:
                target.write(block)
        if target:
            target.flush()
            os.fsync(target.fileno())
    finally:
        if target:
            target.close()
    return digest.hexdigest()


def _move_paths(path: Path, old: str, folder: Path) -> None:
    """The broker's configuration names its files in full."""
    if path.exists():
        path.write_text(path.read_text().replace(f"{old}/", f"{folder}/"))
