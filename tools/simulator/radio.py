"""Access points around a board, and its Wi-Fi station as ESP-IDF's driver runs it.

The station has no clock: `advance` brings it up to a given time. Reasons are ESP-IDF's
`wifi_err_reason_t`, and states MicroPython's in `ports/esp32/network_wlan.c` (v1.28.0); numbers in
brackets below are lines of that file.
"""

import enum
from dataclasses import dataclass, field

OPEN, WPA2, WPA3 = 0, 3, 6
_NONE = "0.0.0.0"  # noqa: S104
KEY_MIN = 8  # shortest WPA2 passphrase

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010

ASSOC_LEAVE = 8
HANDSHAKE_TIMEOUT = 15
BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
AUTH_FAIL = 202
CONNECTION_FAIL = 205
NO_COMPATIBLE_SECURITY = 210
AUTHMODE_TOO_LOW = 211
RSSI_TOO_LOW = 212
_SHOWN_AT_ONCE = (NO_AP_FOUND, RSSI_TOO_LOW, AUTHMODE_TOO_LOW, NO_COMPATIBLE_SECURITY)

CHANNEL_MS = 120  # active scan of a channel (esp_wifi_scan_start)
SEARCH_MS = 2400  # 11 channels actively, two passively at 360 ms, and the return
HANDSHAKE_MS = 300
REFUSED_MS = 3000  # until a handshake with a wrong key fails
DHCP_MS = 1200  # includes lwIP's ARP probe of the address
BEACON_MS = 6000  # without beacons until disconnected (esp_wifi_set_inactive_time)


class WifiError(enum.IntEnum):
    """Errors that `esp_exceptions_helper` raises; `device/network.py` has the texts."""

    NONE = 0
    NOT_STARTED = 1
    STATE = 2  # "sta is connecting, cannot set config"
    CONN = 3  # "sta is connected, disconnect before connecting to new ap"
    NOT_CONNECT = 4


