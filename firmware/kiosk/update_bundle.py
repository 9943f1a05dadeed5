"""Unpacks a bundle of firmware files from flash into a slot.

Format: `update_offer.header`, then for each file a line "path size sha256" and its bytes. The
bundle is parsed only after its signed SHA-256 has been checked.
"""

import asyncio
import binascii
import hashlib
import os

from kiosk.errors import UpdateError
from kiosk.update_offer import header

_FILES_MAX = 128
_PATH_MAX = 64
_LINE_MAX = 160
_AT_ONCE = 1024  # bytes
_FOLDER = 0x4000  # bit of a file's mode


async def digest_of(path):
    """SHA-256 of a file as hex; other tasks run between pieces. Raises `OSError`."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            piece = file.read(_AT_ONCE)
            if not piece:
                return binascii.hexlify(sha.digest()).decode()
            sha.update(piece)
            await asyncio.sleep(0)


async def unpack(bundle, slot, version, abi, boards):
    """Empty the folder `slot`, write the files of a checked bundle into it and read each back.

    Raises `UpdateError` for a malformed bundle or a file that reads back wrong, and `OSError`.
    """
    empty(slot)
    os.mkdir(slot)
    with open(bundle, "rb") as file:
        if file.readline(_LINE_MAX) != header(version, abi, boards):
            raise UpdateError("not a bundle of %s" % version)
        for _ in range(_FILES_MAX):
            line = file.readline(_LINE_MAX)
            if not line:
                return
            await _take(file, line, slot)
    raise UpdateError("more than %d files" % _FILES_MAX)


def empty(folder):
    """Remove a folder with its contents, if it exists. Raises `OSError`."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = folder + "/" + name
        if os.stat(path)[0] & _FOLDER:
            empty(path)
        else:
            os.remove(path)
    os.rmdir(folder)


async def _take(file, line, slot):
    try:
        name, size, digest = line.decode().split()
        left = int(size)
    except ValueError:
        raise UpdateError("a malformed line for a file")
    if not _inside(name):
        raise UpdateError("%s: no path within a slot" % name[:32])
    target = slot + "/" + name
    _make_folders(slot, name)
    with open(target, "wb") as out:
        while left:
            piece = file.read(min(left, _AT_ONCE))
            if not piece:
                raise UpdateError("%s: ends too early" % name)
            out.write(piece)
            left -= len(piece)
            await asyncio.sleep(0)
    if await digest_of(target) != digest:
        raise UpdateError("%s: the flash does not hold what was written" % name)


def _inside(name):
    """Whether a name is a plain relative path: letters, digits, _ and . between slashes."""
    parts = name.split("/")
    if len(name) > _PATH_MAX or len(parts) > 4:
        return False
    for part in parts:
        if not part or part[0] == ".":
            return False
        for char in part:
            if not (char.isalpha() or char.isdigit() or char in "_.") or ord(char) > 126:
                return False
    return True


def _make_folders(slot, name):
    folder = slot
    for part in name.split("/")[:-1]:
        folder += "/" + part
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it exists, or opening the file will raise
