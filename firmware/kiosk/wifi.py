"""Joins the campus's Wi-Fi at its strongest access point, and rejoins whenever it is lost.

The port's station (ports/esp32/network_wlan.c) takes the first access point that it hears, never
leaves it for a better one, and refuses `connect` while it is joining. Its `scan` blocks for 2.4 s,
so it is called only while nobody is at the kiosk.
"""

import asyncio

import machine
import network

from kiosk.safe_file import SafeFile

_CHECK_MS = 1000
_JOIN_S = 20  # time for an attempt to join before the next begins
_RECONNECTS = 2  # tries by the port itself; after them its status tells why joining failed
_SECURE = 3  # network.AUTH_WPA2_PSK: our password is not used with weaker security
_ROAM_DBM = -70  # a signal above this is good enough to stay
_ROAM_DB = 12  # an access point this much stronger is worth roaming to
_ROAM_S = 600  # interval of the scans for roaming
SCAN_IDLE_MS = 60_000
"""Time (ms) without people after which a blocking scan is allowed."""

_RESTART_IDLE_MS = 2000
_SHOWN_S = 120  # time without broker after which the display shows the reason
_RESTART_S = 300  # time without broker after which the interface restarts, doubled each time
_RESTARTS_MAX = 6
_REBOOT_S = (1800, 7200, 28_800)  # time without broker before the 1st, 2nd and 3rd (last) reboot
_STATE = "/line"

_LOST = 200  # network.STAT_BEACON_TIMEOUT
_JOINING = 1001  # network.STAT_CONNECTING
_JOINED = 1010  # network.STAT_GOT_IP
_NO_ADDRESS = 1100  # a code of our own: joined, but DHCP gives no address


def _never_seen() -> int:
    return SCAN_IDLE_MS


def _show_nothing(code):
    pass


def _always() -> bool:
    return True


class Wifi:
    """The station interface; without an SSID the board is assumed to be on a network already.

    `trouble` is the reason why the broker was last out of reach: a code of `WLAN.status()`
    (`_JOINED`: Wi-Fi worked), `_NO_ADDRESS`, or 0 before the first failure. The caller sets three
    callbacks: `line()` returns whether the broker is connected, `show(code)` displays why it is
    not (None: it is connected again), and `idle_ms()` returns the time (ms) without people.
    """

    def __init__(self, settings):
        self._ssid = settings.ssid
        self._password = settings.wifi_password
        self._static = settings.static
        self._wlan = network.WLAN(network.STA_IF)
        self._asked = self._joined = False
        self._apart_s = 0
        self._scanned_s = 0
        self._down_s = 0
        self._restarts = 0
        self._failed = None
        self._bssid = self._wanted = None
        self._file = SafeFile(_STATE)
        self._reboots = None
        self.trouble = 0
        self.line = _always
        self.show = _show_nothing
        self._shown_code = None
        self.idle_ms = _never_seen

    def up(self):
        """Whether the board is on a network."""
        return not self._ssid or self._wlan.isconnected()

    def rssi(self):
        """Signal strength (dBm), or None."""
        try:
            return self._wlan.status("rssi") if self._ssid and self.up() else None
        except (OSError, ValueError):
            return None

    async def run(self):
        """Keep the board joined, for ever."""
        if not self._ssid:
            return
        self._start()
        while True:
            try:
                self._step()
            except (OSError, RuntimeError) as error:  # what esp_exceptions_helper raises
                print("wifi:", error)
            await asyncio.sleep_ms(_CHECK_MS)

    def _start(self):
        wlan = self._wlan
        wlan.active(True)
        wlan.config(reconnects=_RECONNECTS)
        wlan.config(pm=network.WLAN.PM_NONE)  # saving power delays each packet by 100 ms and more
        if self._static:
            wlan.ifconfig(self._static)

    def _step(self):
        if self._wlan.isconnected():
            self._joined = True
            self._scanned_s += 1
            self._failed = None
            if self._scanned_s >= _ROAM_S and self.idle_ms() >= SCAN_IDLE_MS:
                self._roam()
        elif self._joined:
            self._joined = False
            self.trouble = _LOST
            self._leave()  # the driver would only look for the same access point
        elif not self._asked:
            self._join()
        else:
            self._apart_s += 1
            if self._apart_s >= _JOIN_S:
                self.trouble = self.code()
                self._failed = self._bssid
                self._leave()
        self._watch_line()

    def _join(self):
        """Begin to join the strongest access point of a scan. The driver chooses the access point
        if no scan may run (somebody is there) or the scan finds none (the name is hidden)."""
        self._bssid, self._wanted = self._wanted, None
        if self._bssid is None and self.idle_ms() >= SCAN_IDLE_MS:
            strongest = self._strongest()
            self._bssid = strongest and strongest[1]
        self._apart_s = 0
        self._wlan.connect(self._ssid, self._password, bssid=self._bssid)
        self._asked = True

    def _leave(self):
        """Disconnect; the next step joins again, because the driver needs a moment."""
        self._asked = False
        self._wlan.disconnect()

    def _strongest(self):
        """Scan; returns (ssid, bssid, channel, dBm, security, _) of the strongest access point, or
        None. One that has just failed is taken only if there is no other."""
        self._scanned_s = 0
        rows = [
            row
            for row in self._wlan.scan()
            if row[0] == self._ssid and (row[4] >= _SECURE or not self._password)
        ]
        others = [row for row in rows if row[1] != self._failed]
        return max(others or rows, key=lambda row: row[3]) if rows else None

    def _roam(self):
        here_dbm = self._wlan.status("rssi")
        if here_dbm > _ROAM_DBM:
            return
        strongest = self._strongest()
        if strongest and strongest[3] >= here_dbm + _ROAM_DB:
            print("wifi: from %d to %d dBm" % (here_dbm, strongest[3]))
            self._wanted = strongest[1]
            self._joined = False
            self._leave()

    def code(self):
        """Why the board has no address: a code of `WLAN.status()` or `_NO_ADDRESS`."""
        code = self._wlan.status()
        if code == _JOINING:
            try:
                self._wlan.status("rssi")  # raises unless associated with an access point
                return _NO_ADDRESS
            except OSError:
                pass
        return code

    def _watch_line(self):
        """While the broker is out of reach, show the reason after a time, restart the interface
        later, and reset the board at last."""
        if self._reboots is None:
            stored = self._file.read()
            self._reboots = stored if isinstance(stored, int) and stored >= 0 else 0
        if self.line():
            self._down_s = self._restarts = 0
            if self._shown_code is not None:
                self._shown_code = None
                self.show(None)
            if self._reboots:
                self._file.write(0)
                self._reboots = 0
            return
        self._down_s += 1
        code = _JOINED if self._wlan.isconnected() else self.trouble
        if self._down_s >= _SHOWN_S and code != self._shown_code:
            self._shown_code = code
            self.show(code)
        idle_ms = self.idle_ms()
        if (
            self._reboots < len(_REBOOT_S)
            and self._down_s >= _REBOOT_S[self._reboots]
            and idle_ms >= SCAN_IDLE_MS
        ):
            # Stored before the reset: if storing fails, the board must not reset again and again.
            self._file.write(self._reboots + 1)
            print("wifi: offline for %d s, the board starts anew" % self._down_s)
            machine.reset()
        elif self._down_s >= _RESTART_S << self._restarts and idle_ms >= _RESTART_IDLE_MS:
            self._restarts = min(self._restarts + 1, _RESTARTS_MAX)
            self.trouble = self.code()
            print("wifi: offline for %d s, the interface starts anew" % self._down_s)
            self._wlan.active(False)
            self._asked = self._joined = False
            self._start()