@dataclass
class AccessPoint:
    """One access point; tests change its fields under the world's lock.

    `key`: None accepts any key of 8 or more bytes. `flap_ms`: if not 0, the access point is on and
    off by turns, each time for so long. `passes`: packets get through. `refuses`: if not 0, reason
    code with which it refuses stations.
    """

    ssid: bytes = b"campus"
    bssid: bytes = b"\x02\x00\x00\x00\x00\x01"
    channel: int = 6
    rssi_dbm: int = -58
    security: int = WPA2
    key: bytes | None = None
    hidden: bool = False
    on: bool = True
    flap_ms: int = 0
    passes: bool = True
    dhcp: bool = True
    refuses: int = 0

    def heard(self, now_ms: int) -> bool:
        """Whether the access point is on the air at `now_ms`."""
        return self.on and not (self.flap_ms and now_ms // self.flap_ms % 2)


@dataclass(frozen=True)
class Lease:
    """A DHCP lease."""

    address: str = "10.66.0.23"
    netmask: str = "255.255.255.0"
    router: str = "10.66.0.1"
    name_server: str = "10.66.0.53"


class Phase(enum.Enum):
    """Phase of the station."""

    IDLE = "nothing"
    SEARCH = "looking for an access point"
    HANDSHAKE = "authenticating, associating, deriving keys"
    DHCP = "joined, waiting for an address"
    ONLINE = "joined, with an address"


_JOINING = (Phase.SEARCH, Phase.HANDSHAKE)
_JOINED = (Phase.DHCP, Phase.ONLINE)


@dataclass
class _Wanted:
    ssid: bytes = b""
    key: bytes = b""
    bssid: bytes = b""


@dataclass
class Station:
    """The board's Wi-Fi station during one boot; `power_save` is `config("pm")`, initially 1."""

    points: list[AccessPoint]
    active: bool = False
    used: bool = False
    requested: bool = False
    reason: int = 0
    power_save: int = 1
    static: Lease | None = None
    point: AccessPoint | None = None
    phase: Phase = Phase.IDLE
    joins: list[AccessPoint] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    refused_calls: int = 0
    _wanted: _Wanted = field(default_factory=_Wanted)
    _limit: int = 0  # conf_wifi_sta_reconnects: 0 is unlimited
    _tries: int = 0
    _due_ms: int = 0
    _silent_ms: int | None = None

    def activate(self, on: bool) -> None:
        """`active(on)`; when off, the driver forgets the network to join, but the port keeps it
        (300)."""
        self.used = True
        if on and not self.active:
            self._tries = 0
        if not on and self.phase is not Phase.IDLE:
            self.reason, self.phase, self.point = ASSOC_LEAVE, Phase.IDLE, None
        self.active = on

    def reconnects(self, count: int) -> None:
        """`config(reconnects=count)`; -1 is unlimited (645)."""
        self._limit = 0 if count == -1 else count + 1

    def connect(self, now_ms: int, ssid: bytes, key: bytes, bssid: bytes) -> WifiError:
        """`connect()`: begin to join (307)."""
        self.advance(now_ms)
        error = WifiError.NONE
        if not self.active:
            error = WifiError.NOT_STARTED
        elif self.phase in _JOINING:
            error = WifiError.STATE
        elif self.phase in _JOINED:
            error = WifiError.CONN
        if error:
            self.refused_calls += 1
            return error
        self._wanted = _Wanted(ssid[:32], key[:64], bssid)
        self._tries = 0
        self.requested = True
        self._search(now_ms)
        return error

    def disconnect(self, now_ms: int) -> WifiError:
        """`disconnect()`: leave, or stop joining (360)."""
        self.advance(now_ms)
        if not self.active:
            return WifiError.NOT_STARTED
        self.requested = False
        if self.phase is not Phase.IDLE:
            self.reason, self.phase, self.point = ASSOC_LEAVE, Phase.IDLE, None
        return WifiError.NONE

    def status(self, now_ms: int) -> int:
        """`status()`; a reason is kept until the station has an address, also while it joins again
        (369)."""
        self.advance(now_ms)
        if self.phase is Phase.ONLINE:
            return STAT_GOT_IP
        if self.reason in _SHOWN_AT_ONCE:
            return self.reason
        if self.reason in (AUTH_FAIL, CONNECTION_FAIL):
            return AUTH_FAIL
        if self.reason == ASSOC_LEAVE:
            return STAT_IDLE
        if self.requested and (self._limit == 0 or self._tries < self._limit):
            return STAT_CONNECTING
        return self.reason or STAT_IDLE

    def scan(self, now_ms: int) -> list[AccessPoint] | None:
        """`scan()`; None if the driver refuses; the port does not report the refusal (451)."""
        self.advance(now_ms)
        if self.phase in _JOINING:
            return None
        return [point for point in self.points if point.heard(now_ms)]

    def lease(self, now_ms: int) -> Lease:
        """`ifconfig()`."""
        self.advance(now_ms)
        if self.static:
            return self.static
        if self.phase is Phase.ONLINE:
            return Lease()
        return Lease(_NONE, _NONE, _NONE, Lease.name_server if self.joins else _NONE)

    def through(self, now_ms: int) -> bool:
        """Whether packets pass in both directions."""
        self.advance(now_ms)
        point = self.point
        return self.phase is Phase.ONLINE and bool(point and point.passes and point.heard(now_ms))

    def advance(self, now_ms: int) -> None:
        """Bring the station up to `now_ms`."""
        while self.phase in _JOINING and now_ms >= self._due_ms:
            if self.phase is Phase.SEARCH:
                self._searched(self._due_ms)
            else:
                self._shook_hands(self._due_ms)
        if self.phase in _JOINED and self.point:
            if self.point.heard(now_ms):
                self._silent_ms = None
            elif self._silent_ms is None:
                self._silent_ms = now_ms
            elif now_ms - self._silent_ms >= BEACON_MS:
                self._disconnected(now_ms, BEACON_TIMEOUT)
        point = self.point if self.phase is Phase.DHCP and now_ms >= self._due_ms else None
        if point and (self.static or (point.dhcp and point.passes)):
            self.phase, self.reason = Phase.ONLINE, 0
            self.joins.append(point)

    def _search(self, at_ms: int) -> None:
        """Look for the access point with the lowest channel, not for the strongest one
        (WIFI_FAST_SCAN)."""
        self.phase, self.point = Phase.SEARCH, None
        near = [point for point in self.points if self._wants(point) and point.heard(at_ms)]
        first = min((point.channel for point in near), default=0)
        self._due_ms = at_ms + (first * CHANNEL_MS if near else SEARCH_MS)

    def _wants(self, point: AccessPoint) -> bool:
        same_name = point.ssid == self._wanted.ssid
        return same_name and self._wanted.bssid in (b"", point.bssid)

    def _searched(self, at_ms: int) -> None:
        near = [point for point in self.points if self._wants(point) and point.heard(at_ms)]
        if not near:
            self._disconnected(at_ms, NO_AP_FOUND)
            return
        point = min(near, key=lambda point: point.channel)
        keyed = len(self._wanted.key) >= KEY_MIN
        if keyed and point.security < WPA2:
            self._disconnected(at_ms, AUTHMODE_TOO_LOW)
        elif not self._wanted.key and point.security:
            self._disconnected(at_ms, NO_COMPATIBLE_SECURITY)
        else:
            self.phase, self.point = Phase.HANDSHAKE, point
            self._due_ms = at_ms + (HANDSHAKE_MS if self._lets_in(point) else REFUSED_MS)

    def _lets_in(self, point: AccessPoint) -> bool:
        if point.refuses:
            return False
        key = self._wanted.key
        return not point.security or (len(key) >= KEY_MIN and point.key in (None, key))

    def _shook_hands(self, at_ms: int) -> None:
        point = self.point
        assert point is not None  # noqa: S101 - set in this phase
        if self._lets_in(point):
            self.phase, self._silent_ms = Phase.DHCP, None
            self._due_ms = at_ms + (0 if self.static else DHCP_MS)
        else:
            wrong_key = AUTH_FAIL if point.security == WPA3 else HANDSHAKE_TIMEOUT
            self._disconnected(at_ms, point.refuses or wrong_key)

    def _disconnected(self, at_ms: int, reason: int) -> None:
        """WIFI_EVENT_STA_DISCONNECTED: record the reason and join again, as the port does (100)."""
        self.reason, self.phase, self.point = reason, Phase.IDLE, None
        self.reasons.append(reason)
        if not self.requested:
            return
        if self._limit:
            self._tries += 1
            if self._tries >= self._limit:
                return
        self._search(at_ms)
