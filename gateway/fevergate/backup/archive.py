"""File format of a backup: a gzipped tar, encrypted if a passphrase is given.

Its first member is a manifest with the SHA-256 of every other member. All members are compared with
the manifest before any file is put in place.
"""

import contextlib
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from fevergate import __version__
from fevergate.backup.bounded_tar import BoundedTar, bounded_tar
from fevergate.crypto.passphrase import MAGIC, EncryptedReader, EncryptedWriter, is_encrypted
from fevergate.errors import BackupError
from fevergate.protocol.messages import LAST_AT

MANIFEST = "manifest.json"
MAX_MANIFEST = 10_000_000
PATTERNS = (
    *("*.toml", "*.crt", "*.key", "*.password", "*.passwords", "*.token", "*.acl", "*.conf"),
    *("*.jsonl", "*.pem"),
)
"""Files of a settings folder that go into a backup, besides `FOLDERS` and the databases."""

FOLDERS = ("kiosks", "gateways")
"""Subfolders that go into a backup."""

_NO_BACKUP = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, msgspec.MsgspecError)
"""Errors that reading a damaged or hostile file raises. `ValueError` comes from tarfile for a
header that contradicts itself, from the system for a name with a null character, and from msgspec
for text that is not UTF-8."""

Progress = Callable[[str], None]
"""Called with a text for each step, to be displayed."""


class Member(Struct, kw_only=True, forbid_unknown_fields=True):
    """Size in bytes and SHA-256 of one file of a backup."""

    size: int
    sha256: str


class Manifest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Contents of a backup and their origin."""

    v: int
    fevergate: str
    made_at: Annotated[float, Meta(ge=0, le=LAST_AT)]
    """Unix time (s) of the machine's clock, which may have been wrong."""
    kind: Literal["gateway", "campus server", "archive"] = "gateway"
    campus: str
    gateway: str
    folder: str
    database: str
    pages: str = ""
    """Path of the web application's database; empty if it did not exist."""
    desk: str = ""
    """Path of the desk's database; empty if it did not exist."""
    elsewhere: list[str] = []
    """Files that the settings name but that lie outside the folder: they are not in the backup."""
    readings: int
    """Number of readings; for a campus server, the number of summaries, fevers and follow-ups."""
    fevers: int
    members: dict[str, Member]


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of each file of a settings folder that goes into a backup."""
    paths = [path for pattern in PATTERNS for path in folder.glob(pattern)]
    for name in FOLDERS:
        paths += (folder / name).rglob("*")
    for path in sorted(paths):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def member_of(path: Path) -> Member:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return Member(
            size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def manifest_of(folder: Path, files: Mapping[str, Path], **values: Any) -> Manifest:
    """Build the manifest of a backup of `folder`. `files` maps names in the backup to paths;
    `values` are the other fields."""
    return Manifest(
        v=1,
        fevergate=__version__,
        made_at=time.time(),
        folder=str(folder.absolute()),
        members={name: member_of(file) for name, file in files.items()},
        **values,
    )


@contextlib.contextmanager
def packing(path: Path, folder: Path, passphrase: str | None) -> Iterator[Path]:
    """Yield a temporary folder for the copies that a backup of `folder` at `path` needs.

    Raises `BackupError` if `path` exists or something cannot be written.
    """
    check_new(path)
    # With a passphrase, no unencrypted copy may lie on the target, such as a USB stick.
    place = folder if passphrase else path.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".fevergate-", dir=place) as temporary:
            yield Path(temporary)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error


@contextlib.contextmanager
def unpacking(
    path: Path, folder: Path, passphrase: str | None, progress: Progress
) -> Iterator[tuple[Path, Manifest]]:
    """Yield a temporary folder with a backup's files, and the backup's manifest. When the block
    ends without an error, the temporary folder becomes `folder`.

    Raises `BackupError` if `folder` is neither new nor empty, or if the backup is damaged.
    """
    check_empty(folder)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        progress("unpacking and comparing")
        yield beside, read_backup(path, beside, passphrase)
        beside.rename(folder)
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_new(path: Path) -> None:
    """Raise `BackupError` unless a backup can be written to `path`."""
    if path.exists():
        raise BackupError(f"{path}: is there already; a backup never overwrites another one")
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent}: no such folder")


def check_empty(folder: Path) -> None:
    """Raise `BackupError` unless `folder` is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: is there already; restore into a new or empty folder")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent}: no such folder")


