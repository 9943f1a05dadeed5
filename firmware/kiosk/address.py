"""Where the broker is: a number, or a name that is asked for anew before each connection.

What asks is loaded for a name alone (`names`), and given back with its answer.
"""

import time

from kiosk.on_demand import give_back
from kiosk.safe_file import SafeFile

STATE = "/broker"
_PATIENCE_MS = 3000  # then the last address that worked is tried, and the question stays open


class Address:
    """Of one host, which may move; where nobody answers in time it is what worked last, which is
    kept on flash."""

    def __init__(self, host):
        self._host = host
        self._numeric = is_address(host)
        self._lookup = None
        self._answer = ""
        self._tried = ""
        self._began = None
        self._file = SafeFile(STATE)
        stored = None if self._numeric else self._file.read()
        same = isinstance(stored, dict) and stored.get("host") == host
        last = str(stored.get("address")) if stored and same else ""
        self._last = last if is_address(last) else ""

    def tick(self):
        """An address to try, or None while it is to be waited for. Raises `OSError`, `ValueError`
        where there is none."""
        if self._numeric:
            return self._host
        if self._began is None:
            self._began = time.ticks_ms()
            if self._lookup is None:
                from kiosk.dns import Lookup

                give_back("dns")
                self._lookup = Lookup(self._host)
        address = self._lookup.tick() if self._lookup else ""
        if address is not None and self._lookup:
            self._lookup.close()
            self._lookup = None
            self._answer = address or self._answer
            if not self._answer and not self._last:
                self._began = None
                raise OSError("no address for %s" % self._host)
        late = time.ticks_diff(time.ticks_ms(), self._began) >= _PATIENCE_MS
        if self._lookup and not (late and (self._answer or self._last)):
            return None
        # What was answered last time may be a lie: then what worked has its turn.
        choices = [one for one in (self._answer, self._last) if one]
        other = [one for one in choices if one != self._tried]
        self._tried = (other or choices)[0]
        self._began = None
        return self._tried

    def worked(self):
        """The last one that was tried is the broker's: keep it. Raises `OSError`."""
        if not self._numeric and self._tried != self._last:
            self._last = self._tried
            self._file.write({"host": self._host, "address": self._last})


def is_address(text):
    """Whether it is an IPv4 address, and no host's name."""
    parts = text.split(".")
    return len(parts) == 4 and all(p.isdigit() and len(p) < 4 and int(p) < 256 for p in parts)
