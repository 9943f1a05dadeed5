"""Writes a firmware's files onto a board; firmware that was written only in part does not start."""

from dataclasses import dataclass

from fevergate.flash.files import FOLDERS, MAIN, STALE, Firmware
from fevergate.kiosks.cable import Cable, Moved

# Makes the board leave the slot of an over-the-air update. `issued` stays, so that the kiosk still
# refuses older offers.
_IN_FORCE = """
from kiosk.starter import Installed
_i = Installed()
if _i.good or _i.trial or _i.failed:
    _i.good = _i.trial = _i.failed = _i.version = _i.fault = ""
    _i.booted = False
    _i.write()
"""


@dataclass(frozen=True)
class Copied:
    """Numbers of files: written, found unchanged, and removed because they are not part of the
    firmware."""

    written: int
    unchanged: int
    removed: int


def install(cable: Cable, firmware: Firmware, moved: Moved) -> Copied:
    """Write files that are missing or differ, remove others from the firmware's folders, and
    make this firmware the one that boots. Each file's SHA-256 is checked on the board."""
    *body, main = firmware.files
    paths = [file.path for file in firmware.files]
    digests = cable.digests([*paths, STALE], FOLDERS)
    strangers = sorted(digests.keys() - set(paths))
    missing = [file for file in body if digests.get(file.path) != file.sha256]
    if MAIN in digests and (missing or strangers):
        cable.remove([MAIN])
        del digests[MAIN]
    last = [main] if digests.get(MAIN) != main.sha256 else []
    size = sum(len(file.data) for file in missing + last)
    cable.write(missing, lambda at, _: moved(at, size))
    cable.remove(strangers)
    cable.run(_IN_FORCE)
    cable.write(last, lambda at, _: moved(size - len(main.data) + at, size))
    written = len(missing) + len(last)
    return Copied(written, len(firmware.files) - written, len(strangers))
