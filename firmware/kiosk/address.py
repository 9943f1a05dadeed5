"""IP address of the broker, whose host name is looked up again before each connection.

The DNS client (`dns`) is loaded only if the host is a name, and unloaded after its answer.
"""

import time

from kiosk.on_demand import give_back
from kiosk.safe_file import SafeFile

STATE = "/broker"
_PATIENCE_MS = 3000  # then the last good address is tried while the lookup goes on


class Address:
    """Address of one host. If no name server answers in time, it is the last address that worked,
    which is stored on flash."""

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
        """An address to try, or None while the lookup goes on. Raises `OSError` if the name has no
        address, and `ValueError` if it is not a host name."""
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
        # An answer may be forged: the looked-up address and the last good one are tried in turn.
        choices = [choice for choice in (self._answer, self._last) if choice]
        other = [choice for choice in choices if choice != self._tried]
        self._tried = (other or choices)[0]
        self._began = None
        return self._tried

    def worked(self):
        """Store the address tried last on flash; call it once connected. Raises `OSError`."""
        if not self._numeric and self._tried != self._last:
            self._last = self._tried
            self._file.write({"host": self._host, "address": self._last})


def is_address(text):
    """Whether the text is an IPv4 address and not a host name."""
    parts = text.split(".")
    return len(parts) == 4 and all(p.isdigit() and len(p) < 4 and int(p) < 256 for p in parts)
