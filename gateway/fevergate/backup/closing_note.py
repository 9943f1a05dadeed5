"""A file that records a closing's progress, so that the next run finishes an interrupted one."""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from fevergate.backup.archive import Manifest, Progress, check_new, member_of, read_backup
from fevergate.backup.wiping import wipe
from fevergate.errors import ClosingError
from fevergate.system.atomic_file import write_private

NOTE = "closing.json"


class ClosingNote(Struct, kw_only=True, forbid_unknown_fields=True):
    """Progress of a closing; lies in the folder until everything else is wiped."""

    campus: str
    archive: str
    sha256: str = ""
    """SHA-256 of the archive; empty until the archive has been read back."""
    at: float


def begun(path: Path, campus: str, archive: Path) -> ClosingNote:
    """Return the note at `path` of an interrupted closing, or write a new one.

    Raises `ClosingError` if the note is damaged or names another campus or archive, `BackupError`
    if a new closing cannot write `archive`.
    """
    try:
        note = msgspec.json.decode(path.read_bytes(), type=ClosingNote)
    except FileNotFoundError:
        check_new(archive)
        note = ClosingNote(campus=campus, archive=str(archive), at=time.time())
        keep(path, note)
    except msgspec.MsgspecError as error:
        raise ClosingError(f"{path}: expected the progress of a closing: {error}") from error
    if note.campus != campus:
        raise ClosingError(f"{campus!r}: the closing of {note.campus!r} has begun; finish it first")
    if note.archive != str(archive):
        raise ClosingError(f"{archive}: the closing began with --archive {note.archive}; use that")
    return note


def read_again(archive: Path, note: ClosingNote, passphrase: str, progress: Progress) -> Manifest:
    """Check the archive that an interrupted closing made; returns its manifest. Raises
    `ClosingError` if `archive` is another file, `BackupError` if it is damaged."""
    progress("reading the archive back")
    manifest = read_backup(archive, None, passphrase)
    if member_of(archive).sha256 != note.sha256:
        raise ClosingError(f"{archive}: is not the archive that was made")
    return manifest


def keep(path: Path, note: ClosingNote) -> None:
    """Write the note."""
    write_private(path, msgspec.json.encode(note))


def finish(folder: Path) -> list[str]:
    """Wipe the note, after everything else; returns the names of the files left in the folder,
    which are not the gateway's."""
    wipe(folder / NOTE)
    return sorted(path.name for path in folder.iterdir())
