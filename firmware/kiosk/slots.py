"""A few values on flash that outlive a power cut at any instant.

Two files in turn, each with a count and its CRC-32: while one is written the other is whole.
"""

import binascii
import json


def _read(path):
    """(count, values) of one file; (0, None) where it is missing, torn or rotten."""
    try:
        with open(path, "rb") as file:
            crc, count, body = file.read().split(b" ", 2)
        if int(crc, 16) == binascii.crc32(count + b" " + body):
            return int(count), json.loads(body)
    except (OSError, ValueError):
        pass
    return 0, None


class Slots:
    """`path` + ".a" and `path` + ".b"."""

    def __init__(self, path):
        self._paths = (path + ".a", path + ".b")

    def read(self):
        """What was written last, or None where nothing is to be had."""
        return max((_read(path) for path in self._paths), key=lambda found: found[0])[1]

    def write(self, values):
        """Replace it by `values`, which JSON can hold. Raises `OSError`."""
        counts = [_read(path)[0] for path in self._paths]
        body = "%d %s" % (max(counts) + 1, json.dumps(values))
        with open(self._paths[0 if counts[0] <= counts[1] else 1], "w") as file:
            file.write("%08x %s" % (binascii.crc32(body.encode()), body))
