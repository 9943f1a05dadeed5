"""The board's `network` module: a station whose access point the world switches off and on.

Sockets are the host's and stay as they are; what a lost Wi-Fi does to them a test does with a
broker or proxy of its own.
"""

import struct

import clock
import wire

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
AUTH_WPA2_PSK = 3

_KEY_MIN = 8  # WPA2 has no shorter one
_OWN_ADDRESS = "192.168.4.1"
_JOIN_MS = 1000  # association and DHCP on a quiet channel
_interfaces = {}
_names = {"hostname": "mpy-esp32", "country": "XX"}


def _name(key, value):
    if value is not None:
        _names[key] = value
    return _names[key]


def hostname(name=None):
    """The board's name on the network, or set it."""
    return _name("hostname", name)


def country(code=None):
    """The regulatory country, or set it."""
    return _name("country", code)


class WLAN:
    """One interface; all objects of an interface share its state, as on a board."""

    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        self._state = _interfaces.setdefault(
            interface, {"active": False, "asked_ms": None, "config": {}}
        )
        self._station = interface == STA_IF

    def active(self, on=None):
        """Whether the interface is on, or switch it."""
        if on is None:
            return self._state["active"]
        self._state["active"] = bool(on)
        if not on:
            self._state["asked_ms"] = None
        return self._state["active"]

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to join; it takes about a second. Rejoins by itself after a loss."""
        if not self._state["active"]:
            raise OSError("Wifi Internal State Error")
        self._state["config"]["ssid"] = ssid
        self._state["key"] = key
        if self._state["asked_ms"] is None:
            self._state["asked_ms"] = clock.ticks_ms()

    def scan(self):
        """(ssid, bssid, channel, dBm, security, hidden) of each network in reach."""
        if not self._state["active"]:
            raise OSError("STA must be active")
        return [
            (b"campus", b"\x02\x00\x00\x00\x00\x01", 6, -51, AUTH_WPA2_PSK, False),
            (b"", b"\x02\x00\x00\x00\x00\x02", 1, -70, AUTH_WPA2_PSK, True),
            (b"campus", b"\x02\x00\x00\x00\x00\x03", 11, -77, AUTH_WPA2_PSK, False),
            (b"library", b"\x02\x00\x00\x00\x00\x04", 11, -80, AUTH_WPA2_PSK, False),
        ]

    def disconnect(self):
        """Leave."""
        self._state["asked_ms"] = None

    def isconnected(self):
        """Whether there is an address."""
        return self._status() == STAT_GOT_IP

    def status(self, what=None):
        """The connection's state, or with "rssi" the signal in dBm."""
        if what is None:
            return self._status()
        if what != "rssi":
            raise ValueError("unknown status param")
        if self._status() != STAT_GOT_IP:
            raise OSError("Wifi Internal Error")
        return struct.unpack_from("b", wire.buffer, wire.REPLY + 5)[0]

    def config(self, *names, **values):
        """Read one parameter, or set some."""
        if names:
            if names[0] in self._state["config"]:
                return self._state["config"][names[0]]
            if names[0] in _names:
                return _names[names[0]]
            raise ValueError("unknown config param")
        self._state["config"].update(values)
        return None

    def ifconfig(self, addresses=None):
        """(address, mask, gateway, name server)."""
        if addresses is None:
            if not self._station:
                return (_OWN_ADDRESS, "255.255.255.0", _OWN_ADDRESS, _OWN_ADDRESS)
            own = "127.0.0.1" if self.isconnected() else "0.0.0.0"  # noqa: S104
            return (own, "255.0.0.0", own, own)
        return None

    def _status(self):
        asked_ms = self._state["asked_ms"]
        if asked_ms is None or not self._station:
            return STAT_IDLE
        wire.ask(wire.WIFI, 0)
        up, for_ms = struct.unpack_from("<BI", wire.buffer, wire.REPLY)
        if not up:
            return STAT_NO_AP_FOUND
        if self._state.get("key") and len(self._state["key"]) < _KEY_MIN:
            return STAT_WRONG_PASSWORD
        since_ms = min(for_ms, clock.ticks_diff(clock.ticks_ms(), asked_ms))
        return STAT_GOT_IP if since_ms >= _JOIN_MS else STAT_CONNECTING