def write_backup(
    path: Path,
    manifest: Manifest,
    files: Mapping[str, Path],
    passphrase: str | None,
    progress: Progress,
) -> None:
    """Write the backup to `path`, which must not exist, and read it back.

    Raises `BackupError` or `OSError`, and then leaves no file at `path`.
    """
    beside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            writer = EncryptedWriter(file, passphrase) if passphrase else None
            with tarfile.open(fileobj=writer or file, mode="w:gz", compresslevel=1) as tar:
                listed = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
                about = tarfile.TarInfo(MANIFEST)
                about.size, about.mode = len(listed), 0o600
                tar.addfile(about, io.BytesIO(listed))
                for name, source in files.items():
                    progress(f"packing {name}")
                    tar.add(source, name, recursive=False)
            if writer:
                writer.finish()
            file.flush()
            os.fsync(file.fileno())
        progress("reading it back")
        read_backup(beside, None, passphrase)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def encrypted(path: Path) -> bool:
    """Whether a backup is encrypted. Raises `BackupError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return is_encrypted(file.read(len(MAGIC)))
    except FileNotFoundError as error:
        raise BackupError(f"{path}: no such file") from error
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from error


def read_backup(path: Path, into: Path | None, passphrase: str | None) -> Manifest:
    """Compare every member with the manifest and, if `into` is given, write it below `into`.

    Returns the manifest. Raises `BackupError`.
    """
    try:
        with _opened(path, passphrase) as file, bounded_tar(file) as tar:
            manifest = _manifest(path, tar)
            missing = dict(manifest.members)
            for member in tar:
                if member.name == MANIFEST:
                    continue
                expected = missing.pop(member.name, None)
                if expected is None or not member.isfile():
                    raise BackupError(f"{path}: {member.name}: not in its manifest")
                if not _is_taken(member.name):
                    raise BackupError(f"{path}: {member.name}: no backup has such a file")
                if member.size != expected.size:
                    raise BackupError(
                        f"{path}: {member.name}: has {member.size} bytes, expected {expected.size}"
                    )
                digest = _take(tar.content(member), into and into / member.name)
                if digest != expected.sha256:
                    raise BackupError(f"{path}: {member.name}: differs from what was backed up")
            while file.read(1 << 16):  # to the end: the last encrypted block is checked there
                pass
    except FileNotFoundError as error:
        raise BackupError(f"{path}: no such file") from error
    except _NO_BACKUP as error:
        raise BackupError(f"{path}: damaged, or no backup: {error}") from error
    if missing:
        raise BackupError(f"{path}: lacks {', '.join(sorted(missing))}")
    return manifest


def read_manifest(path: Path, passphrase: str | None) -> Manifest:
    """Read a backup's manifest without checking the members. Raises `BackupError`."""
    try:
        with _opened(path, passphrase) as file, bounded_tar(file) as tar:
            return _manifest(path, tar)
    except _NO_BACKUP as error:
        raise BackupError(f"{path}: damaged, or no backup: {error}") from error


def _manifest(path: Path, tar: BoundedTar) -> Manifest:
    first = tar.next()
    # A link is refused before tarfile looks for its target.
    if first is None or first.name != MANIFEST or not first.isfile() or first.size > MAX_MANIFEST:
        raise BackupError(f"{path}: expected a backup made by `fevergate backup`")
    return msgspec.json.decode(tar.content(first).read(), type=Manifest)


@contextlib.contextmanager
def _opened(path: Path, passphrase: str | None) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if not is_encrypted(file.peek(len(MAGIC))):
            yield file
        elif passphrase is None:
            raise BackupError(f"{path}: is encrypted; its passphrase is needed")
        else:
            yield cast(IO[bytes], EncryptedReader(file, passphrase, str(path)))


def _is_taken(name: str) -> bool:
    """Whether a file of this name may be in a backup; a restore writes no other."""
    path = PurePosixPath(name)
    if len(path.parts) == 1:
        return any(path.match(pattern) for pattern in (*PATTERNS, "*.sqlite"))
    return path.parts[:1] in [(folder,) for folder in FOLDERS] and ".." not in path.parts


def _take(source: IO[bytes], path: Path | None) -> str:
    digest = hashlib.sha256()
    target = None
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)  # below a folder of mode 0700
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
