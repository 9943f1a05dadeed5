"""Small JSON values on flash that survive a power cut at any moment.

Each value is kept in two files, written in turn, with a count and a CRC-32: while one file is
written, the other is complete. This module also holds `Installed`, which records the firmware that
the board boots.
"""

import binascii
import json

SLOTS = ("a", "b")
"""Folders for firmware that came by an update; "" stands for the firmware flashed over USB."""

_INSTALLED = "/update"


class SafeFile:
    """One value, kept in the files `path` + ".a" and `path` + ".b"."""

    def __init__(self, path):
        self._paths = (path + ".a", path + ".b")

    def read(self):
        """The value written last, or None if neither file is complete."""
        return max([_read(path) for path in self._paths], key=lambda entry: entry[0])[1]

    def write(self, values):
        """Replace the value by `values`, which JSON must be able to hold. Raises `OSError`."""
        counts = [_read(path)[0] for path in self._paths]
        body = "%d %s" % (max(counts) + 1, json.dumps(values))
        with open(self._paths[0 if counts[0] <= counts[1] else 1], "w") as file:
            file.write("%08x %s" % (binascii.crc32(body.encode()), body))


class Installed:
    """Which firmware the board boots, and the result of the last update.

    `good`: slot of the confirmed firmware; `trial`: slot of an update that must still prove
    healthy, or ""; `booted`: whether that update has been booted once; `issued`: when the last
    update was issued; `version`: its version; `failed`: the version that was rolled back, or "";
    `fault`: the sensor fault that was there before the update.
    """

    def __init__(self, path=_INSTALLED):
        self._file = SafeFile(path)
        stored = self._file.read()
        values = stored if isinstance(stored, dict) else {}
        self.good = values.get("good") if values.get("good") in SLOTS else ""
        self.trial = values.get("trial") if values.get("trial") in SLOTS else ""
        self.booted = values.get("booted") is True
        issued = values.get("issued")
        self.issued = issued if isinstance(issued, int) else 0
        self.failed = str(values.get("failed") or "")
        self.version = str(values.get("version") or "")
        self.fault = str(values.get("fault") or "")

    @property
    def spare(self):
        """The slot that an update may be written to."""
        return "b" if self.good == "a" else "a"

    def write(self):
        """Store the attributes on flash. Raises `OSError`."""
        self._file.write(
            {
                "good": self.good,
                "trial": self.trial,
                "booted": self.booted,
                "issued": self.issued,
                "failed": self.failed,
                "version": self.version,
                "fault": self.fault,
            }
        )

    def choose(self):
        """The slot to boot now. An update on trial is booted once; unless it proves healthy before
        the next boot, it is given up. Raises `OSError`."""
        if not self.trial:
            return self.good
        if not self.booted:
            self.booted = True
            self.write()
            return self.trial
        self.failed, self.trial = self.version, ""
        self.write()
        return self.good

    def confirm(self):
        """Keep the firmware on trial for good: it is healthy. Raises `OSError`."""
        self.good, self.trial, self.failed = self.trial, "", ""
        self.write()


def _read(path):
    """(count, value) of one file; (0, None) if it is missing, torn or corrupt."""
    try:
        with open(path, "rb") as file:
            crc, count, body = file.read().split(b" ", 2)
        if int(crc, 16) == binascii.crc32(count + b" " + body):
            return int(count), json.loads(body)
    except (OSError, ValueError):
        pass
    return 0, None
